//! `queuePosition`, watched.

use std::sync::Arc;

use async_graphql::{ID, Name, PathSegment, Pos, Request, ServerError};

use super::{root::Root, writer::Writer};
use crate::{
    domain::id::TokenId,
    graphql::{
        error::{error, id_opt, lapsed, shown},
        request::{Prepared, priced::Guarded},
    },
    service::{
        Failure, Services,
        places::{Place, PlaceStream, Subscriber, Trouble},
    },
};

/// How the places of one subscription are told.
#[derive(Debug)]
pub struct PlacePlan {
    /// The key of the root field.
    key: Name,
    pos: Pos,
    writer: Writer,
}

impl PlacePlan {
    /// What is sent of a place: the whole answer, as the executor would give it.
    #[must_use]
    pub fn answer(&self, place: &Place) -> Vec<u8> {
        self.writer.answer(place)
    }

    /// What is sent where nothing is known.
    #[must_use]
    pub fn failure(&self, trouble: &Trouble) -> ServerError {
        match trouble {
            Trouble::Unavailable => self.failed(Failure::Unavailable),
            Trouble::NotFound => self.failed(Failure::not_found("token")),
            Trouble::Broken(why) => self.failed(Failure::Internal(why.clone().into())),
            // It is about the token, and not about this field.
            Trouble::Lapsed => ServerError { locations: Vec::new(), ..lapsed().into_server_error(self.pos) },
        }
    }

    fn failed(&self, failure: Failure) -> ServerError {
        self.located(error(failure))
    }

    fn located(&self, error: async_graphql::Error) -> ServerError {
        error.into_server_error(self.pos).with_path(vec![PathSegment::Field(self.key.to_string())])
    }
}

/// A subscription to a place that is not open yet.
pub struct Opening {
    guarded: Guarded,
    request: Request,
    plan: Arc<PlacePlan>,
    token: Result<Option<TokenId>, async_graphql::Error>,
}

impl Opening {
    pub(in crate::graphql) fn of(guarded: &Guarded, prepared: &mut Prepared) -> Option<Self> {
        let root = Root::of(prepared.request.parsed_query().ok()?)?;
        if root.field.name.node != "queuePosition" {
            return None;
        }
        let plan = PlacePlan {
            key: root.field.response_key().node.clone(),
            pos: root.pos,
            writer: Writer::new(root.field),
        };
        let token = root.argument::<Option<ID>>("tokenId").and_then(|id| id_opt("tokenId", id.as_ref()));
        let request = std::mem::replace(&mut prepared.request, Request::new(""));
        Some(Self { guarded: guarded.clone(), request, plan: Arc::new(plan), token })
    }

    /// How it will be told.
    #[must_use]
    pub fn plan(&self) -> &Arc<PlacePlan> {
        &self.plan
    }

    /// Opens the stream, for as long as what is returned lives. `phase`: streams of the same are told together.
    ///
    /// # Errors
    /// There is no room for it, or nothing for this caller to watch.
    pub async fn open(
        mut self,
        phase: u32,
        subscriber: Box<dyn Subscriber>,
    ) -> Result<PlaceStream, ServerError> {
        // A stream waits nearly all of the time: it is no load until it has something to say.
        self.guarded.let_in(&mut self.request).await?;
        let opened = open(self.guarded.services(), &self.request, self.token, phase, subscriber).await;
        opened.map_err(|error| self.plan.located(error))
    }
}

async fn open(
    services: &Arc<Services>,
    request: &Request,
    token: Result<Option<TokenId>, async_graphql::Error>,
    phase: u32,
    subscriber: Box<dyn Subscriber>,
) -> Result<PlaceStream, async_graphql::Error> {
    let (token, now) = (token?, services.clock().now());
    let shown = shown(&request.data, now)?;
    let caller = shown.caller(now).ok_or_else(lapsed)?;
    services.watch_place(caller, token, shown.until(), phase, subscriber).await.map_err(error)
}
