//! Who was heard from at other processes. Each tells the others, in a row of the database, whom it has heard for a while;
//! and silence is judged only up to the instant until which all of them have told.
//!
//! A process whose rows are late is dead. Its fans may have been heard there until then, so everybody has a full timeout
//! from then on: that expires nobody too early, and the others a little later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{id::SeriesId, presence},
    sales::{date::Date, registry::Sales},
    store::journal::{Fault, HeardAt, Journal, PROCESS},
};

/// How often is told at least, and at most.
const OFTEN: TimeDelta = TimeDelta::seconds(4);
const SELDOM: TimeDelta = TimeDelta::milliseconds(100);

/// A row tells of so many periods, so that whoever reads each period misses nobody if some are late.
const PERIODS: i32 = 3;

/// What is known of the other processes, for one date.
#[derive(Debug, Default)]
pub(super) struct Others(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When each told last, of those that live.
    told: HashMap<Uuid, DateTime<Utc>>,
    /// When they were asked last.
    asked: Option<DateTime<Utc>>,
}

impl Known {
    /// Takes in what they tell now; whether somebody may have been heard of whom that is not known. One that has the date in
    /// use tells each `period`, another one now and then that it lives.
    fn take_in(&mut self, rows: &[HeardAt], me: Uuid, now: DateTime<Utc>, period: TimeDelta) -> bool {
        let mut told = HashMap::<Uuid, (bool, DateTime<Utc>)>::new();
        for row in rows.iter().filter(|row| row.process != me) {
            let (in_use, at) = told.entry(row.process).or_insert((false, row.at));
            (*in_use, *at) = (*in_use || row.date != PROCESS, row.at.max(*at));
        }
        let lives = |(process, (in_use, at)): (Uuid, (bool, DateTime<Utc>))| {
            let late = now - if in_use { period } else { OFTEN } * PERIODS;
            (at > late).then_some((process, at))
        };
        let told: HashMap<_, _> = told.into_iter().filter_map(lives).collect();
        let late = now - period * PERIODS;
        let is_one_gone = self.told.keys().any(|process| !told.contains_key(process));
        let was_away = self.asked.is_some_and(|asked| !told.is_empty() && asked < late);
        (self.told, self.asked) = (told, Some(now));
        is_one_gone || was_away
    }
}

/// How often processes tell of each other's fans.
fn period(timeout: TimeDelta) -> TimeDelta {
    (timeout / 6).clamp(SELDOM, OFTEN)
}

impl<J: Journal> Date<J> {
    fn period(&self) -> TimeDelta {
        self.see(|sale| period(sale.settings().policy.heartbeat_timeout()))
    }

    /// Reads whom others have heard of.
    pub(super) async fn hear_from_others(&self) -> Result<(), Fault> {
        let (rows, now) = self.parts.journal.heard(&[self.id, PROCESS]).await?;
        self.take_in(&rows, now);
        Ok(())
    }

    /// Takes in rows of this date, and of processes.
    fn take_in(&self, rows: &[HeardAt], now: DateTime<Utc>) {
        let me = self.parts.peers.me();
        let mut known = self.others.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_somebody_missed = known.take_in(rows, me, now, self.period());
        let (mut presence, here) = self.memory.presence();
        for row in rows.iter().filter(|row| row.process != me && row.date == self.id) {
            if presence.heard_all_elsewhere(&row.heard, row.at).is_err() {
                tracing::warn!(date = %self.id, process = %row.process, "a process tells what cannot be read of its fans");
            }
        }
        if is_somebody_missed {
            presence.stood_still(here);
        }
        presence.covered(known.told.values().min().copied().unwrap_or(DateTime::<Utc>::MAX_UTC));
        drop(presence);
        self.lane.ring();
    }
}

impl<J: Journal> Sales<J> {
    /// Tells the other processes whom this one has heard, and hears from them, until the process stops.
    pub async fn tell_who_is_here(self: Arc<Self>) {
        // What others do is a matter of real time, also where a test holds the clock.
        let real = Clock::system();
        let mut told = real.now();
        loop {
            let begun = real.now();
            match self.while_it_takes(self.tell_and_hear(), told).await {
                Ok(()) => told = begun,
                Err(fault) => {
                    tracing::debug!(?fault, "other processes cannot be told who is here; trying again soon")
                }
            }
            self.told_ago(real.now() - told);
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = self.opened.notified() => {}
                () = real.sleep(self.shortest_period()) => {}
            }
        }
        // Nobody has to wait for what it will not tell any more.
        let _ = self.parts.journal.leave(self.parts.peers.me()).await;
    }

    /// A database that says nothing at all, not even that it fails, is away as well: those who watch here must not wait for it.
    async fn while_it_takes(
        &self,
        telling: impl Future<Output = Result<(), Fault>>,
        told: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let real = Clock::system();
        let mut telling = std::pin::pin!(telling);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(Fault::Unavailable),
                done = &mut telling => return done,
                () = real.sleep(self.shortest_period()) => self.told_ago(real.now() - told),
            }
        }
    }

    fn told_ago(&self, ago: TimeDelta) {
        for date in self.in_use() {
            date.told_ago(ago);
        }
    }

    fn shortest_period(&self) -> TimeDelta {
        self.in_use().iter().map(|date| date.period()).min().unwrap_or(OFTEN)
    }

    /// Tells and hears once. At the start of a process, before anybody is heard: from then on the others wait for what it
    /// tells.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn tell_and_hear(&self) -> Result<(), Fault> {
        let dates = self.in_use();
        let now = self.parts.clock.now();
        let mut heard = vec![(PROCESS, Vec::new())];
        heard.extend(dates.iter().map(|date| {
            let since = now - date.period() * PERIODS;
            (date.id, presence::encode(&date.memory.presence().0.heard_since(since)))
        }));
        self.parts.journal.tell_heard(self.parts.peers.me(), heard).await?;
        let ids: Vec<_> = dates.iter().map(|date| date.id).chain([PROCESS]).collect();
        let (rows, now) = self.parts.journal.heard(&ids).await?;
        self.know_peers(&rows, now);
        let mut by_date = HashMap::<SeriesId, Vec<HeardAt>>::new();
        for row in rows {
            by_date.entry(row.date).or_default().push(row);
        }
        let processes = by_date.remove(&PROCESS).unwrap_or_default();
        for date in dates {
            let mut rows = by_date.remove(&date.id).unwrap_or_default();
            rows.extend(processes.iter().cloned());
            date.take_in(&rows, now);
        }
        Ok(())
    }

    fn know_peers(&self, rows: &[HeardAt], now: DateTime<Utc>) {
        let me = self.parts.peers.me();
        let lives =
            |row: &&HeardAt| row.date == PROCESS && row.process != me && row.at > now - OFTEN * PERIODS;
        self.parts.peers.know(rows.iter().filter(lives).map(|row| row.process).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    fn row(process: u128, seconds: i64) -> HeardAt {
        let date = SeriesId(Uuid::from_u128(7));
        HeardAt { process: Uuid::from_u128(process), date, at: at(seconds), heard: Vec::new() }
    }

    fn idle(process: u128, seconds: i64) -> HeardAt {
        HeardAt { date: PROCESS, ..row(process, seconds) }
    }

    fn take_in(known: &mut Known, rows: &[HeardAt], seconds: i64) -> bool {
        known.take_in(rows, Uuid::from_u128(1), at(seconds), TimeDelta::seconds(4))
    }

    #[test]
    fn a_process_whose_rows_are_three_periods_late_is_dead_and_that_is_said_once() {
        let mut known = Known::default();
        assert!(!take_in(&mut known, &[row(1, 0)], 0), "there is nobody else");
        assert!(!take_in(&mut known, &[row(1, 4), row(2, 3)], 4));
        assert!(!take_in(&mut known, &[row(1, 8), row(2, 3)], 8));
        assert!(!take_in(&mut known, &[row(1, 12), row(2, 3)], 12));
        assert_eq!(known.told.values().min(), Some(&at(3)));
        assert!(take_in(&mut known, &[row(1, 15), row(2, 3)], 15));
        assert!(!take_in(&mut known, &[row(1, 19), row(2, 3)], 19));
        assert_eq!(known.told.values().min(), None);
    }

    /// Whoever is heard there is not silent before it has told of that, which it does as soon as it has the date in use.
    #[test]
    fn a_process_that_does_not_have_the_date_in_use_lives_as_long_as_it_says_so_now_and_then() {
        let (mut known, me, period) = (Known::default(), Uuid::from_u128(1), TimeDelta::milliseconds(500));
        for now in 0..12 {
            assert!(!known.take_in(&[idle(2, 0)], me, at(now), period));
            assert_eq!(known.told.values().min(), Some(&at(0)));
        }
        assert!(known.take_in(&[idle(2, 0)], me, at(12), period));
        assert!(!known.take_in(&[idle(2, 12), row(2, 12)], me, at(13), period));
        assert!(known.take_in(&[idle(2, 12), row(2, 12)], me, at(14), period));
    }

    #[test]
    fn who_has_not_read_for_three_periods_may_have_missed_somebody() {
        let mut known = Known::default();
        assert!(!take_in(&mut known, &[row(2, 0)], 0));
        assert!(!take_in(&mut known, &[row(2, 11)], 12));
        assert!(take_in(&mut known, &[row(2, 24)], 25));
    }

    #[test]
    fn a_process_that_has_said_that_it_ends_is_missed_all_the_same() {
        let mut known = Known::default();
        assert!(!take_in(&mut known, &[row(2, 0), row(3, 0)], 0));
        assert!(take_in(&mut known, &[row(3, 4)], 4), "its fans were heard there until then");
    }
}
