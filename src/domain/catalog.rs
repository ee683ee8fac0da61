//! Concerts, their dates, how a house is laid out, and when a sale is open.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::{
    id::{ConcertId, SeriesId, UserId},
    lobby::DrawSecret,
    policy::QueuePolicy,
    text,
};

/// The most seats of one series.
pub const MAX_SEATS: usize = 100_000;

/// A concert, created by an organiser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concert {
    /// Its id.
    pub id: ConcertId,
    /// What it is called.
    pub title: String,
    /// Who created it.
    pub organizer: UserId,
    /// When that was.
    pub created_at: DateTime<Utc>,
}

/// One date of a concert, with its sale and its waiting room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its id.
    pub id: SeriesId,
    /// The concert.
    pub concert: ConcertId,
    /// When it takes place and when it is sold.
    pub schedule: Schedule,
    /// Whether the organiser has paused the sale.
    pub paused: bool,
    /// How many seats there are.
    pub seat_count: i32,
    /// How many of them have a standing reservation.
    pub reserved_count: i32,
    /// Grows by one with each commit that changed a seat.
    pub version: i32,
    /// Grows by one with each change of the organiser's settings: the policy, and whether the sale is paused.
    pub settings: i32,
    /// The organiser's settings.
    pub policy: QueuePolicy,
    /// What orders the lobby (rule 5): its commitment is public, itself only once the order is drawn.
    pub draw_secret: DrawSecret,
    /// When the lobby was put into order.
    pub drawn_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl Series {
    /// What the status of the sale depends on.
    #[must_use]
    pub fn state(&self) -> SaleState {
        SaleState {
            opens_at: self.schedule.reserve_start_at,
            closes_at: self.schedule.reserve_end_at,
            paused: self.paused,
            sold_out: self.reserved_count >= self.seat_count,
        }
    }
}

/// A title of 1 to 200 characters, without the spaces around it.
///
/// # Errors
/// A sentence that says what a title looks like.
pub fn try_title(title: &str) -> Result<String, String> {
    let title = title.trim();
    text::check("title", title, text::TITLE)?;
    Ok(title.to_owned())
}

/// When a concert takes place and when its seats are sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The concert begins; until then a ticket can be given back (rule 18).
    pub start_at: DateTime<Utc>,
    /// The concert ends.
    pub end_at: DateTime<Utc>,
    /// Seats can be held from this instant on; before it is the lobby (rule 5).
    pub reserve_start_at: DateTime<Utc>,
    /// Seats can be held until just before this instant.
    pub reserve_end_at: DateTime<Utc>,
}

impl Schedule {
    /// Checks that the times are in an order that makes sense.
    ///
    /// # Errors
    /// A sentence that names the times that are in the wrong order.
    pub fn check(self) -> Result<Self, String> {
        if self.start_at >= self.end_at {
            Err("startAt must be before endAt".into())
        } else if self.reserve_start_at >= self.reserve_end_at {
            Err("reserveStartAt must be before reserveEndAt".into())
        } else if self.reserve_end_at > self.end_at {
            Err("reserveEndAt must not be after endAt: there is nothing to sell once the concert is over"
                .into())
        } else {
            Ok(self)
        }
    }
}

/// How a sale stands, as fans see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeriesStatus {
    /// Before `reserve_start_at`: the lobby.
    Upcoming,
    /// Seats can be held.
    OnSale,
    /// The organiser has stopped admissions and holds.
    Paused,
    /// Every seat has a standing reservation.
    SoldOut,
    /// At or after `reserve_end_at`.
    Closed,
}

/// What the status of a sale depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleState {
    /// See [`Schedule::reserve_start_at`].
    pub opens_at: DateTime<Utc>,
    /// See [`Schedule::reserve_end_at`].
    pub closes_at: DateTime<Utc>,
    /// Whether the organiser has paused it.
    pub paused: bool,
    /// Whether every seat has a standing reservation.
    pub sold_out: bool,
}

impl SaleState {
    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> SeriesStatus {
        if now >= self.closes_at {
            SeriesStatus::Closed
        } else if self.sold_out {
            SeriesStatus::SoldOut
        } else if now < self.opens_at {
            SeriesStatus::Upcoming
        } else if self.paused {
            SeriesStatus::Paused
        } else {
            SeriesStatus::OnSale
        }
    }
}

/// A block of seats: rows of equal length at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is called; unique in its house.
    pub name: String,
    /// Rows, counted from 1.
    pub rows: i32,
    /// Seats a row, counted from 1.
    pub cols: i32,
    /// Points for one seat.
    pub price: i32,
}

/// One seat of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSeat {
    /// 1-based, unique in its series.
    pub number: i32,
    /// The section's name.
    pub section: String,
    /// 1-based in its section.
    pub row: i32,
    /// 1-based in its row.
    pub col: i32,
    /// Points.
    pub price: i32,
}

/// The standard house: 50 seats numbered 1 to 50 in 5 rows of 10, at 10,000 points.
#[must_use]
pub fn standard_house() -> Vec<Section> {
    vec![Section { name: "Standard".into(), rows: 5, cols: 10, price: 10_000 }]
}

/// The seats of a layout that was checked, numbered from 1 in the order of its sections, rows and columns. One after
/// the other: a large house need not be in memory as a whole.
pub fn seats(sections: &[Section]) -> impl Iterator<Item = PlannedSeat> {
    let places = sections.iter().flat_map(|section| {
        (1..=section.rows).flat_map(move |row| (1..=section.cols).map(move |col| (section, row, col)))
    });
    (1..).zip(places).map(|(number, (section, row, col))| PlannedSeat {
        number,
        section: section.name.clone(),
        row,
        col,
        price: section.price,
    })
}

/// Checks a layout; how many seats it has.
///
/// # Errors
/// A sentence that names what is wrong with it.
pub fn check_layout(sections: &[Section]) -> Result<u32, String> {
    if sections.is_empty() {
        return Err("sections must not be empty; leave them out for the standard house".into());
    }
    let (mut seats, mut value, mut names) = (0_i64, 0_i64, HashSet::new());
    for (i, section) in sections.iter().enumerate() {
        let Section { name, rows, cols, price } = section;
        text::check(&format!("sections[{i}].name"), name, text::SECTION)?;
        if name.trim().is_empty() {
            return Err(format!("sections[{i}].name must have more than spaces"));
        }
        if !names.insert(name) {
            return Err(format!(
                "sections[{i}].name repeats \"{name}\"; each section needs a name of its own"
            ));
        }
        if *rows < 1 || *cols < 1 {
            return Err(format!("sections[{i}] must have at least one row and one column"));
        }
        if *price < 1 || *price > crate::domain::sale::MAX_BALANCE {
            return Err(format!("sections[{i}].price must be between 1 and 1000000000 points, not {price}"));
        }
        let count = i64::from(*rows) * i64::from(*cols);
        seats += count;
        if seats > MAX_SEATS as i64 {
            return Err(format!("a series has at most {MAX_SEATS} seats, these sections have more"));
        }
        value += count * i64::from(*price);
    }
    // `SaleStats.revenue` is a GraphQL Int, like every amount.
    if value > i64::from(i32::MAX) {
        return Err(format!("all seats together must cost at most {} points, these cost {value}", i32::MAX));
    }
    Ok(u32::try_from(seats).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &str, rows: i32, cols: i32, price: i32) -> Section {
        Section { name: name.into(), rows, cols, price }
    }

    #[test]
    fn the_standard_house_has_seats_1_to_50_in_5_rows_of_10() {
        let seats: Vec<_> = seats(&standard_house()).collect();
        assert_eq!(seats.iter().map(|s| s.number).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
        assert!(seats.iter().all(|s| s.price == 10_000 && (1..=5).contains(&s.row) && s.col <= 10));
        assert_eq!((seats[49].row, seats[49].col), (5, 10));
    }

    #[test]
    fn a_layout_that_cannot_be_is_refused_with_the_reason() {
        let bad = |sections: &[Section]| check_layout(sections).unwrap_err();
        assert!(bad(&[]).contains("empty"));
        assert!(bad(&[section("A", 0, 5, 1)]).contains("sections[0]"));
        assert!(bad(&[section("A", 1, 1, 1), section("A", 1, 1, 1)]).contains("repeats \"A\""));
        assert!(bad(&[section("A", 1_000, 101, 1)]).contains("at most 100000"));
        assert!(bad(&[section("A", i32::MAX, i32::MAX, 1)]).contains("at most 100000"));
        assert!(bad(&[section("A", 1, 1, 0)]).contains("price"));
        assert!(bad(&[section("A", 3, 1, 1_000_000_000)]).contains("cost at most"));
        let most = [section("A", 1_000, 100, 1)];
        assert_eq!(check_layout(&most), Ok(100_000));
        assert_eq!(seats(&most).count(), MAX_SEATS);
    }

    #[test]
    fn the_status_follows_the_window_to_the_millisecond() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let sale = SaleState { opens_at: at(1_000), closes_at: at(2_000), paused: false, sold_out: false };
        assert_eq!(sale.status(at(999)), SeriesStatus::Upcoming);
        assert_eq!(sale.status(at(1_000)), SeriesStatus::OnSale);
        assert_eq!(sale.status(at(1_999)), SeriesStatus::OnSale);
        assert_eq!(sale.status(at(2_000)), SeriesStatus::Closed);
        assert_eq!(SaleState { paused: true, ..sale }.status(at(1_500)), SeriesStatus::Paused);
        let gone = SaleState { paused: true, sold_out: true, ..sale };
        assert_eq!(gone.status(at(1_500)), SeriesStatus::SoldOut);
    }
}
