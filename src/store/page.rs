//! One page of a list, newest first; its key tells which columns order it.

use entity::{concert, payment, point_history, reservation};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect,
    Select, Value,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    domain::page::{ConcertKey, LedgerKey, Page, Slice, TicketKey},
    store::rows::{self, Found},
};

/// What a list of these rows is ordered by: columns that no two rows have the same values of. See
/// [`crate::domain::page`] for what they have to be.
pub(super) trait Key<E: EntityTrait>: Copy {
    /// The columns, the most significant first.
    const COLUMNS: &'static [E::Column];
    /// The key of a row.
    fn of(row: &E::Model) -> Self;
    /// The values of the columns.
    fn values(self) -> Vec<Value>;
}

impl Key<concert::Entity> for ConcertKey {
    const COLUMNS: &'static [concert::Column] = &[concert::Column::Number];

    fn of(row: &concert::Model) -> Self {
        Self(row.number)
    }

    fn values(self) -> Vec<Value> {
        vec![self.0.into()]
    }
}

impl Key<payment::Entity> for LedgerKey {
    const COLUMNS: &'static [payment::Column] = &[payment::Column::Line];

    fn of(row: &payment::Model) -> Self {
        Self(row.line)
    }

    fn values(self) -> Vec<Value> {
        vec![self.0.into()]
    }
}

impl Key<point_history::Entity> for LedgerKey {
    const COLUMNS: &'static [point_history::Column] = &[point_history::Column::Line];

    fn of(row: &point_history::Model) -> Self {
        Self(row.line)
    }

    fn values(self) -> Vec<Value> {
        vec![self.0.into()]
    }
}

impl Key<reservation::Entity> for TicketKey {
    const COLUMNS: &'static [reservation::Column] = &[reservation::Column::Line, reservation::Column::Id];

    fn of(row: &reservation::Model) -> Self {
        Self { line: row.line, id: row.id }
    }

    fn values(self) -> Vec<Value> {
        vec![self.line.into(), self.id.into()]
    }
}

/// Rows that cannot be read, beside those of the page, over which it is looked for one that can: none at first.
const SPOILT: [u64; 3] = [0, 1_000, 10_000];

pub(super) async fn page<E, K>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    page: Page<K>,
) -> Result<Slice<K, E::Model>, DbErr>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
    K: Key<E>,
{
    let columns = || Expr::tuple(K::COLUMNS.iter().map(|column| Expr::col(*column)));
    let values = |key: K| Expr::tuple(key.values().into_iter().map(Expr::value));
    let mut query = rows;
    if let Some(after) = page.after {
        query = query.filter(columns().lt(values(after)));
    }
    if let Some(before) = page.before {
        query = query.filter(columns().gt(values(before)));
    }
    let order = if page.from_end { Order::Asc } else { Order::Desc };
    for column in K::COLUMNS {
        query = query.order_by(*column, order.clone());
    }
    let (rows, more) = readable(query, page.limit, db).await?;
    let mut items: Vec<_> = rows.into_iter().map(|row| (K::of(&row), row)).collect();
    // On the side from which the reader comes there is the row of the cursor, at least.
    if page.from_end {
        items.reverse();
        Ok(Slice { items, has_previous: more, has_next: page.before.is_some() })
    } else {
        Ok(Slice { items, has_previous: page.after.is_some(), has_next: more })
    }
}

/// Up to `limit` rows that can be read, and whether there are more.
///
/// A page of nothing but rows that cannot be read would have no cursor to go on from, so it is looked behind them. From
/// the beginning each time: what is committed meanwhile would move an offset.
async fn readable<E>(
    query: Select<E>,
    limit: u64,
    db: &impl ConnectionTrait,
) -> Result<(Vec<E::Model>, bool), DbErr>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut readable, mut more) = (Vec::new(), false);
    for spoilt in SPOILT {
        let look = limit + 1 + spoilt;
        let Found { rows, read } = rows::models(query.clone().limit(look), db).await?;
        let is_all = (read as u64) < look;
        // Behind so much that cannot be read there is only a way on if there is a cursor.
        more = rows.len() > wanted || (!is_all && !rows.is_empty());
        readable = rows;
        if is_all || readable.len() > wanted {
            break;
        }
    }
    readable.truncate(wanted);
    Ok((readable, more))
}
