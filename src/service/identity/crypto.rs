//! What signs and checks tokens: *ring*, which TLS to PostgreSQL and Redis needs anyway. The library of tokens brings two other
//! choices; the one is a second large library in C and assembler, and of the other a part has an open advisory.
//!
//! Only what Frontrow takes is here: our own tokens are signed and checked by HS256, the identity provider's are checked by the
//! algorithms of a public key. Whatever else is asked for is refused.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{Error as Refused, Signer, Verifier},
};
use ring::{
    hmac,
    signature::{self, VerificationAlgorithm},
};

/// The lengths of an RSA modulus that are safe and can be checked, in bits. Counted here, because *ring* rounds up to
/// whole bytes and takes 2041 bits for 2048.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key of a curve is a point that is written out: this byte, then both coordinates.
const UNCOMPRESSED: u8 = 4;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has the library of tokens use this. Once is enough, and more is harmless.
pub(super) fn install() {
    // An error says that there is one already, and nobody else installs any.
    let _ = PROVIDER.install_default();
}

/// Whether signatures of this algorithm can be checked by this key at all: it is of its kind, strong enough, and whole.
pub(super) fn fits(algorithm: Algorithm, key: &DecodingKey) -> bool {
    let Ok(bytes) = key.try_get_as_bytes() else { return false };
    let point = |coordinates: usize| bytes.first() == Some(&UNCOMPRESSED) && bytes.len() == 1 + coordinates;
    key.family() == algorithm.family()
        && match algorithm {
            Algorithm::HS256 => true,
            Algorithm::ES256 => point(64),
            Algorithm::ES384 => point(96),
            Algorithm::EdDSA => bytes.len() == signature::ED25519_PUBLIC_KEY_LEN,
            _ if algorithm.family() == AlgorithmFamily::Rsa => {
                rsa_bits(bytes).is_some_and(|bits| RSA_BITS.contains(&bits))
            }
            _ => false,
        }
}

/// How long the modulus of an RSA key is, in bits. The key is a sequence in DER that begins with it (RFC 8017, A.1.1).
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (&SEQUENCE, rest) = der.split_first()? else { return None };
    let (&INTEGER, rest) = contents(rest)?.split_first()? else { return None };
    let modulus = contents(rest)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeros)?;
    Some((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// What a length in DER says that there is behind it.
fn contents(der: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = der.split_first()?;
    let Some(more) = first.checked_sub(0x80) else { return rest.get(..usize::from(first)) };
    let (length, rest) = rest.split_at_checked(usize::from(more))?;
    let length = length.iter().try_fold(0_usize, |length, byte| {
        length.checked_mul(0x100).map(|length| length + usize::from(*byte))
    })?;
    rest.get(..length)
}

/// Our own key, which signs and checks.
struct Secret(hmac::Key);

impl Secret {
    fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

impl Signer<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Secret {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Refused> {
        hmac::verify(&self.0, message, signature).map_err(|_| Refused::new())
    }
}

impl JwtVerifier for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// A key of somebody else, which only checks.
struct PublicKey {
    algorithm: Algorithm,
    by: &'static dyn VerificationAlgorithm,
    key: Vec<u8>,
}

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Refused> {
        signature::UnparsedPublicKey::new(self.by, &self.key)
            .verify(message, signature)
            .map_err(|_| Refused::new())
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if (*algorithm, key.family()) == (Algorithm::HS256, AlgorithmFamily::Hmac) {
        return Ok(Box::new(Secret::new(key.as_bytes())));
    }
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if !fits(*algorithm, key) {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let bytes = key.try_get_as_bytes()?;
    Ok(match by(*algorithm) {
        Some(by) => Box::new(PublicKey { algorithm: *algorithm, by, key: bytes.to_vec() }),
        None => Box::new(Secret::new(bytes)),
    })
}

/// How signatures of a public key are checked; `None` if there is no such key, because it is a secret.
fn by(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &signature::ED25519,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
