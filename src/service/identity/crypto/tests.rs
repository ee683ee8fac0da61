//! Against what others have published: the tokens of RFC 7515 and RFC 8037, and the vectors of Wycheproof, which are
//! made of the mistakes that libraries have made.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::service::identity::provider_key;

const ALL: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// As a token is checked: what is wrong with the key is a refusal as well.
fn verifies(algorithm: Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
    install();
    let signature = URL_SAFE_NO_PAD.encode(signature);
    jsonwebtoken::crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
}

fn from_hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// Has each case of a file checked, and counts those that are refused and those that are taken. `valid` knows what the
/// file says; a case in which that is not what comes out fails.
fn wycheproof(
    file: &str,
    check: impl Fn(&Value, &Value) -> bool,
    valid: impl Fn(&Value, &Value) -> bool,
) -> [usize; 2] {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut seen = [0; 2];
    for group in file["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            let taken = check(group, case);
            assert_eq!(taken, valid(group, case), "case {}: {}", case["tcId"], case["comment"]);
            seen[usize::from(taken)] += 1;
        }
    }
    assert_eq!(file["numberOfTests"], seen[0] + seen[1]);
    seen
}

/// The keys are read from PEM, as the identity provider's is.
fn signatures(file: &str, algorithm: Algorithm) -> [usize; 2] {
    let check = |group: &Value, case: &Value| {
        let (algorithms, key) = provider_key(group["publicKeyPem"].as_str().unwrap().as_bytes()).unwrap();
        assert!(algorithms.contains(&algorithm));
        verifies(algorithm, &key, &from_hex(&case["msg"]), &from_hex(&case["sig"]))
    };
    wycheproof(file, check, |_, case| case["result"] == "valid")
}

macro_rules! vectors {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/vectors/wycheproof/", $name, "_test.json"))
    };
}

/// A shortened tag is none of a token: RFC 7518, 3.2.
#[test]
fn hs256_is_what_wycheproof_says() {
    let check = |_: &Value, case: &Value| {
        let key = DecodingKey::from_secret(&from_hex(&case["key"]));
        verifies(Algorithm::HS256, &key, &from_hex(&case["msg"]), &from_hex(&case["tag"]))
    };
    let valid = |group: &Value, case: &Value| case["result"] == "valid" && group["tagSize"] == 256;
    assert_eq!(wycheproof(vectors!("hmac_sha256"), check, valid), [141, 33]);
}

/// The one that Wycheproof calls acceptable leaves the parameters of the hash out, and is refused.
#[test]
fn rsa_signatures_are_what_wycheproof_says() {
    assert_eq!(signatures(vectors!("rsa_signature_2048_sha256"), Algorithm::RS256), [250, 9]);
    assert_eq!(signatures(vectors!("rsa_pss_2048_sha256_mgf1_32"), Algorithm::PS256), [45, 63]);
}

#[test]
fn signatures_of_curves_are_what_wycheproof_says() {
    assert_eq!(signatures(vectors!("ecdsa_secp256r1_sha256_p1363"), Algorithm::ES256), [89, 173]);
    assert_eq!(signatures(vectors!("ecdsa_secp384r1_sha384_p1363"), Algorithm::ES384), [87, 193]);
    assert_eq!(signatures(vectors!("ed25519"), Algorithm::EdDSA), [63, 88]);
}

/// What the tokens of RFC 7515 say.
const CLAIMS: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// A key as DER, from its parts in base64url.
fn rsa(modulus: &str) -> DecodingKey {
    let modulus = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    DecodingKey::from_rsa_der(&rsa_der(&modulus))
}

/// An RSA key of that modulus, whose first bit is set or not, and the exponent 65537.
fn rsa_der(modulus: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| [&[INTEGER], &*length(number.len()), number].concat();
    let sign = if modulus[0] & 0x80 == 0 { &[][..] } else { &[0][..] };
    let parts = [integer(&[sign, modulus].concat()), integer(&[1, 0, 1])].concat();
    [&[SEQUENCE], &*length(parts.len()), &parts].concat()
}

fn length(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => vec![short],
        Ok(byte) => vec![0x81, byte],
        Err(_) => [&[0x82], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    }
}

/// Keys and tokens of RFC 7515, A.1 to A.3, and RFC 8037, A.4: the algorithm, its key, what is signed, the signature.
fn of_the_rfcs() -> [(Algorithm, DecodingKey, String, &'static str); 4] {
    [
        (
            Algorithm::HS256,
            DecodingKey::from_secret(
                &URL_SAFE_NO_PAD
                    .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
                    .unwrap(),
            ),
            format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}"),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            Algorithm::RS256,
            rsa("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
            format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}"),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            Algorithm::ES256,
            DecodingKey::from_ec_components(
                "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            )
            .unwrap(),
            format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            Algorithm::EdDSA,
            DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap(),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ]
}

#[test]
fn the_tokens_of_the_rfcs_are_taken_and_nothing_beside_them() {
    for (algorithm, key, message, signature) in of_the_rfcs() {
        let (message, signature) = (message.as_bytes(), URL_SAFE_NO_PAD.decode(signature).unwrap());
        let taken = |by| verifies(by, &key, message, &signature);
        assert_eq!(ALL.into_iter().filter(|by| taken(*by)).collect::<Vec<_>>(), [algorithm]);
        for at in 0..signature.len() {
            let mut forged = signature.clone();
            forged[at] ^= 1;
            assert!(!verifies(algorithm, &key, message, &forged), "{algorithm:?}, byte {at}");
        }
        assert!(!verifies(algorithm, &key, message, &signature[1..]));
        assert!(!verifies(algorithm, &key, message, &[&*signature, &[0]].concat()));
        assert!(!verifies(algorithm, &key, &message[1..], &signature));
    }
}

/// RFC 7515, A.1 is also what we would have signed, and nothing else is signed at all.
#[test]
fn only_hs256_signs() {
    install();
    let (_, key, message, signature) = &of_the_rfcs()[0];
    let secret = EncodingKey::from_secret(key.try_get_as_bytes().unwrap());
    let others =
        [EncodingKey::from_rsa_der(b"x"), EncodingKey::from_ec_der(b"x"), EncodingKey::from_ed_der(b"x")];
    for algorithm in ALL {
        let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, algorithm).ok();
        assert_eq!(signed.as_deref(), (algorithm == Algorithm::HS256).then_some(*signature));
        for other in &others {
            assert!(jsonwebtoken::crypto::sign(message.as_bytes(), other, algorithm).is_err());
        }
    }
}

/// A key of one kind is of no use to the algorithms of another, whatever its bytes look like.
#[test]
fn a_key_fits_only_the_algorithms_of_its_kind() {
    let fitting = |key: &DecodingKey| ALL.into_iter().filter(|by| fits(*by, key)).collect::<Vec<_>>();
    let [secret, rsa, p_256, ed] = of_the_rfcs().map(|(_, key, ..)| key);
    assert_eq!(fitting(&secret), [Algorithm::HS256]);
    assert_eq!(fitting(&rsa), &ALL[3..9]);
    assert_eq!(fitting(&p_256), [Algorithm::ES256]);
    assert_eq!(fitting(&ed), [Algorithm::EdDSA]);
    for key in [&rsa, &p_256, &ed].map(|key| key.try_get_as_bytes().unwrap()) {
        assert_eq!(fitting(&DecodingKey::from_secret(key)), [Algorithm::HS256]);
    }
    let compressed = [&[2], &p_256.try_get_as_bytes().unwrap()[1..33]].concat();
    let cut = &p_256.try_get_as_bytes().unwrap()[..64];
    for bytes in [&[][..], cut, &compressed] {
        assert!(fitting(&DecodingKey::from_ec_der(bytes)).is_empty());
        assert!(fitting(&DecodingKey::from_ed_der(bytes)).is_empty());
        assert!(fitting(&DecodingKey::from_rsa_der(bytes)).is_empty());
    }
    assert!(fitting(&DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1, 0, 1])).is_empty());
}

/// 2041 to 2047 bits are as many bytes as 2048.
#[test]
fn rsa_keys_are_of_2048_to_8192_bits() {
    for (first, bytes, bits) in [
        (0x80, 128, 1024),
        (0x80, 255, 2040),
        (0x01, 256, 2041),
        (0x7f, 256, 2047),
        (0x80, 256, 2048),
        (0x01, 257, 2049),
        (0xff, 512, 4096),
        (0x80, 1024, 8192),
        (0x01, 1025, 8193),
        (0x80, 2048, 16384),
    ] {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        let der = rsa_der(&modulus);
        assert_eq!(rsa_bits(&der), Some(bits));
        let key = DecodingKey::from_rsa_der(&der);
        let taken = (2048..=8192).contains(&bits);
        assert_eq!(fits(Algorithm::RS256, &key), taken, "{bits} bits");
        assert_eq!(verifier(&Algorithm::RS256, &key).is_ok(), taken, "{bits} bits");
    }
}

proptest! {
    #[test]
    fn no_bytes_confuse_the_reader_of_rsa_keys(
        der in proptest::collection::vec(any::<u8>(), 0..40),
        cut in 0_usize..268,
    ) {
        prop_assert!(rsa_bits(&der).is_none_or(|bits| bits <= der.len() * 8));
        let whole = rsa_der(&[0xff; 256]);
        prop_assert_eq!(rsa_bits(&whole[..cut.min(whole.len() - 1)]), None);
    }
}
