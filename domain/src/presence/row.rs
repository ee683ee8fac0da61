//! Whom a process has heard from, as it tells the others: runs of numbers, as few bytes as may be.

use std::ops::RangeInclusive;

/// These bytes say nothing of whom anybody has heard from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are not the numbers of places, in order")]
pub struct Malformed;

/// Numbers in order, each once, as bytes: for each run of them how many numbers are missing before it, and how many follow
/// its first; as LEB128. A crowd that is watched takes a few bytes, single fans two or three each.
#[must_use]
pub fn encode(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The first number that can follow.
    let mut next = 0;
    for run in numbers.chunk_by(|one, other| one.checked_add(1) == Some(*other)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        put(&mut bytes, first - next);
        put(&mut bytes, last - first);
        next = last.saturating_add(1);
    }
    bytes
}

/// The runs that were [encoded](encode).
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Result<RangeInclusive<u64>, Malformed>> + '_ {
    let (mut rest, mut next) = (bytes, Some(0_u64));
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let run = run(&mut rest, &mut next);
        if run.is_none() {
            rest = &[];
        }
        Some(run.ok_or(Malformed))
    })
}

fn run(rest: &mut &[u8], next: &mut Option<u64>) -> Option<RangeInclusive<u64>> {
    let first = (*next)?.checked_add(take(rest)?)?;
    let last = first.checked_add(take(rest)?)?;
    *next = last.checked_add(1);
    Some(first..=last)
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(0x80 | low(number));
        number >>= 7;
    }
    bytes.push(low(number));
}

fn low(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        number |= bits << shift;
        if (bits << shift) >> shift != bits {
            return None;
        }
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Vec<u64>, Malformed> {
        let runs: Result<Vec<_>, _> = runs(bytes).collect();
        Ok(runs?.into_iter().flatten().collect())
    }

    #[test]
    fn a_crowd_takes_a_few_bytes() {
        let crowd: Vec<_> = (1_000..1_000_000).collect();
        assert_eq!(encode(&crowd).len(), 5);
        let scattered: Vec<_> = (0..1_000_000).step_by(3).collect();
        assert_eq!(encode(&scattered).len(), 2 * scattered.len());
        assert_eq!(decoded(&encode(&crowd)), Ok(crowd));
    }

    #[test]
    fn the_largest_numbers_are_told_and_what_is_beyond_them_is_refused() {
        for numbers in [vec![u64::MAX], vec![u64::MAX - 1, u64::MAX], vec![0, u64::MAX]] {
            assert_eq!(decoded(&encode(&numbers)), Ok(numbers));
        }
        let beyond = [encode(&[u64::MAX]), vec![0, 0]].concat();
        assert_eq!(decoded(&beyond), Err(Malformed));
        for cut in [&[5][..], &[0x80], &[0xff; 20], &[5, 0xff]] {
            assert_eq!(decoded(cut), Err(Malformed), "{cut:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_told_is_what_is_heard(numbers in prop::collection::btree_set(0..2_000_u64, 0..300), far in any::<u64>()) {
            let numbers: Vec<_> = numbers.into_iter().chain([far].into_iter().filter(|far| *far >= 2_000)).collect();
            prop_assert_eq!(decoded(&encode(&numbers)), Ok(numbers));
        }

        /// Whatever comes, it ends and does not panic; and runs are in order.
        #[test]
        fn garbage_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut last = None;
            for run in runs(&bytes).map_while(Result::ok) {
                prop_assert!(last < Some(*run.start()) && run.start() <= run.end());
                last = Some(*run.end());
            }
        }
    }
}
