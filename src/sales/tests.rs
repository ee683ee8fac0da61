//! Several processes over one simulated database that fails at every step, loses the answers of commits, and is restored to
//! what it was before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    date::{
        Command, Decision, EndReason, Event, Known, Needs, Outcome, Sale, SeatChoice, Settings,
        WalletCommand, WalletDecision, decide_wallets,
        model::{Rows, SERIES},
    },
    id::{EntryId, SeatId, SeriesId, UserId},
    policy::QueuePolicy,
    sale::{Problem, ProblemCode, Seat, SeatState},
    text::{IdempotencyKey, PersonName},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::{
    clock::{Clock, Entropy},
    sales::{Date, NoNews, Parts, Peers, Refused, versions::Versions},
    store::journal::{Fault, HeardAt, Journal, Locked, Logged, Transaction, Version},
};

/// A database with one date.
#[derive(Clone)]
struct Stored {
    rows: Rows,
    log: Vec<Logged>,
    version: Version,
    next_due: Option<DateTime<Utc>>,
    heard: HashMap<Uuid, Vec<HeardAt>>,
}

/// What happens to one in so many transactions; 0 for never.
#[derive(Clone, Copy, Default)]
struct Troubles {
    lock: u32,
    load: u32,
    write: u32,
    /// The commit is lost, and said to have failed.
    lost: u32,
    /// The commit is done, and said to have failed.
    unsaid: u32,
}

struct Database {
    /// That of all processes.
    clock: Clock,
    stored: Arc<tokio::sync::Mutex<Stored>>,
    troubles: Mutex<Troubles>,
    chance: Mutex<StdRng>,
}

struct Open {
    stored: OwnedMutexGuard<Stored>,
    troubles: Troubles,
    chance: StdRng,
    staged: Option<(Decision, Version)>,
    wallets: Option<WalletDecision>,
}

fn comes(chance: &mut StdRng, one_in: u32) -> bool {
    one_in > 0 && chance.random_ratio(1, one_in)
}

fn log_after(stored: &Stored, version: Version, most: usize) -> Option<Vec<Logged>> {
    let at = stored.log.iter().position(|logged| logged.version == version);
    let from = match at {
        Some(at) => at + 1,
        None if version.number == 0 => 0,
        None => return None,
    };
    Some(stored.log[from..].iter().take(most).cloned().collect())
}

impl Database {
    fn new(policy: QueuePolicy, seats: i32, seed: u64) -> Arc<Self> {
        let opens_at = at(0);
        let settings =
            Settings { start_at: at(90_000), opens_at, closes_at: at(80_000), paused: false, policy };
        let rows = Rows::new(settings, seats_of(seats), at(0));
        let version = Version { number: 0, head: Uuid::nil() };
        let next_due = rows.open().next_due();
        let stored = Stored { rows, log: Vec::new(), version, next_due, heard: HashMap::new() };
        Arc::new(Self {
            clock: Clock::manual(at(0)),
            stored: Arc::new(tokio::sync::Mutex::new(stored)),
            troubles: Mutex::default(),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        })
    }

    fn trouble(&self, troubles: Troubles) {
        *self.troubles.lock().unwrap() = troubles;
    }

    fn fork(&self) -> StdRng {
        StdRng::seed_from_u64(self.chance.lock().unwrap().random())
    }

    async fn charge(&self, user: UserId, amount: i32) {
        let mut stored = self.stored.lock().await;
        let key = IdempotencyKey::try_new("charge").unwrap();
        let command = WalletCommand::Charge { caller: user.clone(), wallet: user, amount, key };
        let mut ids = self.fork();
        let mut new_id = || Uuid::from_u128(ids.random());
        let decision = decide_wallets(domain::date::Till::default(), &[command], at(0), &mut new_id);
        for event in &decision.events {
            stored.rows.apply_one(at(0), event, &HashMap::new());
        }
    }

    async fn stored(&self) -> Stored {
        self.stored.lock().await.clone()
    }
}

impl Journal for Arc<Database> {
    type Transaction = Open;

    async fn open(&self, date: SeriesId) -> Result<(Sale, Version), Fault> {
        if date != SERIES {
            return Err(Fault::Unknown);
        }
        let stored = self.stored.lock().await;
        Ok((stored.rows.open(), stored.version))
    }

    async fn lock(&self, _: SeriesId) -> Result<(Open, Locked), Fault> {
        let (troubles, mut chance) = (*self.troubles.lock().unwrap(), self.fork());
        let stored = Arc::clone(&self.stored).lock_owned().await;
        if comes(&mut chance, troubles.lock) {
            return Err(Fault::Unavailable);
        }
        let locked = Locked { version: stored.version, next_due: stored.next_due, now: self.clock.now() };
        Ok((Open { stored, troubles, chance, staged: None, wallets: None }, locked))
    }

    /// Nobody stands still here.
    async fn make_way(&self) {}

    async fn log_after(
        &self,
        _: SeriesId,
        version: Version,
        most: usize,
    ) -> Result<Option<Vec<Logged>>, Fault> {
        let stored = self.stored.lock().await;
        if stored.version == version {
            return Ok(Some(Vec::new()));
        }
        Ok(log_after(&stored, version, most))
    }

    async fn begin(&self) -> Result<(Open, DateTime<Utc>), Fault> {
        let (transaction, locked) = self.lock(SERIES).await?;
        Ok((transaction, locked.now))
    }

    async fn versions(&self, _: &[SeriesId]) -> Result<HashMap<SeriesId, Version>, Fault> {
        Ok(HashMap::from([(SERIES, self.stored.lock().await.version)]))
    }

    async fn catalogue(&self) -> Result<i64, Fault> {
        Ok(0)
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        but: usize,
    ) -> Result<(Vec<SeriesId>, Option<DateTime<Utc>>), Fault> {
        if but > 0 {
            return Ok((Vec::new(), None));
        }
        let next = self.stored.lock().await.next_due;
        let is_due = next.is_some_and(|next| next <= now);
        Ok((is_due.then_some(SERIES).into_iter().collect(), next.filter(|_| !is_due)))
    }

    async fn tell_heard(&self, process: Uuid, heard: Vec<(SeriesId, Vec<u8>)>) -> Result<(), Fault> {
        let at = self.clock.now();
        let rows = heard.into_iter().map(|(date, heard)| HeardAt { process, date, at, heard });
        self.stored.lock().await.heard.insert(process, rows.collect());
        Ok(())
    }

    async fn heard(&self, dates: &[SeriesId]) -> Result<(Vec<HeardAt>, DateTime<Utc>), Fault> {
        let stored = self.stored.lock().await;
        let rows = stored.heard.values().flatten().filter(|row| dates.contains(&row.date));
        Ok((rows.cloned().collect(), self.clock.now()))
    }

    async fn leave(&self, process: Uuid) -> Result<(), Fault> {
        self.stored.lock().await.heard.remove(&process);
        Ok(())
    }

    async fn prune(&self, until: DateTime<Utc>) -> Result<bool, Fault> {
        self.stored.lock().await.log.retain(|logged| logged.batch.at >= until);
        Ok(false)
    }
}

impl Transaction for Open {
    type Rows = Decision;

    fn rows(_: &Sale, decision: &Decision) -> Decision {
        decision.clone()
    }

    async fn has_entry(&mut self, entry: EntryId) -> Result<bool, Fault> {
        Ok(self.stored.rows.entries.iter().any(|one| one.id == entry))
    }

    async fn write_wallets(&mut self, decision: &WalletDecision) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        if comes(&mut self.chance, self.troubles.write) {
            return Err(Fault::Conflict);
        }
        self.wallets = Some(decision.clone());
        Ok(())
    }

    async fn log_after(&mut self, version: Version, most: usize) -> Result<Option<Vec<Logged>>, Fault> {
        Ok(log_after(&self.stored, version, most))
    }

    async fn has_been_at(&mut self, version: Version) -> Result<bool, Fault> {
        Ok(self.stored.log.iter().any(|logged| logged.version == version))
    }

    async fn load(&mut self, needs: Vec<Needs>) -> Result<Known, Fault> {
        tokio::task::yield_now().await;
        if comes(&mut self.chance, self.troubles.load) {
            return Err(Fault::Conflict);
        }
        Ok(self.stored.rows.known_of(needs))
    }

    async fn write(&mut self, decision: Decision, version: Version) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        if comes(&mut self.chance, self.troubles.write) {
            return Err(Fault::Conflict);
        }
        self.staged = Some((decision, version));
        Ok(())
    }

    async fn commit(mut self) -> Result<(), Fault> {
        if comes(&mut self.chance, self.troubles.lost) {
            return Err(Fault::Unavailable);
        }
        if let Some(decision) = self.wallets.take() {
            for event in &decision.events {
                self.stored.rows.apply_one(decision.at, event, &HashMap::new());
            }
            return if comes(&mut self.chance, self.troubles.unsaid) {
                Err(Fault::Unavailable)
            } else {
                Ok(())
            };
        }
        let (decision, version) = self.staged.take().unwrap();
        assert_eq!(version.number, self.stored.version.number + 1, "the lock is not worth its name");
        let batch = decision.batch();
        let ids = self.stored.rows.seats.iter().map(|seat| (seat.number, seat.id)).collect();
        self.stored.rows.apply(&batch, &ids);
        self.stored.log.push(Logged { version, batch });
        self.stored.version = version;
        self.stored.next_due = decision.summary.next_due;
        if comes(&mut self.chance, self.troubles.unsaid) { Err(Fault::Unavailable) } else { Ok(()) }
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn seats_of(count: i32) -> Vec<Seat> {
    (1..=count)
        .map(|number| Seat {
            id: SeatId(Uuid::from_u128(0x5ea7_0000 + number as u128)),
            series: SERIES,
            number,
            section: "Stalls".to_owned(),
            row: 1,
            col: number,
            price: 10,
            state: SeatState::Free,
        })
        .collect()
}

/// A process that serves the date.
async fn process(database: &Arc<Database>, seed: u64) -> Arc<Date<Arc<Database>>> {
    let parts = Parts {
        journal: Arc::clone(database),
        clock: database.clock.clone(),
        entropy: Entropy::seeded(seed),
        news: Arc::new(NoNews),
        shared: true,
        peers: Peers::new(Uuid::from_u128(seed.into())),
        versions: Arc::new(Versions::new(true)),
    };
    let date = Date::open(SERIES, Arc::new(parts)).await.unwrap();
    let serving = Arc::clone(&date);
    tokio::spawn(async move { serving.serve().await });
    date
}

fn fan(n: usize) -> UserId {
    UserId::try_new(&format!("fan{n}")).unwrap()
}

fn join(user: &UserId) -> Command {
    Command::Join { user: user.clone(), name: PersonName::none() }
}

/// Asks until the database was there, as a fan would.
async fn ask(date: &Date<Arc<Database>>, command: Command) -> Result<Outcome, Problem> {
    loop {
        match date.run(command.clone()).await {
            Ok(outcome) => return Ok(outcome),
            Err(Refused::Problem(problem)) => return Err(problem),
            Err(Refused::Fault(Fault::Broken(why))) => panic!("{why}"),
            Err(Refused::Fault(_)) => tokio::task::yield_now().await,
        }
    }
}

/// Joins, waits to be admitted, holds the best seats there are, and pays: seats that were paid for.
async fn buy(date: Arc<Date<Arc<Database>>>, user: UserId) -> Result<usize, Problem> {
    ask(&date, join(&user)).await?;
    loop {
        let seats = SeatChoice::Best { count: 1, section: None };
        match ask(&date, Command::Hold { user: user.clone(), token: None, seats }).await {
            Ok(_) => break,
            Err(Problem::NotAdmitted(Some(_))) => {
                let _ = date.decided().await;
                let _ = date.follow().await;
                tokio::task::yield_now().await;
            }
            Err(problem) => return Err(problem),
        }
    }
    let key = IdempotencyKey::try_new("pay").unwrap();
    match ask(&date, Command::Pay { user, token: None, holds: None, key }).await? {
        Outcome::Paid(_, reservations, _) => Ok(reservations.len()),
        other => panic!("{other:?}"),
    }
}

async fn is_sound(database: &Database, dates: &[Arc<Date<Arc<Database>>>]) {
    database.trouble(Troubles::default());
    for date in dates {
        date.follow().await.unwrap();
    }
    let stored = database.stored().await;
    for date in dates {
        for row in &stored.rows.tokens {
            let shown = date.see(|sale| sale.position(row.token));
            assert_eq!(shown, stored.rows.open().position(row.token));
        }
        let states = date
            .see(|sale| (0..sale.seats().len()).map(|at| sale.seats().state(at as u32)).collect::<Vec<_>>());
        assert_eq!(states, stored.rows.seats.iter().map(|seat| seat.state).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn three_processes_sell_one_house_once_through_every_trouble() {
    for seed in 0..20 {
        let policy = QueuePolicy { max_active: Some(5), ..QueuePolicy::default() };
        let database = Database::new(policy, 25, seed);
        for n in 0..30 {
            database.charge(fan(n), 1_000).await;
        }
        let mut dates = Vec::new();
        for n in 0..3 {
            dates.push(process(&database, seed * 10 + n).await);
        }
        database.trouble(Troubles { lock: 9, load: 11, write: 7, lost: 8, unsaid: 6 });
        let fans: Vec<_> = (0..30).map(|n| tokio::spawn(buy(Arc::clone(&dates[n % 3]), fan(n)))).collect();
        let (mut sold, mut refused) = (0, 0);
        for fan in fans {
            match fan.await.unwrap() {
                Ok(seats) => sold += seats,
                Err(problem) => {
                    let code = problem.code();
                    assert!(matches!(code, ProblemCode::SoldOut | ProblemCode::SeatTaken), "{problem:?}");
                    refused += 1;
                }
            }
        }
        // Whoever was told that they have paid has, and nobody else.
        let stored = database.stored().await;
        assert_eq!((sold, refused), (25, 5), "seed {seed}");
        assert_eq!(stored.rows.standing().count(), 25);
        let balances: i32 = (0..30).map(|n| stored.rows.wallet(&fan(n)).balance).sum();
        assert_eq!(balances, 30_000 - 250);
        is_sound(&database, &dates).await;
    }
}

#[tokio::test]
async fn a_database_that_was_restored_to_an_older_state_is_noticed() {
    let database = Database::new(QueuePolicy::default(), 40, 1);
    let (one, other) = (process(&database, 1).await, process(&database, 2).await);
    ask(&one, join(&fan(0))).await.unwrap();
    ask(&other, join(&fan(1))).await.unwrap();
    let older = database.stored().await;
    ask(&one, join(&fan(2))).await.unwrap();
    ask(&other, Command::Hold { user: fan(2), token: None, seats: SeatChoice::Numbers(vec![1]) })
        .await
        .unwrap();
    let shown = one.see(|sale| sale.seats().version());
    *database.stored.lock().await = older;
    // As many commits as were lost, with other content: the number alone would not tell.
    ask(&other, join(&fan(3))).await.unwrap();
    ask(&other, join(&fan(4))).await.unwrap();
    let hold = Command::Hold { user: fan(2), token: None, seats: SeatChoice::Numbers(vec![2]) };
    assert_eq!(ask(&one, hold).await, Err(Problem::NotAdmitted(None)), "the join was lost");
    assert!(one.see(|sale| sale.seats().version()) > shown, "nobody takes other seats for those they saw");
    is_sound(&database, &[one, other]).await;
}

#[tokio::test]
async fn a_process_that_was_away_for_long_opens_the_date_anew_and_not_under_the_lock() {
    let database = Database::new(QueuePolicy::default(), 40, 1);
    let (away, busy) = (process(&database, 1).await, process(&database, 2).await);
    for n in 0..200 {
        ask(&busy, join(&fan(n))).await.unwrap();
    }
    assert_eq!(ask(&away, join(&fan(7))).await, ask(&busy, join(&fan(7))).await);
    is_sound(&database, &[away, busy]).await;
}

#[tokio::test]
async fn what_is_due_is_done_without_a_command() {
    let database = Database::new(QueuePolicy::default(), 40, 1);
    let date = process(&database, 1).await;
    ask(&date, join(&fan(0))).await.unwrap();
    let mut line = date.line();
    database.clock.set(at(600));
    line.changed().await.unwrap();
    let reason = database.stored().await.log.last().unwrap().batch.events.first().cloned();
    assert!(matches!(reason, Some(Event::Ended { reason: EndReason::SessionOver, .. })), "{reason:?}");
    assert_eq!(date.see(Sale::counts).admitted, 0);
}
