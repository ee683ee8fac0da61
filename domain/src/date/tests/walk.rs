//! Random walks: many fans, few seats, commits that fail, and dates that are opened anew in the middle.

use std::collections::HashMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Stage, check, decide_with, key, user};
use crate::{
    catalog::SeriesStatus,
    date::{Command, Decision, Event, SeatChoice, WalletCommand, decide_wallets, model::Where},
    id::{TokenId, UserId},
    identity::JoinOrder,
    policy::{PolicyPatch, QueuePolicy},
    text::PersonName,
};

const FANS: u8 = 9;

#[derive(Clone, Debug)]
enum Act {
    Join(u8),
    /// With the token that the fan got last.
    ComeBack(u8),
    Leave(u8),
    Silent(u8),
    Hold(u8, Vec<i32>),
    Best(u8, i32),
    Release(u8, usize),
    Pay(u8, bool, u8),
    Cancel(u8, usize, u8),
    Policy(Option<u32>, Option<u32>),
    Pause(bool),
    Charge(u8, i32, u8),
}

#[derive(Clone, Debug)]
struct Step {
    seconds: i64,
    acts: Vec<Act>,
    /// The commit fails and nothing has happened.
    lost: bool,
    /// The date is opened anew from its rows.
    reopened: bool,
    /// The rows are set back to how they were so many steps ago.
    set_back: Option<usize>,
}

fn act() -> impl Strategy<Value = Act> {
    let fan = || 0..FANS;
    prop_oneof![
        6 => fan().prop_map(Act::Join),
        2 => fan().prop_map(Act::ComeBack),
        1 => fan().prop_map(Act::Leave),
        1 => fan().prop_map(Act::Silent),
        6 => (fan(), prop::collection::hash_set(1..=17, 1..4))
            .prop_map(|(fan, seats)| Act::Hold(fan, seats.into_iter().collect())),
        2 => (fan(), 1..5).prop_map(|(fan, count)| Act::Best(fan, count)),
        2 => (fan(), 0..4_usize).prop_map(|(fan, nth)| Act::Release(fan, nth)),
        5 => (fan(), any::<bool>(), 0..4_u8).prop_map(|(fan, named, key)| Act::Pay(fan, named, key)),
        2 => (fan(), 0..4_usize, 4..6_u8).prop_map(|(fan, nth, key)| Act::Cancel(fan, nth, key)),
        1 => (prop::option::of(1..4_u32), prop::option::of(1..4_u32)).prop_map(|(a, b)| Act::Policy(a, b)),
        1 => any::<bool>().prop_map(Act::Pause),
        3 => (fan(), -10..400, 6..9_u8).prop_map(|(fan, amount, key)| Act::Charge(fan, amount, key)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![4 => Just(0), 4 => 1..30_i64, 2 => 30..320_i64];
    let acts = prop::collection::vec(act(), 0..6);
    let set_back = prop::option::weighted(0.05, 1..6_usize);
    (seconds, acts, prop::bool::weighted(0.1), prop::bool::weighted(0.1), set_back).prop_map(
        |(seconds, acts, lost, reopened, set_back)| Step { seconds, acts, lost, reopened, set_back },
    )
}

/// What the fans' own tokens say.
type Passes = HashMap<UserId, (TokenId, JoinOrder)>;

/// The command, as this fan would send it now.
fn command(stage: &Stage, passes: &Passes, act: &Act) -> Option<Command> {
    let place = |user: &UserId| stage.rows.live_token_of(user).map(|row| row.token);
    Some(match act {
        Act::Join(fan) => Command::Join { user: user(*fan), name: PersonName::none() },
        Act::ComeBack(fan) => {
            let (token, order) = *passes.get(&user(*fan))?;
            let is_known = stage.rows.tokens.iter().any(|row| row.token == token && !is_over(&row.at));
            if is_known {
                return None;
            }
            Command::ComeBack { token, user: user(*fan), name: PersonName::none(), order }
        }
        Act::Leave(fan) => Command::Leave { token: place(&user(*fan))?, user: user(*fan) },
        Act::Silent(fan) => Command::Silent { tokens: vec![place(&user(*fan))?] },
        Act::Hold(fan, seats) => {
            let (user, seats) = (user(*fan), SeatChoice::Numbers(seats.clone()));
            // Every other fan shows the latest token, which may be over.
            let latest = || stage.rows.tokens.iter().rfind(|row| row.user == user).map(|row| row.token);
            let token = if fan % 2 == 0 { latest() } else { None };
            Command::Hold { user, token, seats }
        }
        Act::Best(fan, count) => {
            let seats = SeatChoice::Best { count: *count, section: None };
            Command::Hold { user: user(*fan), token: None, seats }
        }
        Act::Release(fan, nth) => {
            let user = user(*fan);
            let hold = stage.rows.holds.iter().rev().filter(|hold| hold.user == user).nth(*nth)?.id;
            Command::Release { user, hold }
        }
        Act::Pay(fan, named, key) => {
            let user = user(*fan);
            let live = stage.rows.live_holds(stage.now).filter(|hold| hold.user == user).map(|hold| hold.id);
            let holds = named.then(|| live.take(2).collect());
            Command::Pay { user, token: None, holds, key: self::key(&key.to_string()) }
        }
        Act::Cancel(fan, nth, key) => {
            let user = user(*fan);
            let reservation = stage.rows.reservations.values().filter(|one| one.user == user).nth(*nth)?.id;
            Command::Cancel { user, reservation, key: self::key(&key.to_string()) }
        }
        Act::Policy(max_active, admit_per_interval) => {
            let limit = |most: Option<u32>| Some(most.map(|most| i32::try_from(most).unwrap()));
            Command::PatchPolicy(PolicyPatch {
                max_active: limit(*max_active),
                admit_per_interval: limit(*admit_per_interval),
                ..PolicyPatch::default()
            })
        }
        Act::Pause(paused) => Command::SetPaused(*paused),
        Act::Charge(..) => return None,
    })
}

fn policy() -> QueuePolicy {
    QueuePolicy {
        max_active: Some(3),
        admit_per_interval: None,
        interval_seconds: 20,
        session_seconds: 90,
        max_seats_per_user: 3,
        ..QueuePolicy::default()
    }
}

/// Charges go their own way, before the rest of the step.
fn charge(stage: &mut Stage, acts: &[Act]) {
    let commands: Vec<_> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Charge(fan, amount, key) => {
                let (user, amount, key) = (user(*fan), *amount, self::key(&format!("{key} {amount}")));
                Some(WalletCommand::Charge { caller: user.clone(), wallet: user, amount, key })
            }
            _ => None,
        })
        .collect();
    let mut known = crate::date::Till::default();
    for command in &commands {
        let wallet = command.wallet();
        known.wallets.insert(wallet.clone(), stage.rows.wallet(wallet));
        let asked = Command::Pay { user: wallet.clone(), token: None, holds: None, key: command.key().1 };
        known.keys.extend(stage.rows.known(&stage.sale, &[asked]).till.keys);
    }
    let mut ids = stage.ids;
    let decision = decide_wallets(known, &commands, stage.now.max(stage.rows.last), &mut || {
        ids += 1;
        uuid::Uuid::from_u128(ids)
    });
    stage.ids = ids;
    // Of no date: its time stays.
    for event in &decision.events {
        stage.rows.apply_one(decision.at, event, &HashMap::new());
    }
}

fn is_over(at: &Where) -> bool {
    matches!(at, Where::Ended(_))
}

/// Gives everybody who has joined their token.
fn hand_out(passes: &mut Passes, decision: &Decision) {
    for event in &decision.events {
        if let Event::Joined { token, user, seq, lobby, .. } = event {
            passes.insert(user.clone(), (*token, JoinOrder { seq: *seq, lobby: *lobby }));
        }
    }
}

fn came_back(commands: &[Command]) -> bool {
    commands.iter().any(|command| matches!(command, Command::ComeBack { .. }))
}

/// Who was where in line, so that nobody falls back.
fn positions(stage: &Stage) -> HashMap<TokenId, u32> {
    let tokens = stage.rows.tokens.iter().map(|row| row.token);
    tokens.filter_map(|token| Some((token, stage.sale.position(token)?.position?))).collect()
}

fn has_policy_event(decision: &Decision) -> bool {
    decision.events.iter().any(|event| matches!(event, Event::PolicySet(_)))
}

/// Rule 6 at the instant of each admission, under the policy that is in force then.
fn within_limits(stage: &Stage, decision: &Decision) {
    let admits = decision.events.iter().any(|event| matches!(event, Event::Admitted { .. }));
    let policy = stage.rows.settings.policy;
    if admits {
        assert_eq!(stage.rows.status(decision.at), SeriesStatus::OnSale);
        let most = policy.max_active.map_or(usize::MAX, |most| most as usize);
        assert!(stage.rows.admitted() <= most, "rule 6: {} are admitted", stage.rows.admitted());
        let most = policy.admit_per_interval.map_or(usize::MAX, |most| most as usize);
        assert!(stage.rows.admitted_within(&policy, decision.at) <= most, "rule 6: too many in an interval");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_sale_keeps_its_rules(steps in prop::collection::vec(step(), 1..60)) {
        let mut stage = Stage::new(policy());
        let mut replica = stage.rows.open();
        let (mut passes, mut history) = (Passes::new(), vec![stage.rows.clone()]);
        for step in steps {
            if let Some(back) = step.set_back {
                stage.rows = history[history.len().saturating_sub(back)].clone();
                (stage.sale, replica) = (stage.rows.open(), stage.rows.open());
            }
            stage.pass(TimeDelta::seconds(step.seconds));
            charge(&mut stage, &step.acts);
            let commands: Vec<_> = step.acts.iter().filter_map(|act| command(&stage, &passes, act)).collect();
            let before = positions(&stage);
            let decision = stage.decide(&commands);
            prop_assert_eq!(decision.outcomes.len(), commands.len());
            check::decision(&stage.rows, &decision);
            if step.lost {
                // Nothing has happened, and the same is decided again.
                let mut ids = 1 << 100;
                let known = stage.rows.known(&stage.sale, &commands);
                let again = decide_with(&stage.sale, &commands, known, stage.now, &mut ids);
                prop_assert_eq!(again.events.len(), decision.events.len());
                continue;
            }
            stage.commit(&decision);
            replica.apply(&decision.batch());
            hand_out(&mut passes, &decision);
            within_limits(&stage, &decision);
            if step.reopened {
                stage.sale = stage.rows.open();
            }
            // What is due beside the commands, with the replica following.
            let mut rounds = 0;
            while stage.sale.next_due().is_some_and(|due| due <= stage.now) {
                let due = stage.decide(&[]);
                check::decision(&stage.rows, &due);
                prop_assert!(!has_policy_event(&due));
                stage.commit(&due);
                replica.apply(&due.batch());
                within_limits(&stage, &due);
                rounds += 1;
                prop_assert!(rounds < 20, "{:?} stays due at {}", stage.sale.next_due(), stage.now);
            }
            check::stage(&stage);
            for (token, now) in positions(&stage) {
                // Somebody who comes back stands in front of others again.
                let then = before.get(&token).copied().filter(|_| !came_back(&commands)).unwrap_or(u32::MAX);
                prop_assert!(now <= then, "rule 8: {} fell back from {} to {}", token, then, now);
            }
            same(&stage, &replica)?;
            history.push(stage.rows.clone());
        }
        let opened = stage.rows.open();
        same(&stage, &opened)?;
    }
}

/// Two that have taken in the same are the same, and decide the same.
fn same(stage: &Stage, other: &crate::date::Sale) -> Result<(), TestCaseError> {
    let sale = &stage.sale;
    for row in &stage.rows.tokens {
        prop_assert_eq!(sale.position(row.token), other.position(row.token));
    }
    prop_assert_eq!(sale.counts(), other.counts());
    prop_assert_eq!(sale.next_due(), other.next_due());
    prop_assert_eq!(sale.lobby_hash(), other.lobby_hash());
    if !sale.is_drawn() {
        prop_assert_eq!(sale.lobby.hash(), other.lobby.hash());
    }
    prop_assert_eq!(sale.seats().version(), other.seats().version());
    for fan in 0..FANS {
        let holds = |sale: &crate::date::Sale| sale.holds_of(&user(fan), stage.now).collect::<Vec<_>>();
        prop_assert_eq!(holds(sale), holds(other));
        prop_assert_eq!(sale.reserved_of(&user(fan)), other.reserved_of(&user(fan)));
        prop_assert_eq!(sale.unpaid_of(&user(fan)), other.unpaid_of(&user(fan)));
    }
    let later = stage.now + TimeDelta::seconds(301);
    let commands: Vec<_> =
        (0..FANS).map(|fan| Command::Join { user: user(fan), name: PersonName::none() }).collect();
    let decided = |sale| {
        let mut ids = 1 << 90;
        decide_with(sale, &commands, stage.rows.known(sale, &commands), later, &mut ids)
    };
    prop_assert_eq!(decided(sale), decided(other));
    Ok(())
}
