//! Where places are kept: a slab with an index by token and one by user. The indexes hold slot numbers, not copies of
//! the keys, because a million of them are kept.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

use crate::{
    attendance::Absence,
    id::{TokenId, UserId},
    identity::JoinOrder,
};

/// Chunks rather than one vector: doubling a vector of a million places would waste half of it.
const CHUNK: usize = 1_024;

/// "No hold pins this session": earlier than every time, so that a maximum ignores it.
pub(super) const UNPINNED: i64 = i64::MIN;

/// One live place; times in milliseconds since the epoch, and attended time where it says so.
pub(super) struct Place {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    pub(super) seq: u64,
    /// Whether the draw decides its order.
    pub(super) lobby: bool,
    /// The attended time at which its owner was last heard from, open streams and stalls aside.
    pub(super) heard: i64,
    /// The key under which the place stands in its deadline set: never later than the true one.
    pub(super) filed: i64,
    pub(super) state: State,
    /// Open subscriptions.
    pub(super) streams: u32,
}

/// What a place is.
pub(super) enum State {
    /// In the lobby or in line; `rank` is `None` before the draw.
    Waiting { rank: Option<u32> },
    /// May book.
    Admitted { since: i64, session_ends: i64, pinned: i64 },
}

impl Place {
    /// The attended time at which its owner counts as last heard from: an open stream is heard all the time, and
    /// everybody at the end of a stall.
    pub(super) fn heard_at(&self, now: i64, absence: &Absence) -> i64 {
        let heard = absence.heard(self.heard);
        if self.streams > 0 { absence.attended(now).max(heard) } else { heard }
    }

    /// A sign of life at `now`.
    pub(super) fn hear(&mut self, now: i64, absence: &Absence) {
        self.heard = self.heard.max(absence.attended(now));
    }

    /// Where its join stands among the others.
    pub(super) fn order(&self) -> JoinOrder {
        JoinOrder { seq: self.seq, lobby: self.lobby }
    }

    /// When the place ends unless something happens (rule 7); never earlier for what the server misses.
    pub(super) fn deadline(&self, now: i64, absence: &Absence, timeout: i64) -> i64 {
        let silent = absence.instant(self.heard_at(now, absence)) + timeout;
        match self.state {
            State::Waiting { .. } => silent,
            State::Admitted { session_ends, pinned, .. } => session_ends.min(silent).max(pinned),
        }
    }
}

/// All live places of a room.
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
            .expect("a room holds fewer than 2^32 places")
    }
}

fn at(chunks: &[Vec<Option<Place>>], slot: u32) -> &Place {
    chunks[slot as usize / CHUNK][slot as usize % CHUNK].as_ref().expect("indexed slots are taken")
}
