//! Writes what a batch changed, in multi-row statements.

use chrono::{DateTime, Utc};
use entity::{
    hold, idempotency_key, payment, point_history, reservation, seat, series, token, unpaid, wallet,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::{
    domain::sale::{TokenStatus, WorkingSet},
    store::{
        among::Among,
        convert::{self, Counterpart},
    },
};

/// Rows a statement: far from the limits on parameters of either database.
const ROWS: usize = 500;

pub(super) async fn changes(
    tx: &DatabaseTransaction,
    set: &WorkingSet,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // Parents before children; a seat's old hold or reservation is ended before its new one is written.
    insert::<wallet::Entity, _>(tx, rows(set.wallets.inserted(), convert::wallet_row)).await?;
    update::<wallet::Entity, _>(
        tx,
        rows(set.wallets.updated(), convert::wallet_row),
        &[wallet::Column::Balance, wallet::Column::Lines],
    )
    .await?;
    insert::<payment::Entity, _>(tx, rows(set.payments.inserted(), convert::payment_row)).await?;
    update::<payment::Entity, _>(
        tx,
        rows(set.payments.updated(), convert::payment_row),
        &[payment::Column::Refunded],
    )
    .await?;
    update::<hold::Entity, _>(tx, rows(set.holds.updated(), convert::hold_row), &[hold::Column::Status])
        .await?;
    insert::<hold::Entity, _>(tx, rows(set.holds.inserted(), convert::hold_row)).await?;
    update::<reservation::Entity, _>(
        tx,
        rows(set.reservations.updated(), convert::reservation_row),
        &[reservation::Column::Status],
    )
    .await?;
    insert::<reservation::Entity, _>(tx, rows(set.reservations.inserted(), convert::reservation_row)).await?;
    insert::<unpaid::Entity, _>(
        tx,
        set.unpaid.inserted().map(|(key, unpaid)| convert::unpaid_row(key, unpaid)),
    )
    .await?;
    update::<unpaid::Entity, _>(
        tx,
        set.unpaid.updated().map(|(key, unpaid)| convert::unpaid_row(key, unpaid)),
        &[
            unpaid::Column::Ended,
            unpaid::Column::BriefMs,
            unpaid::Column::BarredSince,
            unpaid::Column::BarredUntil,
        ],
    )
    .await?;
    insert::<point_history::Entity, _>(tx, rows(set.entries.inserted(), convert::entry_row)).await?;
    update::<seat::Entity, _>(
        tx,
        rows(set.seats.updated(), convert::seat_row),
        &[seat::Column::HoldId, seat::Column::HeldUntil, seat::Column::ReservationId],
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

/// Writes some columns of rows that are stored already, all of them in one statement, which both databases have only
/// in this form. No column of a unique index is among them: to set one takes a stronger lock on PostgreSQL, which is
/// in the way of foreign keys.
async fn update<E, A>(
    tx: &DatabaseTransaction,
    rows: impl IntoIterator<Item = A>,
    columns: &[E::Column],
) -> Result<(), DbErr>
where
    E: EntityTrait<ActiveModel = A>,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let rows: Vec<A> = rows.into_iter().collect();
    let key = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let on_conflict = OnConflict::columns(key).update_columns(columns.iter().copied()).to_owned();
    for rows in rows.chunks(ROWS) {
        E::insert_many(rows.iter().cloned())
            .on_conflict(on_conflict.clone())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

fn rows<'a, K: 'a, T: 'a, A>(
    values: impl Iterator<Item = (&'a K, &'a T)>,
    row: impl Fn(&T) -> A,
) -> impl Iterator<Item = A> {
    values.map(move |(_, value)| row(value))
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
            .col_expr(token::Column::Status, Expr::value(Counterpart::<token::Status>::counterpart(status)))
            .col_expr(token::Column::EndedAt, Expr::value(now))
            .filter(token::Column::Id.among(ended))
            .exec(tx)
            .await?;
    }
    Ok(())
}
