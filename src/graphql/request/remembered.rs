//! The documents that were asked for lately, so that each is read once.
//!
//! Only valid ones are kept. What is asked for often stays, so that nobody can push the documents of the shop out by
//! sending many others.

use std::sync::Arc;

use moka::sync::Cache;

use super::checked::Checked;

/// All documents that are kept together, in bytes: some thousand of the usual size.
const BYTES: u64 = 16 << 20;

/// One that takes more is read anew each time: thirty such would fill the room of all others.
const MOST_OF_ONE: usize = 512 << 10;

/// By their texts.
#[derive(Clone, Debug)]
pub(super) struct Remembered(Cache<Arc<str>, Arc<Checked>>);

impl Default for Remembered {
    fn default() -> Self {
        let weigh = |text: &Arc<str>, document: &Arc<Checked>| {
            u32::try_from(weight(text, document)).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(BYTES).weigher(weigh).build())
    }
}

impl Remembered {
    /// What is known of the document with this text.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Checked>> {
        self.0.get(text)
    }

    /// Keeps a document that is valid.
    pub(super) fn keep(&self, text: String, document: &Arc<Checked>) {
        if weight(&text, document) <= MOST_OF_ONE {
            self.0.insert(text.into(), Arc::clone(document));
            // Otherwise the cache would let go of what is too much only after some dozens more.
            self.0.run_pending_tasks();
        }
    }

    /// How much of [`BYTES`] is taken, counted by what is there.
    #[cfg(test)]
    fn bytes(&self) -> u64 {
        self.0.iter().map(|(text, document)| weight(&text, &document) as u64).sum()
    }
}

fn weight(text: &str, document: &Checked) -> usize {
    text.len() + document.weight()
}

#[cfg(test)]
mod tests {
    use async_graphql::{Request, Variables};

    use super::*;
    use crate::graphql;
    use crate::graphql::request::Intake;

    fn asked(intake: &Intake, text: &str) -> bool {
        intake.prepare(Request::new(text).variables(Variables::default())).is_ok()
    }

    fn is_known(intake: &Intake, text: &str) -> bool {
        intake.remembered.get(text).is_some()
    }

    /// A document of so many selections that is as long as one may be.
    fn long(n: usize, selections: usize) -> String {
        let fields = "id title ".repeat(selections / 2 - 1);
        let text = format!("# {n}\n{{ concerts {{ nodes {{ {fields} }} }} }} #");
        format!("{text}{}", "x".repeat((32 << 10) - text.len()))
    }

    #[test]
    fn a_document_is_read_once() {
        let intake = graphql::intake();
        let text = "query ($id: ID!) { concert(id: $id) { title } }";
        let sent = |id: &str| Variables::from_json(serde_json::json!({ "id": id }));
        // That its values are wrong does not make it invalid.
        assert!(!asked(&intake, text));
        let first = intake.remembered.get(text).expect("it is valid");
        assert!(intake.prepare(Request::new(text).variables(sent("1"))).is_ok());
        assert!(intake.prepare(Request::new(text).variables(sent("2"))).is_ok());
        assert!(Arc::ptr_eq(&first, &intake.remembered.get(text).unwrap()));
    }

    #[test]
    fn what_is_not_valid_is_not_kept() {
        let intake = graphql::intake();
        for text in [
            "{ nothing }",
            "{ concert(id: [1]) { title } }",
            "{ concert { title } }",
            "query ($v: Int) { __typename }",
            "{ concerts",
            "subscription { a: queuePosition { position } b: queuePosition { position } }",
        ] {
            assert!(!asked(&intake, text) && !is_known(&intake, text), "{text}");
        }
        assert_eq!(intake.remembered.bytes(), 0);
    }

    #[test]
    fn a_flood_of_other_documents_takes_no_more_than_their_room_and_leaves_what_is_in_use() {
        let intake = graphql::intake();
        let flood = |documents: std::ops::Range<usize>| {
            for n in documents {
                assert!(asked(&intake, &long(n, if n % 5 == 0 { 1_000 } else { 500 })));
                let bytes = intake.remembered.bytes();
                assert!(bytes <= BYTES, "{bytes} after {n}");
            }
        };
        let shop = "{ concerts { nodes { id title } } }";
        // How often something is used is counted once half of the room is taken.
        flood(0..30);
        assert!((0..10).all(|_| asked(&intake, shop)));
        flood(30..80);
        assert!(is_known(&intake, shop));
        assert!(intake.remembered.bytes() > BYTES / 2, "they were kept while there was room");
    }

    #[test]
    fn what_would_take_the_room_of_many_is_not_kept() {
        let intake = graphql::intake();
        // A literal in a fragment that is spread often stands in the plans as often.
        let operations: String = (0..40).map(|n| format!("query Q{n} {{ ...F }} ")).collect();
        let name = "n".repeat(20_000);
        let text = format!("{operations} fragment F on Query {{ __type(name: \"{name}\") {{ name }} }}");
        let mut request = Request::new(text.as_str());
        request.operation_name = Some("Q1".to_owned());
        let prepared = intake.prepare(request);
        assert!(prepared.is_ok(), "{:?}", prepared.err());
        assert!(!is_known(&intake, &text));
    }
}
