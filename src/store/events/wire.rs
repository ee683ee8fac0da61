//! Events as they travel: compact JSON. A process that does not understand a letter looks into the database instead,
//! so that two versions of this program may run side by side.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;
use crate::{
    domain::{
        id::{HoldId, ReservationId, SeatId, SeriesId},
        sale::SeatState,
        seat_map::SeatChange,
    },
    store::sale::SeatsChanged,
};

#[derive(Serialize, Deserialize)]
struct Letter {
    from: Uuid,
    news: Vec<News>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum News {
    /// Series, version, whether it is sold out, seats.
    Seats(Uuid, i32, bool, Vec<(Uuid, State)>),
    Changed(Uuid),
    Created(Uuid),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Free,
    /// The hold, and the milliseconds since 1970 at which it ends.
    Held(Uuid, i64),
    Reserved(Uuid),
}

pub(super) fn write(from: Uuid, events: impl Iterator<Item = Event>) -> serde_json::Result<Vec<u8>> {
    let news = events.map(|event| match event {
        Event::SeatsChanged(SeatsChanged { series, version, sold_out, seats }) => {
            let seats = seats.into_iter().map(|SeatChange { seat, state }| match state {
                SeatState::Free => (seat.0, State::Free),
                SeatState::Held { hold, until } => (seat.0, State::Held(hold.0, until.timestamp_millis())),
                SeatState::Reserved(id) => (seat.0, State::Reserved(id.0)),
            });
            News::Seats(series.0, version, sold_out, seats.collect())
        }
        Event::SeriesChanged(series) => News::Changed(series.0),
        Event::SeriesCreated(series) => News::Created(series.0),
    });
    serde_json::to_vec(&Letter { from, news: news.collect() })
}

/// Who told, and what.
pub(super) fn read(letter: &[u8]) -> Result<(Uuid, Vec<Event>), String> {
    let Letter { from, news } = serde_json::from_slice(letter).map_err(|error| error.to_string())?;
    let news = news.into_iter().map(|news| match news {
        News::Seats(series, version, sold_out, seats) => {
            let seats = seats.into_iter().map(seat).collect::<Result<_, _>>()?;
            Ok(Event::SeatsChanged(SeatsChanged { series: SeriesId(series), version, sold_out, seats }))
        }
        News::Changed(series) => Ok(Event::SeriesChanged(SeriesId(series))),
        News::Created(series) => Ok(Event::SeriesCreated(SeriesId(series))),
    });
    Ok((from, news.collect::<Result<_, String>>()?))
}

fn seat((seat, state): (Uuid, State)) -> Result<SeatChange, String> {
    let state = match state {
        State::Free => SeatState::Free,
        State::Held(hold, until) => {
            let until = DateTime::from_timestamp_millis(until).ok_or("a time that cannot be")?;
            SeatState::Held { hold: HoldId(hold), until }
        }
        State::Reserved(id) => SeatState::Reserved(ReservationId(id)),
    };
    Ok(SeatChange { seat: SeatId(seat), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let (me, series) = (Uuid::from_u128(1), SeriesId(Uuid::from_u128(2)));
        let until = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let states = [
            SeatState::Free,
            SeatState::Held { hold: HoldId(Uuid::from_u128(3)), until },
            SeatState::Reserved(ReservationId(Uuid::from_u128(4))),
        ];
        let seats = states.map(|state| SeatChange { seat: SeatId(Uuid::from_u128(5)), state }).to_vec();
        let events = vec![
            Event::SeatsChanged(SeatsChanged { series, version: 7, sold_out: true, seats }),
            Event::SeriesChanged(series),
            Event::SeriesCreated(series),
        ];
        let letter = write(me, events.clone().into_iter()).unwrap();
        assert_eq!(read(&letter), Ok((me, events)));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let me = Uuid::from_u128(1);
        for letter in ["", "{}", &format!("{{\"from\":\"{me}\",\"news\":[{{\"later\":1}}]}}")] {
            assert!(read(letter.as_bytes()).is_err(), "{letter}");
        }
    }
}
