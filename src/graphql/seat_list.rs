//! Lists of seats, written as JSON in one go: through the executor, each field of each of 100,000 seats would be a
//! future and a value of its own, several hundred megabytes together.
//!
//! One seat is resolved by the executor, which knows about fragments, aliases and directives. Its answer becomes a
//! [`Template`]: what depends on the seat is written for each of them, the rest is copied.

mod template;
mod written;

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use bytes::Bytes;

use crate::{
    domain::{
        id::SeriesId,
        sale::{self, SeatState, SeatStatus},
        seat_map::{LaidSeat, SeatList, Snapshot},
    },
    graphql::{budget::Budget, seat},
};
use template::Template;
use written::Moment;
pub(super) use written::Written;

/// Seats that are written before others have their turn.
const CHUNK: usize = 1_000;

/// What a type shows of a seat.
pub(super) trait ShowsSeat: OutputType + Sized {
    /// One such object, of which only what is the same for all seats of the series is looked at.
    fn sample(series: SeriesId, seat: &LaidSeat) -> Self;
}

impl ShowsSeat for seat::Seat {
    fn sample(series: SeriesId, seat: &LaidSeat) -> Self {
        let LaidSeat { id, number, ref section, row, col, price } = *seat;
        let (section, state) = (section.to_string(), SeatState::Free);
        Self(sale::Seat { id, series, number, section, row, col, price, state })
    }
}

impl ShowsSeat for seat::SeatState {
    fn sample(_series: SeriesId, seat: &LaidSeat) -> Self {
        Self { id: seat.id.0.into(), number: seat.number, status: SeatStatus::Available.into() }
    }
}

/// A list of seats of one series, each shown as a `T`.
#[derive(Clone, Debug)]
pub struct Seats<T> {
    series: SeriesId,
    /// Of every seat of the series, or every one that could be held.
    moment: Option<Moment>,
    seats: SeatList,
    shown_as: PhantomData<fn() -> T>,
}

impl<T> Seats<T> {
    /// Every seat; with `available_only`, those that could be held.
    pub(super) fn all(series: SeriesId, snapshot: &Snapshot, available_only: bool) -> Self {
        let moment = Moment { series, version: snapshot.version, from: snapshot.from, available_only };
        let seats = if available_only { snapshot.seats.available() } else { snapshot.seats.clone() };
        Self { series, moment: Some(moment), seats, shown_as: PhantomData }
    }

    /// Those that changed.
    pub(super) fn changed(series: SeriesId, seats: SeatList) -> Self {
        Self { series, moment: None, seats, shown_as: PhantomData }
    }
}

impl<T: ShowsSeat> OutputType for Seats<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some((first, _)) = self.seats.get(0) else { return Ok(Value::List(Vec::new())) };
        let refuse = |error: async_graphql::Error| ctx.set_error_path(error.into_server_error(field.pos));
        if let Some(budget) = ctx.data_opt::<Budget>() {
            budget.take_seats(self.seats.len()).map_err(refuse)?;
        }
        let sample = T::sample(self.series, first).resolve(&ctx.with_index(0), field).await?;
        let template = Template::new(sample, ctx.item, &ctx.query_env.fragments);
        let written = ctx.data::<Written>().map_err(refuse)?;
        let json = written.list(self.moment, template, &self.seats).await.map_err(refuse)?;
        if let Some(budget) = ctx.data_opt::<Budget>() {
            budget.take_bytes(json.len()).map_err(refuse)?;
        }
        Ok(Value::Binary(json))
    }
}

/// Writes the list, and lets others have their turn now and then; `None` if it would be longer than `limit` bytes.
async fn write(template: &Template, seats: &SeatList, limit: usize) -> Option<Bytes> {
    let mut json = Vec::with_capacity((seats.len() * template.typical_length() + 2).min(limit));
    json.push(b'[');
    for (at, (seat, status)) in seats.iter().enumerate() {
        if at > 0 {
            json.push(b',');
            if at % CHUNK == 0 {
                tokio::task::yield_now().await;
            }
        }
        template.write(seat, status, &mut json);
        if json.len() >= limit {
            return None;
        }
    }
    json.push(b']');
    json.shrink_to_fit();
    Some(json.into())
}
