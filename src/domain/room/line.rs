//! The line itself: an order-statistic bitmap. One bit a rank says whether whoever got that rank still waits; a
//! Fenwick tree over the counts of 512-bit blocks answers "how many are ahead" in O(log n).
//!
//! Ranks are internal. They change at a compaction, the order and the number of people ahead never do (rule 8).

const WORDS: usize = 8;
const BITS: usize = WORDS * 64;
/// Below this length the dead are not worth clearing out.
const COMPACT_FROM: usize = 1_024;

/// Who waits, in order. Each rank belongs to one slot of the slab of places.
pub(super) struct Line {
    words: Vec<u64>,
    slots: Vec<u32>,
    /// 1-based Fenwick tree: `sums[i]` counts the blocks `i - lowbit(i) .. i`.
    sums: Vec<u32>,
    live: usize,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { words: Vec::new(), slots: Vec::new(), sums: vec![0], live: 0 }
    }

    /// Puts `slot` at the end and returns its rank.
    pub(super) fn push(&mut self, slot: u32) -> u32 {
        let rank = self.slots.len();
        if rank.is_multiple_of(BITS) {
            self.words.extend([0; WORDS]);
            let block = self.sums.len();
            self.sums.push(self.prefix(block - 1) - self.prefix(block - lowbit(block)));
        }
        self.slots.push(slot);
        self.words[rank / 64] |= 1 << (rank % 64);
        self.add(rank / BITS, 1);
        self.live += 1;
        u32::try_from(rank).expect("a room holds fewer than 2^32 places")
    }

    /// Takes whoever has this rank out of the line.
    pub(super) fn clear(&mut self, rank: u32) {
        let rank = rank as usize;
        let bit = 1 << (rank % 64);
        if self.words[rank / 64] & bit == 0 {
            return;
        }
        self.words[rank / 64] &= !bit;
        self.add(rank / BITS, u32::MAX);
        self.live -= 1;
    }

    /// How many wait ahead of this rank.
    pub(super) fn before(&self, rank: u32) -> u32 {
        let rank = rank as usize;
        let (block, word) = (rank / BITS, rank / 64);
        let whole: u32 = self.words[block * WORDS..word].iter().map(|w| w.count_ones()).sum();
        let part = self.words[word] & ((1 << (rank % 64)) - 1);
        self.prefix(block) + whole + part.count_ones()
    }

    /// The slots of those who wait, first come first.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let start = self.first_block() * WORDS;
        self.words
            .get(start..)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .flat_map(move |(at, word)| ones(*word).map(move |bit| self.slots[(start + at) * 64 + bit]))
    }

    /// Closes the gaps once more than half of the ranks are dead, so that the cost is shared by those who left;
    /// `moved(slot, rank)` is told every new rank.
    pub(super) fn compact_if_sparse(&mut self, mut moved: impl FnMut(u32, u32)) {
        if self.slots.len() < COMPACT_FROM || self.live * 2 >= self.slots.len() {
            return;
        }
        let mut dense = Self::new();
        for slot in self.iter() {
            moved(slot, dense.push(slot));
        }
        *self = dense;
    }

    /// The block of the first who waits, or one past the last block.
    fn first_block(&self) -> usize {
        let blocks = self.sums.len() - 1;
        let mut at = 0;
        let mut step = blocks.checked_ilog2().map_or(0, |log| 1 << log);
        while step > 0 {
            if at + step <= blocks && self.sums[at + step] == 0 {
                at += step;
            }
            step /= 2;
        }
        at
    }

    fn add(&mut self, block: usize, wrapping: u32) {
        let mut at = block + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum = sum.wrapping_add(wrapping);
            at += lowbit(at);
        }
    }

    /// How many wait in the first `blocks` blocks.
    fn prefix(&self, blocks: usize) -> u32 {
        let (mut at, mut sum) = (blocks, 0);
        while at > 0 {
            sum += self.sums[at];
            at -= lowbit(at);
        }
        sum
    }
}

fn lowbit(n: usize) -> usize {
    n & n.wrapping_neg()
}

fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Against a plain list, over several blocks and compactions.
        #[test]
        fn agrees_with_a_list(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..6_000)) {
            let mut line = Line::new();
            let mut ranks: Vec<u32> = Vec::new();
            let mut list: Vec<u32> = Vec::new();
            for slot in 0..2_000 {
                ranks.push(line.push(slot));
                list.push(slot);
            }
            for (join, who) in &steps {
                if *join && who.index(3) == 0 {
                    let slot = u32::try_from(ranks.len()).unwrap();
                    ranks.push(line.push(slot));
                    list.push(slot);
                } else if !list.is_empty() {
                    let slot = list.remove(who.index(list.len()));
                    line.clear(ranks[slot as usize]);
                    line.clear(ranks[slot as usize]);
                    line.compact_if_sparse(|slot, rank| ranks[slot as usize] = rank);
                }
                if let Some(slot) = list.get(who.index(list.len().max(1))) {
                    let ahead = list.iter().position(|s| s == slot).unwrap();
                    prop_assert_eq!(line.before(ranks[*slot as usize]) as usize, ahead);
                }
                prop_assert_eq!(line.iter().next(), list.first().copied());
            }
            prop_assert_eq!(line.iter().collect::<Vec<_>>(), list);
        }
    }

    #[test]
    fn a_long_line_that_moves_on_is_compacted() {
        let mut line = Line::new();
        let mut ranks: Vec<u32> = (0..10_000).map(|slot| line.push(slot)).collect();
        for slot in 0..9_990 {
            line.clear(ranks[slot]);
            line.compact_if_sparse(|slot, rank| ranks[slot as usize] = rank);
        }
        assert!(line.slots.len() <= COMPACT_FROM);
        assert_eq!(line.before(ranks[9_999]), 9);
        assert_eq!(line.iter().next(), Some(9_990));
    }
}
