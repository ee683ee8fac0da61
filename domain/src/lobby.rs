//! The verifiable draw: which order the lobby is put into at the opening (rule 5).
//!
//! The order is ascending HMAC-SHA-256(secret bytes, token id as printed). The SHA-256 of the secret is public from
//! the start, the secret itself after the draw, so that an outsider can compute the order again. The secret is made
//! before anyone joins, so it cannot depend on who does.

use std::{collections::HashSet, fmt};

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::id::TokenId;

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

    /// What the lobby is sorted by, ascending (rule 5).
    #[must_use]
    pub fn rank_key(&self, token: TokenId) -> [u8; 32] {
        self.ranker().key(token)
    }

    /// The same for many tokens: the secret is worked into the hash once.
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

    /// See [`DrawSecret::rank_key`].
    pub(super) fn key(&self, token: TokenId) -> [u8; 32] {
        let mut text = Uuid::encode_buffer();
        let printed = token.0.as_hyphenated().encode_lower(&mut text);
        self.0.clone().chain_update(printed.as_bytes()).finalize().into_bytes().into()
    }
}

/// A lobby on its way into the drawn order, which may come in a part at a time. A place takes 48 bytes.
pub struct Drawing {
    ranker: Ranker,
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
    pub fn new(secret: &DrawSecret, places: usize) -> Self {
        Self { ranker: secret.ranker(), keyed: Vec::with_capacity(places) }
    }

    /// Adds those who were in the lobby, in any order.
    pub fn add(&mut self, ids: impl IntoIterator<Item = TokenId>) {
        self.keyed.extend(ids.into_iter().map(|id| (self.ranker.key(id), id)));
    }

    /// How many there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.keyed.len()
    }

    /// The drawn order: the first is admitted first (rule 5). Sorted where they are.
    pub fn in_order(mut self) -> impl ExactSizeIterator<Item = TokenId> {
        self.keyed.sort_unstable();
        self.keyed.into_iter().map(|(_, id)| id)
    }
}

/// The drawn order of a lobby: the first is admitted first (rule 5).
#[must_use]
pub fn order(secret: &DrawSecret, ids: impl IntoIterator<Item = TokenId>) -> Vec<TokenId> {
    let mut drawing = Drawing::new(secret, 0);
    drawing.add(ids);
    drawing.in_order().collect()
}

/// Why published data do not prove a draw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawFault {
    /// The secret cannot be read.
    #[error("the secret is not 64 hexadecimal digits")]
    SecretMalformed,
    /// The commitment cannot be read.
    #[error("the commitment is not 64 hexadecimal digits")]
    CommitmentMalformed,
    /// Another secret was committed to.
    #[error("the secret is not the one that was committed to: its SHA-256 is {actual}")]
    SecretChanged {
        /// SHA-256 of the secret that was shown, in hexadecimal.
        actual: String,
    },
    /// A token counted twice.
    #[error("token {0} appears twice")]
    Twice(TokenId),
    /// A token of the lobby has no place in the order.
    #[error("token {0} was in the lobby and is missing from the order")]
    Missing(TokenId),
    /// A place was given to a token that was not in the lobby.
    #[error("token {0} is in the order and was not in the lobby")]
    Stranger(TokenId),
    /// The first place at which the order is not the drawn one.
    #[error("place {place} belongs to token {drawn}, and the order has {claimed} there")]
    OutOfOrder {
        /// 1 for the first place.
        place: usize,
        /// Whose place it is.
        drawn: TokenId,
        /// Who was put there.
        claimed: TokenId,
    },
}

/// Checks a draw from what was published about it (rule 5).
///
/// # Errors
/// The first thing that is wrong, as a [`DrawFault`].
pub fn verify(
    commitment_hex: &str,
    secret_hex: &str,
    ids: &[TokenId],
    claimed_order: &[TokenId],
) -> Result<(), DrawFault> {
    let secret = DrawSecret::try_from_hex(secret_hex)?;
    let committed = from_hex(commitment_hex).ok_or(DrawFault::CommitmentMalformed)?;
    if committed != <[u8; 32]>::from(Sha256::digest(secret.0)) {
        return Err(DrawFault::SecretChanged { actual: secret.commitment() });
    }
    let lobby = distinct(ids)?;
    let claimed = distinct(claimed_order)?;
    if let Some(id) = ids.iter().find(|id| !claimed.contains(id)) {
        return Err(DrawFault::Missing(*id));
    }
    if let Some(id) = claimed_order.iter().find(|id| !lobby.contains(id)) {
        return Err(DrawFault::Stranger(*id));
    }
    let drawn = order(&secret, ids.iter().copied());
    match drawn.into_iter().zip(claimed_order).enumerate().find(|(_, (drawn, claimed))| drawn != *claimed) {
        None => Ok(()),
        Some((at, (drawn, claimed))) => {
            Err(DrawFault::OutOfOrder { place: at + 1, drawn, claimed: *claimed })
        }
    }
}

fn distinct(ids: &[TokenId]) -> Result<HashSet<TokenId>, DrawFault> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().try_for_each(|id| seen.insert(*id).then_some(()).ok_or(DrawFault::Twice(*id)))?;
    Ok(seen)
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

    #[test]
    fn the_key_is_hmac_sha_256_of_the_printed_id() {
        // Computed with: printf %s 01900000-0000-7000-8000-000000000001 |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        let secret = DrawSecret::new([7; 32]);
        assert_eq!(
            hex::encode(secret.rank_key(token(1))),
            "dc7de67fe5a5cbdee9291171420b91d0fa87e0b1d980720b3ec67819bd8d15ae"
        );
        assert_eq!(secret.commitment(), "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0");
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", DrawSecret::new([7; 32])), "DrawSecret(..)");
    }

    #[test]
    fn published_data_reproduce_the_order() {
        let ids: Vec<_> = (0..500).map(token).collect();
        let drawn = order(&secret(1), ids.iter().rev().copied());
        assert_eq!(verify(&secret(1).commitment(), &secret(1).reveal(), &ids, &drawn), Ok(()));
    }

    #[test]
    fn one_changed_byte_is_noticed() {
        let ids: Vec<_> = (0..20).map(token).collect();
        let drawn = order(&secret(1), ids.iter().copied());
        let (commitment, revealed) = (secret(1).commitment(), secret(1).reveal());
        for at in 0..32 {
            let mut bytes = secret(1).0;
            bytes[at] ^= 1;
            let fault = verify(&commitment, &hex::encode(bytes), &ids, &drawn).unwrap_err();
            assert!(matches!(fault, DrawFault::SecretChanged { .. }), "{fault}");
            let mut bytes = from_hex(&commitment).unwrap();
            bytes[at] ^= 1;
            let fault = verify(&hex::encode(bytes), &revealed, &ids, &drawn).unwrap_err();
            assert!(matches!(fault, DrawFault::SecretChanged { .. }), "{fault}");
        }
        for at in 0..16 {
            let mut changed = ids.clone();
            let mut bytes = *changed[3].0.as_bytes();
            bytes[at] ^= 1;
            changed[3] = TokenId(Uuid::from_bytes(bytes));
            assert!(verify(&commitment, &revealed, &changed, &drawn).is_err());
            let reordered = order(&secret(1), changed.iter().copied());
            assert!(verify(&commitment, &revealed, &ids, &reordered).is_err());
        }
    }

    #[test]
    fn each_fault_is_named() {
        let ids: Vec<_> = (0..3).map(token).collect();
        let drawn = order(&secret(1), ids.iter().copied());
        let check = |ids: &[TokenId], claimed: &[TokenId]| {
            verify(&secret(1).commitment(), &secret(1).reveal(), ids, claimed).unwrap_err()
        };
        assert_eq!(check(&ids, &drawn[..2]), DrawFault::Missing(drawn[2]));
        assert_eq!(check(&ids, &[drawn[0], drawn[0], drawn[2]]), DrawFault::Twice(drawn[0]));
        assert_eq!(check(&drawn[..2], &drawn), DrawFault::Stranger(drawn[2]));
        let swapped = [drawn[0], drawn[2], drawn[1]];
        let fault = check(&ids, &swapped);
        assert_eq!(fault, DrawFault::OutOfOrder { place: 2, drawn: drawn[1], claimed: drawn[2] });
        assert_eq!(verify("00", &secret(1).reveal(), &ids, &drawn), Err(DrawFault::CommitmentMalformed));
        assert_eq!(verify("00", "zz", &ids, &drawn), Err(DrawFault::SecretMalformed));
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
        let fair = places(&ids, 10_000, |n, ids| order(&secret(n), ids.iter().copied()));
        // A Latin-square table has (20 - 1)² = 361 degrees of freedom, deviation √(2·361) ≈ 27: five of them.
        let bound = 361.0 + 5.0 * 27.0;
        let found = chi_square(&fair, 500.0);
        assert!(found < bound, "chi-square {found} is not below {bound}");

        // The bound can tell: one draw in twenty that keeps the order of arrival is found out.
        let unfair = places(&ids, 10_000, |n, ids| {
            if n % 20 == 0 { ids.to_vec() } else { order(&secret(n), ids.iter().copied()) }
        });
        assert!(chi_square(&unfair, 500.0) > bound);
    }
}
