//! Puts numbered things in order that arrive in almost any order: one's own at once, others' over a network, some of
//! them twice and some of them never.

use std::collections::BTreeMap;

/// Gives out what it takes in by number, without a gap and each number once.
#[derive(Clone, Debug)]
pub struct InOrder<T> {
    last: i32,
    most: usize,
    ahead: BTreeMap<i32, T>,
}

/// So much waits for a number that never came that it will not come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFarAhead;

impl<T> InOrder<T> {
    /// The next one is that after `last`; at most `most` that came ahead of it are kept.
    #[must_use]
    pub fn after(last: i32, most: usize) -> Self {
        Self { last, most, ahead: BTreeMap::new() }
    }

    /// Takes in one; what is past, or is here already, counts for nothing.
    ///
    /// # Errors
    /// [`TooFarAhead`] when as many as may be kept wait already.
    pub fn take_in(&mut self, number: i32, thing: T) -> Result<(), TooFarAhead> {
        let is_next = self.last.checked_add(1) == Some(number);
        if number <= self.last || self.ahead.contains_key(&number) {
            return Ok(());
        }
        if !is_next && self.ahead.len() >= self.most {
            return Err(TooFarAhead);
        }
        self.ahead.insert(number, thing);
        Ok(())
    }

    /// The next one, if it is here.
    pub fn pop(&mut self) -> Option<T> {
        let next = self.last.checked_add(1)?;
        let thing = self.ahead.remove(&next)?;
        self.last = next;
        Some(thing)
    }

    /// What came ahead of a number that is still missing, in order.
    pub fn ahead(&self) -> impl Iterator<Item = &T> {
        self.ahead.values()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain<T>(order: &mut InOrder<T>) -> Vec<T> {
        std::iter::from_fn(|| order.pop()).collect()
    }

    #[test]
    fn without_room_only_the_next_one_is_taken() {
        let mut order = InOrder::after(7, 0);
        assert_eq!(order.take_in(9, 'b'), Err(TooFarAhead));
        assert_eq!(order.take_in(7, 'x'), Ok(()));
        assert_eq!(order.take_in(8, 'a'), Ok(()));
        assert_eq!(drain(&mut order), ['a']);
    }

    #[test]
    fn the_next_one_is_taken_even_when_it_is_full() {
        let mut order = InOrder::after(0, 2);
        assert_eq!([3, 2, 4].map(|n| order.take_in(n, n)), [Ok(()), Ok(()), Err(TooFarAhead)]);
        assert_eq!(order.take_in(1, 1), Ok(()));
        assert_eq!(drain(&mut order), [1, 2, 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However they come, and however often: each once, in order, and nothing beyond what is missing.
        #[test]
        fn whatever_the_order_each_comes_out_once_and_in_turn(
            arrivals in Just((1..=40).chain(1..=40).collect::<Vec<i32>>()).prop_shuffle(),
            missing in 1..=41_i32,
        ) {
            let mut order = InOrder::after(0, 40);
            let mut out = Vec::new();
            for number in arrivals.into_iter().filter(|n| *n != missing) {
                prop_assert_eq!(order.take_in(number, number), Ok(()));
                out.extend(drain(&mut order));
            }
            prop_assert_eq!(out, (1..missing).collect::<Vec<_>>());
            let ahead: Vec<_> = order.ahead().copied().collect();
            prop_assert_eq!(ahead, (missing + 1..=40).collect::<Vec<_>>());
        }

        /// A small store says so instead of growing.
        #[test]
        fn it_never_keeps_more_than_it_may(numbers in prop::collection::vec(1..100_i32, 0..200), most in 0..5_usize) {
            let mut order = InOrder::after(0, most);
            for number in numbers {
                let _ = order.take_in(number, number);
                drain(&mut order);
                prop_assert!(order.ahead.len() <= most);
            }
        }
    }
}
