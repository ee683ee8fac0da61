//! Forgets idempotency keys past their age (rule 17), in short steps beside the sale. Each process does it; what another
//! has forgotten is not there any more.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    store::{self, Database},
};

/// How often keys are looked for.
const LOOK: TimeDelta = TimeDelta::hours(1);

/// How long the sale has the database to itself between two steps: a million keys take as many as 4,000.
const REST: TimeDelta = TimeDelta::milliseconds(20);

pub(super) async fn run(database: Database, clock: Clock, age: TimeDelta, stop: CancellationToken) {
    // How long others have the database to themselves is a matter of real time, also where a test holds the clock.
    let real = Clock::system();
    loop {
        match database.forget_keys(clock.now() - age).await {
            Ok(false) => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock.sleep(LOOK) => {}
                }
                continue;
            }
            Ok(true) => {}
            Err(error) if store::is_unavailable(&error) => {}
            Err(error) => tracing::warn!(%error, "idempotency keys cannot be forgotten"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = real.sleep(REST) => {}
        }
    }
}
