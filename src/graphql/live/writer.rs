//! A `QueuePosition` as bytes, by the selection of one subscription.

use std::io::Write;

use async_graphql::{
    parser::types::{Field, Selection, SelectionSet},
    resolver_utils::EnumType,
};

use crate::{
    domain::{date, time},
    graphql::{
        queue::{EstimateBasis, TokenStatus, int},
        request::normal::NOTHING,
        series::SeriesStatus,
    },
    service::places::Place,
};

/// Bytes that are usually enough.
const TYPICAL: usize = 320;

/// The answer, with gaps for what depends on the place.
#[derive(Debug)]
pub(super) struct Writer(Box<[Part]>);

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Gap(Gap),
    /// An object, or null.
    Estimate(Box<[EstimatePart]>),
}

/// The fields of a place.
#[derive(Clone, Copy, Debug)]
enum Gap {
    TokenId,
    SeriesId,
    Status,
    Position,
    Waiting,
    EstimatedWaitSeconds,
    AdmittedUntil,
    AvailableSeats,
    SeriesStatus,
}

#[derive(Debug)]
enum EstimatePart {
    Text(Box<str>),
    Gap(EstimateGap),
}

/// The fields of an estimate.
#[derive(Clone, Copy, Debug)]
enum EstimateGap {
    MinSeconds,
    MaxSeconds,
    Basis,
}

impl Writer {
    /// By the field of an operation in its normal form, which validation has let pass.
    pub(super) fn new(field: &Field) -> Self {
        let mut parts = vec![Part::Text(format!("{{\"data\":{{\"{}\":", field.response_key().node).into())];
        object(
            &field.selection_set.node,
            "QueuePosition",
            &mut parts,
            |text| Part::Text(text.into()),
            |field| {
                Some(match field.name.node.as_str() {
                    "tokenId" => Part::Gap(Gap::TokenId),
                    "seriesId" => Part::Gap(Gap::SeriesId),
                    "status" => Part::Gap(Gap::Status),
                    "position" => Part::Gap(Gap::Position),
                    "waiting" => Part::Gap(Gap::Waiting),
                    "estimatedWaitSeconds" => Part::Gap(Gap::EstimatedWaitSeconds),
                    "estimate" => Part::Estimate(estimate(&field.selection_set.node)),
                    "admittedUntil" => Part::Gap(Gap::AdmittedUntil),
                    "availableSeats" => Part::Gap(Gap::AvailableSeats),
                    "seriesStatus" => Part::Gap(Gap::SeriesStatus),
                    _ => return None,
                })
            },
        );
        parts.push(Part::Text("}}".into()));
        Self(parts.into())
    }

    pub(super) fn answer(&self, place: &Place) -> Vec<u8> {
        let mut json = Vec::with_capacity(TYPICAL);
        for part in &self.0 {
            match part {
                Part::Text(text) => json.extend_from_slice(text.as_bytes()),
                Part::Gap(gap) => gap.write(place, &mut json),
                Part::Estimate(parts) => match &place.estimate {
                    Some(estimate) => write_estimate(parts, estimate, &mut json),
                    None => json.extend_from_slice(b"null"),
                },
            }
        }
        json
    }
}

fn estimate(set: &SelectionSet) -> Box<[EstimatePart]> {
    let mut parts = Vec::new();
    object(
        set,
        "WaitEstimate",
        &mut parts,
        |text| EstimatePart::Text(text.into()),
        |field| {
            Some(EstimatePart::Gap(match field.name.node.as_str() {
                "minSeconds" => EstimateGap::MinSeconds,
                "maxSeconds" => EstimateGap::MaxSeconds,
                "basis" => EstimateGap::Basis,
                _ => return None,
            }))
        },
    );
    parts.into()
}

/// The parts of an object of this type. `gap`: what stands for a field; of those it does not know there is only
/// `__typename`.
fn object<P>(
    set: &SelectionSet,
    typename: &str,
    parts: &mut Vec<P>,
    text: impl Fn(String) -> P,
    gap: impl Fn(&Field) -> Option<P>,
) {
    let mut open = "{".to_owned();
    let mut comma = "";
    for selection in &set.items {
        // An object has fields only, in a normal form.
        let Selection::Field(field) = &selection.node else { continue };
        let key = &field.node.response_key().node;
        if key == NOTHING {
            continue;
        }
        open.push_str(&format!("{comma}\"{key}\":"));
        comma = ",";
        match gap(&field.node) {
            Some(gap) => parts.extend([text(std::mem::take(&mut open)), gap]),
            None => open.push_str(&format!("\"{typename}\"")),
        }
    }
    open.push('}');
    parts.push(text(open));
}

impl Gap {
    fn write(self, place: &Place, json: &mut Vec<u8>) {
        match self {
            Self::TokenId => quoted(place.token, json),
            Self::SeriesId => quoted(place.series, json),
            Self::Status => quoted(name(TokenStatus::from(place.status)), json),
            Self::Position => number(place.position.map(int), json),
            Self::Waiting => number(Some(int(place.waiting)), json),
            Self::EstimatedWaitSeconds => {
                number(place.estimate.and_then(|it| it.likely_seconds()).map(int), json);
            }
            Self::AdmittedUntil => match place.admitted_until {
                Some(until) => quoted(time::format(until), json),
                None => json.extend_from_slice(b"null"),
            },
            Self::AvailableSeats => {
                number(Some(i32::try_from(place.available_seats).unwrap_or(i32::MAX)), json);
            }
            Self::SeriesStatus => quoted(name(SeriesStatus::from(place.series_status)), json),
        }
    }
}

fn write_estimate(parts: &[EstimatePart], estimate: &date::WaitEstimate, json: &mut Vec<u8>) {
    for part in parts {
        match part {
            EstimatePart::Text(text) => json.extend_from_slice(text.as_bytes()),
            EstimatePart::Gap(EstimateGap::MinSeconds) => number(Some(int(estimate.min_seconds)), json),
            EstimatePart::Gap(EstimateGap::MaxSeconds) => number(estimate.max_seconds.map(int), json),
            EstimatePart::Gap(EstimateGap::Basis) => quoted(name(EstimateBasis::from(estimate.basis)), json),
        }
    }
}

/// As the schema calls it.
fn name<T: EnumType + PartialEq>(value: T) -> &'static str {
    T::items().iter().find(|item| item.value == value).map_or("", |item| item.name)
}

/// Of what needs no escapes.
fn quoted(text: impl std::fmt::Display, json: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = write!(json, "\"{text}\"");
}

fn number(number: Option<i32>, json: &mut Vec<u8>) {
    let _ = match number {
        Some(number) => write!(json, "{number}"),
        None => write!(json, "null"),
    };
}
