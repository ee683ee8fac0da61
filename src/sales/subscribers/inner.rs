//! Who subscribes, where each is found, and whose turn it is.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::BuildHasher,
};

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::{AT_ONCE, Key, Place, Round, Subscriber, Trouble, Update};
use crate::{
    domain::{
        catalog::SeriesStatus,
        date::{Sale, Status, WaitEstimate},
        id::{SeriesId, TokenId},
        sale::TokenStatus,
    },
    sales::wheel::{Pace, Spot, TICK_MS, Wheel},
};

/// What makes news: the passing of time alone does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    status: TokenStatus,
    position: Option<u32>,
    waiting: u32,
    admitted_until: Option<DateTime<Utc>>,
    available_seats: u32,
    series_status: SeriesStatus,
}

#[derive(Debug)]
pub(super) struct Member {
    turn: u64,
    pub(super) token: TokenId,
    pub(super) subscriber: Box<dyn Subscriber>,
    pub(super) told: Option<Told>,
    /// Whether it was told that nothing is known for now.
    pub(super) is_away: bool,
    /// Whether the place is not in memory any more: the database is asked how it ended.
    pub(super) is_gone: bool,
    phase: u32,
    spot: Spot,
    /// When the token ends that allowed the stream, in milliseconds.
    lapse: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) members: Vec<Option<Member>>,
    free: Vec<u32>,
    turns: u64,
    pub(super) by_token: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(super) wheel: Wheel,
    lapses: BTreeSet<(i64, u32)>,
    /// Those who are looked at first: new, or something has happened to their place.
    pub(super) urgent: VecDeque<u32>,
    /// Those whose turn it is.
    pub(super) due: VecDeque<u32>,
    /// How many of all are still to be looked at because of what concerns everybody, and which is the next.
    pub(super) sweep: (usize, usize),
    /// Whether somebody serves them.
    pub(super) is_served: bool,
}

/// What is the same for everybody.
pub(super) struct Scene {
    series: SeriesId,
    waiting: u32,
    available_seats: usize,
    series_status: SeriesStatus,
}

impl Scene {
    pub(super) fn of(sale: &Sale, now: DateTime<Utc>) -> Self {
        Self {
            series: sale.id(),
            waiting: sale.counts().waiting,
            available_seats: sale.seats().available(now),
            series_status: sale.status(now),
        }
    }
}

impl Inner {
    pub(super) fn add(
        &mut self,
        token: TokenId,
        phase: u32,
        lapse: Option<i64>,
        subscriber: Box<dyn Subscriber>,
    ) -> Key {
        let at = self.free.pop().unwrap_or_else(|| {
            self.members.push(None);
            // Whoever comes while everybody is looked at must not push somebody else out of that.
            if self.sweep.0 > 0 {
                self.sweep.0 += 1;
            }
            u32::try_from(self.members.len() - 1).expect("fewer than 2^32 watch")
        });
        self.turns += 1;
        let turn = self.turns;
        let spot = self.wheel.insert(at, Pace::of(Some(0)), phase);
        self.members[at as usize] = Some(Member {
            turn,
            token,
            subscriber,
            told: None,
            is_away: false,
            is_gone: false,
            phase,
            spot,
            lapse,
        });
        let Self { members, by_token, hasher, .. } = self;
        by_token.insert_unique(hasher.hash_one(token), at, |at| {
            token_of(members, *at).map_or(0, |token| hasher.hash_one(token))
        });
        self.lapses.extend(lapse.map(|lapse| (lapse, at)));
        self.urgent.push_back(at);
        Key { at, turn }
    }

    pub(super) fn member(&mut self, key: Key) -> Option<&mut Member> {
        self.members.get_mut(key.at as usize)?.as_mut().filter(|member| member.turn == key.turn)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let members = (0..).zip(&self.members);
        members.filter_map(|(at, member)| Some(Key { at, turn: member.as_ref()?.turn }))
    }

    pub(super) fn remove(&mut self, key: Key) {
        if self.member(key).is_none() {
            return;
        }
        let Some(member) = self.members[key.at as usize].take() else { return };
        self.leave(member.spot);
        if let Some(lapse) = member.lapse {
            self.lapses.remove(&(lapse, key.at));
        }
        if let Ok(entry) = self.by_token.find_entry(self.hasher.hash_one(member.token), |at| *at == key.at) {
            entry.remove();
        }
        self.free.push(key.at);
        if self.by_token.is_empty() {
            // Gives back the room of a crowd that has gone.
            *self = Self { turns: self.turns, is_served: self.is_served, ..Self::default() };
        }
    }

    fn leave(&mut self, spot: Spot) {
        if let Some(moved) = self.wheel.remove(spot)
            && let Some(moved) = self.members[moved as usize].as_mut()
        {
            moved.spot = spot;
        }
    }

    /// Those who watch this place are looked at first.
    pub(super) fn hurry(&mut self, token: TokenId) {
        let Self { members, by_token, hasher, urgent, .. } = self;
        let same = by_token.iter_hash(hasher.hash_one(token));
        urgent.extend(same.copied().filter(|at| token_of(members, *at) == Some(token)));
    }

    /// Ends those whose tokens have ended (rule 1), so many at once; whether there may be more. All of a date may end
    /// together, with its sale, and nobody is told of their place afterwards.
    pub(super) fn lapse(&mut self, now: i64, round: &mut Round) -> bool {
        for _ in 0..AT_ONCE {
            let Some(&(lapse, at)) = self.lapses.first().filter(|(lapse, _)| *lapse <= now) else {
                return false;
            };
            self.lapses.remove(&(lapse, at));
            let Some(member) = self.members[at as usize].as_ref() else { continue };
            round.wakers.extend(member.subscriber.tell(Update::Failed(&Trouble::Lapsed)));
            self.remove(Key { at, turn: member.turn });
        }
        true
    }

    pub(super) fn turn(&mut self, now: i64) {
        let Self { wheel, due, .. } = self;
        wheel.turn(now, |who| due.push_back(who));
    }

    /// Who is looked at next: first whose own place has changed, then everybody if that is called for, then in turn.
    pub(super) fn next_due(&mut self) -> Option<u32> {
        if let Some(who) = self.urgent.pop_front() {
            return Some(who);
        }
        let (left, next) = &mut self.sweep;
        if *left > 0 {
            let who = *next % self.members.len().max(1);
            (*left, *next) = (*left - 1, who + 1);
            return u32::try_from(who).ok();
        }
        self.due.pop_front()
    }

    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let lapse = self.lapses.first().map(|(lapse, _)| *lapse);
        let turn = self.wheel.next().map(|tick| tick * TICK_MS);
        lapse.into_iter().chain(turn).min().and_then(DateTime::from_timestamp_millis)
    }

    /// Tells a member if there is news. It may have gone meanwhile, and another one may have its number.
    pub(super) fn look(
        &mut self,
        who: u32,
        sale: &Sale,
        scene: &Scene,
        estimate: &impl Fn(TokenId) -> Option<WaitEstimate>,
        round: &mut Round,
    ) {
        let Some(member) = self.members.get_mut(who as usize).and_then(Option::as_mut) else { return };
        if member.is_gone {
            return;
        }
        let Some(position) = sale.position(member.token) else {
            member.is_gone = true;
            round.gone.push((Key { at: who, turn: member.turn }, member.token));
            return;
        };
        let told = Told {
            status: match position.status {
                Status::Waiting => TokenStatus::Waiting,
                Status::Admitted => TokenStatus::Admitted,
            },
            position: position.position,
            waiting: scene.waiting,
            admitted_until: position.admitted_until,
            available_seats: u32::try_from(scene.available_seats).unwrap_or(u32::MAX),
            series_status: scene.series_status,
        };
        if member.told == Some(told) {
            return;
        }
        (member.told, member.is_away) = (Some(told), false);
        let place = Place {
            token: member.token,
            series: scene.series,
            status: told.status,
            position: told.position,
            waiting: told.waiting,
            estimate: estimate(member.token),
            admitted_until: told.admitted_until,
            available_seats: scene.available_seats,
            series_status: told.series_status,
        };
        round.wakers.extend(member.subscriber.tell(Update::Place(&place)));
        self.pace(who, told.position);
    }

    /// Gives a member the pace of its position.
    fn pace(&mut self, who: u32, position: Option<u32>) {
        let Some((spot, phase)) =
            self.members[who as usize].as_ref().map(|member| (member.spot, member.phase))
        else {
            return;
        };
        let pace = Pace::of(position);
        if spot.pace() == pace {
            return;
        }
        self.leave(spot);
        let spot = self.wheel.insert(who, pace, phase);
        if let Some(member) = self.members[who as usize].as_mut() {
            member.spot = spot;
        }
    }
}

fn token_of(members: &[Option<Member>], at: u32) -> Option<TokenId> {
    members.get(at as usize)?.as_ref().map(|member| member.token)
}

pub(super) fn tick(millis: i64) -> i64 {
    millis.div_euclid(TICK_MS)
}
