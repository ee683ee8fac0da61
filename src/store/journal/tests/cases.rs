//! One thing at a time: locks, what is in the way, what is not there.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::{
    at,
    fixture::{Committed, Fixture, fixtures},
    key, seats, settings, user,
};
use crate::{
    clock::Clock,
    domain::{
        date::{
            Command, Needs, Outcome, Sale, SeatChoice, WalletCommand,
            model::{Rows, SERIES},
        },
        id::SeriesId,
        policy::QueuePolicy,
        text::PersonName,
    },
    store::journal::Dates,
    store::journal::{Fault, Journal, Transaction, Version},
};

const OTHER: SeriesId = SeriesId(Uuid::from_u128(0x07e4));

fn join(n: usize) -> Command {
    Command::Join { user: user(n), name: PersonName::none() }
}

fn hold(n: usize, seat: i32) -> Command {
    Command::Hold { user: user(n), token: None, seats: SeatChoice::Numbers(vec![seat]) }
}

fn pay(n: usize) -> Command {
    Command::Pay { user: user(n), token: None, holds: None, key: key("pay") }
}

fn charge(n: usize) -> WalletCommand {
    WalletCommand::Charge { caller: user(n), wallet: user(n), amount: 500, key: key("charge") }
}

/// A date on sale in which the first fans are admitted and have points.
async fn on_sale(fixture: &Fixture) -> Sale {
    fixture.set(at(61));
    fixture.put(&Rows::new(settings(QueuePolicy::default()), seats(20), at(0))).await;
    let (mut sale, _) = fixture.dates.open(SERIES).await.unwrap();
    let _ = committed(fixture, &mut sale, &[]).await;
    let _ = committed(fixture, &mut sale, &[join(0), join(1), join(2)]).await;
    fixture.charge(&[charge(0), charge(1), charge(2)]).await.unwrap();
    sale
}

async fn committed(fixture: &Fixture, sale: &mut Sale, commands: &[Command]) -> Committed {
    let committed = fixture.commit(sale, commands).await.unwrap();
    sale.apply(&committed.decision.batch());
    committed
}

async fn count(fixture: &Fixture, table: &str) -> i64 {
    let db = fixture.database().reader();
    let statement =
        Statement::from_string(db.get_database_backend(), format!("SELECT count(*) FROM {table}"));
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn who_waits_for_the_lock_sees_what_was_done_meanwhile() {
    for fixture in fixtures().await {
        let sale = on_sale(&fixture).await;
        let other = fixture.other().await;
        let (transaction, first) = fixture.written(&sale, &[hold(0, 1)]).await.unwrap();
        let mut waiting = Box::pin(other.lock(SERIES));
        for _ in 0..20 {
            tokio::task::yield_now().await;
            assert!(futures_util::poll!(&mut waiting).is_pending(), "two have the lock");
        }
        transaction.commit().await.unwrap();
        let (mut transaction, locked) = waiting.await.unwrap();
        assert_eq!(locked.version, first.version);
        assert!(transaction.has_been_at(first.version).await.unwrap());
        assert!(!transaction.has_been_at(Version { head: Uuid::nil(), ..first.version }).await.unwrap());
        // A date's lock is in no other date's way; SQLite has one writer for all of them.
        if fixture.is_postgres() {
            fixture
                .put_date(
                    OTHER,
                    Uuid::from_u128(77),
                    &Rows::new(settings(QueuePolicy::default()), vec![], at(0)),
                )
                .await;
            fixture.dates.lock(OTHER).await.unwrap();
        }
        drop(transaction);
        assert_eq!(fixture.dates.lock(SeriesId(Uuid::max())).await.err(), Some(Fault::Unknown));
        assert_eq!(fixture.dates.open(SeriesId(Uuid::max())).await.err(), Some(Fault::Unknown));
    }
}

/// Somebody who gives up while waiting, by the clock of the committer, leaves a connection of which nobody knows how it
/// stands: it must not come into anybody's hands like that.
#[tokio::test]
async fn who_gives_up_waiting_leaves_nothing_behind() {
    for fixture in fixtures().await.into_iter().filter(Fixture::is_postgres) {
        let mut sale = on_sale(&fixture).await;
        let other = fixture.other().await;
        let (transaction, _) = fixture.written(&sale, &[hold(0, 1)]).await.unwrap();
        for _ in 0..8 {
            let mut waiting = Box::pin(other.lock(SERIES));
            loop {
                assert!(futures_util::poll!(&mut waiting).is_pending());
                if count(&fixture, "pg_locks WHERE locktype = 'advisory' AND NOT granted").await > 0 {
                    break;
                }
            }
        }
        transaction.commit().await.unwrap();
        sale = fixture.dates.open(SERIES).await.map(|(sale, _)| sale).unwrap();
        assert!(sale.has_holds(&user(0)));
        for n in 3..9 {
            let (transaction, _) = other.lock(SERIES).await.unwrap();
            drop(transaction);
            let _ = committed(&fixture, &mut sale, &[join(n)]).await;
        }
    }
}

#[tokio::test]
async fn who_stands_still_in_mid_transaction_loses_the_lock() {
    for fixture in fixtures().await.into_iter().filter(Fixture::is_postgres) {
        let sale = on_sale(&fixture).await;
        let other = fixture.other().await;
        let (transaction, stuck) = fixture.written(&sale, &[hold(0, 1)]).await.unwrap();
        let (mut transaction_of_other, locked) = other.lock(SERIES).await.unwrap();
        assert_eq!(locked.version.number, stuck.version.number - 1);
        assert_eq!(transaction.commit().await, Err(Fault::Unavailable));
        assert!(!transaction_of_other.has_been_at(stuck.version).await.unwrap());
        drop(transaction_of_other);
        // And that connection is none that anybody gets.
        fixture.commit(&sale, &[hold(0, 1)]).await.unwrap();
    }
}

/// The unique indexes, as the last guard: memory that does not know what the rows say does no harm.
#[tokio::test]
async fn what_is_taken_already_is_a_conflict_and_nothing_happens() {
    for fixture in fixtures().await {
        let mut sale = on_sale(&fixture).await;
        let (stale, version) = fixture.dates.open(SERIES).await.unwrap();
        let first = committed(&fixture, &mut sale, &[hold(0, 1), join(7)]).await;
        let lines = count(&fixture, "sale_log").await;
        for command in [hold(1, 1), join(7)] {
            assert_eq!(fixture.commit(&stale, &[command]).await.err(), Some(Fault::Conflict));
        }
        let _ = committed(&fixture, &mut sale, &[pay(0)]).await;
        let held = committed(&fixture, &mut sale, &[hold(2, 2)]).await;
        // The key of a payment, written by somebody else after it was looked for.
        let sql = "INSERT INTO idempotency_key (user_id, key, fingerprint, result_id, created_at) \
             VALUES ('fan2', 'pay', 'x', $1, $2)";
        let (mut transaction, locked) = fixture.dates.lock(SERIES).await.unwrap();
        let known = transaction.load(vec![pay(2).needs(&sale)]).await.unwrap();
        drop(transaction);
        fixture.execute(sql, [Uuid::from_u128(1).into(), at(0).into()]).await;
        let (mut transaction, _) = fixture.dates.lock(SERIES).await.unwrap();
        let paid = crate::domain::date::decide(&sale, &[pay(2)], known, locked.now, &mut || fixture.new_id());
        assert!(paid.outcomes[0].is_ok(), "{:?}", paid.outcomes);
        let rows = crate::store::journal::Writing::rows(&sale, &paid);
        let next = Version { number: held.version.number + 1, head: Uuid::nil() };
        assert_eq!(transaction.write(rows, next).await, Err(Fault::Conflict));
        drop(transaction);
        assert_eq!(count(&fixture, "sale_log").await, lines + 2);
        assert_eq!(count(&fixture, "payment").await, 1);
        assert!(first.version != version);
    }
}

/// Rows that memory was made of, and that are not there.
#[tokio::test]
async fn what_is_missing_stops_the_commit() {
    for fixture in fixtures().await {
        let mut sale = on_sale(&fixture).await;
        let _ = committed(&fixture, &mut sale, &[hold(0, 1), hold(1, 2)]).await;
        let lines = count(&fixture, "sale_log").await;
        fixture.execute("DELETE FROM hold WHERE user_id = 'fan0'", []).await;
        let pays = [pay(1), pay(0)];
        let error = fixture.commit(&sale, &pays).await.err();
        assert!(matches!(error, Some(Fault::Broken(_))), "{error:?}");
        assert_eq!((count(&fixture, "sale_log").await, count(&fixture, "payment").await), (lines, 0));
        // A version that does not follow on the one of the row.
        let (mut transaction, locked) = fixture.dates.lock(SERIES).await.unwrap();
        let decision =
            crate::domain::date::decide(&sale, &[join(9)], Default::default(), locked.now, &mut || {
                fixture.new_id()
            });
        let rows = crate::store::journal::Writing::rows(&sale, &decision);
        let far = Version { number: locked.version.number + 2, head: Uuid::nil() };
        let error = transaction.write(rows, far).await;
        assert!(matches!(error, Err(Fault::Broken(_))), "{error:?}");
    }
}

/// Who names what is another date's is told what who names nothing is told.
#[tokio::test]
async fn of_another_date_nothing_is_known() {
    for fixture in fixtures().await {
        let mut sale = on_sale(&fixture).await;
        let held = committed(&fixture, &mut sale, &[hold(0, 1)]).await;
        let Ok(Outcome::Held(holds)) = &held.decision.outcomes[0] else { panic!("{:?}", held.decision) };
        let (hold, token) = (holds[0].id, holds[0].token);
        let paid = committed(&fixture, &mut sale, &[pay(0)]).await;
        let Ok(Outcome::Paid(_, reservations, _)) = &paid.decision.outcomes[0] else {
            panic!("{:?}", paid.decision)
        };
        let needs = || Needs {
            tokens: vec![token],
            holds: vec![hold],
            reservation: Some(reservations[0].id),
            lapsed: Some(user(0)),
            ..Needs::default()
        };
        let (mut transaction, _) = fixture.dates.lock(SERIES).await.unwrap();
        let known = transaction.load(vec![needs()]).await.unwrap();
        assert_eq!((known.ended.len(), known.holds.len(), known.reservations.len()), (1, 1, 1));
        drop(transaction);
        fixture
            .put_date(OTHER, Uuid::from_u128(77), &Rows::new(settings(QueuePolicy::default()), vec![], at(0)))
            .await;
        let (mut transaction, _) = fixture.dates.lock(OTHER).await.unwrap();
        let known = transaction.load(vec![needs()]).await.unwrap();
        assert_eq!((known.ended.len(), known.holds.len(), known.reservations.len()), (0, 0, 0));
    }
}

/// The time of a decision is the database's where several processes share it, and never before the last one.
#[tokio::test]
async fn time_is_one_for_all_and_does_not_go_back() {
    for fixture in fixtures().await {
        let _ = on_sale(&fixture).await;
        let clock = Clock::system();
        let dates = Dates::new(fixture.database().clone(), clock.clone());
        let (transaction, locked) = dates.lock(SERIES).await.unwrap();
        assert_eq!(locked.now, at(61), "the last commit is in the future");
        drop(transaction);
        fixture.execute("UPDATE sale_head SET last_at = $1", [chrono::DateTime::UNIX_EPOCH.into()]).await;
        let before = chrono::DateTime::from_timestamp_millis(clock.now().timestamp_millis()).unwrap();
        let (transaction, locked) = dates.lock(SERIES).await.unwrap();
        assert!(locked.now >= before - chrono::TimeDelta::seconds(60) && locked.now <= clock.now());
        drop(transaction);
        let (transaction, now) = dates.begin().await.unwrap();
        assert!(now >= locked.now && now <= clock.now());
        drop(transaction);
    }
}

/// No statement reads a table whole, also where it is planned while all of them are small.
#[tokio::test]
async fn rows_are_found_by_indexes() {
    use super::super::{
        changes::{ADDS, MOVES, POINTS},
        load,
        sheet::table,
    };
    for fixture in fixtures().await {
        let mut sale = on_sale(&fixture).await;
        let _ = committed(&fixture, &mut sale, &[hold(0, 1)]).await;
        let _ = committed(&fixture, &mut sale, &[pay(0)]).await;
        let db = &fixture.database().write;
        let backend = db.get_database_backend();
        if fixture.is_postgres() {
            // As it does by itself after a while.
            fixture.execute("ANALYZE", []).await;
        }
        let mut seen = 0;
        let changes = MOVES.iter().chain(&ADDS).chain(&POINTS).map(|one| (one.sql, one.columns, 1));
        for (sql, columns, first) in changes.chain(load::all_reads()) {
            let sheet = super::super::sheet::Sheet::new(columns);
            let sql = sql.replace("{rows}", &table(columns, backend, first));
            let explain = if backend == DbBackend::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
            let extra = (1..first).map(|_| SERIES.0.into());
            let values: Vec<_> = extra.chain(sheet.bound(backend)).collect();
            let statement = Statement::from_sql_and_values(backend, format!("{explain} {sql}"), values);
            for row in db.query_all_raw(statement).await.unwrap() {
                let at = if backend == DbBackend::Postgres { 0 } else { 3 };
                let step: String = row.try_get_by_index(at).unwrap();
                let is_whole = step.contains("Seq Scan") || step.starts_with("SCAN ");
                assert!(!is_whole || step.starts_with("SCAN json_each"), "{step}: {sql}");
            }
            seen += 1;
        }
        assert_eq!(seen, 25);
    }
}

/// A connection that was opened when the tables were empty has the same plans as one that is opened now.
#[tokio::test]
async fn a_plan_from_when_the_tables_were_empty_is_not_kept() {
    use super::super::{changes::MOVES, sheet::table};
    for fixture in fixtures().await {
        if !fixture.is_postgres() {
            continue;
        }
        let tx = fixture.database().begin().await.unwrap();
        let ended = &MOVES[1];
        let sql = ended.sql.replace("{rows}", &table(ended.columns, DbBackend::Postgres, 1));
        tx.execute_unprepared(&format!("PREPARE ended (uuid[], text[]) AS {sql}")).await.unwrap();
        let plan = async || {
            let one = "EXPLAIN EXECUTE ended (ARRAY[gen_random_uuid()], ARRAY['EXPIRED'])";
            let rows = tx.query_all_raw(Statement::from_string(DbBackend::Postgres, one)).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            steps.join("\n")
        };
        let _ = plan().await;
        let holds = "INSERT INTO hold (id, user_id, token_id, series_id, seat_id, created_at, expires_at, status) \
             SELECT gen_random_uuid(), 'fan' || n, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), \
             now(), 'ACTIVE' FROM generate_series(1, 20000) AS n";
        tx.execute_unprepared(holds).await.unwrap();
        let plan = plan().await;
        assert!(plan.contains("Index Cond: (id = "), "{plan}");
    }
}
