//! Tickets through compactions, which a line as short as that of `walk` never sees.

use proptest::{prelude::*, sample::Index};

use super::*;

const FANS: u64 = 1_500;

fn leave(room: &mut Room, n: u64) {
    cycle(room, &[Command::Leave { token: token(n) }], at(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A ticket gives the position that the token has, or nothing; nothing only if the place no longer waits or the
    /// line was compacted, and then a new ticket gives it.
    #[test]
    fn a_ticket_never_tells_another_position_than_the_token(steps in prop::collection::vec((0..10u8, any::<Index>()), 1_200..2_400)) {
        let mut room = room(at_once(0));
        join_all(&mut room, 0..FANS, at(1));
        let mut tickets: Vec<_> = (0..FANS).map(|n| room.ticket(token(n)).unwrap()).collect();
        let mut waiting: Vec<_> = (0..FANS).collect();
        let mut renewed = 0;
        for (step, (kind, who)) in (1_u64..).zip(steps) {
            if kind == 0 || waiting.is_empty() {
                let n = tickets.len() as u64;
                join_all(&mut room, n..n + 1, at(2));
                tickets.push(room.ticket(token(n)).unwrap());
                waiting.push(n);
            } else {
                let gone = waiting.remove(who.index(waiting.len()));
                leave(&mut room, gone);
                prop_assert_eq!(room.position_of(&tickets[usize::try_from(gone).unwrap()]), None);
                prop_assert_eq!(room.ticket(token(gone)), None);
            }
            let asked = usize::try_from(step).unwrap() % tickets.len();
            let shown = room.view(token(asked as u64), at(2)).and_then(|view| view.position);
            let told = room.position_of(&tickets[asked]);
            prop_assert!(told.is_none() || told == shown, "{:?} is not {:?}", told, shown);
            if told != shown {
                tickets[asked] = room.ticket(token(asked as u64)).unwrap();
                prop_assert_eq!(room.position_of(&tickets[asked]), shown);
                renewed += 1;
            }
        }
        prop_assert!(renewed > 0 || waiting.len() as u64 > FANS / 2, "no compaction was seen");
    }
}

#[test]
fn a_compaction_outdates_every_ticket_at_once() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..2_000, at(1));
    let old = room.ticket(token(1_999)).unwrap();
    (0..1_000).for_each(|n| leave(&mut room, n));
    assert_eq!(room.position_of(&old), Some(1_000));
    leave(&mut room, 1_000);
    assert_eq!(room.position_of(&old), None);
    let new = room.ticket(token(1_999)).unwrap();
    assert_eq!(room.position_of(&new), Some(999));
    // The rank of the old ticket is given again, in the new epoch: it still tells nothing.
    join_all(&mut room, 2_000..4_000, at(2));
    assert_eq!((room.position_of(&old), room.position_of(&new)), (None, Some(999)));
}

#[test]
fn the_ticket_of_whoever_is_admitted_tells_nothing() {
    let mut room = room(at_once(1));
    join_all(&mut room, 0..2, at(1));
    let [first, second] = [0, 1].map(|n| room.ticket(token(n)).unwrap());
    settle(&mut room, at(1));
    assert_eq!((room.position_of(&first), room.position_of(&second)), (None, Some(1)));
    assert_eq!(room.ticket(token(0)), None);
}

#[test]
fn with_a_stream_open_a_ticket_shows_what_the_token_shows() {
    let mut room = room(at_once(1));
    join_all(&mut room, 0..5, at(1));
    cycle(&mut room, &[], at(1));
    room.open_stream(token(3));
    let ticket = room.ticket(token(3)).unwrap();
    for now in [at(1), at(1_000), at(9_999)] {
        assert!(room.view_of(&ticket, now).is_some());
        assert_eq!(room.view_of(&ticket, now), room.view(token(3), now));
    }
}
