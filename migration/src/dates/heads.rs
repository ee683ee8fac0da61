//! The head of each date that there is: version 0, with what its rows say of it.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement, prelude::DateTimeUtc},
};

/// What has happened of a date, and when last, from every table that tells. Times before `$1` (1970) and after
/// tomorrow are none at which something has happened: another program or a hand has written them, and a date that took one
/// of them for its own could not be read, or would be over.
const HEADS: &str = "INSERT INTO sale_head (series_id, version, head, last_at, next_due, seats_version, reserved_count, \
         next_seq, drawn_at, closed_at, lobby_hash) \
     SELECT series.id, 0, {random}, COALESCE(past.last_at, $1), \
         CASE WHEN series.stage = 'READY' THEN $1 END, series.version + 1, COALESCE(sold.seats, 0), \
         COALESCE(joined.next_seq, 0), series.drawn_at, NULL, CASE WHEN series.drawn_at IS NOT NULL THEN '' END \
     FROM series \
     LEFT JOIN (SELECT series_id, COUNT(*) AS seats FROM reservation WHERE status = 'CONFIRMED' GROUP BY series_id) \
         AS sold ON sold.series_id = series.id \
     LEFT JOIN (SELECT series_id, MAX(seq) + 1 AS next_seq FROM token GROUP BY series_id) \
         AS joined ON joined.series_id = series.id \
     LEFT JOIN (SELECT series_id, MAX(at) AS last_at FROM ( \
             SELECT id AS series_id, created_at AS at FROM series \
             UNION ALL SELECT id, drawn_at FROM series \
             UNION ALL SELECT series_id, created_at FROM token \
             UNION ALL SELECT series_id, admitted_at FROM token \
             UNION ALL SELECT series_id, ended_at FROM token \
             UNION ALL SELECT series_id, created_at FROM hold \
             UNION ALL SELECT series_id, expires_at FROM hold WHERE status = 'EXPIRED' \
             UNION ALL SELECT series_id, barred_since FROM unpaid \
             UNION ALL SELECT payment.series_id, point_history.created_at FROM point_history \
                 JOIN payment ON payment.id = point_history.payment_id \
         ) AS times WHERE at BETWEEN $1 AND {tomorrow} GROUP BY series_id) \
         AS past ON past.series_id = series.id \
     WHERE series.stage <> 'GONE'";

/// Whoever knows a date from then on can tell that what follows in the log is its history.
const FIRST_LINES: &str = "INSERT INTO sale_log (series_id, version, head, at, format, events) \
     SELECT h.series_id, h.version, h.head, h.last_at, 0, '' FROM sale_head h \
     JOIN series s ON s.id = h.series_id WHERE s.stage = 'READY'";

pub(super) async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = db.get_database_backend();
    let (random, tomorrow) = match backend {
        DbBackend::Postgres => ("gen_random_uuid()", "now() + interval '1 day'"),
        _ => ("randomblob(16)", "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '+1 day')"),
    };
    let fill = HEADS.replace("{random}", random).replace("{tomorrow}", tomorrow);
    db.execute_raw(Statement::from_sql_and_values(backend, fill, [DateTimeUtc::UNIX_EPOCH.into()])).await?;
    db.execute_unprepared(FIRST_LINES).await?;
    Ok(())
}
