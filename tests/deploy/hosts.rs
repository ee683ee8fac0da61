//! The programs of compose.yaml, on addresses of the loopback instead of in containers.

use std::{
    collections::BTreeMap,
    fs::{self, File, Permissions},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use chrono::TimeDelta;
use frontrow::clock::Clock;
use sea_orm::ConnectionTrait;
use tempfile::TempDir;

use test_support::{Process, process::frontrow};

use crate::{
    compose::{Compose, file, strings},
    dockerfile,
};

/// A public key of an identity provider, whose other half nobody has.
const PROVIDER: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

/// Everything, as compose.yaml has it. Ends with its test.
pub(crate) struct Hosts {
    compose: Compose,
    /// Where the test is on the loopback: nobody else uses these addresses, so the ports can be the real ones.
    net: [u8; 3],
    postgres_port: u16,
    redis: Option<Child>,
    proxy: Option<Child>,
    folder: TempDir,
}

impl Hosts {
    /// Starts the stores.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL and the proxy's workers run as other users if this is root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let compose = Compose::read(&secrets(folder.path())).unwrap();
        let [.., high, low] = std::process::id().to_be_bytes();
        let net = [127, 100 + high % 100, low];
        let mut hosts = Self { compose, net, postgres_port: 0, redis: None, proxy: None, folder };
        hosts.start_postgres().await;
        hosts.start_redis().await;
        hosts
    }

    /// Where a service is.
    pub(crate) fn address(&self, service: &str) -> Ipv4Addr {
        let it = self.compose.service(service);
        let last = match it["networks"]["default"]["ipv4_address"].as_str() {
            Some(address) => address.parse::<Ipv4Addr>().unwrap().octets()[3],
            None => {
                if service == "proxy" {
                    1
                } else {
                    2
                }
            }
        };
        let [a, b, c] = self.net;
        Ipv4Addr::new(a, b, c, last)
    }

    pub(crate) fn front_door(&self) -> SocketAddr {
        (self.address("proxy"), 8080).into()
    }

    pub(crate) fn processes(&self) -> Vec<String> {
        self.compose.processes().into_iter().map(str::to_owned).collect()
    }

    /// PostgreSQL with the settings of its service, its user and its password, as the image makes them.
    async fn start_postgres(&mut self) {
        let it = self.compose.service("postgres");
        let url = script("start", &self.postgres_folder(), &strings(&it["command"])[1..]);
        let (_, port) = url.trim().trim_end_matches("/postgres").rsplit_once(':').unwrap();
        self.postgres_port = port.parse().unwrap();
        let set = |name: &str| it["environment"][name].as_str().unwrap();
        let (user, password, database) = (set("POSTGRES_USER"), set("POSTGRES_PASSWORD"), set("POSTGRES_DB"));
        let connection = sea_orm::Database::connect(url.trim()).await.unwrap();
        for statement in [
            format!("CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{password}'"),
            format!("CREATE DATABASE {database} OWNER {user}"),
        ] {
            connection.execute_unprepared(&statement).await.unwrap();
        }
        // Until now everybody may come in without a password.
        let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(format!("{}/data/pg_hba.conf", self.postgres_folder()), rules).unwrap();
        connection.execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
        connection.close().await.unwrap();
        assert!(self.is_healthy("postgres"));
    }

    /// As if the power had failed.
    pub(crate) fn crash_postgres(&self) {
        script("stop", &self.postgres_folder(), &["immediate".to_owned()]);
    }

    pub(crate) fn start_postgres_again(&self) {
        let it = self.compose.service("postgres");
        script("start", &self.postgres_folder(), &strings(&it["command"])[1..]);
    }

    fn postgres_folder(&self) -> String {
        self.folder.path().join("postgres").display().to_string()
    }

    /// Redis with the settings of its service, and nothing in it.
    pub(crate) async fn start_redis(&mut self) {
        let words = strings(&self.compose.service("redis")["command"]);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["--bind", &self.address("redis").to_string()]);
        command.args(["--dir", &self.folder.path().display().to_string()]);
        self.redis = Some(command.stdin(Stdio::null()).stdout(self.log("redis.log")).spawn().unwrap());
        self.until_healthy("redis").await;
    }

    pub(crate) fn kill_redis(&mut self) {
        end(&mut self.redis);
    }

    /// The proxy with its settings, once these pass its own check.
    pub(crate) async fn start_proxy(&mut self) {
        let mut settings = file("deploy/nginx.conf");
        for name in self.compose.processes() {
            settings = settings.replace(&format!("{name}:"), &format!("{}:", self.address(name)));
        }
        let open = "listen 8080;";
        assert!(settings.contains(open));
        settings = settings.replace(open, &format!("listen {};", self.front_door()));
        let folder = self.folder.path().join("proxy");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("nginx.conf");
        fs::write(&path, settings).unwrap();
        let words: Vec<_> = strings(&self.compose.service("proxy")["command"])
            .into_iter()
            .map(|word| match word.as_str() {
                "/tmp/" => format!("{}/", folder.display()),
                "/etc/nginx/nginx.conf" => path.display().to_string(),
                _ => word,
            })
            .collect();
        let nginx = || {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).stdin(Stdio::null());
            command
        };
        let checked = nginx().arg("-t").output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        self.proxy = Some(nginx().stderr(self.log("proxy.log")).spawn().unwrap());
        self.until_healthy("proxy").await;
    }

    /// Runs a command of the binary's as in the container of this service.
    pub(crate) fn frontrow(&self, service: &str, words: &[&str]) -> Command {
        let mut command = frontrow(self.folder.path(), words);
        for (name, value) in self.compose.service(service)["environment"].as_object().unwrap() {
            command.env(name, self.here(service, value.as_str().unwrap()));
        }
        command
    }

    /// A setting of a container, here.
    fn here(&self, service: &str, value: &str) -> String {
        if let Some(file) = self.compose.secret(value) {
            return file.to_owned();
        }
        value
            .replace("0.0.0.0:", &format!("{}:", self.address(service)))
            .replace("@postgres/", &format!("@127.0.0.1:{}/", self.postgres_port))
            .replace("@redis", &format!("@{}", self.address("redis")))
            // From which nginx reaches any of them here.
            .replace(&self.proxy_of_containers(), "127.0.0.1")
    }

    fn proxy_of_containers(&self) -> String {
        let network = &self.compose.service("proxy")["networks"]["default"];
        network["ipv4_address"].as_str().unwrap().to_owned()
    }

    /// Runs a service to its end.
    pub(crate) fn run(&self, service: &str) -> Output {
        let words = strings(&self.compose.service(service)["command"]);
        self.frontrow(service, &words.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap()
    }

    /// What a command prints; it must succeed.
    pub(crate) fn say(&self, words: &[&str]) -> String {
        let output = self.frontrow("frontrow-1", words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Starts a process with the image's own command, and waits until it is healthy.
    pub(crate) async fn serve(&self, service: &str) -> Process {
        let words = dockerfile::words(&dockerfile::only("CMD"));
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let server = Process::listening(self.frontrow(service, &words));
        self.until_healthy(service).await;
        server
    }

    /// Runs the health check of a service, or of the image.
    pub(crate) fn is_healthy(&self, service: &str) -> bool {
        let it = self.compose.service(service);
        let mut words = match &it["healthcheck"]["test"] {
            serde_json::Value::Null => {
                let check = dockerfile::only("HEALTHCHECK");
                dockerfile::words(check.split_once("CMD ").unwrap().1)
            }
            test => strings(test)[1..].to_vec(),
        };
        if it["healthcheck"]["test"][0] == "CMD-SHELL" {
            words.splice(0..0, ["sh".to_owned(), "-c".to_owned()]);
        }
        // The container's own loopback; PostgreSQL has a port of its own instead of an address.
        if service != "postgres" {
            let here = self.address(service).to_string();
            for word in &mut words {
                *word = word.replace("127.0.0.1", &here);
            }
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("PGPORT", self.postgres_port.to_string());
        for (name, value) in it["environment"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().unwrap());
        }
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    async fn until_healthy(&self, service: &str) {
        for _ in 0..600 {
            if self.is_healthy(service) {
                return;
            }
            Clock::system().sleep(TimeDelta::milliseconds(50)).await;
        }
        let log = fs::read_to_string(self.folder.path().join(format!("{service}.log"))).unwrap_or_default();
        panic!("{service} is not healthy: {log}");
    }

    fn log(&self, name: &str) -> File {
        File::create(self.folder.path().join(name)).unwrap()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if let Some(proxy) = &self.proxy {
            // Killed, it would leave its workers behind.
            let _ = Command::new("kill").args(["-TERM", &proxy.id().to_string()]).status();
        }
        if let Some(mut proxy) = self.proxy.take() {
            let _ = proxy.wait();
        }
        end(&mut self.redis);
        self.crash_postgres();
    }
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may be gone already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// An `.env` as docs/deploy.md says to make it, and the files that it names.
fn secrets(folder: &Path) -> BTreeMap<&'static str, String> {
    let random = |length: usize| {
        let bytes = frontrow::clock::Entropy::system().bytes::<32>();
        hex::encode(&bytes[..length])
    };
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        path.display().to_string()
    };
    BTreeMap::from([
        ("POSTGRES_PASSWORD", random(24)),
        ("REDIS_PASSWORD", random(24)),
        ("SIGNING_KEY_FILE", write("signing.key", &format!("{}\n", random(32)))),
        ("IDENTITY_KEY_FILE", write("identity.pem", PROVIDER)),
    ])
}

/// Runs scripts/postgres; what it says.
fn script(what: &str, folder: &str, rest: &[String]) -> String {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres"));
    let output = command.arg(what).arg(folder).args(rest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
