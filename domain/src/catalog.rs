//! Concerts, their dates, how a house is laid out, and when a sale is open.

use chrono::{DateTime, Utc};

use crate::{
    date::LobbyHash,
    id::{ConcertId, SeriesId, UserId},
    lobby::DrawSecret,
    mistake::{Mistake, Mistakes},
    policy::{PolicyPatch, QueuePolicy},
    text::{Looks, SectionName, Title},
};

/// The most seats of one series.
pub const MAX_SEATS: usize = 100_000;

/// A concert, created by an organiser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concert {
    /// Its id.
    pub id: ConcertId,
    /// What it is called.
    pub title: Title,
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
    /// Grows with each commit that changed a seat.
    pub version: i32,
    /// The organiser's settings.
    pub policy: QueuePolicy,
    /// What orders the lobby (rule 5): its commitment is public, itself only once the order is drawn.
    pub draw_secret: DrawSecret,
    /// When the lobby was put into order.
    pub drawn_at: Option<DateTime<Utc>>,
    /// What it was ordered by beside the secret; none before the draw, and of a date that was drawn by the rule of former
    /// versions, which was the secret alone.
    pub lobby_hash: Option<LobbyHash>,
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
    /// Each time that is in the wrong order, and before which other.
    pub fn check(self) -> Result<Self, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        if self.start_at >= self.end_at {
            wrong.add(Mistake::at(["endAt".into()], "must be after startAt"));
        }
        if self.reserve_start_at >= self.reserve_end_at {
            wrong.add(Mistake::at(["reserveEndAt".into()], "must be after reserveStartAt"));
        }
        if self.reserve_end_at > self.end_at {
            let why = "must not be after endAt: there is nothing to sell once the concert is over";
            wrong.add(Mistake::at(["reserveEndAt".into()], why));
        }
        wrong.none_or(self)
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
    /// When it may have another status though nobody does anything.
    #[must_use]
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [self.opens_at, self.closes_at].into_iter().filter(|at| *at > now).min()
    }

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

/// How many seats of a date somebody is choosing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldSeats {
    /// Seats.
    pub seats: i32,
    /// When the first of these holds lapses.
    pub until: Option<DateTime<Utc>>,
}

/// A block of seats: rows of equal length at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is called; no other of its house looks the same.
    pub name: SectionName,
    /// Rows, counted from 1.
    pub rows: i32,
    /// Seats a row, counted from 1.
    pub cols: i32,
    /// Points for one seat.
    pub price: i32,
}

/// A block of seats as somebody describes it: nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSection {
    /// See [`Section::name`].
    pub name: String,
    /// See [`Section::rows`].
    pub rows: i32,
    /// See [`Section::cols`].
    pub cols: i32,
    /// See [`Section::price`].
    pub price: i32,
}

/// A date that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPlan {
    /// When it takes place and when it is sold.
    pub schedule: Schedule,
    /// Its seats.
    pub layout: Layout,
    /// How many are let in.
    pub policy: QueuePolicy,
}

impl SeriesPlan {
    /// Checks what somebody wants of a date; without sections it is the standard house, and what the policy leaves out is
    /// as it is by default.
    ///
    /// # Errors
    /// Everything that is wrong with it, by the names of `CreateSeriesInput`.
    pub fn try_new(
        schedule: Schedule,
        sections: Option<&[NewSection]>,
        policy: PolicyPatch,
    ) -> Result<Self, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let schedule = wrong.take_all(None, schedule.check());
        let layout = wrong.take_all(
            Some("sections".into()),
            sections.map_or_else(|| Ok(Layout::standard()), Layout::try_new),
        );
        let policy = wrong.take_all(Some("queuePolicy".into()), QueuePolicy::default().try_patched(policy));
        match (schedule, layout, policy) {
            (Some(schedule), Some(layout), Some(policy)) => Ok(Self { schedule, layout, policy }),
            _ => Err(wrong.into_vec()),
        }
    }
}

/// The blocks of seats of a house that can be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    sections: Vec<Section>,
    seats: u32,
}

impl Layout {
    /// The standard house: 50 seats numbered 1 to 50 in 5 rows of 10, at 10,000 points.
    #[must_use]
    pub fn standard() -> Self {
        let name = SectionName::from_stored("Standard");
        Self { sections: vec![Section { name, rows: 5, cols: 10, price: 10_000 }], seats: 50 }
    }

    /// Checks a layout.
    ///
    /// # Errors
    /// Everything that is wrong with it, from the list of sections down.
    pub fn try_new(sections: &[NewSection]) -> Result<Self, Vec<Mistake>> {
        if sections.is_empty() {
            return Err(vec![Mistake::at([], "must not be empty; leave it out for the standard house")]);
        }
        if sections.len() > MAX_SEATS {
            return Err(vec![Mistake::at([], too_many())]);
        }
        let mut wrong = Mistakes::default();
        let mut names = Looks::default();
        let sections: Vec<_> = sections
            .iter()
            .enumerate()
            .filter_map(|(at, section)| wrong.take_all(Some(at.into()), section.check(at, &mut names)))
            .collect();
        let sections = wrong.none_or(sections)?;
        let count = |section: &Section| i64::from(section.rows) * i64::from(section.cols);
        let seats: i64 = sections.iter().map(count).sum();
        let seats = u32::try_from(seats).ok().filter(|seats| *seats as usize <= MAX_SEATS);
        let seats = seats.ok_or_else(|| vec![Mistake::at([], too_many())])?;
        let value: i64 = sections.iter().map(|section| count(section) * i64::from(section.price)).sum();
        // `SaleStats.revenue` is a GraphQL Int, like every amount.
        if value > i64::from(i32::MAX) {
            let why =
                format!("must cost at most {} points, all seats together; these cost {value}", i32::MAX);
            return Err(vec![Mistake::at([], why)]);
        }
        Ok(Self { sections, seats })
    }

    /// How many seats it has.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.seats
    }

    /// The seats, numbered from 1 in the order of the sections, rows and columns. One after the other: a large house need
    /// not be in memory as a whole.
    pub fn seats(&self) -> impl Iterator<Item = PlannedSeat> {
        let places = self.sections.iter().flat_map(|section| {
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
}

fn too_many() -> String {
    format!("must have at most {MAX_SEATS} seats, all together; these have more")
}

impl NewSection {
    /// Checks one section by itself, and that none of the `names` before it looks the same.
    fn check(&self, at: usize, names: &mut Looks<usize>) -> Result<Section, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let name = wrong.take(["name".into()], SectionName::try_new(&self.name));
        if let Some(name) = &name
            && let Some(other) = names.insert(name.as_str(), at)
        {
            let why = format!(
                "repeats that of sections[{other}], or looks the same; each section needs a name of its own"
            );
            wrong.add(Mistake::at(["name".into()], why));
        }
        for (field, n) in [("rows", self.rows), ("cols", self.cols)] {
            let most = MAX_SEATS as i64;
            if !(1..=most).contains(&n.into()) {
                wrong.add(Mistake::at([field.into()], format!("must be between 1 and {most}, not {n}")));
            }
        }
        let most = crate::sale::MAX_BALANCE;
        if !(1..=most).contains(&self.price) {
            let why = format!("must be between 1 and {most} points, not {}", self.price);
            wrong.add(Mistake::at(["price".into()], why));
        }
        match (name, wrong.into_vec()) {
            (Some(name), wrong) if wrong.is_empty() => {
                Ok(Section { name, rows: self.rows, cols: self.cols, price: self.price })
            }
            (_, wrong) => Err(wrong),
        }
    }
}

/// One seat of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSeat {
    /// 1-based, unique in its series.
    pub number: i32,
    /// The section's name.
    pub section: SectionName,
    /// 1-based in its section.
    pub row: i32,
    /// 1-based in its row.
    pub col: i32,
    /// Points.
    pub price: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &str, rows: i32, cols: i32, price: i32) -> NewSection {
        NewSection { name: name.into(), rows, cols, price }
    }

    #[test]
    fn between_two_changes_the_status_stays() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        for (paused, sold_out) in [(false, false), (true, false), (false, true)] {
            let state = SaleState { opens_at: at(5), closes_at: at(8), paused, sold_out };
            for now in 0..10 {
                let until = state.next_change(at(now)).map_or(12, |at| at.timestamp_millis());
                assert!(until > now);
                assert!(
                    (now..until).all(|later| state.status(at(later)) == state.status(at(now))),
                    "{state:?} {now}"
                );
            }
        }
    }

    #[test]
    fn the_standard_house_has_seats_1_to_50_in_5_rows_of_10() {
        let seats: Vec<_> = Layout::standard().seats().collect();
        assert_eq!(seats.len(), Layout::standard().seat_count() as usize);
        assert_eq!(seats.iter().map(|s| s.number).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
        assert!(seats.iter().all(|s| s.price == 10_000 && (1..=5).contains(&s.row) && s.col <= 10));
        assert_eq!((seats[49].row, seats[49].col), (5, 10));
    }

    fn told(mistakes: &[Mistake]) -> Vec<String> {
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_layout_that_cannot_be_is_refused_with_the_reason() {
        let bad = |sections: &[NewSection]| told(&Layout::try_new(sections).unwrap_err()).join("; ");
        assert!(bad(&[]).contains("empty"));
        assert!(bad(&[section("A", 0, 5, 1)]).contains("rows must be between 1"));
        assert!(
            bad(&[section("A", 1, 1, 1), section(" a", 1, 1, 1)])
                .contains("name repeats that of sections[0]")
        );
        assert!(bad(&[section("A", 1_000, 101, 1)]).contains("at most 100000"));
        assert!(bad(&[section("A", i32::MAX, i32::MAX, 1)]).contains("100000"));
        assert!(bad(&vec![section("A", 1, 1, 1); 100_001]).contains("at most 100000"));
        assert!(bad(&[section("A", 1, 1, 0)]).contains("price"));
        assert!(bad(&[section("A", 3, 1, 1_000_000_000)]).contains("cost at most"));
        let most = Layout::try_new(&[section("A", 1_000, 100, 1)]).unwrap();
        assert_eq!(most.seat_count(), 100_000);
        assert_eq!(most.seats().count(), MAX_SEATS);
    }

    #[test]
    fn everything_that_is_wrong_with_a_date_is_told_at_once() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let schedule =
            Schedule { start_at: at(9), end_at: at(5), reserve_start_at: at(8), reserve_end_at: at(7) };
        let sections = [
            section("A", 0, -1, 0),
            section("\u{200b}", 1, 1, 1),
            section("B", 1, 1, 1),
            section("b ", 1, 1, 1),
        ];
        let policy =
            PolicyPatch { max_active: Some(Some(0)), session_seconds: Some(-1), ..Default::default() };
        let told = told(&SeriesPlan::try_new(schedule, Some(&sections), policy).unwrap_err());
        let places: Vec<_> = told.iter().map(|told| told.split(' ').next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "endAt",
                "reserveEndAt",
                "reserveEndAt",
                "sections[0].rows",
                "sections[0].cols",
                "sections[0].price",
                "sections[1].name",
                "sections[3].name",
                "queuePolicy.maxActive",
                "queuePolicy.sessionSeconds",
            ],
            "{told:#?}"
        );
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
