//! One page of a list that is ordered by one key, newest first.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select,
    Value,
};

use crate::{
    domain::page::{Page, Slice},
    store::rows::{self, Found},
};

pub(super) async fn page<E, K>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    key: E::Column,
    page: Page<K>,
) -> Result<Slice<E::Model>, DbErr>
where
    E: EntityTrait,
    K: Into<Value> + Copy,
{
    let mut query = rows.limit(page.limit + 1);
    if let Some(after) = page.after {
        query = query.filter(key.lt(after));
    }
    if let Some(before) = page.before {
        query = query.filter(key.gt(before));
    }
    let order = if page.from_end { Order::Asc } else { Order::Desc };
    let Found { rows: mut items, read } = rows::models(query.order_by(key, order), db).await?;
    // Counted with those that cannot be read: the page ends where it would if they could.
    let more = read as u64 > page.limit;
    items.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    if page.from_end {
        items.reverse();
        Ok(Slice { items, has_previous: more, has_next: page.before.is_some() })
    } else {
        Ok(Slice { items, has_previous: page.after.is_some(), has_next: more })
    }
}
