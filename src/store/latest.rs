//! The latest that the database has seen: where ids and time go on from when a process starts, whatever the machine's
//! clock shows by then.

use entity::{concert, hold, payment, point_history, reservation, seat, series, token};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PrimaryKeyToColumn, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::store::Database;

impl Database {
    /// The last id in the order of their making; `None` in an empty database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn latest_id(&self) -> Result<Option<Uuid>, DbErr> {
        let on = self.reader();
        let latest = [
            latest::<concert::Entity>(on).await?,
            latest::<series::Entity>(on).await?,
            latest::<seat::Entity>(on).await?,
            latest::<token::Entity>(on).await?,
            latest::<hold::Entity>(on).await?,
            latest::<reservation::Entity>(on).await?,
            latest::<payment::Entity>(on).await?,
            latest::<point_history::Entity>(on).await?,
        ];
        Ok(latest.into_iter().flatten().max())
    }
}

/// By the index of the primary key: one row is read.
async fn latest<E: EntityTrait>(on: &impl ConnectionTrait) -> Result<Option<Uuid>, DbErr>
where
    E::PrimaryKey: PrimaryKeyToColumn<Column = E::Column>,
{
    use sea_orm::Iterable;
    let Some(id) = E::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column) else { return Ok(None) };
    let row: Option<Uuid> =
        E::find().select_only().column(id).order_by_desc(id).limit(1).into_tuple().one(on).await?;
    // Ids of another kind tell no time.
    Ok(row.filter(|id| id.get_version_num() == 7))
}
