//! Joining a subscription of which many have the same to say.

use std::{any::TypeId, fmt::Write, sync::Arc};

use async_graphql::{
    Error, ID, Name, PathSegment, Pos, Request, Response,
    parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet},
};
use futures_util::StreamExt;

use super::{
    feed::{Begin, NOTHING, Source},
    root::Root,
};
use crate::{
    domain::id::SeriesId,
    graphql::{
        error::{error, id, lapsed, shown},
        language::Language,
        request::{Outline, Prepared, priced::Guarded},
        series::watched,
    },
};

/// What is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With the version that the subscriber knows. Its events follow each other.
    Seats(Option<i32>),
    Stats,
    Dates,
}

/// A subscriber who has not joined yet.
pub struct Joining {
    guarded: Guarded,
    request: Request,
    outline: Outline,
    kind: Kind,
    key: String,
    name: Name,
    pos: Pos,
}

/// A subscriber who has been let in.
pub struct Joined {
    /// Those who join under one key are told the same.
    pub key: String,
    /// Whether each event tells what changed since the last one, so that all of them are to be told.
    pub is_chain: bool,
    /// What only this one is told, first.
    pub first: Option<Response>,
    /// Up to which version it has been told then.
    pub version: i64,
    /// How the events are made, if nobody else has joined yet.
    pub source: Source,
}

impl Joining {
    pub(in crate::graphql) fn of(
        guarded: &Guarded,
        mut prepared: Prepared,
    ) -> Result<Box<Self>, Box<Prepared>> {
        let Some((kind, key, name, pos)) = read(&mut prepared.request) else {
            return Err(Box::new(prepared));
        };
        let Prepared { request, outline, .. } = prepared;
        Ok(Box::new(Self { guarded: guarded.clone(), request, outline, kind, key, name, pos }))
    }

    /// Whether it is only for who shows the right token, and ends with that.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.kind == Kind::Stats
    }

    /// The request that joins.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Lets it in.
    ///
    /// # Errors
    /// The answer, if there is no room for it, or nothing for this caller to watch.
    pub async fn join(mut self) -> Result<Joined, Box<Response>> {
        let refused = |error| Box::new(Response::from_errors(vec![error]));
        // A subscription waits nearly all of the time: it is no load until it has something to say.
        self.guarded.let_in(&mut self.request).await.map_err(refused)?;
        let language = language(&self.request);
        let document = self.request.parsed_query().map_err(refused)?.clone();
        if let Err(error) = self.check(&document).await {
            let error = error.into_server_error(self.pos);
            return Err(refused(error.with_path(vec![PathSegment::Field(self.name.to_string())])));
        }
        let (first, begin) = match self.kind {
            Kind::Seats(Some(_)) => {
                let (first, version) = self.first().await?;
                (Some(first), Some(version))
            }
            _ => (None, None),
        };
        let source = Source {
            schema: self.guarded.schema().clone(),
            services: Arc::clone(self.guarded.services()),
            document: without_since(document),
            outline: self.outline,
            language,
            begin: begin.map(Begin),
        };
        let is_chain = matches!(self.kind, Kind::Seats(_));
        let version = begin.map_or(NOTHING, i64::from);
        Ok(Joined { key: self.key, is_chain, first, version, source })
    }

    /// Whether there is such a thing, and it is this caller's to watch.
    async fn check(&self, document: &ExecutableDocument) -> Result<(), Error> {
        let services = self.guarded.services();
        let root =
            Root::of(document).ok_or_else(|| Error::new("The operation is not in its normal form."))?;
        let series = || id::<SeriesId>("seriesId", &root.argument::<ID>("seriesId")?);
        match self.kind {
            Kind::Seats(Some(_)) => {}
            Kind::Seats(None) => services.may_watch_dates(&[series()?]).await.map_err(error)?,
            Kind::Stats => {
                let (series, now) = (series()?, services.clock().now());
                let caller = shown(&self.request.data, now)?.caller(now).ok_or_else(lapsed)?;
                services.may_watch_stats(caller, series).await.map_err(error)?;
            }
            Kind::Dates => {
                let ids = watched(&root.argument::<Vec<ID>>("ids")?)?;
                services.may_watch_dates(&ids).await.map_err(error)?;
            }
        }
        Ok(())
    }

    /// What changed since the version that the subscriber knows, and the version now.
    async fn first(&mut self) -> Result<(Response, i32), Box<Response>> {
        let version = Arc::new(FirstVersion::default());
        let mut request = std::mem::replace(&mut self.request, Request::new(""));
        request.data.insert(Arc::clone(&version));
        let mut answers = self.guarded.schema().execute_stream(request).boxed();
        let mut first = answers.next().await.unwrap_or_default();
        self.outline.repair(&mut first);
        match version.get() {
            Some(version) => Ok((first, version)),
            None => Err(Box::new(first)),
        }
    }
}

/// The version of the seats that a subscriber is told first.
#[derive(Debug, Default)]
pub(in crate::graphql) struct FirstVersion(std::sync::OnceLock<i32>);

impl FirstVersion {
    pub(in crate::graphql) fn set(&self, version: i32) {
        // There is one.
        let _ = self.0.set(version);
    }

    fn get(&self) -> Option<i32> {
        self.0.get().copied()
    }
}

fn read(request: &mut Request) -> Option<(Kind, String, Name, Pos)> {
    let language = language(request);
    let root = Root::of(request.parsed_query().ok()?)?;
    let field = root.field;
    let kind = match field.name.node.as_str() {
        "seatAvailability" => Kind::Seats(root.argument::<Option<i32>>(SINCE).ok().flatten()),
        "saleStats" => Kind::Stats,
        "seriesChanged" => Kind::Dates,
        _ => return None,
    };
    let mut key = format!("{language:?}");
    write_field(field, &mut key);
    Some((kind, key, field.response_key().node.clone(), root.pos))
}

fn language(request: &Request) -> Language {
    let language = request.data.get(&TypeId::of::<Language>()).and_then(|data| data.downcast_ref());
    language.copied().unwrap_or_default()
}

/// The argument that makes the first event another one, and no event after it.
const SINCE: &str = "sinceVersion";

fn without_since(mut document: ExecutableDocument) -> ExecutableDocument {
    if let DocumentOperations::Single(operation) = &mut document.operations {
        for item in &mut operation.node.selection_set.node.items {
            if let Selection::Field(field) = &mut item.node {
                field.node.arguments.retain(|(name, _)| name.node != SINCE);
            }
        }
    }
    document
}

/// Writes what is asked for; not where in the document that was, and not since when.
fn write_field(field: &Field, key: &mut String) {
    // Writing to memory cannot fail.
    let _ = write!(key, "{}:{}(", field.response_key().node, field.name.node);
    for (name, value) in field.arguments.iter().filter(|(name, _)| name.node != SINCE) {
        let _ = write!(key, "{}:{},", name.node, value.node);
    }
    key.push(')');
    write_set(&field.selection_set.node, key);
}

fn write_set(set: &SelectionSet, key: &mut String) {
    key.push('{');
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => write_field(&field.node, key),
            Selection::InlineFragment(on) => {
                let condition = on.node.type_condition.as_ref();
                let _ = write!(key, "...{}", condition.map_or("", |condition| &condition.node.on.node));
                write_set(&on.node.selection_set.node, key);
            }
            // There is none in a normal form.
            Selection::FragmentSpread(_) => {}
        }
    }
    key.push('}');
}
