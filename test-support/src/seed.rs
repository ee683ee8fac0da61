//! What a test leaves to chance: moments and victims, drawn from a seed by which the draw can be repeated.

use std::ops::Range;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::index};

/// Entropy with the seed in `FRONTROW_TEST_SEED`, or a new one. It is said, so that it stands in the output of a test
/// that fails.
#[expect(clippy::print_stderr, reason = "whoever reads of a failure needs it")]
pub fn entropy() -> StdRng {
    let seed = std::env::var("FRONTROW_TEST_SEED").map_or_else(
        |_| StdRng::from_os_rng().random(),
        |seed| seed.parse().expect("FRONTROW_TEST_SEED is a whole number"),
    );
    eprintln!("to draw the same again: FRONTROW_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// So many different numbers of the range, in no order.
pub fn some_of(entropy: &mut StdRng, range: Range<usize>, count: usize) -> Vec<usize> {
    index::sample(entropy, range.len(), count).into_iter().map(|n| range.start + n).collect()
}
