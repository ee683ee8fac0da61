//! The invariants of the database, checked over all of it: what `frontrow audit` does.
//!
//! Each check is one query that finds the rows that break a rule; an order that is kept finds none. What refers to what is
//! checked here too: tables that are written all the time have no foreign keys. No query looks for each row of a table
//! through all of another: there is no index that only the audit would need, so tables are joined as wholes.

use chrono::{DateTime, TimeDelta, Utc};
use entity::token;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use crate::{
    domain::id::SeriesId,
    store::{Database, rows},
};

/// What is checked: what it means when rows are found, and the query that finds them. Each query returns one
/// column `what` that names the row; it reads the same on SQLite and PostgreSQL.
const CHECKS: &[(&str, &str)] = &[
    (
        "rule 11: seat sold twice",
        "SELECT CAST(COUNT(*) AS TEXT) || ' standing reservations of seat number ' || \
           (SELECT CAST(s.number AS TEXT) FROM seat s WHERE s.id = r.seat_id) AS what \
         FROM reservation r WHERE r.status = 'CONFIRMED' GROUP BY r.seat_id HAVING COUNT(*) > 1",
    ),
    (
        "rule 11: seat held twice",
        "SELECT CAST(COUNT(*) AS TEXT) || ' active holds of seat number ' || \
           (SELECT CAST(s.number AS TEXT) FROM seat s WHERE s.id = h.seat_id) AS what \
         FROM hold h WHERE h.status = 'ACTIVE' GROUP BY h.seat_id HAVING COUNT(*) > 1",
    ),
    (
        "rule 11: seat held although it is sold",
        "SELECT 'seat number ' || CAST(s.number AS TEXT) AS what FROM hold h \
         JOIN reservation r ON r.seat_id = h.seat_id AND r.status = 'CONFIRMED' \
         JOIN seat s ON s.id = h.seat_id WHERE h.status = 'ACTIVE'",
    ),
    (
        "hold or reservation of a seat that its date does not have",
        "SELECT 'hold of ' || h.user_id AS what FROM hold h \
         LEFT JOIN seat s ON s.id = h.seat_id AND s.series_id = h.series_id WHERE s.id IS NULL \
         UNION ALL SELECT 'reservation of ' || r.user_id FROM reservation r \
         LEFT JOIN seat s ON s.id = r.seat_id AND s.series_id = r.series_id WHERE s.id IS NULL",
    ),
    (
        "something of a date that is not there",
        "SELECT 'place of ' || t.user_id AS what FROM token t LEFT JOIN series s ON s.id = t.series_id \
           WHERE s.id IS NULL \
         UNION ALL SELECT 'payment of ' || p.user_id FROM payment p LEFT JOIN series s ON s.id = p.series_id \
           WHERE s.id IS NULL \
         UNION ALL SELECT 'bar of ' || u.user_id FROM unpaid u LEFT JOIN series s ON s.id = u.series_id \
           WHERE s.id IS NULL \
         UNION ALL SELECT 'head at version ' || CAST(h.version AS TEXT) FROM sale_head h \
           LEFT JOIN series s ON s.id = h.series_id WHERE s.id IS NULL \
         UNION ALL SELECT 'log at version ' || CAST(l.version AS TEXT) FROM sale_log l \
           LEFT JOIN series s ON s.id = l.series_id WHERE s.id IS NULL",
    ),
    (
        "date without a head",
        "SELECT CAST(s.seat_count AS TEXT) || ' seats' AS what FROM series s \
         LEFT JOIN sale_head h ON h.series_id = s.id WHERE s.stage <> 'GONE' AND h.series_id IS NULL",
    ),
    (
        "date counts its standing reservations wrong",
        "SELECT 'reserved_count is ' || CAST(h.reserved_count AS TEXT) AS what FROM sale_head h \
         LEFT JOIN (SELECT series_id, COUNT(*) AS n FROM reservation WHERE status = 'CONFIRMED' GROUP BY series_id) r \
           ON r.series_id = h.series_id WHERE h.reserved_count <> COALESCE(r.n, 0)",
    ),
    (
        "date that counts its joins wrong",
        "SELECT 'the next is number ' || CAST(h.next_seq AS TEXT) || ', and there is number ' || CAST(t.last AS TEXT) \
           AS what FROM sale_head h \
         JOIN (SELECT series_id, MAX(seq) AS last FROM token GROUP BY series_id) t ON t.series_id = h.series_id \
         WHERE h.next_seq <= t.last",
    ),
    (
        "date whose head is behind what has happened",
        "SELECT 'place of ' || t.user_id AS what FROM token t JOIN sale_head h ON h.series_id = t.series_id \
           WHERE t.created_at > h.last_at OR t.admitted_at > h.last_at OR t.ended_at > h.last_at \
         UNION ALL SELECT 'hold of ' || o.user_id FROM hold o JOIN sale_head h ON h.series_id = o.series_id \
           WHERE o.created_at > h.last_at \
         UNION ALL SELECT 'reservation of ' || r.user_id FROM reservation r \
           JOIN sale_head h ON h.series_id = r.series_id WHERE r.created_at > h.last_at",
    ),
    (
        "rule 5: date that is drawn and says no lobby, or the other way round",
        "SELECT 'version ' || CAST(version AS TEXT) AS what FROM sale_head \
         WHERE (drawn_at IS NULL) <> (lobby_hash IS NULL)",
    ),
    (
        "log with a gap",
        "SELECT 'versions ' || CAST(MIN(version) AS TEXT) || ' to ' || CAST(MAX(version) AS TEXT) AS what \
         FROM sale_log GROUP BY series_id HAVING COUNT(*) <> MAX(version) - MIN(version) + 1",
    ),
    (
        "log that does not end at its head",
        "SELECT 'version ' || CAST(l.last AS TEXT) AS what \
         FROM (SELECT series_id, MAX(version) AS last FROM sale_log GROUP BY series_id) l \
         LEFT JOIN sale_log e ON e.series_id = l.series_id AND e.version = l.last \
         LEFT JOIN sale_head h ON h.series_id = l.series_id AND h.version = l.last AND h.head = e.head \
         WHERE h.series_id IS NULL",
    ),
    (
        "rule 13: user has more seats of a series than one may have",
        "SELECT h.user_id || ' has ' || CAST(COUNT(*) AS TEXT) || ' seats' AS what FROM ( \
           SELECT user_id, series_id FROM hold WHERE status = 'ACTIVE' \
           UNION ALL SELECT user_id, series_id FROM reservation WHERE status = 'CONFIRMED') h \
         GROUP BY h.user_id, h.series_id HAVING COUNT(*) > 100",
    ),
    (
        "rule 16: balance is not the sum of its ledger",
        "SELECT 'wallet of ' || w.user_id || ' has ' || CAST(w.balance AS TEXT) AS what FROM wallet w \
         WHERE w.balance <> (SELECT COALESCE(SUM(p.amount), 0) FROM point_history p WHERE p.user_id = w.user_id) \
            OR w.lines <> (SELECT COUNT(*) FROM point_history p WHERE p.user_id = w.user_id)",
    ),
    (
        "rule 16: balance out of bounds",
        "SELECT 'wallet of ' || user_id || ' has ' || CAST(balance AS TEXT) AS what FROM wallet \
         WHERE balance < 0 OR balance > 1000000000",
    ),
    (
        "rule 16: line of a ledger does not follow from the one before",
        "SELECT 'line ' || CAST(p.line AS TEXT) || ' of ' || p.user_id AS what FROM point_history p \
         LEFT JOIN point_history b ON b.user_id = p.user_id AND b.line = p.line - 1 \
         WHERE p.balance_after <> p.amount + COALESCE(b.balance_after, 0) OR (p.line > 1 AND b.id IS NULL)",
    ),
    (
        "rule 16: line of a ledger without its wallet or payment",
        "SELECT 'line ' || CAST(p.line AS TEXT) || ' of ' || p.user_id AS what FROM point_history p \
         LEFT JOIN wallet w ON w.user_id = p.user_id \
         LEFT JOIN payment y ON y.id = p.payment_id AND y.user_id = p.user_id \
         WHERE w.user_id IS NULL OR (p.payment_id IS NOT NULL AND y.id IS NULL)",
    ),
    (
        "ledger line has the wrong sign",
        "SELECT 'line ' || CAST(line AS TEXT) || ' of ' || user_id AS what FROM point_history \
         WHERE amount = 0 OR (amount > 0) <> (kind IN ('CHARGE', 'REFUND'))",
    ),
    (
        "rule 15: payment without its USE line",
        "SELECT 'payment of ' || p.user_id || ' over ' || CAST(p.amount AS TEXT) AS what FROM payment p \
         LEFT JOIN (SELECT payment_id, user_id, amount, COUNT(*) AS n FROM point_history \
             WHERE kind = 'USE' AND payment_id IS NOT NULL GROUP BY payment_id, user_id, amount) h \
           ON h.payment_id = p.id AND h.user_id = p.user_id AND h.amount = -p.amount \
         WHERE COALESCE(h.n, 0) <> 1",
    ),
    (
        "rule 26: payment that does not stand in its list where it was committed",
        "SELECT 'payment of ' || p.user_id || ' at line ' || CAST(p.line AS TEXT) AS what FROM payment p \
         LEFT JOIN point_history h ON h.user_id = p.user_id AND h.line = p.line \
           AND h.payment_id = p.id AND h.kind = 'USE' \
         WHERE h.id IS NULL",
    ),
    (
        "rule 26: reservation that does not stand in its list where it was committed",
        "SELECT 'reservation of ' || r.user_id || ' at line ' || CAST(r.line AS TEXT) AS what \
         FROM reservation r JOIN payment p ON p.id = r.payment_id WHERE r.line <> p.line",
    ),
    (
        "rule 15: payment that its reservations do not add up to",
        "SELECT 'payment of ' || p.user_id || ' over ' || CAST(p.amount AS TEXT) AS what FROM payment p \
         LEFT JOIN (SELECT payment_id, user_id, SUM(price) AS price FROM reservation GROUP BY payment_id, user_id) r \
           ON r.payment_id = p.id AND r.user_id = p.user_id WHERE p.amount <> COALESCE(r.price, 0)",
    ),
    (
        "rule 15: reservation without a payment",
        "SELECT 'reservation of ' || r.user_id AS what FROM reservation r \
         LEFT JOIN payment p ON p.id = r.payment_id AND p.user_id = r.user_id AND p.series_id = r.series_id \
         WHERE p.id IS NULL",
    ),
    (
        "rule 18: payment whose refunds do not match its cancelled reservations",
        "SELECT 'payment of ' || p.user_id || ', refunded ' || CAST(p.refunded AS TEXT) AS what FROM payment p \
         LEFT JOIN (SELECT payment_id, SUM(price) AS price FROM reservation WHERE status = 'CANCELLED' \
             GROUP BY payment_id) r ON r.payment_id = p.id \
         LEFT JOIN (SELECT payment_id, SUM(amount) AS amount FROM point_history WHERE kind = 'REFUND' \
             GROUP BY payment_id) h ON h.payment_id = p.id \
         WHERE p.refunded <> COALESCE(r.price, 0) OR p.refunded <> COALESCE(h.amount, 0)",
    ),
    (
        "rule 17: key of something that is not there",
        "SELECT 'key of ' || k.user_id AS what FROM idempotency_key k \
         LEFT JOIN payment p ON p.id = k.result_id LEFT JOIN reservation r ON r.id = k.result_id \
         LEFT JOIN point_history h ON h.id = k.result_id \
         WHERE p.id IS NULL AND r.id IS NULL AND h.id IS NULL",
    ),
    (
        "rule 4: user has two live places in one series",
        "SELECT user_id || ' has ' || CAST(COUNT(*) AS TEXT) AS what FROM token \
         WHERE status IN ('WAITING', 'ADMITTED') GROUP BY series_id, user_id HAVING COUNT(*) > 1",
    ),
    (
        "place whose times do not go with where it stands",
        "SELECT 'place of ' || user_id AS what FROM token \
         WHERE (status IN ('WAITING', 'ADMITTED')) <> (ended_at IS NULL) \
           OR (status = 'WAITING' AND admitted_at IS NOT NULL) \
           OR (status IN ('ADMITTED', 'COMPLETED') AND admitted_at IS NULL) \
           OR (admitted_at IS NULL) <> (session_ends_at IS NULL)",
    ),
    (
        "hold without its place",
        "SELECT 'hold of ' || h.user_id AS what FROM hold h \
         LEFT JOIN token t ON t.id = h.token_id AND t.user_id = h.user_id AND t.series_id = h.series_id \
         WHERE t.id IS NULL",
    ),
    (
        // One that has paid may hold seats that it did not pay for.
        "rule 7: live hold of a place that is over and has not paid",
        "SELECT 'hold of ' || h.user_id AS what FROM hold h JOIN token t ON t.id = h.token_id \
         WHERE h.status = 'ACTIVE' AND (t.status IN ('WAITING', 'LEFT') \
           OR (t.status = 'EXPIRED' AND h.expires_at > t.ended_at))",
    ),
    (
        "series is shown without all of its seats",
        "SELECT CAST(s.seat_count AS TEXT) || ' seats' AS what FROM series s \
         WHERE s.stage = 'READY' AND s.seat_count <> (SELECT COUNT(*) FROM seat t WHERE t.series_id = s.id)",
    ),
    (
        // Of the live ones: those of former times were taken by other rules.
        "rule 7: live hold that was taken after the time to choose",
        "SELECT 'hold of ' || h.user_id AS what FROM hold h JOIN token t ON t.id = h.token_id \
         WHERE h.status = 'ACTIVE' AND h.created_at >= t.session_ends_at",
    ),
    (
        "rule 13: hold of a user who had let too many end unpaid",
        "SELECT 'hold of ' || h.user_id AS what FROM unpaid u \
         JOIN hold h ON h.user_id = u.user_id AND h.series_id = u.series_id \
         WHERE h.created_at > u.barred_since AND h.created_at < u.barred_until",
    ),
];

#[derive(FromQueryResult)]
struct Found {
    what: String,
}

/// What is checked, as the lines of [`audit`] begin.
pub fn checks() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(meaning, _)| *meaning)
}

/// Runs every check; a line for each violation, at most twenty a check.
///
/// # Errors
/// If the database fails.
pub async fn audit(database: &Database) -> Result<Vec<String>, DbErr> {
    let db = database.snapshot().await?;
    if db.get_database_backend() == DbBackend::Postgres {
        // All of a large database may take a while.
        db.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    let mut violations = Vec::new();
    for (meaning, query) in CHECKS {
        let query = format!("{query} LIMIT 20");
        let statement = Statement::from_string(db.get_database_backend(), query);
        for found in Found::find_by_statement(statement).all(&db).await? {
            violations.push(format!("{meaning}: {}", found.what));
        }
    }
    db.commit().await?;
    Ok(violations)
}

/// The most fans of a date that were ever admitted in an interval of that length (rule 6): whoever knows what the policy was
/// all the time can tell whether it was kept, which the database does not.
///
/// # Errors
/// If the database fails.
pub async fn most_admitted_within(
    database: &Database,
    series: SeriesId,
    interval: TimeDelta,
) -> Result<usize, DbErr> {
    let times = token::Entity::find()
        .select_only()
        .column(token::Column::AdmittedAt)
        .filter(token::Column::SeriesId.eq(series.0))
        .filter(token::Column::AdmittedAt.is_not_null())
        .order_by_asc(token::Column::AdmittedAt);
    let times: Vec<(DateTime<Utc>,)> = rows::tuples(times, database.reader()).await?;
    let mut oldest = 0;
    let within = times.iter().enumerate().map(|(newest, (at,))| {
        while times.get(oldest).is_some_and(|(first,)| *first <= *at - interval) {
            oldest += 1;
        }
        newest + 1 - oldest
    });
    Ok(within.max().unwrap_or_default())
}
