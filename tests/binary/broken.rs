//! What `frontrow audit` finds in databases that were broken by hand: a case for each of its checks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use frontrow::store::audit;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::{Value, json};

use test_support::{
    Client, Process, create_series,
    process::{audit_is_clean, err, identity, out, run},
};

/// The check, and the SQL that breaks what it checks in a sale with a paid seat, a cancelled one, a held one and
/// a fan who waits.
const CASES: &[(&str, &str)] = &[
    (
        "rule 11: seat sold twice",
        "DROP INDEX reservation_of_seat; \
         INSERT INTO reservation SELECT randomblob(16), user_id, series_id, seat_id, payment_id, price, status, \
           created_at, line FROM reservation WHERE status = 'CONFIRMED'",
    ),
    (
        "rule 11: seat held twice",
        "DROP INDEX hold_of_seat; \
         INSERT INTO hold SELECT randomblob(16), user_id, token_id, series_id, seat_id, created_at, expires_at, \
           status FROM hold WHERE status = 'ACTIVE'",
    ),
    (
        "rule 11: seat held although it is sold",
        "UPDATE hold SET seat_id = (SELECT seat_id FROM reservation WHERE status = 'CONFIRMED') \
         WHERE status = 'ACTIVE'",
    ),
    (
        "hold or reservation of a seat that its date does not have",
        "UPDATE hold SET seat_id = randomblob(16) WHERE status = 'ACTIVE'",
    ),
    ("something of a date that is not there", "UPDATE payment SET series_id = randomblob(16)"),
    ("date without a head", "DELETE FROM sale_head"),
    (
        "date counts its standing reservations wrong",
        "UPDATE sale_head SET reserved_count = reserved_count + 1",
    ),
    ("date that counts its joins wrong", "UPDATE sale_head SET next_seq = 1"),
    (
        "date whose head is behind what has happened",
        "UPDATE sale_head SET last_at = '2000-01-01T00:00:00+00:00'",
    ),
    (
        "rule 5: date that is drawn and says no lobby, or the other way round",
        "UPDATE sale_head SET lobby_hash = NULL",
    ),
    ("log with a gap", "DELETE FROM sale_log WHERE version = (SELECT MIN(version) + 1 FROM sale_log)"),
    ("log that does not end at its head", "UPDATE sale_head SET head = randomblob(16)"),
    (
        "rule 13: user has more seats of a series than one may have",
        "DROP INDEX hold_of_seat; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) \
         INSERT INTO hold SELECT randomblob(16), user_id, token_id, series_id, seat_id, created_at, expires_at, \
           status FROM hold, n WHERE status = 'ACTIVE'",
    ),
    ("rule 16: balance is not the sum of its ledger", "UPDATE wallet SET balance = balance + 1"),
    (
        "rule 16: balance out of bounds",
        "PRAGMA ignore_check_constraints = ON; UPDATE wallet SET balance = -1",
    ),
    (
        "rule 16: line of a ledger does not follow from the one before",
        "UPDATE point_history SET balance_after = balance_after + 1 WHERE line = 1",
    ),
    (
        "rule 16: line of a ledger without its wallet or payment",
        "UPDATE point_history SET payment_id = randomblob(16) WHERE kind = 'USE'",
    ),
    ("ledger line has the wrong sign", "UPDATE point_history SET amount = -amount"),
    (
        "rule 15: payment without its USE line",
        "UPDATE point_history SET payment_id = NULL WHERE kind = 'USE'",
    ),
    (
        "rule 26: payment that does not stand in its list where it was committed",
        "UPDATE payment SET line = line + 1",
    ),
    (
        "rule 26: reservation that does not stand in its list where it was committed",
        "UPDATE reservation SET line = line + 1",
    ),
    ("rule 15: payment that its reservations do not add up to", "UPDATE reservation SET price = price + 1"),
    ("rule 15: reservation without a payment", "DELETE FROM payment"),
    (
        "rule 18: payment whose refunds do not match its cancelled reservations",
        "UPDATE payment SET refunded = refunded - 1",
    ),
    ("rule 17: key of something that is not there", "UPDATE idempotency_key SET result_id = randomblob(16)"),
    (
        "rule 4: user has two live places in one series",
        "DROP INDEX token_live; \
         INSERT INTO token SELECT randomblob(16), series_id, user_id, name, seq + 1000, lobby, status, created_at, \
           admitted_at, session_ends_at, ended_at, end_reason FROM token WHERE status = 'WAITING'",
    ),
    (
        "place whose times do not go with where it stands",
        "UPDATE token SET ended_at = NULL WHERE status = 'COMPLETED'",
    ),
    ("hold without its place", "UPDATE hold SET token_id = randomblob(16) WHERE status = 'ACTIVE'"),
    (
        "rule 7: live hold of a place that is over and has not paid",
        "UPDATE token SET status = 'LEFT' \
         WHERE id = (SELECT token_id FROM hold WHERE status = 'ACTIVE')",
    ),
    (
        "rule 7: live hold that was taken after the time to choose",
        "UPDATE token SET session_ends_at = admitted_at",
    ),
    (
        "rule 13: hold of a user who had let too many end unpaid",
        "INSERT INTO unpaid SELECT series_id, user_id, 0, 0, '2000-01-01T00:00:00+00:00', \
           '2999-01-01T00:00:00+00:00' FROM hold WHERE status = 'ACTIVE'",
    ),
    ("series is shown without all of its seats", "DELETE FROM seat WHERE number = 50"),
];

/// A sale with something of everything, in `data` of the folder, and nobody at it any more.
async fn sale(folder: &Path) {
    let server = Process::open(folder);
    let api = Client::new(server.address);
    let organizer = identity(folder, "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 1, "maxSeatsPerUser": 2 });
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), policy).await;

    let buyer = join(&api, &series, "buyer").await;
    act(&api, &buyer, "mutation { holdBestSeats(input: { count: 2 }) { problem { code } } }", json!({}))
        .await;
    let charge = "mutation { charge(input: { amount: 50000, idempotencyKey: \"c\" }) { problem { code } } }";
    act(&api, &buyer, charge, json!({})).await;
    let pay = "mutation { pay(input: { idempotencyKey: \"p\" }) { problem { code } reservations { id } } }";
    let paid = act(&api, &buyer, pay, json!({})).await;
    let cancel = "mutation($id: ID!) {
        cancelReservation(input: { reservationId: $id, idempotencyKey: \"r\" }) { problem { code } } }";
    act(&api, &buyer, cancel, json!({ "id": paid["reservations"][0]["id"] })).await;

    let holder = join(&api, &series, "holder").await;
    act(&api, &holder, "mutation { holdBestSeats(input: { count: 1 }) { problem { code } } }", json!({}))
        .await;
    join(&api, &series, "waiter").await;

    server.terminate();
    let (status, said) = server.ended();
    assert!(status.success(), "{said:?}");
}

async fn join(api: &Client, series: &str, user: &str) -> String {
    let query = "mutation($series: ID!, $user: String!) {
        issueToken(input: { seriesId: $series, userId: $user }) { token problem { code } } }";
    let joined = act(api, "", query, json!({ "series": series, "user": user })).await;
    joined["token"].as_str().unwrap().to_owned()
}

/// Runs a mutation of one field, which must not have a problem.
async fn act(api: &Client, token: &str, mutation: &str, variables: Value) -> Value {
    let done = api.call(token, mutation, variables).await.unwrap();
    let payload = done.as_object().unwrap().values().next().unwrap();
    assert!(payload["problem"].is_null(), "{mutation}: {payload}");
    payload.clone()
}

/// A copy of the data in a folder of its own.
fn copied(from: &Path, to: &Path) -> PathBuf {
    let data = to.join("data");
    std::fs::create_dir(&data).unwrap();
    for file in std::fs::read_dir(from.join("data")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), data.join(file.file_name())).unwrap();
    }
    data.join("frontrow.db")
}

/// Runs the statements on one connection that does not look at foreign keys.
async fn damage(database: &Path, statements: &str) {
    let mut options = ConnectOptions::new(format!("sqlite://{}", database.display()));
    options.max_connections(1).map_sqlx_sqlite_opts(|sqlite| sqlite.foreign_keys(false));
    let connection = Database::connect(options).await.unwrap();
    for statement in statements.split("; ") {
        let done = connection.execute_unprepared(statement).await;
        assert!(done.is_ok(), "{statement}: {done:?}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_audit_finds_each_kind_of_damage() {
    let checks: BTreeSet<_> = audit::checks().collect();
    assert_eq!(
        CASES.iter().map(|(check, _)| *check).collect::<BTreeSet<_>>(),
        checks,
        "a case for each check"
    );

    let folder = tempfile::tempdir().unwrap();
    sale(folder.path()).await;
    audit_is_clean(folder.path());
    for (check, statements) in CASES {
        let copy = tempfile::tempdir().unwrap();
        damage(&copied(folder.path(), copy.path()), statements).await;
        let output = run(copy.path(), &["audit"]);
        assert_eq!(output.status.code(), Some(1), "{check}: {} {}", out(&output), err(&output));
        let prefix = format!("{check}: ");
        assert!(out(&output).lines().any(|line| line.starts_with(&prefix)), "{check}: {}", out(&output));
    }
}
