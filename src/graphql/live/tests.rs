use std::sync::OnceLock;

use async_graphql::{
    EmptyMutation, EmptySubscription, Object, Request, Schema,
    parser::types::{DocumentOperations, Selection},
};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::writer::Writer;
use crate::{
    domain::{
        catalog::SeriesStatus,
        date::{Basis, WaitEstimate},
        id::{SeriesId, TokenId},
        sale::TokenStatus,
    },
    graphql::{
        self,
        queue::QueuePosition,
        request::{Intake, Prepared, shape::Shape},
        time::Time,
    },
    service::places::Place,
};

/// The executor's way to the same object.
struct Query;

#[Object]
impl Query {
    async fn queue_position(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<QueuePosition> {
        Ok(ctx.data::<Place>()?.clone().into())
    }
}

fn intakes() -> &'static (Intake, Intake, Schema<Query, EmptyMutation, EmptySubscription>) {
    static INTAKES: OnceLock<(Intake, Intake, Schema<Query, EmptyMutation, EmptySubscription>)> =
        OnceLock::new();
    INTAKES.get_or_init(|| {
        let build = || Schema::build(Query, EmptyMutation, EmptySubscription);
        let plain = Intake::new(build(), Shape::with_scalar::<Time>).unwrap();
        (graphql::intake(), plain, build().finish())
    })
}

/// The names of the fields of a type, as the schema prints them.
fn fields_of(name: &str) -> Vec<String> {
    let sdl = graphql::sdl();
    let (_, below) = sdl.split_once(&format!("type {name} {{")).unwrap();
    let (fields, _) = below.split_once("\n}").unwrap();
    let field = |line: &str| {
        let name = line.strip_prefix('\t')?.split_once(':')?.0;
        name.chars().all(|c| c.is_ascii_alphabetic()).then(|| name.to_owned())
    };
    fields.lines().filter_map(field).collect()
}

fn selection() -> impl Strategy<Value = String> {
    let leaf = |name: &str| {
        let mut names = fields_of(name);
        names.retain(|name| name != "estimate");
        names.push("__typename".to_owned());
        (prop::option::of("[a-z_][a-z]{0,2}"), prop::sample::select(names))
            .prop_map(|(alias, name)| alias.map(|alias| format!("{alias}: ")).unwrap_or_default() + &name)
    };
    let estimate = prop_oneof![
        6 => leaf("WaitEstimate"),
        1 => leaf("WaitEstimate").prop_map(|field| format!("... on WaitEstimate {{ {field} }}")),
        1 => leaf("WaitEstimate").prop_map(|field| format!("{field} @skip(if: true)")),
    ];
    let estimate =
        (prop::option::of("[e-h]"), prop::collection::vec(estimate, 1..4)).prop_map(|(alias, fields)| {
            let alias = alias.map(|alias| format!("{alias}: ")).unwrap_or_default();
            format!("{alias}estimate {{ {} }}", fields.join(" "))
        });
    let field = prop_oneof![6 => leaf("QueuePosition"), 2 => estimate];
    let line = prop_oneof![
        6 => field.clone(),
        1 => field.clone().prop_map(|field| format!("... on QueuePosition {{ {field} }}")),
        1 => field.clone().prop_map(|field| format!("... @include(if: false) {{ {field} }}")),
        1 => field.prop_map(|field| format!("... {{ {field} }}")),
    ];
    (prop::option::of("[a-z]{1,4}"), prop::collection::vec(line, 1..12)).prop_map(|(alias, lines)| {
        let alias = alias.map(|alias| format!("{alias}: ")).unwrap_or_default();
        format!("{alias}queuePosition {{ {} }}", lines.join(" "))
    })
}

fn place() -> impl Strategy<Value = Place> {
    let number = prop_oneof![0..100_u32, any::<u32>()];
    let status = prop::sample::select(vec![
        TokenStatus::Waiting,
        TokenStatus::Admitted,
        TokenStatus::Completed,
        TokenStatus::Expired,
        TokenStatus::Left,
    ]);
    let series_status = prop::sample::select(vec![
        SeriesStatus::Upcoming,
        SeriesStatus::OnSale,
        SeriesStatus::Paused,
        SeriesStatus::SoldOut,
        SeriesStatus::Closed,
    ]);
    let basis = prop::sample::select(vec![Basis::Measured, Basis::Policy]);
    let estimate = (number.clone(), prop::option::of(number.clone()), basis)
        .prop_map(|(min_seconds, max_seconds, basis)| WaitEstimate { min_seconds, max_seconds, basis });
    let until = (0..4_000_000_000_000_i64).prop_map(|ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap());
    let ids = (any::<u128>(), any::<u128>());
    let some = (prop::option::of(number.clone()), number.clone(), number, prop::option::of(estimate));
    (ids, status, series_status, some, prop::option::of(until)).prop_map(
        |((token, series), status, series_status, some, admitted_until)| {
            let (position, waiting, available_seats, estimate) = some;
            Place {
                token: TokenId(Uuid::from_u128(token)),
                series: SeriesId(Uuid::from_u128(series)),
                status,
                position,
                waiting,
                estimate,
                admitted_until,
                available_seats: available_seats as usize,
                series_status,
            }
        },
    )
}

fn prepare(intake: &Intake, text: String) -> Option<Prepared> {
    intake.prepare(Request::new(text)).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    /// To the byte, whatever is selected: of every field that the schema has.
    #[test]
    fn a_place_is_written_as_the_executor_would(selection in selection(), place in place()) {
        let (live, plain, schema) = intakes();
        // Two fields may want one key.
        let prepared = prepare(live, format!("subscription {{ {selection} }}"));
        prop_assume!(prepared.is_some());
        let mut request = prepared.unwrap().request;
        let document = request.parsed_query().unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { unreachable!() };
        let [root] = operation.node.selection_set.node.items.as_slice() else { unreachable!() };
        let Selection::Field(field) = &root.node else { unreachable!() };
        let written = Writer::new(&field.node).answer(&place);

        let Prepared { request, outline, .. } = prepare(plain, format!("query {{ {selection} }}")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut response = runtime.block_on(schema.execute(request.data(place)));
        outline.repair(&mut response);
        prop_assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&response).unwrap());
    }
}

#[test]
fn the_fields_are_those_of_the_schema() {
    assert_eq!(fields_of("WaitEstimate"), ["basis", "maxSeconds", "minSeconds"]);
    assert!(fields_of("QueuePosition").len() >= 10);
}
