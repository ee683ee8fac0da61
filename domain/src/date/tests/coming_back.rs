//! Places that a database which was set back has lost, and dates that were drawn by the rule before this one (rule 9).

use chrono::TimeDelta;

use super::{Stage, at, user};
use crate::{
    date::{Command, Drawn, EndReason, Event, Outcome, model::SECRET},
    id::TokenId,
    lobby::{self, DrawSecret},
    policy::{PolicyPatch, QueuePolicy},
    sale::{Problem, ProblemCode},
    text::PersonName,
};

fn join(fan: u8) -> Command {
    Command::Join { user: user(fan), name: PersonName::none() }
}

fn token(stage: &Stage, fan: u8) -> TokenId {
    stage.sale.place_of(&user(fan)).unwrap()
}

/// A place as its owner's token has it.
fn back(stage: &Stage, fan: u8) -> Command {
    let token = token(stage, fan);
    let order = stage.sale.position(token).unwrap().order;
    Command::ComeBack { token, user: user(fan), name: PersonName::none(), order }
}

fn position(stage: &Stage, fan: u8) -> Option<u32> {
    stage.sale.position(stage.sale.place_of(&user(fan))?)?.position
}

/// Nobody is admitted, and everybody has joined, before the draw and after it.
fn waiting(lobby: std::ops::Range<u8>, later: std::ops::Range<u8>) -> Stage {
    let mut stage = Stage::new(QueuePolicy { max_active: Some(0), ..QueuePolicy::default() });
    for fan in lobby {
        stage.take(join(fan)).unwrap();
    }
    stage.pass(TimeDelta::seconds(60));
    stage.settle();
    for fan in later {
        stage.take(join(fan)).unwrap();
    }
    stage
}

/// Sets the rows back to those without these fans.
fn lose(stage: &mut Stage, fans: std::ops::Range<u8>) {
    let lost: Vec<_> = fans.map(user).collect();
    stage.rows.tokens.retain(|row| !lost.contains(&row.user));
    stage.sale = stage.rows.open();
}

#[test]
fn who_comes_back_stands_where_they_stood() {
    let mut stage = waiting(0..6, 6..12);
    let stood: Vec<_> = (0..12).map(|fan| position(&stage, fan)).collect();
    let mut commands: Vec<_> = (2..9).map(|fan| back(&stage, fan)).collect();
    commands.reverse();
    lose(&mut stage, 2..9);
    let hash = stage.sale.lobby_hash();
    let decision = stage.decide(&commands);
    assert!(decision.outcomes.iter().all(|outcome| matches!(outcome, Ok(Outcome::Joined(_)))));
    stage.commit(&decision);
    assert_eq!((0..12).map(|fan| position(&stage, fan)).collect::<Vec<_>>(), stood);
    assert_eq!(stage.sale.lobby_hash(), hash, "the draw stands");
    assert!(hash.is_some());
    let Ok(Outcome::Joined(_)) = stage.take(join(20)) else { panic!("a join") };
    assert_eq!(position(&stage, 20), Some(13));
}

/// Whoever is first is let in, also if they have just come back.
#[test]
fn nobody_is_let_in_past_somebody_who_comes_back_at_that_moment() {
    let mut stage = waiting(0..0, 0..5);
    let command = back(&stage, 0);
    lose(&mut stage, 0..1);
    stage.take(Command::SetPaused(true)).unwrap();
    let one = PolicyPatch { max_active: Some(Some(1)), ..PolicyPatch::default() };
    let decision = stage.decide(&[Command::PatchPolicy(one), Command::SetPaused(false), join(7), command]);
    let admits = |event: &Event| matches!(event, Event::Admitted { .. });
    assert!(decision.more && !decision.events.iter().any(admits), "{decision:?}");
    stage.commit(&decision);
    assert_eq!(stage.sale.next_due(), Some(stage.now));
    stage.settle();
    assert_eq!((0..5).map(|fan| position(&stage, fan)).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(Some));
}

#[test]
fn who_comes_back_before_the_draw_joins_the_lobby_as_its_last() {
    let mut stage = Stage::new(QueuePolicy::default());
    for fan in 0..5 {
        stage.take(join(fan)).unwrap();
    }
    let command = back(&stage, 2);
    lose(&mut stage, 2..3);
    let decision = stage.decide(&[command]);
    let Event::Joined { seq, lobby, .. } = decision.events[0] else { panic!("{decision:?}") };
    assert_eq!((seq, lobby), (5, true));
    stage.commit(&decision);
    let joins = stage.rows.tokens.iter().map(|row| row.token);
    assert_eq!(stage.sale.lobby.hash(), lobby::LobbyHash::of(joins));
}

#[test]
fn a_place_that_is_known_is_not_given_back() {
    let mut stage = waiting(0..0, 0..3);
    let [first, second, third] = [0, 1, 2].map(|fan| back(&stage, fan));
    let (one, two) = (token(&stage, 0), token(&stage, 1));
    assert_eq!(stage.take(first.clone()), Ok(Outcome::Already(one)));
    let leave = |fan, token| Command::Leave { user: user(fan), token };
    let decision = stage.decide(&[leave(0, one), first.clone(), first.clone()]);
    assert_eq!(decision.outcomes[1..], [Ok(Outcome::Over(one)), Ok(Outcome::Over(one))]);
    stage.commit(&decision);
    assert_eq!(stage.take(first.clone()), Ok(Outcome::Over(one)));
    // Who has joined anew since has that place.
    lose(&mut stage, 1..2);
    let Ok(Outcome::Joined(new)) = stage.take(join(1)) else { panic!("a join") };
    assert_eq!(stage.take(second.clone()), Ok(Outcome::Already(new)));
    assert_ne!(new, two);
    lose(&mut stage, 2..3);
    let Command::ComeBack { token, name, order, .. } = second.clone() else { panic!() };
    stage.take(leave(1, new)).unwrap();
    stage.take(second).unwrap();
    let stolen = Command::ComeBack { token, user: user(8), name, order };
    assert_eq!(stage.take(stolen), Err(Problem::NotAdmitted(None)));
    stage.now = at(3_000);
    assert_eq!(stage.take(third), Err(Problem::Simple(ProblemCode::SaleClosed)));
    assert_eq!(stage.take(first), Ok(Outcome::Over(one)));
}

/// After a loss the numbers of lost joins are given again; every process has to see the same line all the same.
#[test]
fn two_of_the_same_number_stand_in_the_same_order_at_every_process() {
    let mut stage = waiting(0..0, 0..40);
    let lost: Vec<_> = (10..40).map(|fan| back(&stage, fan)).collect();
    lose(&mut stage, 10..40);
    let mut replica = stage.rows.open();
    let commands: Vec<_> = (40..70).map(join).chain(lost).collect();
    let decision = stage.decide(&commands);
    replica.apply(&decision.batch());
    stage.commit(&decision);
    let opened = stage.rows.open();
    for row in &stage.rows.tokens {
        let shown = stage.sale.position(row.token);
        assert_eq!((replica.position(row.token), opened.position(row.token)), (shown, shown));
    }
}

#[test]
fn a_date_that_was_drawn_by_the_secret_alone_keeps_its_order() {
    let mut stage = waiting(0..20, 20..22);
    stage.rows.drawn = Some(Drawn::BySecretAlone);
    stage.sale = stage.rows.open();
    let ids = stage.rows.tokens.iter().filter(|row| row.lobby).map(|row| row.token);
    let drawn = lobby::order(&DrawSecret::new(SECRET), Drawn::BySecretAlone, ids);
    for (place, token) in (1..).zip(&drawn) {
        assert_eq!(stage.sale.position(*token).unwrap().position, Some(place));
    }
    assert_eq!((position(&stage, 20), stage.sale.lobby_hash()), (Some(21), None));
    let decision = stage.decide(&[Command::Silent { tokens: vec![drawn[0]] }]);
    assert_eq!(decision.events, [Event::Ended { token: drawn[0], reason: EndReason::Silent }]);
    assert_eq!(decision.summary.lobby_hash, None, "its row stays as it is");
    // Who comes back to it stands by the same rule.
    let stood = position(&stage, 3);
    let command = back(&stage, 3);
    lose(&mut stage, 3..4);
    stage.take(command).unwrap();
    assert_eq!(position(&stage, 3), stood);
}
