//! Encrypted connections, and passwords on top.

use std::{path::Path, process::Command};

use frontrow::store::redis::{Heard, Redis, is_away};
use redis::cmd;
use tempfile::TempDir;

use test_support::{
    needs,
    redis::{RedisServer, cluster},
    until,
};

use crate::link::{next, publish, text};

/// Where a process of its own is told what to connect to.
const ADDRESS: &str = "FRONTROW_TEST_TLS_ADDRESS";

/// A certificate that nobody has signed but its owner.
struct Certificate(TempDir);

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(folder.path())
            .output()
            .expect("openssl is missing: this test needs it (Debian: apt-get install openssl)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Settings of a server that takes nothing but encrypted connections; servers trust each other by it too.
    fn settings(&self) -> Vec<String> {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        [
            "--tls-port",
            "{port}",
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &cert,
        ]
        .into_iter()
        .chain(["--tls-auth-clients", "no", "--tls-replication", "yes"])
        .map(str::to_owned)
        .collect()
    }
}

fn with<'a>(settings: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    settings.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

async fn hears_itself(redis: &Redis) {
    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    publish(redis, "a", "whispered").await.unwrap();
    assert_eq!(text(&mut heard).await, "whispered");
}

#[tokio::test]
async fn an_encrypted_connection_takes_an_unknown_certificate_only_when_told_to() {
    needs!(RedisServer);
    let certificate = Certificate::new();
    let server = RedisServer::start(&with(&certificate.settings(), &[]));
    let url = format!("rediss://{}", server.host());
    assert!(Redis::connect(&url, "p").await.is_err(), "nobody vouches for the certificate");
    let redis = Redis::connect(&format!("{url}#insecure"), "p").await.unwrap();
    hears_itself(&redis).await;
    assert!(Redis::connect(&format!("redis://{}", server.host()), "p").await.is_err(), "only encrypted");
}

/// Which certificates are good is a matter of the whole process: this one starts another, of this test alone.
#[tokio::test]
async fn an_encrypted_connection_takes_a_certificate_that_somebody_vouches_for() {
    needs!(RedisServer);
    if let Ok(address) = std::env::var(ADDRESS) {
        hears_itself(&Redis::connect(&address, "p").await.unwrap()).await;
        return;
    }
    let certificate = Certificate::new();
    let server = RedisServer::start(&with(&certificate.settings(), &[]));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::an_encrypted_connection_takes_a_certificate_that_somebody_vouches_for"])
        .env(ADDRESS, format!("rediss://{}", server.host()))
        .env("SSL_CERT_FILE", Path::new(&certificate.file("cert.pem")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_cluster_may_be_encrypted_and_have_a_password() {
    needs!(RedisServer);
    let certificate = Certificate::new();
    let settings = certificate.settings();
    let nodes = cluster(&with(&settings, &["--tls-cluster", "yes", "--requirepass", "secret"])).await;
    let url = |login: &str| format!("rediss+cluster://{login}{}#insecure", nodes[0].host());
    let refused = Redis::connect(&url(""), "p").await.unwrap_err();
    assert!(!is_away(&refused), "without the password: {refused}");
    let redis = Redis::connect(&url(":secret@"), "p").await.unwrap();
    for n in 0..30 {
        cmd("SET").arg(n).arg(n).query_async::<()>(&mut redis.connection()).await.unwrap();
    }
    for node in &nodes {
        assert!(node.says::<i64>("DBSIZE").await.unwrap() > 0, "each master has a part");
    }
    hears_itself(&redis).await;
}

#[tokio::test]
async fn sentinels_may_be_encrypted_and_have_a_password_of_their_own() {
    needs!(RedisServer);
    let certificate = Certificate::new();
    let settings = certificate.settings();
    let master = RedisServer::start(&with(&settings, &["--requirepass", "secret"]));
    let sentinel = RedisServer::sentinel(&master, &with(&settings, &["--requirepass", "watch"]));
    let sees_it = async || {
        let masters: String = sentinel.says("INFO sentinel").await.unwrap();
        masters.contains("name=main,status=ok")
    };
    until("the sentinel sees the master", sees_it).await;
    let url = |login: &str| format!("rediss+sentinel://:secret@{}/main{login}#insecure", sentinel.host());
    for refused in ["", "?sentinels=:wrong"] {
        assert!(Redis::connect(&url(refused), "p").await.is_err());
    }
    hears_itself(&Redis::connect(&url("?sentinels=:watch"), "p").await.unwrap()).await;
}
