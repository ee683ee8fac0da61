//! The line itself: one bit a rank says whether whoever got that rank still waits, and running counts answer "how many
//! are ahead" with three reads, whatever the length. Bits and counts of a million ranks are 160 KiB, so that they stay
//! in a core's own cache; the price is paid by whoever leaves, who lowers the counts behind (a few hundred bytes).
//!
//! Ranks are internal, and change at a compaction; between two of them no rank is given twice.
//! The order and the number of people ahead never change by it (rule 8).

/// Ranks a word.
const BITS: usize = 64;
/// Words a block: half of the counts of one block and half of the blocks are written for each leave, and this balances
/// the two at a million ranks. 64 times this many must fit a `u16`.
const WORDS: usize = 128;
/// Below this length the dead are not worth clearing out.
const COMPACT_FROM: usize = 1_024;

/// Who waits, in order. Each rank belongs to one slot of the slab of places.
#[derive(Default)]
pub(crate) struct Line {
    /// Who still waits.
    words: Vec<u64>,
    /// For each word: how many of its block wait ahead of it.
    in_block: Vec<u16>,
    /// For each block: how many wait ahead of it.
    blocks: Vec<u32>,
    slots: Vec<u32>,
    live: u32,
}

impl Line {
    /// Puts `slot` at the end and returns its rank.
    pub(crate) fn push(&mut self, slot: u32) -> u32 {
        let rank = self.slots.len();
        if rank.is_multiple_of(BITS * WORDS) {
            self.blocks.push(self.live);
        }
        if rank.is_multiple_of(BITS) {
            let ahead = self.live - self.blocks[rank / BITS / WORDS];
            self.in_block.push(u16::try_from(ahead).expect("a block has fewer than 2^16 ranks"));
            self.words.push(0);
        }
        self.slots.push(slot);
        self.words[rank / BITS] |= 1 << (rank % BITS);
        self.live += 1;
        u32::try_from(rank).expect("a room holds fewer than 2^32 places")
    }

    /// Takes whoever has this rank out of the line.
    pub(crate) fn clear(&mut self, rank: u32) {
        let (word, bit) = split(rank);
        if self.words[word] & bit == 0 {
            return;
        }
        self.words[word] &= !bit;
        let block = word / WORDS;
        let end = self.in_block.len().min((block + 1) * WORDS);
        self.in_block[word + 1..end].iter_mut().for_each(|ahead| *ahead -= 1);
        self.blocks[block + 1..].iter_mut().for_each(|ahead| *ahead -= 1);
        self.live -= 1;
    }

    /// How many wait ahead of this rank; `None` when nobody with this rank waits.
    pub(crate) fn before(&self, rank: u32) -> Option<u32> {
        let (word, bit) = split(rank);
        let bits = *self.words.get(word)?;
        (bits & bit != 0).then(|| self.in_front_of(rank))
    }

    /// The same, whether or not anybody with this rank waits; it must have been given.
    pub(crate) fn in_front_of(&self, rank: u32) -> u32 {
        let (word, bit) = split(rank);
        let ahead = self.blocks[word / WORDS] + u32::from(self.in_block[word]);
        ahead + (self.words[word] & (bit - 1)).count_ones()
    }

    /// Whether more than half of the ranks are dead, and they are worth clearing out.
    pub(crate) fn is_sparse(&self) -> bool {
        self.slots.len() >= COMPACT_FROM && (self.live as usize) * 2 < self.slots.len()
    }

    /// The slots of those who wait, first come first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let start = self.first_word();
        self.words[start..]
            .iter()
            .enumerate()
            .flat_map(move |(at, word)| ones(*word).map(move |bit| self.slots[(start + at) * BITS + bit]))
    }

    /// Closes the gaps once the line is sparse, so that the cost is shared by those who left;
    /// `moved(slot, rank)` is told every new rank.
    pub(crate) fn compact_if_sparse(&mut self, mut moved: impl FnMut(u32, u32)) {
        if !self.is_sparse() {
            return;
        }
        let mut dense = Self::default();
        for slot in self.iter() {
            moved(slot, dense.push(slot));
        }
        *self = dense;
    }

    /// The word of the first who waits, or the last word: nobody waits ahead of it, but somebody of the next.
    fn first_word(&self) -> usize {
        let block = self.blocks.partition_point(|ahead| *ahead == 0).saturating_sub(1);
        let words = self.in_block.len().min((block + 1) * WORDS);
        let idle = self.in_block[block * WORDS..words].partition_point(|ahead| *ahead == 0);
        block * WORDS + idle.saturating_sub(1)
    }
}

/// The word of a rank, and its bit there.
fn split(rank: u32) -> (usize, u64) {
    (rank as usize / BITS, 1 << (rank as usize % BITS))
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
            let mut line = Line::default();
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
                    prop_assert_eq!(line.before(ranks[*slot as usize]), u32::try_from(ahead).ok());
                }
                prop_assert_eq!(line.iter().next(), list.first().copied());
            }
            prop_assert_eq!(line.iter().collect::<Vec<_>>(), list);
        }
    }

    #[test]
    fn a_long_line_that_moves_on_is_compacted() {
        let mut line = Line::default();
        let mut ranks: Vec<u32> = (0..10_000).map(|slot| line.push(slot)).collect();
        for slot in 0..9_990 {
            line.clear(ranks[slot]);
            line.compact_if_sparse(|slot, rank| ranks[slot as usize] = rank);
        }
        assert!(line.slots.len() <= COMPACT_FROM);
        assert_eq!(line.before(ranks[9_999]), Some(9));
        assert_eq!(line.iter().next(), Some(9_990));
    }
}
