//! An encrypted connection.

use std::process::Command;

use frontrow::store::redis::{Heard, Redis};

use crate::servers::{Server, next, publish, text};

/// A certificate that nobody has signed but its owner, in that folder.
fn certificate(folder: &std::path::Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=localhost", "-days", "1", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl is missing: this test needs it (Debian: apt-get install openssl)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn an_encrypted_connection_takes_an_unknown_certificate_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let server = Server::start(&[
        "--tls-port",
        "{port}",
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://{}", server.host());
    assert!(Redis::connect(&url, "p").await.is_err(), "nobody vouches for the certificate");
    let redis = Redis::connect(&format!("{url}#insecure"), "p").await.unwrap();
    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    publish(&redis, "a", "whispered").await.unwrap();
    assert_eq!(text(&mut heard).await, "whispered");
    assert!(Redis::connect(&format!("redis://{}", server.host()), "p").await.is_err(), "only encrypted");
}
