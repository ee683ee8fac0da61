//! The schema behind its price list: what is too much is refused before anything of it is executed.

use std::{any::TypeId, sync::Arc};

use async_graphql::{
    Data, Executor, Pos, Request, Response, ServerError, Variables, parser::types::OperationType,
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
        guard::{
            self,
            class::class,
            price::{self, Named, Priced},
            shape::Shape,
        },
        sendable::{MANY_SEATS, Sendable},
    },
    service::{
        Failure, House,
        load::{Class, Running},
    },
};

/// When there may be room again for a long answer: whoever does not take what is on its way is cut off after ten seconds.
const SENDABLE_AGAIN_MS: u64 = 2_000;

/// Executes what it can afford.
#[derive(Clone)]
pub struct Guarded {
    schema: Schema,
    shape: Arc<Shape>,
    house: Arc<House>,
}

impl Guarded {
    /// `shape` is that of `schema`.
    #[must_use]
    pub fn new(schema: Schema, shape: Arc<Shape>, house: Arc<House>) -> Self {
        Self { schema, shape, house }
    }

    /// Compares the price of the request with what it may cost, and gives it its budget; then lets it in, if there is
    /// room for it right now.
    async fn let_in(&self, request: &mut Request) -> Result<Running, ServerError> {
        let name = request.operation_name.clone();
        // Set aside while the document is looked at, which stands in the request too.
        let variables = std::mem::take(&mut request.variables);
        let looked_at = self.look_at(request, name.as_deref(), &variables).await;
        request.variables = variables;
        let (class, kind) = looked_at?;
        if kind != OperationType::Subscription {
            request.data.insert(Budget::default());
        }
        self.house.load().enter(class).map_err(|failure| error(failure).into_server_error(Pos::default()))
    }

    async fn look_at(
        &self,
        request: &mut Request,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<(Class, OperationType), ServerError> {
        let document = request.parsed_query()?;
        let Some(operation) = guard::selected(document, name) else {
            // The executor says why.
            return Ok((Class::Browse, OperationType::Query));
        };
        let named = Named::of(document, operation, variables);
        let catalogue = self.house.catalogue_size(&named.concerts, &named.dates).await;
        let pos = operation.selection_set.pos;
        let catalogue = &catalogue.map_err(|failure| error(failure).into_server_error(pos))?;
        let priced = Priced { document, operation, variables, shape: &self.shape, catalogue };
        let seats = price::check(priced)?;
        // A seat map is what it is wherever it stands.
        let class = if seats > 0 { Class::Browse } else { class(document, operation) };
        let ty = operation.ty;
        let sendable =
            request.data.get(&TypeId::of::<Sendable>()).and_then(|data| data.downcast_ref::<Sendable>());
        if seats > MANY_SEATS && sendable.is_some_and(|sendable| !sendable.has_room()) {
            let busy = Failure::Overloaded { retry_after_ms: SENDABLE_AGAIN_MS };
            return Err(error(busy).into_server_error(pos));
        }
        Ok((class, ty))
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
