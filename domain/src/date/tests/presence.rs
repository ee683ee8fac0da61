//! Who is listened to, beside a date.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Stage, at, user};
use crate::{
    attendance::Absence,
    date::{Command, model::TokenRow},
    policy::QueuePolicy,
    presence::Presence,
    text::PersonName,
};

fn join(fan: u8) -> Command {
    Command::Join { user: user(fan), name: PersonName::none() }
}

/// Every live place is listened to, and no other, whatever happens in one batch.
#[test]
fn presence_follows_the_places() {
    let mut stage = Stage::new(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() });
    stage.take(join(0)).unwrap();
    let mut presence = Presence::of(&stage.sale, Absence::default(), stage.now);
    let mut step = |stage: &mut Stage, seconds, commands: &[Command]| {
        stage.now = at(seconds);
        let decision = stage.decide(commands);
        presence.take_in(&stage.sale, &decision.batch(), stage.now);
        stage.commit(&decision);
        let seconds = |heard: DateTime<Utc>| (heard - at(0)).num_seconds();
        let known =
            |row: &TokenRow| Some((row.seq, seconds(presence.heard_at(row.seq, row.token, stage.now)?)));
        let heard: BTreeMap<_, _> = stage.rows.tokens.iter().filter_map(known).collect();
        let live: BTreeSet<_> = stage.sale.live().map(|(seq, _)| seq).collect();
        assert_eq!(heard.keys().copied().collect::<BTreeSet<_>>(), live);
        heard
    };
    let leave = |stage: &Stage, fan| Command::Leave {
        user: user(fan),
        token: stage.sale.place_of(&user(fan)).unwrap(),
    };
    assert_eq!(step(&mut stage, 5, &[join(1), join(2), join(3)]), [(0, 0), (1, 5), (2, 5), (3, 5)].into());
    let left = leave(&stage, 2);
    assert_eq!(step(&mut stage, 6, &[left, join(2)]), [(0, 0), (1, 5), (3, 5), (4, 6)].into());
    step(&mut stage, 60, &[]);
    step(&mut stage, 61, &[]);
    // One is admitted, and stays when the sale closes.
    assert_eq!(step(&mut stage, 2_990, &[]).len(), 3);
    assert_eq!(step(&mut stage, 3_000, &[]).len(), 1);
}
