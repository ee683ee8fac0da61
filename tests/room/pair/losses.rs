//! What gets lost: a process in the middle of a decision, what Redis has, its latest decision, a place.

use frontrow::{
    domain::room::{Command, Status},
    store::room::{Journaled, RoomError, Standing, Turn},
};
use sea_orm::ConnectionTrait;

use super::{KEYS, Pair, blob, sqlite, user};

impl Pair {
    /// One process decides and dies, before or after it has journaled that; nobody else decides meanwhile; once the
    /// lease is over another one gets the very same decision, whatever else it wanted and whatever is due by then.
    pub(super) async fn orphan(&mut self, commands: &[Command], meanwhile: i64) {
        let taken = self.take(commands).await;
        self.is_what_the_pure_room_decides(commands, &taken);
        if taken.decision.events.is_empty() {
            return;
        }
        assert!(matches!(
            self.shared.decide(&[], self.dice.id(self.clock.now())).await.unwrap(),
            Turn::Busy(1..)
        ));
        let was_journaled = taken.number % 2 == 0;
        if was_journaled {
            self.journal.journal_decision(self.series.id, &taken).await.unwrap();
        }
        self.end_the_lease().await;
        self.advance(meanwhile);
        let late = self.take(&[]).await;
        assert!(late.again);
        assert_eq!(late.decision.events, taken.decision.events);
        assert_eq!((late.epoch, late.number, &late.names), (taken.epoch, taken.number, &taken.names));
        self.take_in(&late, if was_journaled { Journaled::Before } else { Journaled::Now }).await;
        // The first one was slow and not dead.
        let journaled = self.journal.journal_decision(self.series.id, &taken).await.unwrap();
        assert_eq!((journaled, self.shared.apply(&taken).await.unwrap()), (Journaled::Before, None));
    }

    /// Both come from the journal alone.
    pub(super) async fn flush(&mut self) {
        self.clear().await;
        assert!(matches!(
            self.shared.decide(&[], self.dice.id(self.clock.now())).await,
            Err(RoomError::Lost)
        ));
        let now = self.clock.now();
        self.shared.rebuild(&self.journal, self.dice.id(now)).await.unwrap();
        let lives = redis::cmd("PTTL").arg(self.redis.key(self.series.id, "room")).to_owned();
        assert!(
            lives.query_async::<i64>(&mut self.redis.connection()).await.unwrap() > 0,
            "it goes by itself"
        );
        self.as_journaled().await;
    }

    pub(super) async fn clear(&self) {
        for name in KEYS {
            let key = self.redis.key(self.series.id, name);
            redis::cmd("DEL").arg(key).query_async::<()>(&mut self.redis.connection()).await.unwrap();
        }
    }

    pub(super) async fn as_journaled(&mut self) {
        let now = self.clock.now();
        self.pure = self.journal.restore_room(self.series.id, now).await.unwrap().unwrap();
        self.wake = Some(now);
        self.over.clear();
    }

    /// The master dies, and the replica that takes its place has not heard of the latest decision.
    pub(super) async fn failover(&mut self, after: i64, batch: &[(bool, usize)]) {
        self.settle().await;
        let replica = self.dump().await;
        self.advance(after);
        let commands = &self.commands(batch);
        if self.cycle(commands).await == 0 {
            return;
        }
        assert_eq!(self.shared.standing(&self.journal).await.unwrap(), Standing::True);
        self.restore(&replica).await;
        assert_eq!(self.shared.standing(&self.journal).await.unwrap(), Standing::Apart);
        // Whoever decides before anybody has noticed decides upon what is not so any more, and finds out.
        let taken = self.take(commands).await;
        let journaled = self.journal.journal_decision(self.series.id, &taken).await.unwrap();
        assert_eq!(journaled, Journaled::Overtaken);
        let now = self.clock.now();
        self.shared.rebuild_anyway(&self.journal, self.dice.id(now)).await.unwrap();
        assert_eq!(self.journal.journal_decision(self.series.id, &taken).await.unwrap(), Journaled::Stale);
        self.as_journaled().await;
    }

    pub(super) async fn dump(&self) -> Vec<Option<Vec<u8>>> {
        let mut dumps = Vec::new();
        for name in KEYS {
            let mut dump = redis::cmd("DUMP");
            let dump = dump.arg(self.redis.key(self.series.id, name));
            dumps.push(dump.query_async(&mut self.redis.connection()).await.unwrap());
        }
        dumps
    }

    pub(super) async fn restore(&self, dumps: &[Option<Vec<u8>>]) {
        self.clear().await;
        for (name, dump) in KEYS.iter().zip(dumps) {
            let Some(dump) = dump else { continue };
            let mut restore = redis::cmd("RESTORE");
            let restore = restore.arg(self.redis.key(self.series.id, name)).arg(0).arg(dump);
            restore.query_async::<()>(&mut self.redis.connection()).await.unwrap();
        }
    }

    pub(super) async fn come_back(&mut self, who: usize) {
        let Some((token, order)) = self.last.get(&who).copied() else { return };
        let waits =
            self.pure.view(token, self.clock.now()).is_some_and(|view| view.status == Status::Waiting);
        if waits {
            self.write(&format!("DELETE FROM token WHERE id = {}", blob(token))).await;
            self.flush().await;
        } else if self.ended.contains(&token) || self.is_admitted(token) {
            // The journal knows better.
            return;
        }
        let known = format!("SELECT id FROM token WHERE id = {}", blob(token));
        if self.journal.reader().query_one_raw(sqlite(&known)).await.unwrap().is_some() {
            return;
        }
        self.cycle(&[Command::ComeBack { token, user: user(who), order }]).await;
    }
}
