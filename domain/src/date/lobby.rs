//! The lobby of a date: everybody who joins before the opening is hashed in the order of the joins, and that hash goes into
//! the draw, so that nobody who knows the secret early can choose a place while others can still join (rule 5).

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    id::TokenId,
    lobby::{DrawSecret, Ranker},
};

/// SHA-256 of the token ids, as printed, of all who joined the lobby, one after the other in the order of the joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LobbyHash(pub [u8; 32]);

impl fmt::Display for LobbyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The joins so far. A clone costs a hundred bytes, however many have joined.
#[derive(Clone, Default)]
pub(super) struct Lobby {
    joins: Sha256,
}

impl fmt::Debug for Lobby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lobby({})", self.hash())
    }
}

impl Lobby {
    pub(super) fn join(&mut self, token: TokenId) {
        let mut text = Uuid::encode_buffer();
        self.joins.update(token.0.as_hyphenated().encode_lower(&mut text).as_bytes());
    }

    pub(super) fn hash(&self) -> LobbyHash {
        LobbyHash(self.joins.clone().finalize().into())
    }

    /// What the lobby is sorted by, ascending: HMAC-SHA-256(secret, lobby hash and then the token id as printed).
    pub(super) fn ranker(&self, secret: &DrawSecret) -> Ranker {
        secret.ranker().over(&self.hash().0)
    }
}
