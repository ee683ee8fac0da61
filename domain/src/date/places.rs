//! Live places and live holds, with the indexes by which they are found. The indexes hold slot numbers, not copies of the
//! keys, because a million places are kept.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, Hash},
};

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{
    date::millis,
    id::{HoldId, TokenId, UserId},
};

/// Chunks rather than one vector: doubling a vector of a million places would waste half of it.
const CHUNK: usize = 1_024;

/// One live place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    /// Counts the joins.
    pub(super) seq: u64,
    /// Whether the draw decides its order.
    pub(super) lobby: bool,
    pub(super) state: State,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the lobby or in line; `rank` is `None` before the draw.
    Waiting { rank: Option<u32> },
    /// May take holds until then; milliseconds since the epoch.
    Admitted { until: i64 },
}

/// All live places of a date.
#[derive(Default)]
pub(super) struct Places {
    chunks: Vec<Vec<Option<Place>>>,
    free: Vec<u32>,
    by_token: HashTable<u32>,
    by_user: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Places {
    /// Adds a place whose token and user have none.
    pub(super) fn insert(&mut self, place: Place) -> u32 {
        let (token, user) = (self.hash(&place.token), self.hash(&place.user));
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = Some(place);
        let Self { chunks, by_token, by_user, hasher, .. } = self;
        by_token.insert_unique(token, slot, |s| hasher.hash_one(at(chunks, *s).token));
        by_user.insert_unique(user, slot, |s| hasher.hash_one(&at(chunks, *s).user));
        slot
    }

    /// Takes a place out.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Place> {
        let place = self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].take()?;
        let (token, user) = (self.hash(&place.token), self.hash(&place.user));
        if let Ok(entry) = self.by_token.find_entry(token, |s| *s == slot) {
            entry.remove();
        }
        if let Ok(entry) = self.by_user.find_entry(user, |s| *s == slot) {
            entry.remove();
        }
        self.free.push(slot);
        Some(place)
    }

    /// Makes room for `more` places, so that the indexes are built in one go.
    pub(super) fn reserve(&mut self, more: usize) {
        let Self { chunks, by_token, by_user, hasher, .. } = self;
        by_token.reserve(more, |s| hasher.hash_one(at(chunks, *s).token));
        by_user.reserve(more, |s| hasher.hash_one(&at(chunks, *s).user));
    }

    pub(super) fn by_token(&self, token: TokenId) -> Option<u32> {
        self.by_token.find(self.hash(&token), |s| self.get(*s).token == token).copied()
    }

    pub(super) fn by_user(&self, user: &UserId) -> Option<u32> {
        self.by_user.find(self.hash(user), |s| self.get(*s).user == *user).copied()
    }

    /// The place in a slot that an index or the line named.
    pub(super) fn get(&self, slot: u32) -> &Place {
        at(&self.chunks, slot)
    }

    /// See [`Places::get`].
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Place {
        self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].as_mut().expect("indexed slots are taken")
    }

    /// Every live place and its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Place)> {
        (0..).zip(self.chunks.iter().flatten()).filter_map(|(slot, place)| Some((slot, place.as_ref()?)))
    }

    fn hash(&self, key: &impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    /// One fresh slot; the rest of a new chunk is used as it is needed.
    fn grow(&mut self) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        self.chunks[chunk].push(None);
        u32::try_from(chunk * CHUNK + self.chunks[chunk].len() - 1)
            .expect("a date has fewer than 2^32 places")
    }
}

fn at(chunks: &[Vec<Option<Place>>], slot: u32) -> &Place {
    chunks[slot as usize / CHUNK][slot as usize % CHUNK].as_ref().expect("indexed slots are taken")
}

/// A hold whose end nobody has journaled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveHold {
    pub(super) id: HoldId,
    /// The place of the seat in the layout.
    pub(super) seat: u32,
    pub(super) user: UserId,
    pub(super) token: TokenId,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

impl LiveHold {
    /// Whether the seat is its owner's at `now` (rule 12).
    pub(super) fn is_live(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Holds {
    by_id: HashMap<HoldId, LiveHold>,
    /// Those of each user, in the order in which they were taken.
    by_user: HashMap<UserId, Vec<HoldId>>,
    /// By the end, in milliseconds.
    due: BTreeSet<(i64, HoldId)>,
}

impl Holds {
    pub(super) fn insert(&mut self, hold: LiveHold) {
        self.due.insert((millis(hold.expires_at), hold.id));
        self.by_user.entry(hold.user.clone()).or_default().push(hold.id);
        self.by_id.insert(hold.id, hold);
    }

    pub(super) fn remove(&mut self, id: HoldId) -> Option<LiveHold> {
        let hold = self.by_id.remove(&id)?;
        self.due.remove(&(millis(hold.expires_at), id));
        if let Some(own) = self.by_user.get_mut(&hold.user) {
            own.retain(|one| *one != id);
            if own.is_empty() {
                self.by_user.remove(&hold.user);
            }
        }
        Some(hold)
    }

    pub(super) fn get(&self, id: HoldId) -> Option<&LiveHold> {
        self.by_id.get(&id)
    }

    pub(super) fn of(&self, user: &UserId) -> &[HoldId] {
        self.by_user.get(user).map_or(&[], Vec::as_slice)
    }

    /// Those that have lapsed at `now` and nobody has journaled as over, in the order in which they did.
    pub(super) fn lapsed(&self, now: i64) -> impl Iterator<Item = HoldId> + '_ {
        self.due.iter().take_while(move |(end, _)| *end <= now).map(|(_, hold)| *hold)
    }

    /// When the next one lapses.
    pub(super) fn next(&self) -> Option<i64> {
        self.due.first().map(|(end, _)| *end)
    }
}
