//! The schema behind its price list: what is too much is refused before anything of it is executed.

use std::{any::TypeId, sync::Arc};

use async_graphql::{
    Data, Executor, Pos, Request, Response, ServerError,
    parser::types::{DocumentOperations, OperationDefinition, OperationType},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::{
    graphql::{
        Schema,
        budget::Budget,
        error::error,
        live::{Joining, Live, Opening, Way},
        request::{
            Intake, Prepared,
            plan::Appraisal,
            price::{self, Named, Price, Priced},
            selections::Fragments,
        },
        seat_map::SeatMaps,
        sendable::{MANY_SEATS, Sendable},
    },
    service::{
        Failure, Services,
        load::{Class, Running},
    },
};

/// When there may be room again for a long answer: whoever does not take what is on its way is cut off after ten seconds.
const SENDABLE_AGAIN_MS: u64 = 2_000;

/// With more fields than this an operation reads much, whatever it is.
const MANY_VALUES: usize = 2_000;

/// Executes what it can afford.
#[derive(Clone)]
pub struct Guarded {
    schema: Schema,
    intake: Arc<Intake>,
    services: Arc<Services>,
}

impl Guarded {
    /// `intake` prepares the requests for `schema`.
    #[must_use]
    pub fn new(schema: Schema, intake: Arc<Intake>, services: Arc<Services>) -> Self {
        Self { schema, intake, services }
    }

    /// What executes without a guard.
    pub(in crate::graphql) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The use cases.
    pub(in crate::graphql) fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Lets the request in, if there is room for it right now; compares its price with what it may cost, and gives it its
    /// budget. What reads much waits for its turn.
    pub(in crate::graphql) async fn let_in(&self, request: &mut Request) -> Result<Running, ServerError> {
        let sendable =
            request.data.get(&TypeId::of::<Sendable>()).and_then(|data| data.downcast_ref::<Sendable>());
        let sendable = sendable.cloned();
        let appraisal = request.data.get(&TypeId::of::<Appraisal>());
        let appraisal = appraisal.and_then(|data| data.downcast_ref::<Appraisal>()).copied();
        let document = request.parsed_query()?;
        let refused = |failure, pos| error(failure).into_server_error(pos);
        let (DocumentOperations::Single(operation), Some(Appraisal { class, price })) =
            (&document.operations, appraisal)
        else {
            return Err(refused(Failure::Internal("the operation was not prepared".into()), Pos::default()));
        };
        let operation = &operation.node;
        let (pos, ty) = (operation.selection_set.pos, operation.ty);
        let mut running = self.services.load().enter(class).map_err(|failure| refused(failure, pos))?;
        let price = match price {
            Some(price) => price,
            None => self.price(&document.fragments, operation).await?,
        };
        if price.seats + price.mapped > 0 {
            // A seat map is what it is wherever it stands.
            running = self.services.load().enter(Class::Browse).map_err(|failure| refused(failure, pos))?;
        }
        if price.seats > MANY_SEATS && sendable.is_some_and(|sendable| !sendable.has_room()) {
            return Err(refused(Failure::Overloaded { retry_after_ms: SENDABLE_AGAIN_MS }, pos));
        }
        let reads_much = class == Class::Browse || price.seats > 0 || price.values > MANY_VALUES;
        if reads_much && ty == OperationType::Query {
            running.read().await.map_err(|failure| refused(failure, pos))?;
        }
        if ty != OperationType::Subscription {
            request.data.insert(Budget::default());
            request.data.insert(SeatMaps::default());
        }
        Ok(running)
    }

    /// What it comes to with the catalogue as it is.
    async fn price(
        &self,
        fragments: &Fragments,
        operation: &OperationDefinition,
    ) -> Result<Price, ServerError> {
        let named = Named::of(fragments, operation);
        let catalogue = self.services.catalogue_size(&named.concerts, &named.dates).await;
        let catalogue =
            &catalogue.map_err(|failure| error(failure).into_server_error(operation.selection_set.pos))?;
        Ok(price::check(Priced { fragments, operation, shape: self.intake.shape(), catalogue })?)
    }
}

impl Live for Guarded {
    fn way(&self, mut prepared: Prepared) -> Way {
        if let Some(opening) = Opening::of(self, &mut prepared) {
            return Way::Place(Box::new(opening));
        }
        Joining::of(self, prepared).map_or_else(Way::Executed, Way::Shared)
    }
}

impl Executor for Guarded {
    async fn execute(&self, mut request: Request) -> Response {
        match self.let_in(&mut request).await {
            Ok(_running) => self.schema.execute(request).await,
            Err(error) => Response::from_errors(vec![error]),
        }
    }

    fn execute_stream(
        &self,
        mut request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let this = self.clone();
        let opened = async move {
            match this.let_in(&mut request).await {
                Ok(running) => {
                    let data = session_data.unwrap_or_default();
                    let is_subscription = request.data.get(&TypeId::of::<Budget>()).is_none();
                    let answers = this.schema.execute_stream_with_session_data(request, data);
                    // A subscription waits nearly all of the time: it is no load until it has something to say.
                    let running = (!is_subscription).then_some(running);
                    answers.map(move |answer| (answer, &running).0).boxed()
                }
                Err(error) => stream::once(async { Response::from_errors(vec![error]) }).boxed(),
            }
        };
        // Boxed on its own, so that the room for it is free as soon as the stream is open.
        stream::once(Box::pin(opened)).flatten().boxed()
    }
}
