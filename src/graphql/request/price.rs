//! What an operation can read and answer at most, computed before it runs, from what the catalogue really holds: a
//! house has its seats, a concert its dates.
//!
//! Only what depends on the data is priced here; the shape of the document is bounded before (see [`super`]), which also
//! bounds the work of this walk: fragments expanded, a document has a thousand selections.

mod introspection;
mod named;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use async_graphql::Name;
use async_graphql::parser::types::{BaseType, Field, OperationDefinition, SelectionSet, Type};

use super::selections::{self, Fragments};
use super::shape::{Shape, innermost};
use crate::domain::page::MAX_PAGE;
use crate::domain::seat_map::MOST_CHANGED;
use crate::graphql::budget::{ANSWER, ANSWER_BYTES, MAPPED, SEATS};
use crate::graphql::over_limit::OverLimit;
use crate::graphql::page::DEFAULT_PAGE;
use crate::service::census::{Catalogue, Size};
pub use named::Named;

/// Fields that the executor resolves one by one, objects included; those of seats in lists of seats are not among them.
const VALUES: usize = 100_000;

/// How many rows a list has at most that is none of the catalogue's: the seats that one fan can hold or buy of a date.
const FEW: usize = 100;

/// What an operation can come to, at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// Fields that the executor resolves one by one.
    pub values: usize,
    /// Seats in lists of seats.
    pub seats: usize,
    /// Seats of the dates whose seat maps are read: they have to be in memory for that.
    pub mapped: usize,
    /// Bytes of the answer, about.
    pub bytes: usize,
}

/// An operation, and what is known of what it asks about.
#[derive(Debug, Clone, Copy)]
pub struct Priced<'a> {
    /// Those of its document, which is already within the limits of [`super::DocumentLimits`].
    pub fragments: &'a Fragments,
    /// The operation that will run, in its normal form.
    pub operation: &'a OperationDefinition,
    /// The types of the schema.
    pub shape: &'a Shape,
    /// How large the catalogue is.
    pub catalogue: &'a Catalogue,
}

/// Compares what the operation can come to with what one request, or one answer of a subscription, may.
///
/// # Errors
/// If it is more.
pub fn check(priced: Priced<'_>) -> Result<Price, OverLimit> {
    within(price(priced)?)
}

fn within(price: Price) -> Result<Price, OverLimit> {
    OverLimit::check("seats", price.seats, SEATS)?;
    OverLimit::check(MAPPED, price.mapped, SEATS)?;
    OverLimit::check("fields of all rows", price.values, VALUES)?;
    OverLimit::check(ANSWER, price.bytes, ANSWER_BYTES)?;
    Ok(price)
}

fn price(of: Priced<'_>) -> Result<Price, OverLimit> {
    walk(of).map(|walk| walk.price)
}

/// What an operation in its normal form comes to whatever the catalogue holds and whatever its arguments say; `None` if
/// that makes a difference, or if it is too much.
pub(super) fn fixed(fragments: &Fragments, operation: &OperationDefinition, shape: &Shape) -> Option<Price> {
    let of = Priced { fragments, operation, shape, catalogue: &Catalogue::default() };
    within(walk(of).ok().filter(|walk| !walk.depends.get())?.price).ok()
}

fn walk(of: Priced<'_>) -> Result<Walk<'_>, OverLimit> {
    let Priced { fragments, operation, shape, catalogue } = of;
    let mut walk = Walk { fragments, shape, catalogue, depends: Cell::new(false), price: Price::default() };
    if let Some(root) = shape.root(operation.ty) {
        walk.set(&operation.selection_set.node, root, Place::ROOT)?;
    }
    Ok(walk)
}

/// Where a selection set stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// How many objects there are at most.
    objects: usize,
    /// How often they stand in the answer. In a list of seats, what is the same for all seats is resolved once.
    copies: usize,
    /// What is below all of these objects together, where they are concerts or dates and no two of them the same.
    below: Option<Size>,
    /// Rows of the page, if it is one.
    page: usize,
    in_seats: bool,
}

impl Place {
    const ROOT: Self = Self { objects: 1, copies: 1, below: None, page: 1, in_seats: false };

    /// `rows` for each object.
    fn each(self, rows: usize) -> Self {
        Self { objects: self.objects.saturating_mul(rows), copies: self.copies.saturating_mul(rows), ..self }
    }

    /// The seats of each of these dates.
    fn seats(self, catalogue: &Catalogue) -> usize {
        let all = || self.objects.saturating_mul(catalogue.largest_house());
        self.below.map_or_else(all, |below| below.seats)
    }

    /// The dates below these concerts.
    fn dates(self, catalogue: &Catalogue) -> Self {
        match self.below {
            Some(below) => {
                // The objects are one for one in the answer, or nothing would be known of what is below them.
                Self { objects: below.dates, copies: below.dates, ..self }
            }
            None => self.each(catalogue.largest_concerts(1).dates),
        }
    }
}

struct Walk<'a> {
    fragments: &'a Fragments,
    shape: &'a Shape,
    /// Looked at by [`Walk::catalogue`] alone.
    catalogue: &'a Catalogue,
    /// Whether the catalogue or an argument was looked at.
    depends: Cell<bool>,
    price: Price,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet, parent: &'a str, place: Place) -> Result<(), OverLimit> {
        let mut mapped = 0;
        for (on, field) in selections::fields(self.fragments, parent, set) {
            if on == "Series"
                && matches!(field.node.name.node.as_str(), "layout" | "seatStates" | "seatsVersion")
            {
                mapped = place.seats(self.catalogue());
            }
            self.field(&field.node, on, place)?;
        }
        self.price.mapped = self.price.mapped.saturating_add(mapped);
        Ok(())
    }

    fn catalogue(&self) -> &'a Catalogue {
        self.depends.set(true);
        self.catalogue
    }

    fn field(&mut self, field: &'a Field, parent: &'a str, place: Place) -> Result<(), OverLimit> {
        if matches!(field.name.node.as_str(), "__schema" | "__type") {
            let (values, bytes) = introspection::cost(self.fragments, self.shape, field);
            self.add(values, bytes);
            return Ok(());
        }
        let Some(ty) = self.shape.field(parent, &field.name.node) else {
            // `__typename`, or a field that validation will name.
            self.add(place.objects, place.copies.saturating_mul(key(field) + WORD));
            return Ok(());
        };
        if let ("Series", "seatStates") | ("SeatAvailability", "states") = (parent, field.name.node.as_str())
        {
            not_within_seats(place)?;
            let letters = place.seats(self.catalogue());
            self.add(place.objects, place.copies.saturating_mul(key(field) + 2).saturating_add(letters));
            return Ok(());
        }
        let inside = self.inside(parent, field, ty, place)?;
        let length = match (field.selection_set.node.items.is_empty(), matches!(ty.base, BaseType::List(_))) {
            // The name of a section.
            (true, _) if inside.in_seats && innermost(ty) == "String" && field.name.node != "label" => {
                key(field) + WORD
            }
            (true, _) => key(field) + length_of(&field.name.node, innermost(ty)),
            (false, true) => BRACES,
            (false, false) => key(field) + BRACES,
        };
        self.add(inside.objects, inside.copies.saturating_mul(length));
        self.set(&field.selection_set.node, innermost(ty), inside)
    }

    /// Where the selection set of a field stands: how many objects it selects from.
    fn inside(&mut self, parent: &str, field: &Field, ty: &Type, place: Place) -> Result<Place, OverLimit> {
        let one = Place { below: None, page: 1, ..place };
        let is_page = parent.ends_with("Connection");
        Ok(match (parent, field.name.node.as_str()) {
            ("Query", "concerts") => {
                let page = self.page(field);
                Place { below: Some(self.catalogue().largest_concerts(page)), page, ..one }
            }
            ("Query", "concert") => Place { below: self.concert(field, "id"), ..one },
            ("Query", "series") => {
                Place { below: self.concert(field, "concertId"), ..one }.dates(self.catalogue())
            }
            ("Concert", "series") => place.dates(self.catalogue()),
            ("Query", "seriesById") => Place { below: self.date(field, "id"), ..one },
            ("Subscription", "seatAvailability") => Place { below: self.date(field, "seriesId"), ..one },
            ("Query", "seats") => {
                self.seats(Place { below: self.date(field, "seriesId"), ..one }, usize::MAX)?
            }
            ("SeatAvailability", "seats") if named::is_true(field, "onlyChanged") => {
                self.seats(place, MOST_CHANGED)?
            }
            ("Series" | "SeatAvailability", "seats") => self.seats(place, usize::MAX)?,
            // Each may have a section of its own. They are written as seats are.
            ("Series", "layout") => {
                not_within_seats(place)?;
                Place { copies: place.seats(self.catalogue()), below: None, in_seats: true, ..place }
            }
            (_, "nodes" | "edges") if is_page => place.each(place.page),
            (_, "node") if parent.ends_with("Edge") => place,
            _ if innermost(ty).ends_with("Connection") => Place { page: self.page(field), ..one },
            _ if matches!(ty.base, BaseType::List(_)) => one.each(FEW),
            _ => one,
        })
    }

    /// A list of all seats of each date, of which there are at most so many.
    fn seats(&mut self, place: Place, most: usize) -> Result<Place, OverLimit> {
        not_within_seats(place)?;
        let seats = place.seats(self.catalogue()).min(most);
        self.price.seats = self.price.seats.saturating_add(seats);
        Ok(Place { copies: seats, below: None, in_seats: true, ..place })
    }

    fn concert(&self, field: &Field, argument: &str) -> Option<Size> {
        // A concert that is not known has nothing below it.
        Some(self.catalogue().concert(named::id(field, argument)?))
    }

    fn date(&self, field: &Field, argument: &str) -> Option<Size> {
        Some(self.catalogue().date(named::id(field, argument)?))
    }

    fn page(&self, field: &Field) -> usize {
        self.depends.set(true);
        let most = MAX_PAGE as usize;
        let asked = ["first", "last"].into_iter().find_map(|name| named::int(field, name));
        asked.unwrap_or(DEFAULT_PAGE as usize).min(most)
    }

    fn add(&mut self, values: usize, bytes: usize) {
        self.price.values = self.price.values.saturating_add(values);
        self.price.bytes = self.price.bytes.saturating_add(bytes);
    }
}

/// What a date has many of cannot be told with each of its seats.
fn not_within_seats(place: Place) -> Result<(), OverLimit> {
    OverLimit::check("seats within seats", place.in_seats.into(), 0)
}

/// Bytes of the brackets and the comma of an object.
const BRACES: usize = 3;

/// Bytes of an id.
const ID: usize = 38;

/// Bytes of a word, such as the name of a section, of a type or of a value of an enum.
const WORD: usize = 12;

/// Bytes of a sentence or a time.
const TEXT: usize = 30;

/// Bytes of a title, and of the id of a user, at most.
const TITLE: usize = 800;
const USER_ID: usize = 130;

/// Bytes of a value, about: what it really comes to is counted while it is written.
fn length_of(field: &Name, leaf: &Name) -> usize {
    match leaf.as_str() {
        // People's words: as long as they may be.
        _ if *field == "title" => TITLE,
        _ if matches!(field.as_str(), "userId" | "organizerId" | "actorId") => USER_ID,
        "ID" => ID,
        "Int" => 6,
        "Boolean" => 5,
        _ if leaf.ends_with("Status") => WORD,
        _ => TEXT,
    }
}

/// Bytes of a key with its quotes, its colon and the comma.
fn key(field: &Field) -> usize {
    field.alias.as_ref().unwrap_or(&field.name).node.len() + 4
}
