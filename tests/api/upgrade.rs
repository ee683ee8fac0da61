//! A database of an older version is brought up to date with what is in it.

use frontrow::store::Database;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, Value, sea_query::Query};
use uuid::Uuid;

use test_support::FreshDatabase;

/// The steps that there were before lists were in the order of the commits.
const BEFORE: u32 = 8;

/// More than one step of that migration takes.
const PAYMENTS: u32 = 11_000;

async fn insert(
    db: &DatabaseConnection,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<Value>>,
) {
    for rows in rows.chunks(500) {
        let mut insert = Query::insert();
        insert.into_table(table).columns(columns.iter().copied());
        for row in rows {
            insert.values_panic(row.iter().cloned().map(Into::into));
        }
        db.execute(&insert).await.unwrap();
    }
}

/// Ids that are not in the order of anything else.
fn id(of: u8, n: u32) -> Uuid {
    let mixed = u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) ^ u128::from(of);
    Uuid::from_u128(mixed)
}

/// Concerts keep their order, which was that of their ids; payments and tickets get that of the ledger.
#[tokio::test]
async fn lists_of_an_older_version_get_an_order() {
    let (folder, fresh) = (tempfile::tempdir().unwrap(), FreshDatabase::create().await);
    let url = fresh.as_ref().map_or_else(|| Database::embedded_url(folder.path()), |fresh| fresh.url.clone());
    let before = Database::connect(&url).await.unwrap();
    let mut options = sea_orm::ConnectOptions::new(&url);
    options.max_connections(1);
    let db = sea_orm::Database::connect(options).await.unwrap();
    before.close().await.unwrap();
    Migrator::up(&db, Some(BEFORE)).await.unwrap();

    let now: Value = chrono::DateTime::from_timestamp(1_900_000_000, 0).unwrap().into();
    let concerts: Vec<_> = (0..5).map(|n| id(1, n)).collect();
    let rows = concerts.iter().map(|id| vec![(*id).into(), "A".into(), "o".into(), now.clone()]);
    insert(&db, "concert", &["id", "title", "organizer_id", "created_at"], rows.collect()).await;
    let numbers =
        ["version", "interval_seconds", "heartbeat_timeout_seconds", "session_seconds", "max_seats_per_user"];
    let times = ["start_at", "end_at", "reserve_start_at", "reserve_end_at", "created_at"];
    let columns = [
        &["id", "concert_id", "paused", "seat_count", "reserved_count", "draw_secret"],
        &times[..],
        &numbers[..],
    ]
    .concat();
    let mut row: Vec<Value> =
        vec![id(2, 0).into(), concerts[0].into(), false.into(), 1.into(), 0.into(), "00".into()];
    row.extend(times.map(|_| now.clone()));
    row.extend(numbers.map(|_| 1.into()));
    insert(&db, "series", &columns, vec![row]).await;
    let seat = vec![id(3, 0).into(), id(2, 0).into(), 1.into(), "S".into(), 1.into(), 1.into(), 1.into()];
    insert(&db, "seat", &["id", "series_id", "number", "section", "row", "col", "price"], vec![seat]).await;

    // Line 1 is a charge; then each payment has a line, and the payments of ann and bob take turns.
    let user = |n: u32| if n.is_multiple_of(2) { "ann" } else { "bob" };
    let line = |n: u32| i32::try_from(n / 2).unwrap() + 2;
    let wallets = ["ann", "bob"].map(|user| vec![user.into(), 0.into(), 1.into()]);
    insert(&db, "wallet", &["user_id", "balance", "lines"], wallets.into()).await;
    let rows = (0..PAYMENTS)
        .map(|n| vec![id(4, n).into(), user(n).into(), id(2, 0).into(), 1.into(), 0.into(), now.clone()]);
    insert(
        &db,
        "payment",
        &["id", "user_id", "series_id", "amount", "refunded", "created_at"],
        rows.collect(),
    )
    .await;
    let columns = ["id", "user_id", "line", "kind", "amount", "balance_after", "payment_id", "created_at"];
    let rows = (0..PAYMENTS).flat_map(|n| {
        let row = |of: u8, line: i32, kind: &str| -> Vec<Value> {
            vec![
                id(of, n).into(),
                user(n).into(),
                line.into(),
                kind.into(),
                1.into(),
                0.into(),
                id(4, n).into(),
                now.clone(),
            ]
        };
        // One that was given back has a later line too, far behind.
        [row(5, line(n), "USE"), row(6, line(n) + 100_000, "REFUND")]
    });
    insert(&db, "point_history", &columns, rows.collect()).await;
    let columns = ["id", "user_id", "series_id", "seat_id", "payment_id", "price", "status", "created_at"];
    let rows = (0..PAYMENTS).map(|n| {
        vec![
            id(7, n).into(),
            user(n).into(),
            id(2, 0).into(),
            id(3, 0).into(),
            id(4, n).into(),
            1.into(),
            "CANCELLED".into(),
            now.clone(),
        ]
    });
    insert(&db, "reservation", &columns, rows.collect()).await;

    Migrator::up(&db, None).await.unwrap();
    let select = |table: &'static str, column: &'static str| {
        let mut select = Query::select();
        select.columns(["id", column]).from(table);
        let db = &db;
        async move {
            let rows = db.query_all(&select).await.unwrap();
            rows.into_iter()
                .map(|row| {
                    let n: i64 = row
                        .try_get("", column)
                        .or_else(|_| row.try_get::<i32>("", column).map(i64::from))
                        .unwrap();
                    (row.try_get::<Uuid>("", "id").unwrap(), n)
                })
                .collect::<std::collections::HashMap<_, _>>()
        }
    };
    let numbers = select("concert", "number").await;
    let mut sorted = concerts.clone();
    sorted.sort_unstable();
    assert_eq!(sorted.iter().map(|id| numbers[id]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let (payments, tickets) = (select("payment", "line").await, select("reservation", "line").await);
    for n in 0..PAYMENTS {
        let line = i64::from(line(n));
        assert_eq!((payments[&id(4, n)], tickets[&id(7, n)]), (line, line), "the {n}th");
    }
    db.close().await.unwrap();
}
