//! What depends on the row, in lists that are written in one go: of seats, and of sections.

use std::io::Write;

use crate::{
    domain::{
        sale::SeatStatus,
        seat_map::{LaidSeat, LaidSection},
    },
    graphql::{language::Language, seat},
};

/// A row of such a list.
pub(super) trait Row {
    /// What is written of it for a field; `None` for what is the same for all rows.
    fn gap(field: &str, language: Language) -> Option<Gap>;

    /// Writes that of this row.
    fn write(&self, gap: Gap, json: &mut Vec<u8>);
}

/// A field that depends on the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Gap {
    Id,
    Number,
    Label(Language),
    Row,
    Col,
    Section,
    Price,
    Status,
    Reserved,
    Rows,
    Cols,
    AvailableCount,
}

impl Gap {
    /// Bytes of it, about.
    pub(super) fn typical_length(self) -> usize {
        match self {
            Self::Id => 38,
            Self::Label(_) => 32,
            _ => 8,
        }
    }
}

/// A seat, and what it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatRow<'a>(pub(super) &'a LaidSeat, pub(super) SeatStatus);

impl Row for SeatRow<'_> {
    fn gap(field: &str, language: Language) -> Option<Gap> {
        Some(match field {
            "id" => Gap::Id,
            "number" => Gap::Number,
            "label" => Gap::Label(language),
            "row" => Gap::Row,
            "col" => Gap::Col,
            "section" => Gap::Section,
            "price" => Gap::Price,
            "status" => Gap::Status,
            "reserved" => Gap::Reserved,
            // `__typename` and `series`.
            _ => return None,
        })
    }

    fn write(&self, gap: Gap, json: &mut Vec<u8>) {
        let Self(seat, status) = *self;
        match gap {
            Gap::Id => put(json, format_args!("\"{}\"", seat.id)),
            Gap::Number => put(json, format_args!("{}", seat.number)),
            Gap::Label(language) => {
                text(json, &seat::label(language, &seat.section, seat.row, seat.col));
            }
            Gap::Row => put(json, format_args!("{}", seat.row)),
            Gap::Col => put(json, format_args!("{}", seat.col)),
            Gap::Section => text(json, &seat.section),
            Gap::Price => put(json, format_args!("{}", seat.price)),
            Gap::Status => put(json, format_args!("\"{}\"", name_of(status))),
            Gap::Reserved => put(json, format_args!("{}", status != SeatStatus::Available)),
            Gap::Rows | Gap::Cols | Gap::AvailableCount => debug_assert!(false, "of a section"),
        }
    }
}

/// A section, and how many of its seats could be held.
#[derive(Clone, Copy, Debug)]
pub(super) struct SectionRow<'a>(pub(super) &'a LaidSection, pub(super) usize);

impl Row for SectionRow<'_> {
    fn gap(field: &str, _language: Language) -> Option<Gap> {
        Some(match field {
            "name" => Gap::Section,
            "rows" => Gap::Rows,
            "cols" => Gap::Cols,
            "price" => Gap::Price,
            "firstNumber" => Gap::Number,
            "availableCount" => Gap::AvailableCount,
            // `__typename`.
            _ => return None,
        })
    }

    fn write(&self, gap: Gap, json: &mut Vec<u8>) {
        let Self(section, available) = *self;
        match gap {
            Gap::Section => text(json, &section.name),
            Gap::Rows => put(json, format_args!("{}", section.rows)),
            Gap::Cols => put(json, format_args!("{}", section.cols)),
            Gap::Price => put(json, format_args!("{}", section.price)),
            Gap::Number => put(json, format_args!("{}", section.first_number)),
            Gap::AvailableCount => put(json, format_args!("{available}")),
            Gap::Id | Gap::Label(_) | Gap::Row | Gap::Col | Gap::Status | Gap::Reserved => {
                debug_assert!(false, "of a seat");
            }
        }
    }
}

/// Writing to memory cannot fail.
fn put(json: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    let _ = json.write_fmt(what);
}

fn text(json: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(json, text);
}

/// As the schema calls it.
fn name_of(status: SeatStatus) -> &'static str {
    match seat::SeatStatus::from(status) {
        seat::SeatStatus::Available => "AVAILABLE",
        seat::SeatStatus::Held => "HELD",
        seat::SeatStatus::Reserved => "RESERVED",
    }
}
