//! What a ticket costs the journal, and how long a date with a million waiting takes to open. To be run by hand, optimised,
//! one at a time:
//!
//!   cargo test --profile measured --lib journal::tests::speed -- --ignored --nocapture --test-threads 1

use std::time::{Duration, Instant};

use super::{
    at,
    fixture::{Fixture, fixtures},
    key, seats, settings, user,
};
use crate::{
    clock,
    domain::{
        date::{
            Command, Sale, SeatChoice, WalletCommand, decide,
            model::{Rows, SERIES},
        },
        policy::QueuePolicy,
        text::PersonName,
    },
    store::journal::{Journal, Transaction, Version, Writing},
};

const BATCH: usize = 100;

/// What the parts of a batch took together.
#[derive(Default)]
struct Spent {
    lock: Duration,
    load: Duration,
    decide: Duration,
    write: Duration,
    commit: Duration,
}

impl Spent {
    fn tell(&self, what: &str, tickets: usize) {
        let each = |spent: Duration| spent.as_micros() / tickets as u128;
        let total = self.lock + self.load + self.decide + self.write + self.commit;
        say(&format!(
            "{what}: {} µs a ticket: lock {}, load {}, decide {}, write {}, commit {}",
            each(total),
            each(self.lock),
            each(self.load),
            each(self.decide),
            each(self.write),
            each(self.commit)
        ));
    }
}

#[expect(clippy::print_stdout, reason = "it is what these are run for")]
fn say(text: &str) {
    println!("{text}");
}

fn lap(since: &mut Instant) -> Duration {
    let now = clock::instant();
    let lap = now - *since;
    *since = now;
    lap
}

async fn batch(fixture: &Fixture, sale: &mut Sale, commands: &[Command], spent: &mut Spent) {
    let mut since = clock::instant();
    let (mut transaction, locked) = fixture.dates.lock(SERIES).await.unwrap();
    spent.lock += lap(&mut since);
    let known = transaction.load(commands.iter().map(|one| one.needs(sale)).collect()).await.unwrap();
    spent.load += lap(&mut since);
    let decision = decide(sale, commands, known, locked.now, &mut || fixture.new_id());
    let rows = Writing::rows(sale, &decision);
    spent.decide += lap(&mut since);
    let version = Version { number: locked.version.number + 1, head: fixture.new_id() };
    transaction.write(rows, version).await.unwrap();
    spent.write += lap(&mut since);
    transaction.commit().await.unwrap();
    spent.commit += lap(&mut since);
    assert!(
        decision.outcomes.iter().all(Result::is_ok),
        "{:?}",
        decision.outcomes.iter().find(|one| one.is_err())
    );
    sale.apply(&decision.batch());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_ticket() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    for fixture in fixtures().await {
        let policy = QueuePolicy { max_active: None, ..QueuePolicy::default() };
        let house = i32::try_from(rounds * BATCH).unwrap();
        fixture.put(&Rows::new(settings(policy), seats(house), at(0))).await;
        fixture.set(at(61));
        let (mut sale, _) = fixture.dates.open(SERIES).await.unwrap();
        let (mut held, mut paid, mut joined) = (Spent::default(), Spent::default(), Spent::default());
        let name = if fixture.is_postgres() { "PostgreSQL" } else { "SQLite" };
        for round in 0..rounds {
            fixture.set(fixture.clock.now() + chrono::TimeDelta::milliseconds(50));
            let fans: Vec<_> = (0..BATCH).map(|n| user(round * BATCH + n)).collect();
            let charge = |user: &crate::domain::id::UserId| WalletCommand::Charge {
                caller: user.clone(),
                wallet: user.clone(),
                amount: 1_000,
                key: key("charge"),
            };
            fixture.charge(&fans.iter().map(charge).collect::<Vec<_>>()).await.unwrap();
            let join = |user| Command::Join { user, name: PersonName::none() };
            let joins: Vec<_> = fans.iter().cloned().map(join).collect();
            batch(&fixture, &mut sale, &joins, &mut joined).await;
            batch(&fixture, &mut sale, &[], &mut Spent::default()).await;
            let hold = |(n, user)| {
                let number = i32::try_from(round * BATCH + n + 1).unwrap();
                Command::Hold { user, token: None, seats: SeatChoice::Numbers(vec![number]) }
            };
            let holds: Vec<_> = fans.iter().cloned().enumerate().map(hold).collect();
            batch(&fixture, &mut sale, &holds, &mut held).await;
            let pay = |user| Command::Pay { user, token: None, holds: None, key: key("pay") };
            let pays: Vec<_> = fans.iter().cloned().map(pay).collect();
            batch(&fixture, &mut sale, &pays, &mut paid).await;
            if (round + 1) % (rounds / 4).max(1) == 0 {
                let tickets = (rounds / 4).max(1) * BATCH;
                joined.tell(&format!("{name}, up to {} sold, join", (round + 1) * BATCH), tickets);
                held.tell(&format!("{name}, up to {} sold, hold", (round + 1) * BATCH), tickets);
                paid.tell(&format!("{name}, up to {} sold, pay ", (round + 1) * BATCH), tickets);
                (joined, held, paid) = (Spent::default(), Spent::default(), Spent::default());
            }
        }
        fixture.database().close().await.unwrap();
    }
}

const MILLION: i64 = 1_000_000;

/// Places that wait, in the lobby.
async fn fill(fixture: &Fixture) {
    let columns = "INSERT INTO token (id, series_id, user_id, name, seq, lobby, status, created_at) SELECT ";
    let sql = if fixture.is_postgres() {
        format!(
            "{columns} gen_random_uuid(), $1, 'auth0|' || md5(n::text), 'Ann Lee', n, true, 'WAITING', $2 \
             FROM generate_series(0, {MILLION} - 1) AS n"
        )
    } else {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MILLION} - 1) \
             {columns} randomblob(16), $1, 'auth0|' || hex(randomblob(16)), 'Ann Lee', n, 1, 'WAITING', $2 FROM numbers"
        )
    };
    // A statement of a pool that writes may take ten seconds at most.
    let patient = crate::store::connect::patient(&fixture.url).await.unwrap();
    use sea_orm::ConnectionTrait;
    let backend = patient.get_database_backend();
    let statement = sea_orm::Statement::from_sql_and_values(backend, sql, [SERIES.0.into(), at(0).into()]);
    patient.execute_raw(statement).await.unwrap();
    patient.close().await.unwrap();
    fixture.execute("UPDATE sale_head SET next_seq = $1", [MILLION.into()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_million_waiting() {
    for fixture in fixtures().await {
        fixture.put(&Rows::new(settings(QueuePolicy::default()), seats(2_000), at(0))).await;
        fill(&fixture).await;
        let name = if fixture.is_postgres() { "PostgreSQL" } else { "SQLite" };
        for drawn in [false, true] {
            if drawn {
                fixture.execute("UPDATE sale_head SET drawn_at = $1", [at(60).into()]).await;
            }
            for _ in 0..3 {
                let mut since = clock::instant();
                let (sale, _) = fixture.dates.open(SERIES).await.unwrap();
                let spent = lap(&mut since);
                assert_eq!(i64::from(sale.counts().waiting), MILLION);
                say(&format!("{name}, a million waiting, drawn: {drawn}: open {} ms", spent.as_millis()));
            }
        }
        fixture.database().close().await.unwrap();
    }
}
