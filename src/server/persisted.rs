//! Documents that a client names by their hash instead of sending them: Apollo's automatic persisted queries, which
//! urql speaks too (`extensions.persistedQuery`), and `documentId` of the GraphQL-over-HTTP draft with `sha256:`.
//!
//! A document is kept by the first who sends it with its hash, if it may be executed at all, and for as long as there is
//! room: what is asked for often stays, so that nobody can push the shop's own documents out by sending many others. What
//! is kept is only text, and is guarded anew each time; whoever is told NOT_FOUND sends it again. Each process has its own.

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::graphql::code;
use crate::server::endpoint::Refusal;

/// All documents that are kept together, in bytes.
const BYTES: u64 = 4 << 20;

/// What a short document takes beside its text.
const OVERHEAD: usize = 200;

type Hash = [u8; 32];

type Documents = Cache<Hash, Arc<str>>;

/// The documents of this process.
#[derive(Clone, Debug)]
pub struct Persisted(Option<Documents>);

impl Persisted {
    /// With room for some hundred documents.
    #[must_use]
    pub fn on() -> Self {
        let weigh =
            |_: &Hash, document: &Arc<str>| u32::try_from(document.len() + OVERHEAD).unwrap_or(u32::MAX);
        Self(Some(Cache::builder().max_capacity(BYTES).weigher(weigh).build()))
    }

    /// Without any: clients are told to send their documents, and do not ask again.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// The document that is meant, and how to keep it once it is known to be one.
    ///
    /// # Errors
    /// PERSISTED_QUERY_NOT_FOUND or PERSISTED_QUERY_NOT_SUPPORTED; BAD_USER_INPUT if no document is named, or wrongly.
    pub(crate) fn document(&self, named: Named<'_>) -> Result<(String, Keep), Refusal> {
        let by_hash = named.hash()?;
        let Some(query) = named.query else {
            let hash = match by_hash {
                Some(hash) => Some(hash),
                None if named.id.is_some() => named.id.and_then(of_id),
                None => return Err(bad("The request has no document: send it as \"query\".")),
            };
            let kept = self.0.as_ref().ok_or_else(not_supported)?;
            let found = hash.and_then(|hash| kept.get(&hash)).ok_or_else(not_found)?;
            return Ok((found.to_string(), Keep(None)));
        };
        let Some((hash, kept)) = by_hash.zip(self.0.as_ref()) else { return Ok((query, Keep(None))) };
        if Hash::from(Sha256::digest(&query)) != hash {
            return Err(bad("extensions.persistedQuery.sha256Hash is not the SHA-256 of the query."));
        }
        let keep = (!kept.contains_key(&hash)).then(|| (kept.clone(), hash, Arc::from(query.as_str())));
        Ok((query, Keep(keep)))
    }
}

/// A document that is to be kept if it turns out to be one.
#[must_use]
pub(crate) struct Keep(Option<(Documents, Hash, Arc<str>)>);

impl Keep {
    /// It is one that may be executed.
    pub(crate) fn keep(self) {
        if let Some((kept, hash, document)) = self.0 {
            kept.insert(hash, document);
        }
    }
}

/// By what a request names its document.
pub(crate) struct Named<'a> {
    pub(crate) query: Option<String>,
    pub(crate) extensions: Option<&'a Map<String, Value>>,
    /// `documentId`, or what others call it.
    pub(crate) id: Option<&'a str>,
}

impl Named<'_> {
    /// Of `extensions.persistedQuery`, if that is there.
    fn hash(&self) -> Result<Option<Hash>, Refusal> {
        let asked = self.extensions.and_then(|extensions| extensions.get("persistedQuery"));
        let Some(asked) = asked.filter(|asked| !asked.is_null()) else { return Ok(None) };
        if asked.get("version").and_then(Value::as_f64) != Some(1.0) {
            return Err(bad("extensions.persistedQuery.version must be 1."));
        }
        let hash = asked.get("sha256Hash").and_then(Value::as_str).and_then(read_hash);
        hash.map(Some)
            .ok_or_else(|| bad("extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits."))
    }
}

fn read_hash(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

/// An id says what it is the hash by, or is that of a list which there is none of.
fn of_id(id: &str) -> Option<Hash> {
    read_hash(id.strip_prefix("sha256:").unwrap_or(id))
}

fn bad(message: &str) -> Refusal {
    Refusal { code: code::BAD_USER_INPUT, message: message.to_owned() }
}

/// Clients know it by these very words.
fn not_found() -> Refusal {
    Refusal { code: code::PERSISTED_QUERY_NOT_FOUND, message: "PersistedQueryNotFound".to_owned() }
}

fn not_supported() -> Refusal {
    Refusal { code: code::PERSISTED_QUERY_NOT_SUPPORTED, message: "PersistedQueryNotSupported".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hash_of(document: &str) -> String {
        hex::encode(Sha256::digest(document))
    }

    fn ask(persisted: &Persisted, query: Option<&str>, extension: &Value) -> Result<String, &'static str> {
        let extensions = json!({ "persistedQuery": extension });
        let named = Named { query: query.map(str::to_owned), extensions: extensions.as_object(), id: None };
        let (document, keep) = persisted.document(named).map_err(|refusal| refusal.code)?;
        keep.keep();
        Ok(document)
    }

    fn by_hash(document: &str) -> Value {
        json!({ "version": 1, "sha256Hash": hash_of(document) })
    }

    #[test]
    fn a_document_is_known_once_it_was_sent_with_its_hash() {
        let persisted = Persisted::on();
        let (a, extension) = ("{ a }", by_hash("{ a }"));
        assert_eq!(ask(&persisted, None, &extension), Err(code::PERSISTED_QUERY_NOT_FOUND));
        assert_eq!(ask(&persisted, Some(a), &Value::Null).unwrap(), a);
        assert_eq!(ask(&persisted, None, &extension), Err(code::PERSISTED_QUERY_NOT_FOUND));
        assert_eq!(ask(&persisted, Some(a), &extension).unwrap(), a);
        assert_eq!(ask(&persisted, None, &extension).unwrap(), a);
        let loud = json!({ "version": 1.0, "sha256Hash": hash_of(a).to_uppercase() });
        assert_eq!(ask(&persisted, None, &loud).unwrap(), a);
        for id in [format!("sha256:{}", hash_of(a)), hash_of(a)] {
            let named = Named { query: None, extensions: None, id: Some(&id) };
            assert_eq!(persisted.document(named).ok().unwrap().0, a);
        }
        let named = Named { query: None, extensions: None, id: Some("5f7c8ec7") };
        assert_eq!(persisted.document(named).err().unwrap().code, code::PERSISTED_QUERY_NOT_FOUND);
    }

    #[test]
    fn a_document_that_is_no_good_is_not_kept() {
        let persisted = Persisted::on();
        let extensions = json!({ "persistedQuery": by_hash("{") });
        let named = Named { query: Some("{".to_owned()), extensions: extensions.as_object(), id: None };
        drop(persisted.document(named));
        assert_eq!(ask(&persisted, None, &by_hash("{")), Err(code::PERSISTED_QUERY_NOT_FOUND));
    }

    #[test]
    fn where_they_are_off_a_document_is_taken_and_a_hash_is_not() {
        let persisted = Persisted::off();
        assert_eq!(ask(&persisted, Some("{ a }"), &by_hash("{ a }")).unwrap(), "{ a }");
        assert_eq!(ask(&persisted, None, &by_hash("{ a }")), Err(code::PERSISTED_QUERY_NOT_SUPPORTED));
    }

    #[test]
    fn what_is_no_hash_or_not_of_the_document_is_refused() {
        let persisted = Persisted::on();
        for extension in [
            json!({}),
            json!(true),
            json!([]),
            json!({ "version": 1 }),
            json!({ "version": 2, "sha256Hash": hash_of("{ a }") }),
            json!({ "version": "1", "sha256Hash": hash_of("{ a }") }),
            json!({ "sha256Hash": hash_of("{ a }") }),
            json!({ "version": 1, "sha256Hash": 5 }),
            json!({ "version": 1, "sha256Hash": "ab" }),
            json!({ "version": 1, "sha256Hash": "x".repeat(64) }),
            by_hash("{ b }"),
        ] {
            assert_eq!(ask(&persisted, Some("{ a }"), &extension), Err(code::BAD_USER_INPUT), "{extension}");
        }
        assert_eq!(ask(&persisted, None, &Value::Null), Err(code::BAD_USER_INPUT));
    }

    /// Whoever sends many binds no more memory than there is for all, and the shop's own documents stay.
    #[test]
    fn there_is_room_for_so_many_and_those_in_use_stay() {
        let persisted = Persisted::on();
        let shop = "{ concerts { nodes { id } } }";
        ask(&persisted, Some(shop), &by_hash(shop)).unwrap();
        let kept = persisted.0.as_ref().unwrap();
        for n in 0..2_000 {
            let document = format!("{{ a{n}(x: \"{}\") }}", "x".repeat(10_000));
            ask(&persisted, Some(&document), &by_hash(&document)).unwrap();
            assert!(ask(&persisted, None, &by_hash(shop)).is_ok(), "pushed out by {n} others");
            kept.run_pending_tasks();
            assert!(kept.weighted_size() <= BYTES, "{} bytes", kept.weighted_size());
        }
    }
}
