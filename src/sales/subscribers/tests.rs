use std::{collections::HashSet, sync::Arc};

use chrono::TimeDelta;
use domain::{
    date::{
        Batch, EndReason, Event, Settings,
        model::{Rows, SERIES},
    },
    id::{SeatId, UserId},
    policy::QueuePolicy,
    sale::{Seat, SeatState},
    text::PersonName,
};
use uuid::Uuid;

use super::*;
use crate::sales::wheel::TICK_MS;

/// What each subscriber was told, in words.
#[derive(Debug, Default)]
struct Ears(Mutex<Vec<(u32, String)>>);

impl Ears {
    fn take(&self) -> Vec<(u32, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[derive(Debug)]
struct Ear {
    number: u32,
    ears: Arc<Ears>,
}

impl Subscriber for Ear {
    fn tell(&self, update: Update<'_>) -> Option<Waker> {
        let words = match update {
            Update::Place(place) => {
                format!("{:?} {:?} {:?}", place.status, place.position, place.series_status)
            }
            Update::Over(place) => format!("over {:?}", place.status),
            Update::Away(trouble) => format!("away {trouble:?}"),
            Update::Failed(trouble) => format!("failed {trouble:?}"),
        };
        self.ears.0.lock().unwrap().push((self.number, words));
        None
    }
}

/// A date with a line, and a subscriber for each place in it.
struct Line {
    sale: Sale,
    subscribers: Subscribers,
    ears: Arc<Ears>,
    keys: Vec<Key>,
    now: DateTime<Utc>,
}

fn token(number: u32) -> TokenId {
    TokenId(Uuid::from_u128(0x7000 + u128::from(number)))
}

impl Line {
    fn new(places: u32) -> Self {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let settings = Settings {
            start_at: now + TimeDelta::days(3),
            opens_at: now,
            closes_at: now + TimeDelta::days(2),
            paused: false,
            policy: QueuePolicy::default(),
        };
        let seat = Seat {
            id: SeatId(Uuid::from_u128(1)),
            series: SERIES,
            number: 1,
            section: "A".to_owned(),
            row: 1,
            col: 1,
            price: 1,
            state: SeatState::Free,
        };
        let mut sale = Rows::new(settings, vec![seat], now).open();
        let joined = |n: u32| Event::Joined {
            token: token(n),
            user: UserId::from_stored(&n.to_string()),
            name: PersonName::none(),
            seq: n.into(),
            lobby: false,
        };
        sale.apply(&Batch {
            at: now,
            events: [Event::Drawn].into_iter().chain((0..places).map(joined)).collect(),
        });
        let mut line =
            Self { sale, subscribers: Subscribers::default(), ears: Arc::default(), keys: Vec::new(), now };
        for number in 0..places {
            line.subscribe(number, None);
        }
        line
    }

    fn subscribe(&mut self, number: u32, lapse: Option<DateTime<Utc>>) {
        let ear = Box::new(Ear { number, ears: Arc::clone(&self.ears) });
        self.keys.push(self.subscribers.add(token(number), number, lapse, ear).0);
    }

    fn happens(&mut self, event: Event, places: &[u32], everybody: bool) {
        self.sale.apply(&Batch { at: self.now, events: vec![event] });
        let places: Vec<_> = places.iter().map(|number| token(*number)).collect();
        self.subscribers.changed(&places, true, everybody, self.now);
    }

    fn round(&self) -> (Round, Vec<(u32, String)>) {
        let round = self.subscribers.round(&self.sale, self.now, |_| None);
        (round, self.ears.take())
    }

    /// All that is to be told now.
    fn told(&self) -> Vec<(u32, String)> {
        let mut all = Vec::new();
        loop {
            let (round, told) = self.round();
            assert!(told.len() <= AT_ONCE, "others had no turn");
            all.extend(told);
            if !round.more {
                return all;
            }
        }
    }
}

#[test]
fn a_crowd_is_told_in_short_rounds_and_whose_own_place_has_changed_comes_first() {
    let mut line = Line::new(1_300);
    assert_eq!(line.told().len(), 1_300);
    assert_eq!(line.told(), []);
    line.happens(Event::PauseSet(true), &[], true);
    let (round, told) = line.round();
    assert!(round.more && told.len() == AT_ONCE);
    let until = line.now + TimeDelta::minutes(10);
    line.happens(Event::Admitted { token: token(1_200), until }, &[1_200], false);
    let rest = line.told();
    assert_eq!(rest[0], (1_200, "Admitted Some(0) Paused".to_owned()));
    let all: HashSet<_> = told.into_iter().chain(rest).map(|(number, _)| number).collect();
    assert_eq!(all.len(), 1_300, "what concerns everybody waits for no turn");
}

#[test]
fn the_line_is_told_in_turn_and_nobody_twice_in_one() {
    let mut line = Line::new(1_300);
    line.told();
    line.happens(Event::Ended { token: token(0), reason: EndReason::Left }, &[], false);
    line.subscribers.remove(line.keys[0]);
    assert_eq!(line.told(), [], "not at once");
    let (mut near, mut far) = (HashSet::new(), HashSet::new());
    for tick in 1..=100 {
        line.now += TimeDelta::milliseconds(TICK_MS);
        for (number, _) in line.told() {
            let is_new = if number < 1_000 { near.insert(number) } else { far.insert(number) };
            assert!(is_new, "{number} is told twice");
        }
        if tick == 10 {
            assert_eq!(near.len(), 999);
        }
    }
    assert_eq!((near.len(), far.len()), (999, 300));
    assert_eq!(line.round().0.next, None, "nothing moves");
}

/// Rule 1.
#[test]
fn with_its_token_each_stream_ends_and_is_told_nothing_more_however_many_they_are() {
    let mut line = Line::new(0);
    let until = line.now + TimeDelta::minutes(1);
    for n in 0..1_300 {
        line.subscribe(n, Some(until));
    }
    line.now = until - TimeDelta::milliseconds(1);
    let (round, _) = line.round();
    assert_eq!(round.next, Some(until));
    line.ears.take();
    line.now = until;
    line.subscribers.changed(&[], true, true, line.now);
    let told = line.told();
    assert_eq!(told.len(), 1_300);
    assert!(told.iter().all(|(_, words)| words == "failed Lapsed"), "{told:?}");
    assert!(line.subscribers.is_done());
}

#[test]
fn how_a_place_has_ended_is_asked_for_once_and_told_when_it_is_known() {
    let mut line = Line::new(3);
    line.told();
    line.happens(Event::Ended { token: token(1), reason: EndReason::Left }, &[1], false);
    let (round, told) = line.round();
    assert_eq!((round.gone, told), (vec![(line.keys[1], token(1))], vec![]));
    line.subscribers.changed(&[token(1)], true, true, line.now);
    assert_eq!(line.round().0.gone, []);
    // The database is away: said once, and to whoever has only come at once and for good.
    line.subscribe(7, None);
    let new = line.keys[3];
    assert_eq!(line.round().0.gone, [(new, token(7))]);
    line.ears.take();
    for _ in 0..2 {
        line.subscribers.away(line.keys[1]);
        line.subscribers.away(new);
    }
    let words = |number, words: &str| (number, words.to_owned());
    assert_eq!(line.ears.take(), [words(1, "away Unavailable"), words(7, "failed Unavailable")]);
    // Somebody else has the number of that one by now, and hears nothing that was meant for it.
    line.subscribe(2, None);
    assert_eq!(line.keys[4].at, new.at);
    line.subscribers.end(new, Update::Failed(&Trouble::NotFound));
    line.subscribers.remove(new);
    assert_eq!(line.told().len(), 1);
    line.subscribers.end(line.keys[1], Update::Failed(&Trouble::NotFound));
    assert_eq!(line.ears.take(), [words(1, "failed NotFound")]);
    assert_eq!(line.subscribers.watched().len(), 3);
}

#[test]
fn who_served_them_and_failed_begins_anew_with_all() {
    let mut line = Line::new(3);
    line.told();
    line.happens(Event::Ended { token: token(1), reason: EndReason::Left }, &[1], false);
    assert_eq!(line.round().0.gone.len(), 1);
    line.subscribers.look_at_all();
    assert_eq!(line.round().0.gone, [(line.keys[1], token(1))]);
}
