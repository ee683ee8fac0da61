//! The GraphQL room: one file a noun, with its types, inputs, payloads, queries, mutations and subscriptions.
//!
//! Resolvers read arguments, call one use case, and put its outcome into words. Which failure belongs where:
//! what a fan can run into in normal use is a [`problem`] in the payload; what a client did wrong, or what broke
//! here, is an [`error`] with a [`code`].

mod ahead;
pub mod budget;
pub mod code;
pub mod concert;
mod described;
pub mod error;
pub mod hold;
pub mod language;
pub mod live;
pub mod loaders;
pub mod noted;
pub mod over_limit;
pub mod page;
pub mod points;
pub mod problem;
pub mod public;
pub mod queue;
pub mod request;
pub mod seat;
mod seat_list;
mod seat_map;
pub mod sendable;
pub mod series;
pub mod shown;
pub mod stats;
pub mod ticket;
pub mod time;
mod whole;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, SchemaBuilder, ValidationMode};

use request::{Intake, shape::Shape};

/// Everything that can be asked for.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    concert::ConcertQuery,
    series::SeriesQuery,
    seat::SeatQuery,
    queue::QueueQuery,
    hold::HoldQuery,
    ticket::TicketQuery,
    points::PointsQuery,
    stats::StatsQuery,
);

/// Everything that can be done.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    queue::QueueMutation,
    hold::HoldMutation,
    points::PointsMutation,
    ticket::TicketMutation,
    concert::ConcertMutation,
    series::SeriesMutation,
);

/// Everything that can be watched.
#[derive(Debug, Default, MergedSubscription)]
pub struct Subscription(
    queue::QueueSubscription,
    seat::SeatSubscription,
    series::SeriesSubscription,
    stats::StatsSubscription,
);

/// The schema. The house and the loaders come with each request.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// What the schema is built of.
fn build() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<described::Descriptions>()
        .data(seat_list::Written::default())
}

/// Builds the schema that executes what [`intake`] has prepared, and looks at little of it again.
#[must_use]
pub fn schema() -> Schema {
    build().validation_mode(ValidationMode::Fast).finish()
}

/// Builds what reads the requests for it.
///
/// # Panics
/// If async-graphql prints a schema that it cannot read, which the first test of any server would show.
#[must_use]
pub fn intake() -> Intake {
    Intake::new(build(), Shape::with_scalar::<time::Time>).expect("the schema that we built reads")
}

/// The schema as text, in an order that does not change by chance.
#[must_use]
pub fn sdl() -> String {
    let options =
        SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    build().finish().sdl_with_options(options)
}
