//! One page of a list that is ordered by one key, newest first.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder,
    QuerySelect, Select, Value,
};

use crate::domain::page::{Page, Slice};

pub(super) async fn page<E, K>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    key: E::Column,
    page: Page<K>,
) -> Result<Slice<E::Model>, DbErr>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
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
    let mut items = query.order_by(key, order).all(db).await?;
    let more = items.len() as u64 > page.limit;
    items.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    if page.from_end {
        items.reverse();
        Ok(Slice { items, has_previous: more, has_next: page.before.is_some() })
    } else {
        Ok(Slice { items, has_previous: page.after.is_some(), has_next: more })
    }
}
