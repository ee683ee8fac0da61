//! The invariants of the database, checked over all of it: what `frontrow audit` does.
//!
//! Each check is one query that finds the rows that break a rule; an order that is kept finds none.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};

use crate::store::Database;

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
        "rule 11: seat says it is held, but its hold is not active",
        "SELECT 'seat number ' || CAST(s.number AS TEXT) AS what FROM seat s \
         LEFT JOIN hold h ON h.id = s.hold_id AND h.seat_id = s.id AND h.status = 'ACTIVE' \
         WHERE s.hold_id IS NOT NULL AND h.id IS NULL",
    ),
    (
        "rule 11: active hold whose seat does not say so",
        "SELECT 'seat number ' || CAST(s.number AS TEXT) AS what FROM hold h JOIN seat s ON s.id = h.seat_id \
         WHERE h.status = 'ACTIVE' AND (s.hold_id IS NULL OR s.hold_id <> h.id OR s.held_until <> h.expires_at)",
    ),
    (
        "rule 11: seat says it is sold, but its reservation does not stand",
        "SELECT 'seat number ' || CAST(s.number AS TEXT) AS what FROM seat s \
         LEFT JOIN reservation r ON r.id = s.reservation_id AND r.seat_id = s.id AND r.status = 'CONFIRMED' \
         WHERE s.reservation_id IS NOT NULL AND r.id IS NULL",
    ),
    (
        "rule 11: standing reservation whose seat does not say so",
        "SELECT 'seat number ' || CAST(s.number AS TEXT) AS what FROM reservation r \
         JOIN seat s ON s.id = r.seat_id \
         WHERE r.status = 'CONFIRMED' AND (s.reservation_id IS NULL OR s.reservation_id <> r.id)",
    ),
    (
        "series counts its standing reservations wrong",
        "SELECT 'reserved_count is ' || CAST(s.reserved_count AS TEXT) AS what FROM series s \
         WHERE s.reserved_count <> (SELECT COUNT(*) FROM reservation r \
           WHERE r.series_id = s.id AND r.status = 'CONFIRMED')",
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
        "ledger line has the wrong sign",
        "SELECT 'line ' || CAST(line AS TEXT) || ' of ' || user_id AS what FROM point_history \
         WHERE amount = 0 OR (amount > 0) <> (kind IN ('CHARGE', 'REFUND'))",
    ),
    (
        "rule 15: payment without its USE line",
        "SELECT 'payment of ' || p.user_id || ' over ' || CAST(p.amount AS TEXT) AS what FROM payment p \
         WHERE (SELECT COUNT(*) FROM point_history h WHERE h.payment_id = p.id AND h.kind = 'USE' \
           AND h.user_id = p.user_id AND h.amount = -p.amount) <> 1",
    ),
    (
        "rule 26: payment that does not stand in its list where it was committed",
        "SELECT 'payment of ' || p.user_id || ' at line ' || CAST(p.line AS TEXT) AS what FROM payment p \
         LEFT JOIN point_history h ON h.payment_id = p.id AND h.kind = 'USE' AND h.line = p.line \
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
         WHERE p.amount <> (SELECT COALESCE(SUM(r.price), 0) FROM reservation r \
           WHERE r.payment_id = p.id AND r.user_id = p.user_id)",
    ),
    (
        "rule 15: reservation without a payment",
        "SELECT 'reservation of ' || r.user_id AS what FROM reservation r \
         LEFT JOIN payment p ON p.id = r.payment_id AND p.user_id = r.user_id WHERE p.id IS NULL",
    ),
    (
        "rule 18: payment whose refunds do not match its cancelled reservations",
        "SELECT 'payment of ' || p.user_id || ', refunded ' || CAST(p.refunded AS TEXT) AS what FROM payment p \
         WHERE p.refunded <> (SELECT COALESCE(SUM(r.price), 0) FROM reservation r \
             WHERE r.payment_id = p.id AND r.status = 'CANCELLED') \
           OR p.refunded <> (SELECT COALESCE(SUM(h.amount), 0) FROM point_history h \
             WHERE h.payment_id = p.id AND h.kind = 'REFUND')",
    ),
    (
        "rule 4: user has two live places in one series",
        "SELECT user_id || ' has ' || CAST(COUNT(*) AS TEXT) AS what FROM token \
         WHERE status IN ('WAITING', 'ADMITTED') GROUP BY series_id, user_id HAVING COUNT(*) > 1",
    ),
    (
        "rule 7: live hold of a place that is over and has not paid",
        "SELECT 'hold of ' || h.user_id AS what FROM hold h JOIN token t ON t.id = h.token_id \
         WHERE h.status = 'ACTIVE' AND t.status IN ('WAITING', 'LEFT')",
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
