//! When each place was heard last, by the number of its join: in chunks of 64 numbers, of which only the live ones take
//! memory, and in groups of as many chunks.

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::id::TokenId;

/// Numbers of a chunk, and chunks of a group.
const EACH: u64 = 64;

/// Later than any time that is counted: of nobody.
pub(super) const NEVER: u32 = u32::MAX;

/// What is done about the silence of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is found by the time at which it was heard last.
    Filed,
    /// It was reported.
    Reported,
    /// A hold keeps the place open, so it is not to be reported.
    Kept,
}

/// One live place: 24 bytes.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) token: TokenId,
    /// When it was heard last, streams aside; in milliseconds of attended time from the origin.
    pub(super) heard: u32,
    /// Those who watch it here.
    pub(super) streams: u16,
    /// Whether somebody heard it here since others told of it.
    here: bool,
    pub(super) known: Known,
}

impl Entry {
    pub(super) fn new(token: TokenId, heard: u32) -> Self {
        Self { token, heard, streams: 0, here: false, known: Known::Filed }
    }

    fn is_told_of_since(&self, since: u32) -> bool {
        self.streams > 0 || (self.here && self.heard >= since)
    }
}

#[derive(Debug)]
struct Chunk {
    /// Which of its numbers have a place; these stand in `entries` in the same order.
    live: u64,
    entries: Vec<Entry>,
    /// None that is filed was heard last before that.
    earliest: u32,
    /// None was heard here after that.
    latest: u32,
    /// Places with streams.
    watched: u32,
}

impl Default for Chunk {
    fn default() -> Self {
        Self { live: 0, entries: Vec::new(), earliest: NEVER, latest: 0, watched: 0 }
    }
}

impl Chunk {
    /// Where the place of the number that has this bit stands, if there is one.
    fn at(&self, bit: u64) -> Option<usize> {
        (self.live & bit != 0).then(|| self.before(bit))
    }

    /// Places of the numbers before the one that has this bit.
    fn before(&self, bit: u64) -> usize {
        (self.live & (bit - 1)).count_ones() as usize
    }

    /// The place of this bit, heard at `heard`.
    fn hear(&mut self, at: usize, heard: u32, here: bool) {
        let entry = &mut self.entries[at];
        if here {
            entry.here = true;
        } else if heard > entry.heard {
            entry.here = false;
        }
        if heard > entry.heard {
            entry.heard = heard;
            if entry.known != Known::Filed {
                entry.known = Known::Filed;
                self.earliest = self.earliest.min(heard);
            }
        }
        if here {
            self.latest = self.latest.max(entry.heard);
        }
    }

    /// The numbers that have places, as they stand in `entries`, counted within the chunk.
    fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        let mut live = self.live;
        std::iter::from_fn(move || {
            let bit = (live != 0).then(|| u64::from(live.trailing_zeros()))?;
            live &= live - 1;
            Some(bit)
        })
    }

    /// Takes out those who are filed and were heard last at `limit` or before, as long as `found` has room; who is watched
    /// is heard now.
    fn silent(&mut self, limit: i64, watched: u32, found: &mut Vec<(u64, TokenId)>, first: u64, most: usize) {
        self.earliest = NEVER;
        for (number, entry) in self.numbers().zip(&mut self.entries) {
            if entry.known != Known::Filed {
                continue;
            }
            let heard = if entry.streams > 0 { watched } else { entry.heard };
            if i64::from(heard) <= limit && found.len() < most {
                entry.known = Known::Reported;
                found.push((first + number, entry.token));
            } else {
                self.earliest = self.earliest.min(heard);
            }
        }
    }
}

#[derive(Debug)]
struct Group {
    /// As in its chunks.
    earliest: u32,
    /// Places.
    live: usize,
    chunks: Vec<Chunk>,
}

impl Default for Group {
    fn default() -> Self {
        let chunks = std::iter::repeat_with(Chunk::default).take(EACH as usize).collect();
        Self { earliest: NEVER, live: 0, chunks }
    }
}

/// The group of a number, its chunk there, and its bit in that.
fn split(seq: u64) -> (u64, usize, u64) {
    (seq / (EACH * EACH), (seq / EACH % EACH) as usize, 1 << (seq % EACH))
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Heards {
    groups: BTreeMap<u64, Group>,
}

impl Heards {
    pub(super) fn len(&self) -> usize {
        self.groups.values().map(|group| group.live).sum()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Entry> {
        let (group, chunk, bit) = split(seq);
        let chunk = &self.groups.get(&group)?.chunks[chunk];
        chunk.entries.get(chunk.at(bit)?)
    }

    /// Adds a place, in the place of one of the same number if there is one.
    pub(super) fn insert(&mut self, seq: u64, entry: Entry) {
        self.remove(seq);
        let (group, chunk, bit) = split(seq);
        let group = self.groups.entry(group).or_default();
        let chunk = &mut group.chunks[chunk];
        group.live += 1;
        chunk.live |= bit;
        chunk.earliest = chunk.earliest.min(entry.heard);
        group.earliest = group.earliest.min(entry.heard);
        chunk.entries.insert(chunk.before(bit), entry);
    }

    pub(super) fn remove(&mut self, seq: u64) {
        self.edit(seq, |chunk, at, bit| {
            chunk.live &= !bit;
            let gone = chunk.entries.remove(at);
            chunk.watched -= u32::from(gone.streams > 0);
            if chunk.entries.len() * 4 <= chunk.entries.capacity() {
                chunk.entries.shrink_to_fit();
            }
        });
    }

    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&Entry) -> bool) {
        let gone: Vec<_> = self.iter().filter(|(_, entry)| !keeps(entry)).map(|(seq, _)| seq).collect();
        gone.into_iter().for_each(|seq| self.remove(seq));
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.chunks().flat_map(|(first, chunk)| {
            chunk.numbers().zip(&chunk.entries).map(move |(number, entry)| (first + number, entry))
        })
    }

    /// The chunks, with the first number of each.
    fn chunks(&self) -> impl Iterator<Item = (u64, &Chunk)> {
        self.groups.iter().flat_map(|(group, it)| {
            (0..)
                .step_by(EACH as usize)
                .zip(&it.chunks)
                .map(move |(n, chunk)| (group * EACH * EACH + n, chunk))
        })
    }

    pub(super) fn hear(&mut self, seq: u64, heard: u32, here: bool) {
        self.edit(seq, |chunk, at, _| chunk.hear(at, heard, here));
    }

    /// All of `run` were heard elsewhere.
    pub(super) fn hear_run(&mut self, run: RangeInclusive<u64>, heard: u32) {
        let group_of = |seq| split(seq).0;
        for (group, it) in self.groups.range_mut(group_of(*run.start())..=group_of(*run.end())) {
            let first = group * EACH * EACH;
            // The part of the run that is in this group, and the chunks that it touches.
            let from = run.start().saturating_sub(first);
            let to = (run.end() - first).min(EACH * EACH - 1);
            for n in from / EACH..=to / EACH {
                let chunk = &mut it.chunks[n as usize];
                let part = from.max(n * EACH)..=to.min(n * EACH + EACH - 1);
                for (at, number) in chunk.numbers().enumerate() {
                    if part.contains(&(n * EACH + number)) {
                        chunk.hear(at, heard, false);
                    }
                }
                it.earliest = it.earliest.min(chunk.earliest);
            }
        }
    }

    pub(super) fn watch(&mut self, seq: u64, streams: impl FnOnce(u16) -> u16) {
        self.edit(seq, |chunk, at, _| {
            let entry = &mut chunk.entries[at];
            let before = entry.streams;
            entry.streams = streams(before);
            chunk.watched += u32::from(entry.streams > 0);
            chunk.watched -= u32::from(before > 0);
        });
    }

    /// What is done about the silence of the place, from now on.
    pub(super) fn know(&mut self, seq: u64, known: Known) {
        self.edit(seq, |chunk, at, _| {
            let entry = &mut chunk.entries[at];
            entry.known = known;
            if known == Known::Filed {
                chunk.earliest = chunk.earliest.min(entry.heard);
            }
        });
    }

    /// Changes a place in its chunk, and keeps the group in step.
    fn edit(&mut self, seq: u64, change: impl FnOnce(&mut Chunk, usize, u64)) {
        let (number, chunk, bit) = split(seq);
        let Some(group) = self.groups.get_mut(&number) else { return };
        let chunk = &mut group.chunks[chunk];
        let Some(at) = chunk.at(bit) else { return };
        let before = chunk.entries.len();
        change(chunk, at, bit);
        group.earliest = group.earliest.min(chunk.earliest);
        group.live -= before - chunk.entries.len();
        if group.live == 0 {
            self.groups.remove(&number);
        }
    }

    /// The token of a place that is still `known` to be so and silent; one that is silent no more is filed.
    pub(super) fn still(&mut self, seq: u64, known: Known, limit: i64) -> Option<TokenId> {
        let entry = self.get(seq).filter(|entry| entry.known == known)?;
        let (token, is_silent) = (entry.token, entry.streams == 0 && i64::from(entry.heard) <= limit);
        if !is_silent {
            self.know(seq, Known::Filed);
        }
        is_silent.then_some(token)
    }

    /// See [`Chunk::silent`].
    pub(super) fn silent(&mut self, limit: i64, watched: u32, most: usize) -> Vec<(u64, TokenId)> {
        let mut found = Vec::new();
        for (number, group) in &mut self.groups {
            if i64::from(group.earliest) > limit {
                continue;
            }
            for (n, chunk) in (0..).step_by(EACH as usize).zip(&mut group.chunks) {
                if i64::from(chunk.earliest) <= limit && found.len() < most {
                    chunk.silent(limit, watched, &mut found, number * EACH * EACH + n, most);
                }
            }
            group.earliest = group.chunks.iter().map(|chunk| chunk.earliest).min().unwrap_or(NEVER);
        }
        found
    }

    /// No place that is filed was heard last before that.
    pub(super) fn earliest(&self) -> Option<u32> {
        self.groups.values().map(|group| group.earliest).min().filter(|earliest| *earliest < NEVER)
    }

    /// Those who were heard here since then or are watched here, in order.
    pub(super) fn heard_since(&self, since: u32) -> Vec<u64> {
        let told = self.chunks().filter(|(_, chunk)| chunk.watched > 0 || chunk.latest >= since);
        told.flat_map(|(first, chunk)| {
            let told = chunk.numbers().zip(&chunk.entries).filter(|(_, entry)| entry.is_told_of_since(since));
            told.map(move |(number, _)| first + number)
        })
        .collect()
    }

    /// Counts times from so much later; what was before that counts as that.
    pub(super) fn count_from(&mut self, later: u32) {
        let earlier = |time: &mut u32| {
            if *time < NEVER {
                *time = time.saturating_sub(later);
            }
        };
        for group in self.groups.values_mut() {
            earlier(&mut group.earliest);
            for chunk in &mut group.chunks {
                earlier(&mut chunk.earliest);
                earlier(&mut chunk.latest);
                chunk.entries.iter_mut().for_each(|entry| earlier(&mut entry.heard));
            }
        }
    }
}

#[cfg(test)]
impl Heards {
    /// What it takes in memory, what a map needs beside its entries aside.
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.groups.values().flat_map(|group| &group.chunks);
        let entries: usize = chunks.map(|chunk| chunk.entries.capacity() * size_of::<Entry>()).sum();
        entries + self.groups.len() * (size_of::<Group>() + EACH as usize * size_of::<Chunk>())
    }
}
