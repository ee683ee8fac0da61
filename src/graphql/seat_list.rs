//! Lists of seats and of sections, written as JSON in one go: through the executor, each field of each of 100,000 seats would
//! be a future and a value of its own, several hundred megabytes together.
//!
//! One row is resolved by the executor, which knows about fragments, aliases and directives. Its answer becomes a
//! [`Template`]: what depends on the row is written for each of them, the rest is copied.

mod rows;
mod template;
mod written;

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use bytes::Bytes;

use crate::{
    domain::{
        id::SeriesId,
        sale::{self, SeatState},
        seat_map::{LaidSeat, SeatList, Snapshot},
    },
    graphql::{budget::Budget, language::Language, seat::Seat, seat_map::Section},
};
use rows::{Row, SeatRow, SectionRow};
use template::Template;
pub(super) use written::Written;
use written::{Moment, Of};

/// Rows that are written before others have their turn.
const CHUNK: usize = 1_000;

/// A list of seats of one series.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    series: SeriesId,
    /// Of every seat of the series, or every one that could be held.
    moment: Option<Moment>,
    seats: SeatList,
}

impl Seats {
    /// Every seat.
    pub(super) fn all(series: SeriesId, snapshot: &Snapshot) -> Self {
        let moment = Moment { series, version: snapshot.version, from: snapshot.from, of: Of::Seats };
        Self { series, moment: Some(moment), seats: snapshot.seats.clone() }
    }

    /// Those that could be held.
    pub(super) fn available(series: SeriesId, snapshot: &Snapshot) -> Self {
        let moment =
            Moment { series, version: snapshot.version, from: snapshot.from, of: Of::AvailableSeats };
        Self { series, moment: Some(moment), seats: snapshot.seats.available() }
    }

    /// Those that changed.
    pub(super) fn changed(series: SeriesId, seats: SeatList) -> Self {
        Self { series, moment: None, seats }
    }

    /// None of the seats of a snapshot.
    pub(super) fn none(series: SeriesId, snapshot: &Snapshot) -> Self {
        Self { series, moment: None, seats: snapshot.seats.none() }
    }

    /// One of them, of which only what is the same for all is looked at.
    fn sample(&self, seat: &LaidSeat) -> Seat {
        let LaidSeat { id, number, ref section, row, col, price } = *seat;
        let (series, section, state) = (self.series, section.to_string(), SeatState::Free);
        Seat(sale::Seat { id, series, number, section, row, col, price, state })
    }
}

impl OutputType for Seats {
    fn type_name() -> Cow<'static, str> {
        <Vec<Seat> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<Seat> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<Seat> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some((first, _)) = self.seats.get(0) else { return Ok(Value::List(Vec::new())) };
        if let Some(budget) = ctx.data_opt::<Budget>() {
            let taken = budget.take_seats(self.seats.len());
            taken.map_err(|error| ctx.set_error_path(error.into_server_error(field.pos)))?;
        }
        let rows = self.seats.iter().map(|(seat, status)| SeatRow(seat, status));
        list(ctx, field, self.moment, self.sample(first), (self.seats.len(), rows)).await
    }
}

/// The sections of one series.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    series: SeriesId,
    snapshot: Arc<Snapshot>,
}

impl Sections {
    pub(super) fn of(series: SeriesId, snapshot: Arc<Snapshot>) -> Self {
        Self { series, snapshot }
    }
}

impl OutputType for Sections {
    fn type_name() -> Cow<'static, str> {
        <Vec<Section> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<Section> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<Section> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Snapshot { version, from, .. } = *self.snapshot;
        let moment = Moment { series: self.series, version, from, of: Of::Sections };
        let mut sections = self.snapshot.sections();
        let count = sections.len();
        let Some((first, _)) = sections.next() else { return Ok(Value::List(Vec::new())) };
        let rows = self.snapshot.sections().map(|(section, available)| SectionRow(section, available));
        list(ctx, field, Some(moment), Section::sample(first), (count, rows)).await
    }
}

/// Writes the list, or takes what was written of it before; its bytes are taken out of the budget of the request.
async fn list<R: Row>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    moment: Option<Moment>,
    sample: impl OutputType,
    (count, rows): (usize, impl Iterator<Item = R> + Send),
) -> ServerResult<Value> {
    let refuse = |error: async_graphql::Error| ctx.set_error_path(error.into_server_error(field.pos));
    let sample = sample.resolve(&ctx.with_index(0), field).await?;
    let language = ctx.data_opt::<Language>().copied().unwrap_or_default();
    let template = Template::new::<R>(sample, ctx.item, &ctx.query_env.fragments, language);
    let written = ctx.data::<Written>().map_err(refuse)?;
    let json = written.list(moment, template, count, rows).await.map_err(refuse)?;
    if let Some(budget) = ctx.data_opt::<Budget>() {
        budget.take_bytes(json.len()).map_err(refuse)?;
    }
    Ok(Value::Binary(json))
}

/// Writes the list, and lets others have their turn now and then; `None` if it would be longer than `limit` bytes.
async fn write<R: Row>(
    template: &Template,
    count: usize,
    rows: impl Iterator<Item = R>,
    limit: usize,
) -> Option<Bytes> {
    let mut json = Vec::with_capacity((count * template.typical_length() + 2).min(limit));
    json.push(b'[');
    for (at, row) in rows.enumerate() {
        if at > 0 {
            json.push(b',');
            if at % CHUNK == 0 {
                tokio::task::yield_now().await;
            }
        }
        template.write(&row, &mut json);
        if json.len() >= limit {
            return None;
        }
    }
    json.push(b']');
    json.shrink_to_fit();
    Some(json.into())
}
