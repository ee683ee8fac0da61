//! Writes what a batch changed, in multi-row statements.

use chrono::{DateTime, Utc};
use entity::{hold, idempotency_key, payment, point_history, reservation, seat, series, token, wallet};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Iterable,
    QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::{
    domain::sale::{TokenStatus, WorkingSet},
    store::convert,
};

/// Rows a statement: far from the limits on parameters of either database.
const ROWS: usize = 500;

pub(super) async fn changes(
    tx: &DatabaseTransaction,
    set: &WorkingSet,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // Parents before children; a seat's old hold or reservation is ended before its new one is written.
    upsert::<wallet::Entity, _>(
        tx,
        set.wallets.touched().map(|(_, row)| convert::wallet_row(row)),
        [wallet::Column::UserId],
    )
    .await?;
    upsert::<payment::Entity, _>(
        tx,
        set.payments.touched().map(|(_, row)| convert::payment_row(row)),
        [payment::Column::Id],
    )
    .await?;
    for rows in [
        set.holds.updated().map(|(_, row)| convert::hold_row(row)).collect::<Vec<_>>(),
        set.holds.inserted().map(|(_, row)| convert::hold_row(row)).collect(),
    ] {
        upsert::<hold::Entity, _>(tx, rows, [hold::Column::Id]).await?;
    }
    for rows in [
        set.reservations.updated().map(|(_, row)| convert::reservation_row(row)).collect::<Vec<_>>(),
        set.reservations.inserted().map(|(_, row)| convert::reservation_row(row)).collect(),
    ] {
        upsert::<reservation::Entity, _>(tx, rows, [reservation::Column::Id]).await?;
    }
    insert::<point_history::Entity, _>(tx, set.entries.inserted().map(|(_, row)| convert::entry_row(row)))
        .await?;
    upsert::<seat::Entity, _>(
        tx,
        set.seats.touched().map(|(_, row)| convert::seat_row(row)),
        [seat::Column::Id],
    )
    .await?;
    let keys = set.keys.inserted().map(|(key, recorded)| convert::key_row(key, recorded, now));
    insert::<idempotency_key::Entity, _>(tx, keys).await?;
    update_series(tx, set).await?;
    end_passes(tx, set, now).await
}

async fn insert<E, A>(tx: &DatabaseTransaction, rows: impl IntoIterator<Item = A>) -> Result<(), DbErr>
where
    E: EntityTrait<ActiveModel = A>,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let rows: Vec<A> = rows.into_iter().collect();
    for rows in rows.chunks(ROWS) {
        E::insert_many(rows.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn upsert<E, A>(
    tx: &DatabaseTransaction,
    rows: impl IntoIterator<Item = A>,
    key: impl IntoIterator<Item = E::Column>,
) -> Result<(), DbErr>
where
    E: EntityTrait<ActiveModel = A>,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let rows: Vec<A> = rows.into_iter().collect();
    if rows.is_empty() {
        return Ok(());
    }
    let on_conflict = OnConflict::columns(key).update_columns(E::Column::iter()).to_owned();
    for rows in rows.chunks(ROWS) {
        E::insert_many(rows.iter().cloned())
            .on_conflict(on_conflict.clone())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// There are as many as a batch has series: mostly one.
async fn update_series(tx: &DatabaseTransaction, set: &WorkingSet) -> Result<(), DbErr> {
    for (id, row) in set.series.updated() {
        series::Entity::update_many()
            .col_expr(series::Column::Version, Expr::value(row.version))
            .col_expr(series::Column::ReservedCount, Expr::value(row.reserved_count))
            .filter(series::Column::Id.eq(id.0))
            .exec(tx)
            .await?;
    }
    Ok(())
}

async fn end_passes(tx: &DatabaseTransaction, set: &WorkingSet, now: DateTime<Utc>) -> Result<(), DbErr> {
    for status in [TokenStatus::Completed, TokenStatus::Expired, TokenStatus::Left] {
        let ended = set.passes.updated().filter(|(_, pass)| pass.status == status);
        let ended: Vec<_> = ended.map(|(id, _)| id.0).collect();
        if ended.is_empty() {
            continue;
        }
        token::Entity::update_many()
            .col_expr(token::Column::Status, Expr::value(token::Status::from(status)))
            .col_expr(token::Column::EndedAt, Expr::value(now))
            .filter(token::Column::Id.is_in(ended))
            .exec(tx)
            .await?;
    }
    Ok(())
}
