//! How each seat of a list is written.

use std::{collections::HashMap, io::Write};

use async_graphql::{Positioned, Value, parser::types::SelectionSet};

use crate::{
    domain::{sale::SeatStatus, seat_map::LaidSeat},
    graphql::{
        request::{
            Outline,
            selections::{self, Fragments},
        },
        seat,
    },
};

/// The JSON of a seat, with gaps for what depends on it. Equal templates write equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(Vec<u8>),
    Gap(Gap),
}

/// The fields that depend on the seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gap {
    Id,
    Number,
    Row,
    Col,
    Section,
    Price,
    Status,
    Reserved,
}

impl Gap {
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "id" => Self::Id,
            "number" => Self::Number,
            "row" => Self::Row,
            "col" => Self::Col,
            "section" => Self::Section,
            "price" => Self::Price,
            "status" => Self::Status,
            "reserved" => Self::Reserved,
            // `__typename` and `series`.
            _ => return None,
        })
    }

    fn write(self, seat: &LaidSeat, status: SeatStatus, json: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = match self {
            Self::Id => write!(json, "\"{}\"", seat.id),
            Self::Number => write!(json, "{}", seat.number),
            Self::Row => write!(json, "{}", seat.row),
            Self::Col => write!(json, "{}", seat.col),
            Self::Section => serde_json::to_writer(json, &*seat.section).map_err(Into::into),
            Self::Price => write!(json, "{}", seat.price),
            Self::Status => write!(json, "\"{}\"", name_of(status)),
            Self::Reserved => write!(json, "{}", status != SeatStatus::Available),
        };
    }
}

/// As the schema calls it.
fn name_of(status: SeatStatus) -> &'static str {
    match seat::SeatStatus::from(status) {
        seat::SeatStatus::Available => "AVAILABLE",
        seat::SeatStatus::Held => "HELD",
        seat::SeatStatus::Reserved => "RESERVED",
    }
}

impl Template {
    /// Of one seat as the executor answered it, and of what was asked for.
    pub(super) fn new(mut sample: Value, asked: &Positioned<SelectionSet>, fragments: &Fragments) -> Self {
        Outline::untyped(fragments, &asked.node).tidy(&mut sample);
        let Value::Object(fields) = sample else { return Self { parts: vec![text_of(&sample)] } };
        // Validation has seen to it that there is only one field behind each key.
        let names: HashMap<_, _> = selections::fields(fragments, "", &asked.node)
            .map(|(_, field)| (field.node.response_key().node.as_str(), field.node.name.node.as_str()))
            .collect();
        let (mut parts, mut text) = (Vec::new(), vec![b'{']);
        for (n, (key, value)) in fields.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            append(key.as_str(), &mut text);
            text.push(b':');
            match names.get(key.as_str()).copied().and_then(Gap::of) {
                Some(gap) => parts.extend([Part::Text(std::mem::take(&mut text)), Part::Gap(gap)]),
                None => append(value, &mut text),
            }
        }
        text.push(b'}');
        parts.push(Part::Text(text));
        Self { parts }
    }

    pub(super) fn write(&self, seat: &LaidSeat, status: SeatStatus, json: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => json.extend_from_slice(text),
                Part::Gap(gap) => gap.write(seat, status, json),
            }
        }
    }

    /// Bytes of a seat, about.
    pub(super) fn typical_length(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Gap(Gap::Id) => 38,
            Part::Gap(_) => 8,
        };
        self.parts.iter().map(length).sum()
    }
}

fn text_of(value: &Value) -> Part {
    let mut text = Vec::new();
    append(value, &mut text);
    Part::Text(text)
}

fn append(value: &(impl serde::Serialize + ?Sized), json: &mut Vec<u8>) {
    serde_json::to_writer(json, value).expect("a GraphQL value has string keys only");
}
