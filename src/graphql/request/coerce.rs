//! Values as the types of the schema want them: literals and variables alike, before anything is executed.
//!
//! What is wrong is collected and not returned at the first of it, so that all of it can be told at once.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Name, Pos, Positioned, ServerError};
use async_graphql_value::{ConstValue, Value, indexmap::IndexMap};

use super::MOST;
use super::scalar::{self, Source, not};
use super::shape::{Input, InputObject, Kind, Shape};
use crate::domain::mistake::{Mistake, Step};
use crate::graphql::error::bad_inputs;

/// The mistakes of a request, each with its place in the document.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<(Pos, Mistake)>);

impl Mistakes {
    /// The default of a variable is looked at as such and as its value.
    fn add(&mut self, pos: Pos, mistake: Mistake) {
        let mistake = (pos, mistake);
        if self.0.len() < MOST && !self.0.contains(&mistake) {
            self.0.push(mistake);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One error that tells of all of them.
    ///
    /// # Errors
    /// If there are any.
    pub(super) fn none(self) -> Result<(), ServerError> {
        let (mut places, mistakes): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let Some(&first) = places.first() else { return Ok(()) };
        places.dedup();
        let mut error = bad_inputs(&mistakes).into_server_error(first);
        error.locations = places;
        Err(error)
    }
}

/// The coerced values of an operation's variables; one that was left out and has no default is not among them.
pub(super) type Variables = HashMap<Name, Value>;

/// A variable where it is used.
#[derive(Debug, Clone)]
pub(super) struct Usage<'a> {
    pub(super) name: Name,
    pub(super) pos: Pos,
    /// What is wanted there; `None` where the schema does not say, as inside of a custom scalar.
    pub(super) place: Option<Place<'a>>,
}

/// What is wanted in a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) ty: &'a Type,
    pub(super) has_default: bool,
    /// In an input object that takes exactly one field.
    pub(super) is_one_of: bool,
}

impl<'a> Place<'a> {
    fn of(ty: &'a Type) -> Self {
        Self { ty, has_default: false, is_one_of: false }
    }

    /// An argument or a field.
    pub(super) fn input(input: &'a Input) -> Self {
        Self { has_default: input.has_default, ..Self::of(&input.ty) }
    }
}

/// How variables are understood.
pub(super) enum Known<'v, 'a> {
    /// Not at all yet: where they are used is written down.
    Used(&'v mut Vec<Usage<'a>>),
    /// By their values.
    Values(&'v Variables),
}

/// What became of a value.
pub(super) enum Coerced {
    Value(Value),
    /// A variable that was left out, where the default holds, or nothing.
    Absent,
    /// There is a mistake about it.
    Wrong,
}

/// Coerces the values of one argument, or one variable.
pub(super) struct Coercion<'v, 'a> {
    pub(super) shape: &'a Shape,
    pub(super) source: Source,
    pub(super) known: Known<'v, 'a>,
    pub(super) mistakes: &'v mut Mistakes,
    /// Where mistakes are told to be.
    pub(super) pos: Pos,
    pub(super) path: Vec<Crumb<'v>>,
}

/// A step into an input. Only that to a mistake is made a [`Step`] of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Crumb<'v> {
    Name(&'v str),
    Index(usize),
}

impl From<Crumb<'_>> for Step {
    fn from(crumb: Crumb<'_>) -> Self {
        match crumb {
            Crumb::Name(name) => Self::Name(Cow::Owned(name.to_owned())),
            Crumb::Index(index) => Self::Index(index),
        }
    }
}

impl<'v, 'a: 'v> Coercion<'v, 'a> {
    /// A value in its place, which may be a variable.
    pub(super) fn placed(&mut self, value: &Value, place: Place<'a>) -> Coerced {
        let Value::Variable(name) = value else {
            return self.value(value, place.ty).map_or(Coerced::Wrong, Coerced::Value);
        };
        match &mut self.known {
            Known::Used(usages) => {
                usages.push(Usage { name: name.clone(), pos: self.pos, place: Some(place) });
                Coerced::Value(Value::Null)
            }
            Known::Values(values) => match values.get(name) {
                None if place.has_default || place.ty.nullable => Coerced::Absent,
                None => self.wrong("is required"),
                Some(Value::Null) if !place.ty.nullable => self.wrong("must not be null"),
                Some(value) => Coerced::Value(value.clone()),
            },
        }
    }

    fn wrong(&mut self, message: impl Into<String>) -> Coerced {
        self.mistake(message);
        Coerced::Wrong
    }

    fn mistake(&mut self, message: impl Into<String>) {
        let path = self.path.iter().map(|crumb| Step::from(*crumb)).collect();
        self.mistakes.add(self.pos, Mistake { path, message: message.into() });
    }

    /// `work` one step further in.
    fn below<T>(&mut self, step: Crumb<'v>, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = work(self);
        self.path.pop();
        result
    }

    /// A value that is no variable; `None` with at least one mistake.
    fn value(&mut self, value: &Value, ty: &'a Type) -> Option<Value> {
        match (value, &ty.base) {
            (Value::Null, _) if ty.nullable => Some(Value::Null),
            (Value::Null, _) => {
                self.mistake("must not be null");
                None
            }
            (Value::List(items), BaseType::List(item)) => self.list(items, item),
            // One value where a list is wanted is a list of one.
            (one, BaseType::List(item)) => self.value(one, item).map(|one| Value::List(vec![one])),
            (value, BaseType::Named(name)) => self.named(value, name),
        }
    }

    fn list(&mut self, items: &[Value], ty: &'a Type) -> Option<Value> {
        let mut coerced = Vec::with_capacity(items.len());
        let mut is_right = true;
        for (index, item) in items.iter().enumerate() {
            match self.below(Crumb::Index(index), |inner| inner.placed(item, Place::of(ty))) {
                Coerced::Value(value) => coerced.push(value),
                // Nothing is no item of a list.
                Coerced::Absent => coerced.push(Value::Null),
                Coerced::Wrong => is_right = false,
            }
        }
        is_right.then_some(Value::List(coerced))
    }

    fn named(&mut self, value: &Value, name: &Name) -> Option<Value> {
        let shape = self.shape;
        let coerced = match shape.kind(name) {
            Some(Kind::Input(object)) => return self.object(value, name, object),
            Some(Kind::Enum(words)) => word(value, name, words, self.source),
            Some(Kind::Scalar(parser)) => match scalar::coerce(name, value, self.source) {
                Some(coerced) => coerced,
                None => {
                    let value = self.untyped(value);
                    match (parser, constant(&value)) {
                        (Some(parse), Some(constant)) => {
                            parse(constant).map_err(|why| unread(name, &value, &why)).map(|()| value)
                        }
                        _ => Ok(value),
                    }
                }
            },
            // That it is no input type is told by the rules.
            _ => Ok(value.clone()),
        };
        coerced.map_err(|message| self.mistake(message)).ok()
    }

    fn object(&mut self, value: &Value, name: &Name, object: &'a InputObject) -> Option<Value> {
        let Value::Object(given) = value else {
            self.mistake(not(&format!("an object, {name}"), value));
            return None;
        };
        let mut coerced = IndexMap::with_capacity(given.len());
        let mut is_right = true;
        for input in &object.fields {
            let place = Place { is_one_of: object.one_of, ..Place::input(input) };
            let step = Crumb::Name(&input.name);
            let outcome = match given.get(&input.name) {
                Some(value) => self.below(step, |inner| inner.placed(value, place)),
                None if input.is_required() => self.below(step, |inner| inner.wrong("is required")),
                None => Coerced::Absent,
            };
            match outcome {
                Coerced::Value(value) => {
                    coerced.insert(input.name.clone(), value);
                }
                Coerced::Absent => {}
                Coerced::Wrong => is_right = false,
            }
        }
        for unknown in given.keys().filter(|key| object.fields.iter().all(|field| field.name != **key)) {
            is_right = false;
            let path = self.path.iter().map(|crumb| Step::from(*crumb));
            let path = path.chain([Step::Name(scalar::line(unknown).into())]).collect();
            self.mistakes.add(self.pos, Mistake { path, message: format!("is not a field of {name}") });
        }
        // That a variable is not null is for the rules to see.
        let is_one = coerced.len() == 1 && !given.values().any(|value| *value == Value::Null);
        if is_right && object.one_of && !is_one {
            self.mistake(format!("must have exactly one field of {name}, which must not be null"));
            return None;
        }
        is_right.then_some(Value::Object(coerced))
    }

    /// Inside of a scalar that takes anything.
    fn untyped(&mut self, value: &Value) -> Value {
        match value {
            Value::Variable(name) => match &mut self.known {
                Known::Used(usages) => {
                    usages.push(Usage { name: name.clone(), pos: self.pos, place: None });
                    value.clone()
                }
                Known::Values(values) => values.get(name).cloned().unwrap_or(Value::Null),
            },
            Value::List(items) => Value::List(items.iter().map(|item| self.untyped(item)).collect()),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), self.untyped(value))).collect(),
            ),
            constant => constant.clone(),
        }
    }

    /// Writes down the variables of a value that nothing is known of.
    pub(super) fn unknown(&mut self, value: &Value) {
        self.untyped(value);
    }

    /// The same for an argument that is required and is not there.
    pub(super) fn missing(&mut self) {
        self.mistake("is required");
    }
}

/// What the parser of a scalar has to say, which may be the whole sentence. That it wants another type is said in our
/// words: async-graphql's show all of the value, however long it is.
fn unread(name: &Name, value: &Value, why: &str) -> String {
    if why.starts_with("must ") {
        return why.to_owned();
    }
    let wrong = not(&format!("a {name}"), value);
    if why.starts_with("Expected input type") { wrong } else { format!("{wrong}: {why}") }
}

fn constant(value: &Value) -> Option<ConstValue> {
    value.clone().into_const()
}

fn word(value: &Value, name: &Name, words: &[Name], source: Source) -> Result<Value, String> {
    let written = match (value, source) {
        (Value::Enum(word), Source::Document) => Some(word.as_str()),
        (Value::String(word), Source::Json) => Some(word.as_str()),
        _ => None,
    };
    let known = written.and_then(|written| words.iter().find(|word| *word == written));
    known.map(|word| Value::Enum(word.clone())).ok_or_else(|| {
        const SHOWN: usize = 20;
        let mut list = words.iter().take(SHOWN).map(Name::as_str).collect::<Vec<_>>().join(", ");
        if words.len() > SHOWN {
            list.push_str(", …");
        }
        not(&format!("a {name}, one of {list}"), value)
    })
}

/// The values of the variables that `operation` declares, from what was sent and from their defaults.
pub(super) fn variables(
    operation: &OperationDefinition,
    mut sent: async_graphql::Variables,
    shape: &Shape,
    mistakes: &mut Mistakes,
) -> Variables {
    let mut known = Variables::new();
    for Positioned { pos, node: definition } in &operation.variable_definitions {
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let value = match (sent.remove(name), &definition.default_value) {
            (Some(value), _) => {
                let value = value.into_value();
                alone(Source::Json, *pos, name, shape, mistakes, |coercion| coercion.value(&value, ty))
            }
            (None, Some(default)) => self::default(default, name, ty, shape, mistakes),
            (None, None) if ty.nullable => None,
            (None, None) => {
                alone(Source::Json, *pos, name, shape, mistakes, |coercion| coercion.missing());
                None
            }
        };
        known.extend(value.map(|value| (name.clone(), value)));
    }
    known
}

/// The default of a variable.
pub(super) fn default(
    default: &Positioned<ConstValue>,
    name: &Name,
    ty: &Type,
    shape: &Shape,
    mistakes: &mut Mistakes,
) -> Option<Value> {
    let value = default.node.clone().into_value();
    alone(Source::Document, default.pos, name, shape, mistakes, |coercion| coercion.value(&value, ty))
}

/// `work` on the value of a variable, in which there are none.
fn alone<'t, T>(
    source: Source,
    pos: Pos,
    name: &Name,
    shape: &'t Shape,
    mistakes: &mut Mistakes,
    work: impl FnOnce(&mut Coercion<'_, 't>) -> T,
) -> T {
    let (none, path) = (Variables::new(), vec![Crumb::Name(name)]);
    work(&mut Coercion { shape, source, known: Known::Values(&none), mistakes, pos, path })
}
