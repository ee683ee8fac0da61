//! How each row of a list is written.

use std::collections::HashMap;

use async_graphql::{Positioned, Value, parser::types::SelectionSet};

use super::rows::{Gap, Row};
use crate::graphql::{
    language::Language,
    request::{
        Outline,
        selections::{self, Fragments},
    },
};

/// The JSON of a row, with gaps for what depends on it. Equal templates write equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(Vec<u8>),
    Gap(Gap),
}

impl Template {
    /// Of one row as the executor answered it, and of what was asked for.
    pub(super) fn new<R: Row>(
        mut sample: Value,
        asked: &Positioned<SelectionSet>,
        fragments: &Fragments,
        language: Language,
    ) -> Self {
        Outline::untyped(fragments, &asked.node).tidy(&mut sample);
        let Value::Object(fields) = sample else { return Self { parts: vec![text_of(&sample)] } };
        // Validation has seen to it that there is only one field behind each key.
        let names: HashMap<_, _> = selections::fields(fragments, "", &asked.node)
            .map(|(_, field)| (field.node.response_key().node.as_str(), field.node.name.node.as_str()))
            .collect();
        let (mut parts, mut text) = (Vec::new(), vec![b'{']);
        for (n, (key, value)) in fields.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            append(key.as_str(), &mut text);
            text.push(b':');
            match names.get(key.as_str()).and_then(|name| R::gap(name, language)) {
                Some(gap) => parts.extend([Part::Text(std::mem::take(&mut text)), Part::Gap(gap)]),
                None => append(value, &mut text),
            }
        }
        text.push(b'}');
        parts.push(Part::Text(text));
        Self { parts }
    }

    pub(super) fn write(&self, row: &impl Row, json: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => json.extend_from_slice(text),
                Part::Gap(gap) => row.write(*gap, json),
            }
        }
    }

    /// Bytes of a row, about.
    pub(super) fn typical_length(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Gap(gap) => gap.typical_length(),
        };
        self.parts.iter().map(length).sum()
    }
}

fn text_of(value: &Value) -> Part {
    let mut text = Vec::new();
    append(value, &mut text);
    Part::Text(text)
}

fn append(value: &(impl serde::Serialize + ?Sized), json: &mut Vec<u8>) {
    serde_json::to_writer(json, value).expect("a GraphQL value has string keys only");
}
