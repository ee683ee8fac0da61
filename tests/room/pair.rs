//! A room in Redis and a pure one, side by side, over one journal.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::{
    clock::{Clock, Dice},
    domain::{
        catalog::Series,
        id::{TokenId, UserId},
        identity::JoinOrder,
        room::{Command, Decision, Event, Room, Status, View},
    },
    store::{
        Database,
        redis::Redis,
        room::{Journaled, RedisRoom, Report, Taken, Told, Turn},
    },
};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use uuid::Uuid;

use test_support::redis_url;

use crate::{
    date::{a_date, hold_until},
    steps::{Step, USERS},
};

mod apart;
mod losses;

const KEYS: [&str; 9] =
    ["room", "line", "places", "users", "silences", "sessions", "due", "admissions", "pending"];

pub(crate) struct Pair {
    clock: Clock,
    dice: Dice,
    series: Series,
    redis: Redis,
    shared: RedisRoom,
    pure: Room,
    journal: Database,
    _folder: TempDir,
    /// The last place of each user and its order.
    last: HashMap<usize, (TokenId, JoinOrder)>,
    ended: HashSet<TokenId>,
    /// When the room said that it would have something to do.
    wake: Option<DateTime<Utc>>,
    /// The sessions that are over, as the last decision named them.
    over: HashSet<TokenId>,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        Self::over(&redis_url()).await
    }

    /// Over this Redis.
    pub(crate) async fn over(url: &str) -> Self {
        let dice = Dice::system();
        let clock = Clock::manual(DateTime::from_timestamp_millis(1_900_000_000_000).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let journal = Database::connect(&Database::embedded_url(folder.path())).await.unwrap();
        journal.migrate().await.unwrap();
        let series = a_date(&journal, &clock, &dice).await;
        let redis = Redis::connect(url, "frontrow-test").await.unwrap();
        let shared = RedisRoom::new(redis.clone(), clock.clone(), &series);
        shared.rebuild(&journal, dice.id(clock.now())).await.unwrap();
        let pure = Room::new(series.state(), series.policy, series.draw_secret.clone());
        Self {
            clock,
            dice,
            series,
            redis,
            shared,
            pure,
            journal,
            _folder: folder,
            last: HashMap::new(),
            ended: HashSet::new(),
            wake: Some(DateTime::UNIX_EPOCH),
            over: HashSet::new(),
        }
    }

    pub(crate) async fn step(&mut self, step: &Step) {
        match step {
            Step::Batch(after, batch) => {
                self.advance(*after);
                let commands = self.commands(batch);
                self.cycle(&commands).await;
            }
            Step::Orphan(after, batch) => {
                self.advance(*after);
                let commands = self.commands(batch);
                self.orphan(&commands, *after).await;
                // Whom it named, nobody knows any more; every process decides once a second anyway.
                self.wake = Some(self.clock.now());
            }
            Step::Hear(who) => self.hear(*who).await,
            Step::Ended(who) => self.end(*who).await,
            Step::Pin(who, until) => self.pin(*who, *until).await,
            Step::Advance(ms) => self.advance(*ms),
            Step::Policy(policy) => self.set(|series| series.policy = *policy).await,
            Step::Pause(paused) => self.set(|series| series.paused = *paused).await,
            Step::SoldOut(sold_out) => self.sell(*sold_out).await,
            Step::Flush => self.flush().await,
            Step::Failover(after, batch) => self.failover(*after, batch).await,
            Step::ComeBack(who) => self.come_back(*who).await,
        }
        self.compare().await;
        self.settle().await;
    }

    /// Decides until nothing is left to do, as a keeper does.
    async fn settle(&mut self) {
        for _ in 0..4 {
            if self.cycle(&[]).await == 0 {
                return;
            }
        }
        panic!("a room without news must come to rest");
    }

    fn advance(&self, ms: i64) {
        self.clock.advance(TimeDelta::milliseconds(ms));
    }

    fn commands(&mut self, batch: &[(bool, usize)]) -> Vec<Command> {
        let now = self.clock.now();
        let command = |(join, who): &(bool, usize)| {
            if *join {
                return Command::Join { token: TokenId(self.dice.id(now)), user: user(*who) };
            }
            Command::Leave { token: self.last.get(who).map_or(TokenId(Uuid::nil()), |(token, _)| *token) }
        };
        batch.iter().map(command).collect()
    }

    async fn take(&self, commands: &[Command]) -> Taken {
        let named: Vec<_> =
            commands.iter().map(|command| (command.clone(), "A name: with \"signs\"".to_owned())).collect();
        match self.shared.decide(&named, self.dice.id(self.clock.now())).await.unwrap() {
            Turn::Ours(taken) => *taken,
            Turn::Busy(ms) => panic!("busy for {ms} ms although nobody else is there"),
        }
    }

    /// One cycle of both; how many events there were.
    async fn cycle(&mut self, commands: &[Command]) -> usize {
        let taken = self.take(commands).await;
        self.is_what_the_pure_room_decides(commands, &taken);
        let over: HashSet<_> = taken.decision.sessions_over.iter().copied().collect();
        let news = !taken.decision.events.is_empty() || over.iter().any(|token| !self.over.contains(token));
        if commands.is_empty() && news {
            let now = self.clock.now();
            assert!(self.wake.is_some_and(|wake| wake <= now), "too late: {:?} at {now}", self.wake);
        }
        self.over = over;
        self.wake = taken.wake;
        if taken.decision.events.is_empty() {
            return 0;
        }
        self.take_in(&taken, Journaled::Now).await
    }

    fn is_what_the_pure_room_decides(&mut self, commands: &[Command], taken: &Taken) {
        assert!(!taken.again);
        let pure = self.pure.decide(commands, self.clock.now());
        assert_eq!(sorted(taken.decision.clone()), sorted(pure));
    }

    async fn take_in(&mut self, taken: &Taken, journaled: Journaled) -> usize {
        self.compare().await;
        assert_eq!(self.journal.journal_decision(self.series.id, taken).await.unwrap(), journaled);
        self.wake = self.shared.apply(taken).await.unwrap();
        self.pure.apply(&taken.decision.events);
        for event in &taken.decision.events {
            if let Event::Joined { token, user, seq, lobby, .. } = event {
                let order = JoinOrder { seq: *seq, lobby: *lobby };
                self.last.insert(user.as_str().parse().unwrap(), (*token, order));
            }
        }
        self.compare().await;
        taken.decision.events.len()
    }

    /// The lease is a matter of the system's clock.
    async fn end_the_lease(&self) {
        self.set_field("pending", "lease", 0).await;
    }

    /// So is when a process last looked after the room: it was long ago if all were `away`. Returns how many expire in
    /// the next decision, after so many milliseconds in which nobody was heard from.
    pub(crate) async fn expiries_after(&mut self, ms: i64, away: bool) -> usize {
        self.advance(ms);
        if away {
            self.set_field("room", "tended", 0).await;
        }
        let events = self.take(&[]).await.decision.events;
        events.iter().filter(|event| matches!(event, Event::Expired { .. })).count()
    }

    async fn set_field(&self, key: &str, field: &str, value: i64) {
        let key = self.redis.key(self.series.id, key);
        let mut set = redis::cmd("HSET");
        let set = set.arg(key).arg(field).arg(value);
        set.query_async::<()>(&mut self.redis.connection()).await.unwrap();
    }

    async fn hear(&mut self, who: usize) {
        let token = self.token(who);
        let heard = self.shared.hear(&[token], false).await.unwrap();
        assert_eq!(heard, [self.pure.hear(token, self.clock.now())]);
    }

    fn token(&self, who: usize) -> TokenId {
        self.last.get(&who).map_or(TokenId(Uuid::nil()), |(token, _)| *token)
    }

    fn is_admitted(&self, token: TokenId) -> bool {
        self.pure.view(token, self.clock.now()).is_some_and(|view| view.status == Status::Admitted)
    }

    async fn end(&mut self, who: usize) {
        let token = self.token(who);
        if self.is_admitted(token) {
            self.write(&format!("UPDATE token SET status = 'COMPLETED' WHERE id = {}", blob(token))).await;
            self.wake = self.shared.report(&[Report::Ended(token)]).await.unwrap();
            self.pure.ended(token);
            self.ended.insert(token);
        }
    }

    async fn pin(&mut self, who: usize, until: Option<i64>) {
        let token = self.token(who);
        let until = until.map(|ms| self.clock.now() + TimeDelta::milliseconds(ms));
        if self.is_admitted(token) {
            hold_until(&self.journal, self.series.id, (who, token), until).await;
        }
        self.wake = self.shared.report(&[Report::Pinned { token, until, heard: false }]).await.unwrap();
        self.over.remove(&token);
        self.pure.pin(token, until);
    }

    async fn set(&mut self, change: impl FnOnce(&mut Series)) {
        let changed = self.journal.change_settings(self.series.id, |series| {
            change(series);
            Ok::<(), ()>(())
        });
        let old = std::mem::replace(&mut self.series, changed.await.unwrap().unwrap().unwrap());
        self.shared.set(&Told::of(&self.series)).await.unwrap();
        // What is older does not count any more.
        self.wake = self.shared.set(&Told::of(&old)).await.unwrap();
        if old.policy.heartbeat_timeout_seconds != self.series.policy.heartbeat_timeout_seconds {
            self.over.clear();
        }
        self.pure.set_policy(self.series.policy);
        self.pure.set_sale(self.series.state());
    }

    /// The sale has sold its last seat, or has one again.
    async fn sell(&mut self, sold_out: bool) {
        let reserved = if sold_out { self.series.seat_count } else { 0 };
        self.write(&format!("UPDATE series SET reserved_count = {reserved}, version = version + 1")).await;
        self.series = self.journal.find_series(self.series.id).await.unwrap().unwrap();
        self.wake = self.shared.set(&Told::of(&self.series)).await.unwrap();
        self.pure.set_sale(self.series.state());
    }

    async fn write(&self, statement: &str) {
        self.journal.reader().execute_unprepared(statement).await.unwrap();
    }

    /// Everything that can be seen is the same, but for how long it will take, which Redis does not say.
    async fn compare(&self) {
        let now = self.clock.now();
        let tokens: Vec<_> = (0..USERS).map(|who| self.token(who)).collect();
        let looked = self.shared.look(&tokens).await.unwrap();
        assert_eq!(looked.counts, self.pure.counts());
        for (token, view) in tokens.iter().zip(looked.views) {
            let pure = self.pure.view(*token, now).map(|view| View { estimate: None, ..view });
            assert_eq!(view, pure, "{token} at {now}");
        }
    }
}

fn user(who: usize) -> UserId {
    UserId::from_stored(&who.to_string())
}

fn blob(token: TokenId) -> String {
    format!("x'{}'", token.0.simple())
}

fn sqlite(text: &str) -> Statement {
    Statement::from_string(sea_orm::DbBackend::Sqlite, text)
}

/// Places that end at the same instant end in no particular order.
fn sorted(mut decision: Decision) -> Decision {
    decision.events.sort_by_key(|event| match event {
        Event::Expired { token, .. } => (0, Some(*token)),
        _ => (1, None),
    });
    decision.sessions_over.sort_unstable();
    decision
}
