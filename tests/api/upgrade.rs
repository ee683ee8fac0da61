//! A database of an older version is brought up to date with what is in it.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::{
    clock::Clock,
    config::{Config, Layer},
    domain::{
        date::EndReason,
        id::UserId,
        page::Page,
        sale::{SeatStatus, TokenStatus},
    },
    store::{Database, audit::audit},
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, sea_query::Query};
use serde_json::{Value, json};
use uuid::Uuid;

use test_support::{FreshDatabase, Server, code_of, int, text};

/// The steps that there were before lists were in the order of the commits.
const BEFORE: u32 = 8;

/// More than one step of that migration takes.
const PAYMENTS: u32 = 11_000;

async fn insert(
    db: &DatabaseConnection,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<sea_orm::Value>>,
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

    let now: sea_orm::Value = DateTime::from_timestamp(1_900_000_000, 0).unwrap().into();
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
    let mut row: Vec<sea_orm::Value> =
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
        let row = |of: u8, line: i32, kind: &str| -> Vec<sea_orm::Value> {
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

/// A database in mid-sale that the version before has made, and what its users knew of it then; `make.py` beside the files
/// says what happened there.
struct Before {
    folder: tempfile::TempDir,
    fresh: Option<FreshDatabase>,
    known: Value,
}

impl Before {
    async fn new() -> Self {
        let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upgrade-data"));
        let (folder, fresh) = (tempfile::tempdir().unwrap(), FreshDatabase::create().await);
        let known = if let Some(fresh) = &fresh {
            let mut options = sea_orm::ConnectOptions::new(&fresh.url);
            options.max_connections(1);
            let db = sea_orm::Database::connect(options).await.unwrap();
            db.execute_unprepared(&std::fs::read_to_string(data.join("sale.sql")).unwrap()).await.unwrap();
            db.close().await.unwrap();
            "postgres.json"
        } else {
            std::fs::copy(data.join("sale.db"), folder.path().join("frontrow.db")).unwrap();
            "sqlite.json"
        };
        let known = std::fs::read_to_string(data.join(known)).unwrap();
        Self { folder, fresh, known: serde_json::from_str(&known).unwrap() }
    }

    fn url(&self) -> String {
        self.fresh
            .as_ref()
            .map_or_else(|| Database::embedded_url(self.folder.path()), |fresh| fresh.url.clone())
    }

    /// When it was.
    fn at(&self) -> DateTime<Utc> {
        text(&self.known["at"]).parse().unwrap()
    }

    /// Everybody who had a place.
    fn fans(&self) -> impl Iterator<Item = &Value> {
        self.known["fans"].as_array().unwrap().iter()
    }

    fn series(&self, name: &str) -> String {
        text(&self.known["series"][name])
    }

    /// The one fan of whom that is true.
    fn one(&self, what: &str, so: impl Fn(&Value) -> bool) -> &Value {
        let mut found = self.fans().filter(|fan| so(fan));
        let one = found.next().unwrap_or_else(|| panic!("no {what}"));
        assert!(found.next().is_none(), "only one {what}");
        one
    }

    /// A server of this version over it, at that time.
    async fn server(self) -> (Server, Value) {
        let Self { folder, fresh, known } = self;
        let at: DateTime<Utc> = text(&known["at"]).parse().unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            database_url: fresh.as_ref().map(|fresh| fresh.url.clone()),
            redis: fresh.as_ref().and_then(FreshDatabase::redis),
            signing_key: folder.path().join("signing.key"),
            self_service_charging: true,
            rate_limits: false,
            ..Layer::default().resolve().unwrap()
        };
        (Server::over(config, folder, fresh, Clock::manual(at), 7).await, known)
    }
}

fn all<K>() -> Page<K> {
    Page { limit: 100, after: None, before: None, from_end: false }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// In the rows, before any process has opened a date.
#[tokio::test]
async fn the_rows_of_the_version_before_are_all_there() {
    let before = Before::new().await;
    let database = Database::connect(&before.url()).await.unwrap();
    database.migrate().await.unwrap();
    assert_eq!(audit(&database).await.unwrap(), Vec::<String>::new());
    for fan in before.fans() {
        let (user, place) = (UserId::try_new(&text(&fan["user"])).unwrap(), &fan["place"]);
        let token = database.token(text(&place["tokenId"]).parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(format!("{:?}", token.status).to_uppercase(), text(&place["status"]), "{fan}");
        assert_eq!((&token.user, token.series.to_string()), (&user, text(&fan["series"])));
        let reason = match token.status {
            TokenStatus::Completed => Some(EndReason::Paid),
            TokenStatus::Left => Some(EndReason::Left),
            _ => None,
        };
        assert_eq!(token.end_reason, reason, "{fan}");
        assert_eq!(i64::from(database.wallet(&user).await.unwrap().balance), int(&fan["balance"]));
        let lines = database.history(&user, all()).await.unwrap();
        let lines: Vec<_> = lines.items.iter().map(|(_, line)| i64::from(line.balance_after)).collect();
        assert_eq!(
            lines,
            list(&fan["ledger"]).iter().map(|line| int(&line["balanceAfter"])).collect::<Vec<_>>()
        );
        let holds = database.live_holds(&user, None, before.at()).await.unwrap();
        let holds: Vec<_> = holds.iter().map(|hold| hold.id.to_string()).collect();
        assert_eq!(holds, list(&fan["holds"]).iter().map(|hold| text(&hold["id"])).collect::<Vec<_>>());
        let tickets = database.reservations(&user, all()).await.unwrap();
        let tickets: Vec<_> = tickets.items.iter().map(|(_, ticket)| ticket.id.to_string()).collect();
        assert_eq!(
            tickets,
            list(&fan["tickets"]).iter().map(|ticket| text(&ticket["id"])).collect::<Vec<_>>()
        );
        let seats: Vec<_> =
            list(&fan["holds"]).iter().map(|hold| text(&hold["seat"]["id"]).parse().unwrap()).collect();
        let found = database.seats_by_id(&seats).await.unwrap();
        let held = |seat| found[seat].state.status(before.at()) == SeatStatus::Held;
        assert!(seats.iter().all(held), "{found:?}");
    }
    // The names of the dates, and of the seats that are sold there; and which are drawn, by the rule of then.
    for (name, sold, drawn) in [("sale", 1, true), ("over", 0, true), ("gone", 1, true), ("later", 0, false)]
    {
        let series = before.series(name).parse().unwrap();
        let series = database.find_series(series).await.unwrap().unwrap();
        assert_eq!((series.reserved_count, series.drawn_at.is_some()), (sold, drawn), "{name}");
        assert_eq!(series.lobby_hash, None, "{name}");
        let held = database.held_counts(&[series.id], before.at()).await.unwrap();
        let held = held.get(&series.id).copied().unwrap_or_default();
        assert_eq!(held.seats, if name == "sale" { 3 } else { 0 });
    }
    let joins = database.joins(before.series("later").parse().unwrap()).await.unwrap();
    assert_eq!(joins, 7, "the next joins behind all that were there");
    assert_eq!(database.series_with_live_places().await.unwrap().len(), 4);
    database.close().await.unwrap();
}

/// A date whose last commit was in the year 9000 would be over; who wrote that was no process of ours.
#[tokio::test]
async fn a_time_that_nothing_has_happened_at_is_no_date_s_last() {
    let before = Before::new().await;
    let database = Database::connect(&before.url()).await.unwrap();
    let tx = database.begin().await.unwrap();
    for spoil in [
        "UPDATE token SET admitted_at = '9000-01-01T00:00:00+00:00' WHERE status = 'ADMITTED'",
        "UPDATE hold SET created_at = '0001-01-01T00:00:00+00:00'",
    ] {
        tx.execute_unprepared(spoil).await.unwrap();
    }
    tx.commit().await.unwrap();
    database.migrate().await.unwrap();
    let heads = "SELECT CAST(last_at AS TEXT) AS last FROM sale_head";
    let backend = database.reader().get_database_backend();
    let heads = database.reader().query_all_raw(Statement::from_string(backend, heads)).await.unwrap();
    let heads: Vec<String> = heads.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(heads.len(), 4);
    assert!(heads.iter().all(|last| last.starts_with("2026-11-26")), "{heads:?}");
    database.close().await.unwrap();
}

/// At the API: nobody notices, and the sale goes on.
#[tokio::test]
async fn a_sale_of_the_version_before_goes_on() {
    let before = Before::new().await;
    let (sale, payment) = (before.series("sale"), text(&before.known["payment"]));
    let buyer = before.one("buyer", |fan| list(&fan["tickets"]).len() == 2).clone();
    let holder = before.one("holder of two", |fan| list(&fan["holds"]).len() == 2).clone();
    let next = before.one("first in line", |fan| {
        fan["series"] == sale.as_str() && fan["place"]["status"] == "WAITING" && fan["place"]["position"] == 1
    });
    let next = next.clone();
    let (server, known) = before.server().await;
    let fan = |known: &Value| {
        let mut fan = server.fan(&text(&known["user"]));
        fan.token = text(&known["place"]["tokenId"]);
        server.in_line_for_a_while(&fan, &text(&known["series"]), TimeDelta::days(30))
    };
    for known in list(&known["fans"]) {
        let (fan, place) = (fan(known), &known["place"]);
        let now = fan.place().await;
        for field in ["tokenId", "status", "position", "waiting", "admittedUntil"] {
            assert_eq!(now[field], place[field], "{field} of {known}: {now}");
        }
        assert_eq!(fan.balance().await, int(&known["balance"]));
        let holds = fan.get("holds", "{ holds { id seat { id } expiresAt } }").await;
        assert_eq!(holds, known["holds"], "{known}");
        let tickets =
            fan.get("reservations", "{ reservations(first: 100) { nodes { id status seat { id } } } }").await;
        assert_eq!(tickets["nodes"], known["tickets"], "{known}");
    }
    for (name, seats) in known["seats"].as_object().unwrap() {
        let query = "query($id: ID!) { seats(seriesId: $id) { status } }";
        let now = server.stranger().ask(query, json!({ "id": known["series"][name] })).await.field("seats");
        let now: Vec<_> = list(&now).iter().map(|seat| seat["status"].clone()).collect();
        assert_eq!(now, *list(seats), "{name}");
    }
    assert_eq!(
        server.get(&format!("/draw/{sale}")).await["order"],
        known["order"],
        "drawn by the rule of then"
    );

    // What was done is not done again.
    let buyer_now = fan(&buyer);
    assert_eq!(buyer_now.pay("pay").await["payment"]["id"], payment.as_str());
    assert_eq!(code_of(&buyer_now.charge(100_000, "charge").await), None);
    assert_eq!(code_of(&buyer_now.use_points(1_000, "use").await), None);
    assert_eq!(buyer_now.balance().await, int(&buyer["balance"]));
    // And what was begun is finished.
    let ticket = list(&buyer["tickets"]).iter().find(|ticket| ticket["status"] == "CONFIRMED").unwrap();
    let back = buyer_now.cancel(&text(&ticket["id"]), "the other").await;
    assert_eq!(int(&back["points"]["balance"]), int(&buyer["balance"]) + 10_000);
    let holder_now = fan(&holder);
    holder_now.charge(20_000, "charge").await;
    let paid = holder_now.pay("pay").await;
    assert_eq!((code_of(&paid), list(&paid["reservations"]).len()), (None, 2), "{paid}");
    server.settle(&sale).await;
    assert_eq!(fan(&next).status().await, "ADMITTED", "who was first in line is next");
    server.advance(TimeDelta::minutes(5), &sale).await;
    let lapsed = list(&known["fans"]).iter().filter(|fan| !list(&fan["holds"]).is_empty() && **fan != holder);
    for brief in lapsed {
        assert_eq!(fan(brief).get("holds", "{ holds { id } }").await, json!([]));
    }
    assert_eq!(server.audit().await, Vec::<String>::new());
}
