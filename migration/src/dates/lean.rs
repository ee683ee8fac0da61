//! On PostgreSQL what is no longer wanted is dropped where it stands: no row is written anew.

use sea_orm_migration::prelude::*;

const DROPS: &[&str] = &[
    "DROP TABLE room",
    "ALTER TABLE hold DROP CONSTRAINT hold_seat_id_fkey, DROP CONSTRAINT hold_token_id_fkey",
    "ALTER TABLE reservation DROP CONSTRAINT reservation_seat_id_fkey, \
         DROP CONSTRAINT reservation_payment_id_fkey",
    "ALTER TABLE point_history DROP CONSTRAINT point_history_user_id_fkey, \
         DROP CONSTRAINT point_history_payment_id_fkey",
    "ALTER TABLE token DROP CONSTRAINT token_series_id_fkey",
    "ALTER TABLE unpaid DROP CONSTRAINT unpaid_series_id_fkey",
    "DROP INDEX hold_due, hold_seat, reservation_seat, reservation_of_payment, reservation_of_series, \
         point_history_of_payment",
    // Their checks go with the columns.
    "ALTER TABLE series DROP COLUMN version, DROP COLUMN reserved_count, DROP COLUMN drawn_at, \
         DROP COLUMN settings",
    "ALTER TABLE seat DROP COLUMN hold_id, DROP COLUMN held_until, DROP COLUMN reservation_id",
    "ALTER TABLE token ADD COLUMN end_reason text",
];

pub(super) async fn make(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    crate::run(manager, DROPS).await
}
