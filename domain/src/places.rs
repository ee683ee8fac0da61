//! Where live places are kept: a slab with an index by token and one by user. The indexes hold slot numbers, not copies of
//! the keys, because a million of them are kept.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::id::{TokenId, UserId};

/// Chunks rather than one vector: doubling a vector of a million places would waste half of it.
const CHUNK: usize = 1_024;

/// What a place is found by.
pub(crate) trait Keyed {
    fn token(&self) -> TokenId;
    fn user(&self) -> &UserId;
}

/// All live places of a date.
pub(crate) struct Places<P> {
    chunks: Vec<Vec<Option<P>>>,
    free: Vec<u32>,
    by_token: HashTable<u32>,
    by_user: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<P> Default for Places<P> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            by_token: HashTable::new(),
            by_user: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<P: Keyed> Places<P> {
    /// Adds a place whose token and user have none.
    pub(crate) fn insert(&mut self, place: P) -> u32 {
        let (token, user) = (self.hash(&place.token()), self.hash(place.user()));
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = Some(place);
        let Self { chunks, by_token, by_user, hasher, .. } = self;
        by_token.insert_unique(token, slot, |s| hasher.hash_one(at(chunks, *s).token()));
        by_user.insert_unique(user, slot, |s| hasher.hash_one(at(chunks, *s).user()));
        slot
    }

    /// Takes a place out.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<P> {
        let place = self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].take()?;
        let (token, user) = (self.hash(&place.token()), self.hash(place.user()));
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
    pub(crate) fn reserve(&mut self, more: usize) {
        let Self { chunks, by_token, by_user, hasher, .. } = self;
        by_token.reserve(more, |s| hasher.hash_one(at(chunks, *s).token()));
        by_user.reserve(more, |s| hasher.hash_one(at(chunks, *s).user()));
    }

    pub(crate) fn by_token(&self, token: TokenId) -> Option<u32> {
        self.by_token.find(self.hash(&token), |s| self.get(*s).token() == token).copied()
    }

    pub(crate) fn by_user(&self, user: &UserId) -> Option<u32> {
        self.by_user.find(self.hash(user), |s| self.get(*s).user() == user).copied()
    }

    /// The place in a slot that an index or the line named.
    pub(crate) fn get(&self, slot: u32) -> &P {
        at(&self.chunks, slot)
    }

    /// See [`Places::get`].
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut P {
        self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].as_mut().expect("indexed slots are taken")
    }

    /// Every live place and its slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &P)> {
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

fn at<P>(chunks: &[Vec<Option<P>>], slot: u32) -> &P {
    chunks[slot as usize / CHUNK][slot as usize % CHUNK].as_ref().expect("indexed slots are taken")
}
