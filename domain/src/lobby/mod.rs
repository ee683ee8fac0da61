//! The verifiable draw: which order the lobby is put into at the opening (rule 5).
//!
//! The order is ascending HMAC-SHA-256(secret bytes, lobby hash bytes and then the token id as printed). The SHA-256 of the
//! secret is public from the start, the secret itself after the draw, so that an outsider can compute the order again. The
//! secret is made before anyone joins, so it cannot depend on who does; and because every join changes the [`LobbyHash`],
//! and with it the whole order, who has read the secret early cannot choose a place while others can still join.

mod verify;

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use self::verify::{DrawFault, Evidence, verify};
use crate::id::TokenId;

/// The 32 bytes that order the lobby; they never show in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct DrawSecret([u8; 32]);

impl fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawSecret(..)")
    }
}

impl DrawSecret {
    /// A secret from 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A secret as it is published: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`DrawFault::SecretMalformed`].
    pub fn try_from_hex(text: &str) -> Result<Self, DrawFault> {
        from_hex(text).map(Self).ok_or(DrawFault::SecretMalformed)
    }

    /// The secret in hexadecimal: for the store, and for everyone once the order is drawn (rule 5).
    #[must_use]
    pub fn reveal(&self) -> String {
        hex::encode(self.0)
    }

    /// SHA-256 of the secret's bytes in hexadecimal: public before the draw (rule 5).
    #[must_use]
    pub fn commitment(&self) -> String {
        hex::encode(Sha256::digest(self.0))
    }

    /// What computes the keys by which a lobby is sorted: the secret is worked into the hash once.
    pub(super) fn ranker(&self) -> Ranker {
        Ranker(Hmac::new_from_slice(&self.0).expect("HMAC takes a key of any length"))
    }
}

/// Computes rank keys.
pub(super) struct Ranker(Hmac<Sha256>);

impl Ranker {
    /// One whose keys depend on `bytes` as well, which go before the token.
    pub(super) fn over(self, bytes: &[u8]) -> Self {
        Self(self.0.chain_update(bytes))
    }

    /// What the lobby is sorted by, ascending (rule 5).
    pub(super) fn key(&self, token: TokenId) -> [u8; 32] {
        let mut text = Uuid::encode_buffer();
        let printed = token.0.as_hyphenated().encode_lower(&mut text);
        self.0.clone().chain_update(printed.as_bytes()).finalize().into_bytes().into()
    }
}

/// SHA-256 of the token ids, as printed, of all who joined a lobby, one after the other in the order of the joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LobbyHash(pub [u8; 32]);

impl fmt::Display for LobbyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl LobbyHash {
    /// The hash as it is published: 64 hexadecimal digits.
    #[must_use]
    pub fn try_from_hex(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }

    /// That of these joins.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = TokenId>) -> Self {
        let mut hasher = LobbyHasher::default();
        ids.into_iter().for_each(|id| hasher.join(id));
        hasher.hash()
    }
}

/// Hashes a lobby as it fills. A clone costs a hundred bytes, however many have joined.
#[derive(Clone, Default)]
pub struct LobbyHasher(Sha256);

impl fmt::Debug for LobbyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LobbyHasher({})", self.hash())
    }
}

impl LobbyHasher {
    /// The next one joins.
    pub fn join(&mut self, token: TokenId) {
        let mut text = Uuid::encode_buffer();
        self.0.update(token.0.as_hyphenated().encode_lower(&mut text).as_bytes());
    }

    /// The hash of those who have joined so far.
    #[must_use]
    pub fn hash(&self) -> LobbyHash {
        LobbyHash(self.0.clone().finalize().into())
    }
}

/// What a lobby that is drawn got its order from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// The secret and the hash of all joins, which says how they were when it closed.
    With(LobbyHash),
    /// The secret alone: the rule by which dates were drawn before that one. They keep their order; none is drawn so any
    /// more.
    BySecretAlone,
}

impl Drawn {
    /// From how its row has it: the hash in hexadecimal, or nothing at all for [`Drawn::BySecretAlone`].
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        if text.is_empty() {
            Some(Self::BySecretAlone)
        } else {
            LobbyHash::try_from_hex(text).map(Self::With)
        }
    }

    /// The hash that went into it, if any did.
    #[must_use]
    pub fn lobby_hash(&self) -> Option<LobbyHash> {
        match self {
            Self::With(hash) => Some(*hash),
            Self::BySecretAlone => None,
        }
    }

    /// What the lobby is sorted by, ascending.
    pub(super) fn ranker(&self, secret: &DrawSecret) -> Ranker {
        match self {
            Self::With(hash) => secret.ranker().over(&hash.0),
            Self::BySecretAlone => secret.ranker(),
        }
    }
}

/// A lobby on its way into the drawn order, which may come in a part at a time. A place takes 48 bytes.
pub struct Drawing {
    ranker: Ranker,
    joins: LobbyHasher,
    keyed: Vec<([u8; 32], TokenId)>,
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drawing of {} places", self.keyed.len())
    }
}

impl Drawing {
    /// An empty lobby with room for so many.
    #[must_use]
    pub fn new(secret: &DrawSecret, drawn: Drawn, places: usize) -> Self {
        Self {
            ranker: drawn.ranker(secret),
            joins: LobbyHasher::default(),
            keyed: Vec::with_capacity(places),
        }
    }

    /// Adds those who were in the lobby, in the order of the joins.
    pub fn add(&mut self, ids: impl IntoIterator<Item = TokenId>) {
        let Self { ranker, joins, keyed } = self;
        keyed.extend(ids.into_iter().map(|id| {
            joins.join(id);
            (ranker.key(id), id)
        }));
    }

    /// How many there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.keyed.len()
    }

    /// The hash of those who were added, which is that of the draw if these are all who were in the lobby.
    #[must_use]
    pub fn lobby_hash(&self) -> LobbyHash {
        self.joins.hash()
    }

    /// The drawn order: the first is admitted first (rule 5). Sorted where they are.
    pub fn in_order(mut self) -> impl ExactSizeIterator<Item = TokenId> {
        self.keyed.sort_unstable();
        self.keyed.into_iter().map(|(_, id)| id)
    }
}

/// The drawn order of a lobby: the first is admitted first (rule 5).
#[must_use]
pub fn order(secret: &DrawSecret, drawn: Drawn, ids: impl IntoIterator<Item = TokenId>) -> Vec<TokenId> {
    let mut drawing = Drawing::new(secret, drawn, 0);
    drawing.add(ids);
    drawing.in_order().collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u128) -> TokenId {
        TokenId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
    }

    fn secret(n: u64) -> DrawSecret {
        DrawSecret::new(Sha256::digest(n.to_be_bytes()).into())
    }

    fn with(ids: &[TokenId]) -> Drawn {
        Drawn::With(LobbyHash::of(ids.iter().copied()))
    }

    fn drawn(ids: &[TokenId]) -> Vec<TokenId> {
        order(&secret(1), with(ids), ids.iter().copied())
    }

    #[test]
    fn the_key_is_hmac_sha_256_of_the_lobby_hash_and_the_printed_id() {
        let secret = DrawSecret::new([7; 32]);
        // Computed with: printf %s 01900000-0000-7000-8000-000000000001 |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        assert_eq!(
            hex::encode(Drawn::BySecretAlone.ranker(&secret).key(token(1))),
            "dc7de67fe5a5cbdee9291171420b91d0fa87e0b1d980720b3ec67819bd8d15ae"
        );
        // The same behind: printf %s 01900000-0000-7000-8000-000000000001 | openssl dgst -sha256 -binary
        assert_eq!(
            hex::encode(with(&[token(1)]).ranker(&secret).key(token(1))),
            "a02df7052965536dbe1d7540acffb1db262c648c25b1325ebdef77ff5eacd3c5"
        );
        assert_eq!(
            LobbyHash::of([token(1)]).to_string(),
            "18da14df6be2e6cf3eb43d42371cbb06a92c99e89a01b610f0df4b18d281ef4f"
        );
        assert_eq!(secret.commitment(), "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0");
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", DrawSecret::new([7; 32])), "DrawSecret(..)");
    }

    /// Rule 5: who knows the secret and joins last to get a place of their choice gets another one when anybody joins after
    /// them, or another lobby is shown.
    #[test]
    fn one_more_join_changes_the_whole_order() {
        let ids: Vec<_> = (0..100).map(token).collect();
        let (fewer, all) = (drawn(&ids[..99]), drawn(&ids));
        let without: Vec<_> = all.iter().copied().filter(|id| *id != ids[99]).collect();
        let stayed = fewer.iter().zip(&without).filter(|(a, b)| a == b).count();
        assert!(stayed < 10, "{stayed} of 99 kept their places");
        let mut other_way_round = ids;
        other_way_round.swap(0, 1);
        assert_ne!(drawn(&other_way_round), all);
    }

    #[test]
    fn how_a_row_has_it() {
        let drawn = with(&[token(1)]);
        let text = drawn.lobby_hash().unwrap().to_string();
        assert_eq!(Drawn::from_stored(&text), Some(drawn));
        assert_eq!((Drawn::from_stored(""), Drawn::from_stored("x")), (Some(Drawn::BySecretAlone), None));
    }

    /// Chi-square of a table of counts against equal counts.
    fn chi_square(table: &[Vec<u32>], expected: f64) -> f64 {
        table.iter().flatten().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum()
    }

    /// How often each of `ids` came to each place in `draws` draws.
    fn places(ids: &[TokenId], draws: u32, order: impl Fn(u64, &[TokenId]) -> Vec<TokenId>) -> Vec<Vec<u32>> {
        let mut table = vec![vec![0; ids.len()]; ids.len()];
        for draw in 0..draws {
            for (place, id) in order(draw.into(), ids).iter().enumerate() {
                let who = ids.iter().position(|i| i == id).unwrap();
                table[who][place] += 1;
            }
        }
        table
    }

    #[test]
    fn every_place_is_equally_likely() {
        let ids: Vec<_> = (0..20).map(token).collect();
        let fair = places(&ids, 10_000, |n, ids| order(&secret(n), with(ids), ids.iter().copied()));
        // A Latin-square table has (20 - 1)² = 361 degrees of freedom, deviation √(2·361) ≈ 27: five of them.
        let bound = 361.0 + 5.0 * 27.0;
        let found = chi_square(&fair, 500.0);
        assert!(found < bound, "chi-square {found} is not below {bound}");

        // The bound can tell: one draw in twenty that keeps the order of arrival is found out.
        let unfair = places(&ids, 10_000, |n, ids| {
            if n % 20 == 0 { ids.to_vec() } else { order(&secret(n), with(ids), ids.iter().copied()) }
        });
        assert!(chi_square(&unfair, 500.0) > bound);
    }
}
