//! Random walks through the real journal: after each commit the date that is opened from its rows is the one in memory, a
//! replica that reads the log has come as far, and the tables say what the model says.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    at,
    fixture::{Fixture, fixtures},
    key, rows, seats, settings, user,
};
use crate::{
    domain::{
        date::{
            Batch, Command, EndReason, Event, Sale, SeatChoice, WalletCommand, decide,
            model::{Rows, SERIES},
        },
        id::{SeatId, TokenId},
        identity::JoinOrder,
        policy::{PolicyPatch, QueuePolicy},
        text::PersonName,
    },
    store::journal::{Journal, Transaction, Version},
};

const FANS: usize = 9;
const SEATS: i32 = 16;

#[derive(Clone, Debug)]
enum Act {
    Join(usize),
    /// With a token that no row knows: a number of a join, and whether it was in the lobby.
    ComeBack(usize, u64, bool),
    Leave(usize),
    Silent(usize),
    Hold(usize, Vec<i32>),
    Best(usize, i32),
    Release(usize, usize),
    Pay(usize, bool, u8),
    Cancel(usize, usize, u8),
    Policy(Option<u32>, Option<u32>),
    Pause(bool),
    Charge(usize, i32, u8),
}

#[derive(Clone, Debug)]
struct Step {
    seconds: i64,
    acts: Vec<Act>,
    /// The transaction is dropped after everything was written.
    lost: bool,
}

fn act() -> impl Strategy<Value = Act> {
    let fan = || 0..FANS;
    prop_oneof![
        6 => fan().prop_map(Act::Join),
        2 => (fan(), 0..20_u64, any::<bool>()).prop_map(|(fan, seq, lobby)| Act::ComeBack(fan, seq, lobby)),
        1 => fan().prop_map(Act::Leave),
        1 => fan().prop_map(Act::Silent),
        6 => (fan(), prop::collection::hash_set(1..=SEATS, 1..4))
            .prop_map(|(fan, seats)| Act::Hold(fan, seats.into_iter().collect())),
        2 => (fan(), 1..5).prop_map(|(fan, count)| Act::Best(fan, count)),
        2 => (fan(), 0..4_usize).prop_map(|(fan, nth)| Act::Release(fan, nth)),
        5 => (fan(), any::<bool>(), 0..4_u8).prop_map(|(fan, named, key)| Act::Pay(fan, named, key)),
        2 => (fan(), 0..4_usize, 4..6_u8).prop_map(|(fan, nth, key)| Act::Cancel(fan, nth, key)),
        1 => (prop::option::of(1..4_u32), prop::option::of(1..4_u32)).prop_map(|(a, b)| Act::Policy(a, b)),
        1 => any::<bool>().prop_map(Act::Pause),
        3 => (fan(), -10..600, 6..9_u8).prop_map(|(fan, amount, key)| Act::Charge(fan, amount, key)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![4 => Just(0), 4 => 1..30_i64, 2 => 30..320_i64];
    let acts = prop::collection::vec(act(), 0..8);
    (seconds, acts, prop::bool::weighted(0.1)).prop_map(|(seconds, acts, lost)| Step { seconds, acts, lost })
}

fn policy() -> QueuePolicy {
    QueuePolicy {
        max_active: Some(3),
        admit_per_interval: None,
        interval_seconds: 20,
        session_seconds: 90,
        max_seats_per_user: 3,
        ..QueuePolicy::default()
    }
}

/// The command, as this fan would send it now.
fn command(fixture: &Fixture, rows: &Rows, act: &Act) -> Option<Command> {
    let now = fixture.clock.now();
    let place = |fan: usize| rows.live_token_of(&user(fan)).map(|row| row.token);
    Some(match act {
        Act::Join(fan) => Command::Join { user: user(*fan), name: PersonName::none() },
        Act::ComeBack(fan, seq, lobby) => {
            let (token, order) = (TokenId(fixture.new_id()), JoinOrder { seq: *seq, lobby: *lobby });
            Command::ComeBack { token, user: user(*fan), name: PersonName::none(), order }
        }
        Act::Leave(fan) => Command::Leave { token: place(*fan)?, user: user(*fan) },
        Act::Silent(fan) => Command::Silent { tokens: vec![place(*fan)?] },
        Act::Hold(fan, seats) => {
            // Every other fan shows the latest token, which may be over.
            let latest = || rows.tokens.iter().rfind(|row| row.user == user(*fan)).map(|row| row.token);
            let token = if fan % 2 == 0 { latest() } else { None };
            Command::Hold { user: user(*fan), token, seats: SeatChoice::Numbers(seats.clone()) }
        }
        Act::Best(fan, count) => {
            let seats = SeatChoice::Best { count: *count, section: None };
            Command::Hold { user: user(*fan), token: None, seats }
        }
        Act::Release(fan, nth) => {
            let user = user(*fan);
            let hold = rows.holds.iter().rev().filter(|hold| hold.user == user).nth(*nth)?.id;
            Command::Release { user, hold }
        }
        Act::Pay(fan, named, key) => {
            let user = user(*fan);
            let live = rows.live_holds(now).filter(|hold| hold.user == user).map(|hold| hold.id);
            let holds = named.then(|| live.take(2).collect());
            Command::Pay { user, token: None, holds, key: self::key(&key.to_string()) }
        }
        Act::Cancel(fan, nth, key) => {
            let user = user(*fan);
            let reservation = rows.reservations.values().filter(|one| one.user == user).nth(*nth)?.id;
            Command::Cancel { user, reservation, key: self::key(&key.to_string()) }
        }
        Act::Policy(max_active, admit_per_interval) => {
            let limit = |most: Option<u32>| Some(most.map(|most| i32::try_from(most).unwrap()));
            Command::PatchPolicy(PolicyPatch {
                max_active: limit(*max_active),
                admit_per_interval: limit(*admit_per_interval),
                ..PolicyPatch::default()
            })
        }
        Act::Pause(paused) => Command::SetPaused(*paused),
        Act::Charge(..) => return None,
    })
}

/// A cashier's charges; the key says how much, so that the same is asked again.
fn charges(acts: &[Act]) -> Vec<WalletCommand> {
    let charge = |act: &Act| match act {
        Act::Charge(fan, amount, key) => Some(WalletCommand::Charge {
            caller: if fan % 3 == 0 { user(99) } else { user(*fan) },
            wallet: user(*fan),
            amount: *amount,
            key: self::key(&format!("{key} {amount} {fan}")),
        }),
        _ => None,
    };
    acts.iter().filter_map(charge).collect()
}

/// Two dates in memory that are the same.
fn same(rows: &Rows, sale: &Sale, other: &Sale, now: DateTime<Utc>) {
    for row in &rows.tokens {
        assert_eq!(sale.position(row.token), other.position(row.token), "{row:?}");
    }
    assert_eq!(sale.counts(), other.counts());
    assert_eq!(sale.summary(), other.summary());
    assert_eq!(sale.last(), other.last());
    assert_eq!(sale.settings(), other.settings());
    let states = |sale: &Sale| (0..SEATS as u32).map(|at| sale.seats().state(at)).collect::<Vec<_>>();
    assert_eq!(states(sale), states(other));
    for fan in 0..FANS {
        let holds = |sale: &Sale| sale.holds_of(&user(fan), now).collect::<Vec<_>>();
        assert_eq!(holds(sale), holds(other));
        assert_eq!(sale.reserved_of(&user(fan)), other.reserved_of(&user(fan)));
        assert_eq!(sale.unpaid_of(&user(fan)), other.unpaid_of(&user(fan)));
    }
    // And they go on in the same way.
    let joins = (0..FANS).map(|fan| Command::Join { user: user(fan), name: PersonName::none() });
    let joins: Vec<_> = joins.collect();
    let decided = |sale: &Sale| {
        let mut ids = 1 << 90;
        let later = now + TimeDelta::seconds(301);
        let mut decision = decide(sale, &joins, rows.known(sale, &joins), later, &mut || {
            ids += 1;
            Uuid::from_u128(ids)
        });
        // Of two with one number, who came back and who has got it meanwhile, either session may be ended first.
        decision.events.sort_by_key(|event| match event {
            Event::Ended { token, reason: EndReason::SessionOver | EndReason::HoldLapsed } => Some(*token),
            _ => None,
        });
        decision
    };
    assert_eq!(decided(sale), decided(other));
}

struct Walk<'a> {
    fixture: &'a Fixture,
    rows: Rows,
    ids: HashMap<i32, SeatId>,
    sale: Sale,
    version: Version,
    replica: Sale,
    seen: Version,
}

impl<'a> Walk<'a> {
    async fn new(fixture: &'a Fixture) -> Self {
        let rows = Rows::new(settings(policy()), seats(SEATS), at(0));
        fixture.set(at(0));
        fixture.put(&rows).await;
        let (sale, version) = fixture.dates.open(SERIES).await.unwrap();
        let (replica, seen) = fixture.dates.open(SERIES).await.unwrap();
        let ids = rows.seats.iter().map(|seat| (seat.number, seat.id)).collect();
        Self { fixture, rows, ids, sale, version, replica, seen }
    }

    fn now(&self) -> DateTime<Utc> {
        self.fixture.clock.now()
    }

    fn take(&mut self, batch: &Batch, version: Version) {
        self.rows.apply(batch, &self.ids);
        self.sale.apply(batch);
        assert_eq!(version.number, self.version.number + 1);
        self.version = version;
    }

    async fn step(&mut self, step: &Step) {
        self.fixture.set(self.now() + TimeDelta::seconds(step.seconds));
        let charges = charges(&step.acts);
        if !charges.is_empty() {
            let decision = self.fixture.charge(&charges).await.unwrap();
            for event in &decision.events {
                self.rows.apply_one(decision.at, event, &HashMap::new());
            }
        }
        let now = self.now();
        let commands: Vec<_> =
            step.acts.iter().filter_map(|act| command(self.fixture, &self.rows, act)).collect();
        self.loads(&commands).await;
        if step.lost {
            let (transaction, _) = self.fixture.written(&self.sale, &commands).await.unwrap();
            drop(transaction);
            return self.is_sound().await;
        }
        let committed = self.fixture.commit(&self.sale, &commands).await.unwrap();
        self.take(&committed.decision.batch(), committed.version);
        for _ in 0..20 {
            if self.sale.next_due().is_none_or(|due| due > now) {
                break;
            }
            let committed = self.fixture.commit(&self.sale, &[]).await.unwrap();
            self.take(&committed.decision.batch(), committed.version);
        }
        self.is_sound().await;
    }

    /// What is loaded is what the model has.
    async fn loads(&self, commands: &[Command]) {
        let (mut transaction, locked) = self.fixture.dates.lock(SERIES).await.unwrap();
        assert_eq!((locked.version, locked.now), (self.version, self.now()));
        let needs = commands.iter().map(|command| command.needs(&self.sale)).collect();
        let known = transaction.load(needs).await.unwrap();
        rows::is_known(&known, &self.rows.known(&self.sale, commands));
    }

    async fn is_sound(&mut self) {
        self.fixture.says(&self.rows, &self.sale).await;
        let (opened, version) = self.fixture.dates.open(SERIES).await.unwrap();
        assert_eq!(version, self.version);
        same(&self.rows, &self.sale, &opened, self.now());
        let log = self.fixture.dates.log_after(SERIES, self.seen, 100).await.unwrap();
        // Nobody was at version 0.
        for logged in log.unwrap_or_default() {
            self.replica.apply(&logged.batch);
            self.seen = logged.version;
        }
        if self.seen.number == 0 {
            (self.replica, self.seen) = self.fixture.dates.open(SERIES).await.unwrap();
        }
        assert_eq!(self.seen, self.version);
        same(&self.rows, &self.sale, &self.replica, self.now());
    }
}

fn walks(fixture: impl Fn(&Fixture) -> bool, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for fixture in runtime.block_on(fixtures()).into_iter().filter(|one| fixture(one)) {
        let steps = prop::collection::vec(step(), 1..40);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
        let walked = runner.run(&steps, |steps| {
            runtime.block_on(async {
                let mut walk = Walk::new(&fixture).await;
                for step in &steps {
                    walk.step(step).await;
                }
            });
            Ok(())
        });
        walked.unwrap();
        runtime.block_on(fixture.database().close()).unwrap();
    }
}

#[test]
fn rows_memory_and_log_stay_one_on_sqlite() {
    walks(|fixture| !fixture.is_postgres(), 12);
}

#[test]
fn rows_memory_and_log_stay_one_on_postgres() {
    walks(Fixture::is_postgres, 12);
}
