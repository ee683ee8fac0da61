//! What a seat map is drawn from: the sections of a date, a letter for each of its seats, and the version that both are of.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, Result, ServerResult, SimpleObject, Value,
    parser::types::Field, registry::Registry,
};
use tokio::sync::OnceCell;

use crate::{
    domain::{
        id::SeriesId,
        seat_map::{LaidSection, Letters, Snapshot},
    },
    graphql::{
        budget::Budget,
        error::error,
        noted::{depends_on, holds_until},
        seat_list::{Seats, Sections},
    },
    service::{Services, versions::Source},
};

/// A block of seats: rows of equal length at one price. Its seats are numbered one after the other, row by row from the
/// front: the seat in `row` and `col` has the number `firstNumber + (row - 1) * cols + col - 1`.
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Section {
    /// What it is called; no other of its date looks the same.
    pub name: String,
    /// Rows, counted from 1; row 1 is the front.
    pub rows: i32,
    /// Seats a row, counted from 1.
    pub cols: i32,
    /// Points for one seat; 1 point = 1 KRW.
    pub price: i32,
    /// The number of its first seat; its `rows * cols` seats are numbered from there on.
    pub first_number: i32,
    /// How many of its seats can be held.
    pub available_count: i32,
}

impl Section {
    /// One, of which only what is the same for all is looked at.
    pub(super) fn sample(section: &LaidSection) -> Self {
        let LaidSection { ref name, rows, cols, price, first_number, .. } = *section;
        Self { name: name.to_string(), rows, cols, price, first_number, available_count: 0 }
    }
}

/// A letter a seat. Its bytes are those that everybody is sent.
#[derive(Clone, Debug)]
pub(super) struct SeatStates(pub(super) Letters);

impl OutputType for SeatStates {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let json = self.0.json();
        if let Some(budget) = ctx.data_opt::<Budget>() {
            let taken = budget.take_bytes(json.len());
            taken.map_err(|error| ctx.set_error_path(error.into_server_error(field.pos)))?;
        }
        Ok(Value::Binary(json))
    }
}

/// The seats of the dates that one request asks about, each as they were when it first did: everything that it is told of
/// the seats of a date is of one version, whatever is committed meanwhile.
#[derive(Debug, Default)]
pub(super) struct SeatMaps(Mutex<HashMap<SeriesId, Arc<OnceCell<Arc<Snapshot>>>>>);

impl SeatMaps {
    async fn get(
        &self,
        series: SeriesId,
        read: impl Future<Output = Result<Arc<Snapshot>>>,
    ) -> Result<Arc<Snapshot>> {
        let known = {
            let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(maps.entry(series).or_default())
        };
        known.get_or_try_init(|| read).await.cloned()
    }
}

/// The seats of a date, for everything that the request is told of them. An event of a subscription is a request of its own.
pub(super) async fn snapshot(ctx: &Context<'_>, series: SeriesId) -> Result<Arc<Snapshot>> {
    let read = async {
        let snapshot = ctx.data::<Arc<Services>>()?.seats(series).await.map_err(error)?;
        if let Some(budget) = ctx.data_opt::<Budget>() {
            budget.take_map(snapshot.seats.len())?;
        }
        Ok(snapshot)
    };
    depends_on(ctx, [Source::Seats(series)]);
    let snapshot = match ctx.data_opt::<SeatMaps>() {
        Some(maps) => maps.get(series, read).await?,
        None => read.await?,
    };
    holds_until(ctx, snapshot.until);
    Ok(snapshot)
}

/// The list of them; with `available_only`, of those that could be held.
pub(super) async fn seats(ctx: &Context<'_>, series: SeriesId, available_only: bool) -> Result<Seats> {
    let snapshot = snapshot(ctx, series).await?;
    Ok(if available_only { Seats::available(series, &snapshot) } else { Seats::all(series, &snapshot) })
}

/// The sections of the date.
pub(super) async fn layout(ctx: &Context<'_>, series: SeriesId) -> Result<Sections> {
    Ok(Sections::of(series, snapshot(ctx, series).await?))
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        catalog::Layout,
        id::SeatId,
        sale::{Seat, SeatState},
        seat_map::SeatMap,
    };

    fn house() -> SeatMap {
        let layout = Layout::standard();
        let seats = layout.seats().map(|seat| Seat {
            id: SeatId(Uuid::from_u128(seat.number as u128)),
            series: SeriesId(Uuid::nil()),
            number: seat.number,
            section: seat.section.to_string(),
            row: seat.row,
            col: seat.col,
            price: seat.price,
            state: SeatState::Free,
        });
        SeatMap::new(1, seats.collect())
    }

    struct Root(Arc<Snapshot>);

    #[Object]
    impl Root {
        async fn states(&self) -> SeatStates {
            SeatStates(self.0.letters.clone())
        }
    }

    /// Rule 21: however many ask for the letters of a large house, there is one copy of them.
    #[tokio::test]
    async fn everybody_is_sent_the_same_bytes() {
        let snapshot = Arc::new(house().snapshot(chrono::DateTime::UNIX_EPOCH));
        let schema = Schema::new(Root(Arc::clone(&snapshot)), EmptyMutation, EmptySubscription);
        let answer = schema.execute("{ states again: states }").await.data;
        let Value::Object(fields) = answer else { panic!("{answer}") };
        assert_eq!(fields.len(), 2);
        for value in fields.values() {
            let Value::Binary(json) = value else { panic!("{value}") };
            assert_eq!(**json, *format!("\"{}\"", "A".repeat(50)).as_bytes());
            assert_eq!(json.as_ptr(), snapshot.letters.json().as_ptr());
            assert!(!json.is_unique(), "or it would be compressed anew for everybody");
        }
    }
}
