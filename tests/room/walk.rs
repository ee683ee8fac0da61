//! Any sequence of steps.

use proptest::prelude::*;

use test_support::needs;

use crate::{
    pair::Pair,
    steps::{Step, steps},
};

fn walk(steps: &[Step]) {
    needs!(Redis);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut pair = Pair::new().await;
        for step in steps {
            pair.step(step).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn any_sequence_gives_the_same_decisions_and_places(steps in steps()) {
        walk(&steps);
    }
}
