//! What the walk meets by chance only, one by one and at its edges.

use chrono::TimeDelta;

use super::{Stage, at, key, seat_id, seats, user};
use crate::{
    date::{
        Command, DUE_AT_ONCE, Decision, EndReason, Event, Kept, Outcome, SeatChoice, Status, Till,
        WalletCommand, decide_wallets,
    },
    id::{HoldId, TokenId, UserId},
    policy::QueuePolicy,
    sale::{Hold, Payment, Problem, ProblemCode, Reservation, Wallet},
    text::PersonName,
};

fn join(fan: u8) -> Command {
    Command::Join { user: user(fan), name: PersonName::try_new(&format!("Fan {fan}")).unwrap() }
}

fn hold(fan: u8, numbers: &[i32]) -> Command {
    Command::Hold { user: user(fan), token: None, seats: SeatChoice::Numbers(numbers.into()) }
}

fn pay(fan: u8, key: &str) -> Command {
    Command::Pay { user: user(fan), token: None, holds: None, key: self::key(key) }
}

/// An open sale with these fans admitted, and 1,000 points for each.
fn open_sale(policy: QueuePolicy, fans: u8) -> Stage {
    let mut stage = Stage::new(policy);
    stage.pass(TimeDelta::seconds(60));
    for fan in 0..fans {
        stage.take(join(fan)).unwrap();
        charge(&mut stage, fan, 1_000);
    }
    stage
}

fn charge(stage: &mut Stage, fan: u8, amount: i32) {
    let (user, key) = (user(fan), key(&format!("charge {fan} {}", stage.ids)));
    let command = WalletCommand::Charge { caller: user.clone(), wallet: user.clone(), amount, key };
    let till = Till { wallets: [(user.clone(), stage.rows.wallet(&user))].into(), ..Till::default() };
    let ids = &mut stage.ids;
    let decision = decide_wallets(till, &[command], stage.now, &mut || {
        *ids += 1;
        uuid::Uuid::from_u128(*ids)
    });
    for event in &decision.events {
        stage.rows.apply_one(decision.at, event, &std::collections::HashMap::new());
    }
}

fn token(stage: &Stage, fan: u8) -> TokenId {
    stage.sale.place_of(&user(fan)).unwrap()
}

fn held(outcome: Result<Outcome, Problem>) -> Vec<Hold> {
    match outcome {
        Ok(Outcome::Held(holds)) => holds,
        other => panic!("{other:?}"),
    }
}

fn paid(outcome: Result<Outcome, Problem>) -> (Payment, Vec<Reservation>, Wallet) {
    match outcome {
        Ok(Outcome::Paid(payment, reservations, wallet)) => (payment, reservations, wallet),
        other => panic!("{other:?}"),
    }
}

fn ended(decision: &Decision) -> Vec<EndReason> {
    let reason = |event: &Event| match event {
        Event::Ended { reason, .. } => Some(*reason),
        _ => None,
    };
    decision.events.iter().filter_map(reason).collect()
}

fn simple(code: ProblemCode) -> Result<Outcome, Problem> {
    Err(Problem::Simple(code))
}

#[test]
fn a_hold_ends_after_five_minutes_to_the_millisecond() {
    for (late, code) in [(-1, None), (0, Some(ProblemCode::HoldExpired))] {
        let mut stage = open_sale(QueuePolicy::default(), 2);
        held(stage.take(hold(0, &[1])));
        stage.pass(TimeDelta::minutes(5) + TimeDelta::milliseconds(late));
        let decision = stage.decide(&[pay(0, "a"), hold(1, &[1])]);
        let [paying, taking] = decision.outcomes.try_into().unwrap();
        assert_eq!(paying.as_ref().err().map(Problem::code), code);
        assert_eq!(paying.is_ok(), taking.is_err(), "rule 11: the seat is somebody's, and one's only");
    }
}

#[test]
fn who_asks_for_a_seat_again_has_it_already() {
    let mut stage = open_sale(QueuePolicy { max_seats_per_user: 1, ..QueuePolicy::default() }, 1);
    let first = held(stage.take(hold(0, &[1])));
    assert_eq!(held(stage.take(hold(0, &[1]))), first);
    assert_eq!(stage.take(hold(0, &[1, 2])), Err(Problem::SeatLimitReached(1)));
}

#[test]
fn what_one_has_paid_for_counts_when_one_comes_back() {
    let mut stage = open_sale(QueuePolicy { max_seats_per_user: 2, ..QueuePolicy::default() }, 1);
    held(stage.take(hold(0, &[1, 2])));
    let (_, tickets, _) = paid(stage.take(pay(0, "a")));
    stage.take(join(0)).unwrap();
    assert_eq!(stage.take(hold(0, &[3])), Err(Problem::SeatLimitReached(2)));
    let (reservation, key) = (tickets[0].id, key("b"));
    stage.take(Command::Cancel { user: user(0), reservation, key }).unwrap();
    assert_eq!(stage.take(hold(0, &[3, 4])), Err(Problem::SeatLimitReached(2)));
    held(stage.take(hold(0, &[1])));
}

#[test]
fn all_seats_or_none() {
    let mut stage = open_sale(QueuePolicy::default(), 2);
    held(stage.take(hold(0, &[2])));
    assert_eq!(stage.take(hold(1, &[1, 2, 3])), Err(Problem::SeatTaken(vec![seat_id(2)])));
    assert_eq!(stage.take(hold(1, &[1, 99])), simple(ProblemCode::SeatNotFound));
    assert_eq!(stage.sale.holds_of(&user(1), stage.now).count(), 0);
    let best =
        Command::Hold { user: user(1), token: None, seats: SeatChoice::Best { count: 4, section: None } };
    let seats: Vec<_> = held(stage.take(best)).iter().map(|hold| hold.seat).collect();
    assert_eq!(seats, [3, 4, 5, 6].map(seat_id), "side by side in one row");
}

#[test]
fn the_time_to_choose_is_fixed_and_a_hold_keeps_the_place_open_for_paying_only() {
    let policy = QueuePolicy { session_seconds: 60, ..QueuePolicy::default() };
    let mut stage = open_sale(policy, 1);
    stage.pass(TimeDelta::seconds(59));
    let until = held(stage.take(hold(0, &[1])))[0].expires_at;
    stage.pass(TimeDelta::seconds(1));
    stage.settle();
    assert_eq!(stage.take(hold(0, &[2])), Err(Problem::ChoosingIsOver(Some(until))));
    let place = stage.sale.position(token(&stage, 0)).unwrap();
    assert_eq!((place.status, place.ends_at), (Status::Admitted, until));
    stage.now = until;
    let decision = stage.decide(&[]);
    assert_eq!(ended(&decision), [EndReason::HoldLapsed]);
}

#[test]
fn silence_ends_a_place_unless_something_is_held() {
    let mut stage = open_sale(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() }, 2);
    let tokens = vec![token(&stage, 0), token(&stage, 1)];
    let until = held(stage.take(hold(0, &[1])))[0].expires_at;
    let decision = stage.decide(&[Command::Silent { tokens: tokens.clone() }]);
    assert_eq!(ended(&decision), [EndReason::Silent], "the one who waits");
    assert_eq!(decision.outcomes, [Ok(Outcome::Kept(vec![Kept { token: tokens[0], seq: 0, until }]))]);
    stage.pass(TimeDelta::minutes(5));
    let decision = stage.decide(&[Command::Silent { tokens }]);
    assert_eq!(ended(&decision), [EndReason::Silent, EndReason::Silent]);
}

#[test]
fn who_leaves_or_pays_makes_room_in_the_same_breath() {
    for leaves in [true, false] {
        let mut stage = open_sale(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() }, 2);
        held(stage.take(hold(0, &[1])));
        let (first, next) = (token(&stage, 0), token(&stage, 1));
        let command = if leaves { Command::Leave { user: user(0), token: first } } else { pay(0, "a") };
        let decision = stage.decide(&[command]);
        assert_eq!(ended(&decision), [if leaves { EndReason::Left } else { EndReason::Paid }]);
        let until = stage.now + QueuePolicy::default().session();
        assert_eq!(decision.events.last(), Some(&Event::Admitted { token: next, until }));
        stage.commit(&decision);
        assert_eq!(stage.sale.seats().available(stage.now), if leaves { 16 } else { 15 });
    }
}

#[test]
fn the_lobby_is_drawn_by_all_of_it_and_who_comes_later_stands_behind() {
    let policy = QueuePolicy { max_active: None, admit_per_interval: Some(1), ..QueuePolicy::default() };
    let order = |without: Option<u8>| {
        let mut stage = Stage::new(policy);
        for fan in (0..8).filter(|fan| Some(*fan) != without) {
            stage.take(join(fan)).unwrap();
        }
        let leaver = token(&stage, 7);
        stage.take(Command::Leave { user: user(7), token: leaver }).unwrap();
        let hash = stage.sale.lobby.hash();
        assert_eq!(stage.sale.lobby_hash(), None);
        assert_eq!(stage.sale.position(token(&stage, 1)).unwrap().position, None);
        stage.pass(TimeDelta::seconds(60));
        stage.take(join(9)).unwrap();
        assert_eq!(stage.sale.lobby_hash(), Some(hash), "the lobby is closed");
        let line = stage.rows.line();
        assert_eq!(line.last(), Some(&token(&stage, 9)));
        let owners = line.iter().map(|token| stage.sale.owner(*token).unwrap().clone());
        (hash, owners.collect::<Vec<UserId>>())
    };
    let (all, _) = order(None);
    let (less, _) = order(Some(0));
    assert_ne!(all, less, "one join more or less changes the whole order");
}

#[test]
fn the_hash_of_the_lobby_is_that_of_the_printed_ids() {
    let mut stage = Stage::new(QueuePolicy::default());
    stage.take(join(0)).unwrap();
    stage.take(join(1)).unwrap();
    let ids = format!("{}{}", token(&stage, 0), token(&stage, 1));
    // SHA-256 of the text, by another tool: printf '%s' … | sha256sum.
    assert_eq!(ids, "00000000-0000-0000-0000-00000000000100000000-0000-0000-0000-000000000002");
    assert_eq!(
        stage.sale.lobby.hash().to_string(),
        "8049e9bda1606ad591d4a802fb3919164d82cdb4b8588c508d78ee7f0f799139"
    );
}

#[test]
fn a_sale_that_closes_ends_the_line_by_one_event() {
    let mut stage = open_sale(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() }, 4);
    held(stage.take(hold(0, &[1])));
    stage.now = at(3_000) - TimeDelta::milliseconds(1);
    stage.settle();
    let seat = hold(1, &[2]);
    let last = held(stage.take(seat))[0].clone();
    stage.now = at(3_000);
    let decision = stage.decide(&[join(7), hold(1, &[3])]);
    assert_eq!(decision.outcomes, [simple(ProblemCode::SaleClosed), simple(ProblemCode::SaleClosed)]);
    assert_eq!(decision.events, [Event::Closed]);
    stage.commit(&decision);
    assert_eq!(stage.sale.counts().waiting, 0);
    // What is held can be paid for until its own end.
    stage.now = last.expires_at - TimeDelta::milliseconds(1);
    paid(stage.take(pay(1, "late")));
    assert_eq!(stage.sale.next_due(), None);
}

#[test]
fn a_key_acts_once_also_within_one_decision() {
    let mut stage = open_sale(QueuePolicy::default(), 1);
    held(stage.take(hold(0, &[1, 13])));
    let decision = stage.decide(&[pay(0, "a"), pay(0, "a"), hold(0, &[2])]);
    let (payment, reservations, wallet) = paid(decision.outcomes[0].clone());
    assert_eq!((payment.amount, reservations.len(), wallet.balance), (350, 2, 650));
    assert_eq!(decision.outcomes[0], decision.outcomes[1]);
    assert_eq!(decision.outcomes[2], Err(Problem::NotAdmitted(None)), "the place is completed");
    stage.commit(&decision);
    let named =
        |holds: Vec<HoldId>| Command::Pay { user: user(0), token: None, holds: Some(holds), key: key("a") };
    assert_eq!(paid(stage.take(pay(0, "a"))).0, payment, "replayed");
    assert_eq!(stage.take(named(Vec::new())), simple(ProblemCode::IdempotencyKeyReused));
    assert_eq!(stage.rows.entries.len(), 2);
}

#[test]
fn who_is_short_of_points_has_lost_nothing() {
    let mut stage = open_sale(QueuePolicy::default(), 1);
    held(stage.take(hold(0, &[13, 14, 15, 16])));
    charge(&mut stage, 0, -1_000);
    let spend = WalletCommand::Use { user: user(0), amount: 999, key: key("spend") };
    let till = Till { wallets: [(user(0), stage.rows.wallet(&user(0)))].into(), ..Till::default() };
    let mut next = || uuid::Uuid::from_u128(1 << 99);
    let decision = decide_wallets(till, &[spend.clone(), spend], stage.now, &mut next);
    assert_eq!(decision.outcomes[0], decision.outcomes[1]);
    for event in &decision.events {
        stage.rows.apply_one(decision.at, event, &std::collections::HashMap::new());
    }
    let refused = stage.take(pay(0, "a"));
    assert_eq!(refused, Err(Problem::InsufficientPoints { balance: 1, required: 1_000 }));
    charge(&mut stage, 0, 999);
    assert_eq!(paid(stage.take(pay(0, "a"))).2.balance, 0);
}

#[test]
fn a_ticket_is_given_back_once_and_before_the_concert_begins() {
    let mut stage = open_sale(QueuePolicy::default(), 1);
    held(stage.take(hold(0, &[1, 2])));
    let (_, tickets, _) = paid(stage.take(pay(0, "a")));
    let cancel = |nth: usize, key: &str| Command::Cancel {
        user: user(0),
        reservation: tickets[nth].id,
        key: self::key(key),
    };
    let theirs = Command::Cancel { user: user(1), reservation: tickets[0].id, key: key("x") };
    assert_eq!(stage.take(theirs), simple(ProblemCode::ReservationNotFound));
    let decision = stage.decide(&[cancel(0, "b"), cancel(0, "c"), cancel(0, "b")]);
    assert_eq!(decision.outcomes[1], simple(ProblemCode::ReservationNotFound));
    assert_eq!(decision.outcomes[0], decision.outcomes[2]);
    stage.commit(&decision);
    assert_eq!(stage.rows.wallet(&user(0)).balance, 900);
    stage.now = at(3_600);
    assert_eq!(stage.take(cancel(1, "d")), simple(ProblemCode::CancellationClosed));
}

#[test]
fn whoever_lets_three_times_their_seats_lapse_is_barred_for_a_session() {
    let policy = QueuePolicy { max_seats_per_user: 2, session_seconds: 2_000, ..QueuePolicy::default() };
    let mut stage = open_sale(policy, 1);
    for _ in 0..3 {
        held(stage.take(hold(0, &[1, 2])));
        stage.pass(TimeDelta::minutes(5));
    }
    let until = stage.now + TimeDelta::seconds(2_000);
    assert_eq!(stage.take(hold(0, &[1])), Err(Problem::TooManyUnpaid(until)));
}

#[test]
fn what_is_due_at_once_is_done_in_parts_and_payments_go_between() {
    let mut stage = Stage::new(QueuePolicy { max_active: None, ..QueuePolicy::default() });
    stage.pass(TimeDelta::seconds(60));
    let crowd: Vec<_> = (0..2_000)
        .map(|n| Command::Join {
            user: UserId::try_new(&format!("crowd{n}")).unwrap(),
            name: PersonName::none(),
        })
        .collect();
    let decision = stage.decide(&crowd);
    stage.commit(&decision);
    let mut rounds = 1;
    while stage.sale.counts().waiting > 0 {
        let decision = stage.decide(&[]);
        assert!(decision.events.len() <= DUE_AT_ONCE && decision.more);
        stage.commit(&decision);
        rounds += 1;
    }
    assert_eq!(rounds, 1 + 2_000 / DUE_AT_ONCE);
    stage.pass(QueuePolicy::default().session());
    let decision = stage.decide(&[join(1)]);
    assert_eq!(ended(&decision).len(), DUE_AT_ONCE);
    assert!(matches!(decision.outcomes[..], [Ok(Outcome::Joined(_))]) && decision.more);
    assert_eq!(stage.sale.next_due(), Some(stage.now));
}

#[test]
fn a_seat_whose_hold_has_lapsed_can_be_taken_before_that_is_its_turn_to_be_journaled() {
    let policy = QueuePolicy { max_active: None, session_seconds: 600, ..QueuePolicy::default() };
    let crowd = i32::try_from(DUE_AT_ONCE).unwrap() + 2;
    let mut stage = Stage::with(policy, seats(&[("Stalls", 1, crowd, 100)]));
    stage.pass(TimeDelta::seconds(60));
    let fan = |n| UserId::try_new(&format!("crowd{n}")).unwrap();
    let all = 1..=crowd;
    let joins: Vec<_> =
        all.clone().map(|n| Command::Join { user: fan(n), name: PersonName::none() }).collect();
    let holds: Vec<_> = all
        .map(|n| Command::Hold { user: fan(n), token: None, seats: SeatChoice::Numbers(vec![n]) })
        .collect();
    for commands in [&joins, &holds] {
        let decision = stage.decide(commands);
        stage.commit(&decision);
        stage.settle();
    }
    let last = stage.sale.holds_of(&fan(crowd), stage.now).next().unwrap().id;
    stage.pass(TimeDelta::minutes(5));
    let seats = SeatChoice::Numbers(vec![crowd]);
    let decision = stage.decide(&[Command::Hold { user: fan(1), token: None, seats }]);
    assert!(matches!(decision.outcomes[..], [Ok(Outcome::Held(_))]) && decision.more);
    let at = |event: &Event| decision.events.iter().position(|one| one == event).unwrap();
    assert!(at(&Event::Lapsed { hold: last }) > DUE_AT_ONCE, "it was not its turn yet");
    assert!(matches!(decision.events.last(), Some(Event::Held { .. })));
    stage.commit(&decision);
    stage.settle();
    assert_eq!(stage.sale.seats().held(stage.now), 1);
}

#[test]
fn a_date_that_nobody_opens_knows_when_it_has_something_to_do() {
    let mut stage = Stage::new(QueuePolicy::default());
    for due in [at(60), at(3_000)] {
        assert_eq!(stage.sale.next_due(), Some(due));
        stage.now = due;
        stage.settle();
    }
    assert_eq!(stage.sale.next_due(), None);
}

#[test]
fn time_does_not_go_back() {
    let mut stage = open_sale(QueuePolicy::default(), 1);
    stage.now = at(0);
    let decision = stage.decide(&[hold(0, &[1])]);
    assert_eq!(decision.at, at(60), "that of the last batch");
    assert!(decision.outcomes[0].is_ok());
}
