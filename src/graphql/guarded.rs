//! The schema behind its price list: what is too much is refused before anything of it is executed.

use std::sync::Arc;

use async_graphql::{
    Data, Executor, Request, Response, ServerError, Variables, parser::types::OperationType,
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
            price::{self, Named, Priced},
            shape::Shape,
        },
    },
    service::House,
};

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

    /// Compares the price of the request with what it may cost, and gives it its budget.
    async fn afford(&self, request: &mut Request) -> Result<(), ServerError> {
        let name = request.operation_name.clone();
        // Set aside while the document is looked at, which stands in the request too.
        let variables = std::mem::take(&mut request.variables);
        let afforded = self.price(request, name.as_deref(), &variables).await;
        request.variables = variables;
        if afforded? != Some(OperationType::Subscription) {
            request.data.insert(Budget::default());
        }
        Ok(())
    }

    /// Says which kind of operation it is, if there is one.
    async fn price(
        &self,
        request: &mut Request,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<Option<OperationType>, ServerError> {
        let document = request.parsed_query()?;
        // Without an operation the executor says why.
        let Some(operation) = guard::selected(document, name) else { return Ok(None) };
        let named = Named::of(document, operation, variables);
        let catalogue = self.house.catalogue_size(&named.concerts, &named.dates).await;
        let pos = operation.selection_set.pos;
        let catalogue = &catalogue.map_err(|failure| error(failure).into_server_error(pos))?;
        price::check(Priced { document, operation, variables, shape: &self.shape, catalogue })?;
        Ok(Some(operation.ty))
    }
}

impl Executor for Guarded {
    async fn execute(&self, mut request: Request) -> Response {
        match self.afford(&mut request).await {
            Ok(()) => self.schema.execute(request).await,
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
            match this.afford(&mut request).await {
                Ok(()) => this
                    .schema
                    .execute_stream_with_session_data(request, session_data.unwrap_or_default())
                    .boxed(),
                Err(error) => stream::once(async { Response::from_errors(vec![error]) }).boxed(),
            }
        };
        // Boxed on its own, so that the room for it is free as soon as the stream is open.
        stream::once(Box::pin(opened)).flatten().boxed()
    }
}
