//! Whether what was published of a draw proves it (rule 5).

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{DrawSecret, Drawn, LobbyHash, from_hex, order};
use crate::id::TokenId;

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
    /// The hash of the lobby cannot be read.
    #[error("the lobby hash is not 64 hexadecimal digits")]
    LobbyHashMalformed,
    /// The lobby that is shown is another one than that which was hashed.
    #[error("the lobby hash is not that of the lobby: the hash of the token ids is {actual}")]
    LobbyChanged {
        /// The hash of the token ids that were shown, in hexadecimal.
        actual: LobbyHash,
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

/// What is published of a draw.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// SHA-256 of the secret, which was public before; in hexadecimal.
    pub commitment: &'a str,
    /// The secret, in hexadecimal.
    pub secret: &'a str,
    /// The hash of the joins, in hexadecimal; `None` for a draw [by the secret alone](Drawn::BySecretAlone).
    pub lobby_hash: Option<&'a str>,
    /// Who joined the lobby, in the order of the joins.
    pub lobby: &'a [TokenId],
    /// The same as they were drawn.
    pub order: &'a [TokenId],
}

/// Checks a draw from what was published about it (rule 5).
///
/// # Errors
/// The first thing that is wrong, as a [`DrawFault`].
pub fn verify(shown: &Evidence<'_>) -> Result<Drawn, DrawFault> {
    let secret = DrawSecret::try_from_hex(shown.secret)?;
    let committed = from_hex(shown.commitment).ok_or(DrawFault::CommitmentMalformed)?;
    if committed != <[u8; 32]>::from(Sha256::digest(secret.0)) {
        return Err(DrawFault::SecretChanged { actual: secret.commitment() });
    }
    let lobby = distinct(shown.lobby)?;
    let claimed = distinct(shown.order)?;
    if let Some(id) = shown.lobby.iter().find(|id| !claimed.contains(id)) {
        return Err(DrawFault::Missing(*id));
    }
    if let Some(id) = shown.order.iter().find(|id| !lobby.contains(id)) {
        return Err(DrawFault::Stranger(*id));
    }
    let drawn = hashed(shown)?;
    let order = order(&secret, drawn, shown.lobby.iter().copied());
    match order.into_iter().zip(shown.order).enumerate().find(|(_, (drawn, claimed))| drawn != *claimed) {
        None => Ok(drawn),
        Some((at, (drawn, claimed))) => {
            Err(DrawFault::OutOfOrder { place: at + 1, drawn, claimed: *claimed })
        }
    }
}

/// By which rule it was drawn; its hash is that of the joins.
fn hashed(shown: &Evidence<'_>) -> Result<Drawn, DrawFault> {
    let Some(text) = shown.lobby_hash else { return Ok(Drawn::BySecretAlone) };
    let hash = LobbyHash::try_from_hex(text).ok_or(DrawFault::LobbyHashMalformed)?;
    let actual = LobbyHash::of(shown.lobby.iter().copied());
    if actual == hash { Ok(Drawn::With(hash)) } else { Err(DrawFault::LobbyChanged { actual }) }
}

fn distinct(ids: &[TokenId]) -> Result<HashSet<TokenId>, DrawFault> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().try_for_each(|id| seen.insert(*id).then_some(()).ok_or(DrawFault::Twice(*id)))?;
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn token(n: u128) -> TokenId {
        TokenId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
    }

    fn secret(n: u64) -> DrawSecret {
        DrawSecret::new(Sha256::digest(n.to_be_bytes()).into())
    }

    fn drawn(ids: &[TokenId]) -> Vec<TokenId> {
        order(&secret(1), Drawn::With(LobbyHash::of(ids.iter().copied())), ids.iter().copied())
    }

    /// What is wrong with this order, of this lobby with its own hash.
    fn fault(ids: &[TokenId], claimed: &[TokenId]) -> Option<DrawFault> {
        let hash = LobbyHash::of(ids.iter().copied()).to_string();
        check(&secret(1).commitment(), &secret(1).reveal(), Some(&hash), ids, claimed).err()
    }

    fn check(
        commitment: &str,
        secret: &str,
        lobby_hash: Option<&str>,
        lobby: &[TokenId],
        order: &[TokenId],
    ) -> Result<Drawn, DrawFault> {
        verify(&Evidence { commitment, secret, lobby_hash, lobby, order })
    }

    #[test]
    fn published_data_reproduce_the_order() {
        let ids: Vec<_> = (0..500).map(token).collect();
        assert_eq!(fault(&ids, &drawn(&ids)), None);
        let earlier = order(&secret(1), Drawn::BySecretAlone, ids.iter().rev().copied());
        let (commitment, revealed) = (secret(1).commitment(), secret(1).reveal());
        assert_eq!(check(&commitment, &revealed, None, &ids, &earlier), Ok(Drawn::BySecretAlone));
        assert_ne!(earlier, drawn(&ids));
    }

    #[test]
    fn one_changed_byte_is_noticed() {
        let ids: Vec<_> = (0..20).map(token).collect();
        let drawn = drawn(&ids);
        let hash = LobbyHash::of(ids.iter().copied());
        let (commitment, revealed, hashed) = (secret(1).commitment(), secret(1).reveal(), hash.to_string());
        for at in 0..32 {
            let mut bytes = secret(1).0;
            bytes[at] ^= 1;
            let fault = check(&commitment, &hex::encode(bytes), Some(&hashed), &ids, &drawn).unwrap_err();
            assert!(matches!(fault, DrawFault::SecretChanged { .. }), "{fault}");
            let mut bytes = from_hex(&commitment).unwrap();
            bytes[at] ^= 1;
            let fault = check(&hex::encode(bytes), &revealed, Some(&hashed), &ids, &drawn).unwrap_err();
            assert!(matches!(fault, DrawFault::SecretChanged { .. }), "{fault}");
            let mut bytes = hash.0;
            bytes[at] ^= 1;
            let fault = check(&commitment, &revealed, Some(&hex::encode(bytes)), &ids, &drawn).unwrap_err();
            assert_eq!(fault, DrawFault::LobbyChanged { actual: hash });
        }
        for at in 0..16 {
            let mut changed = ids.clone();
            let mut bytes = *changed[3].0.as_bytes();
            bytes[at] ^= 1;
            changed[3] = TokenId(Uuid::from_bytes(bytes));
            assert!(fault(&changed, &drawn).is_some());
            let reordered = order(&secret(1), Drawn::With(hash), changed.iter().copied());
            assert!(check(&commitment, &revealed, Some(&hashed), &ids, &reordered).is_err());
            assert!(check(&commitment, &revealed, Some(&hashed), &changed, &reordered).is_err());
        }
    }

    #[test]
    fn each_fault_is_named() {
        let ids: Vec<_> = (0..3).map(token).collect();
        let drawn = drawn(&ids);
        let named = |ids: &[TokenId], claimed: &[TokenId]| fault(ids, claimed).unwrap();
        assert_eq!(named(&ids, &drawn[..2]), DrawFault::Missing(drawn[2]));
        assert_eq!(named(&ids, &[drawn[0], drawn[0], drawn[2]]), DrawFault::Twice(drawn[0]));
        assert_eq!(named(&drawn[..2], &drawn), DrawFault::Stranger(drawn[2]));
        let swapped = [drawn[0], drawn[2], drawn[1]];
        assert_eq!(
            named(&ids, &swapped),
            DrawFault::OutOfOrder { place: 2, drawn: drawn[1], claimed: drawn[2] }
        );
        let (commitment, revealed) = (secret(1).commitment(), secret(1).reveal());
        for (commitment, secret, hash, fault) in [
            ("00", revealed.as_str(), None, DrawFault::CommitmentMalformed),
            ("00", "zz", None, DrawFault::SecretMalformed),
            (&commitment, &revealed, Some("00"), DrawFault::LobbyHashMalformed),
        ] {
            assert_eq!(check(commitment, secret, hash, &ids, &drawn), Err(fault));
        }
    }
}
