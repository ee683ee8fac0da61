//! Redis servers of a test's own.

use std::{
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use redis::{FromRedisValue, RedisError, aio::ConnectionLike, cmd};
use tempfile::TempDir;

use crate::until;

/// A running redis-server, which ends with its test.
#[derive(Debug)]
pub struct RedisServer {
    /// Of the loopback.
    pub port: u16,
    /// How to get in past the link.
    url: String,
    arguments: Vec<String>,
    /// Kept until the server has ended.
    _folder: TempDir,
    child: Child,
}

impl RedisServer {
    /// With these settings beside the port and the folder; `{folder}` and `{port}` in them are its own.
    pub fn start(settings: &[&str]) -> Self {
        Self::at(free_port(), tempfile::tempdir().unwrap(), settings)
    }

    fn at(port: u16, folder: TempDir, settings: &[&str]) -> Self {
        let shown = folder.path().display().to_string();
        let common =
            ["--dir", &shown, "--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0"];
        let settings =
            settings.iter().map(|s| s.replace("{folder}", &shown).replace("{port}", &port.to_string()));
        Self::run(port, folder, settings.chain(common.map(str::to_owned)).collect())
    }

    /// A sentinel that watches over `main`.
    pub fn sentinel(master: &Self, settings: &[&str]) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let file = folder.path().join("sentinel.conf");
        let login = after(&master.arguments, "--requirepass")
            .map_or_else(String::new, |password| format!("sentinel auth-pass main {password}\n"));
        let lines = format!(
            "bind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n{login}\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            folder.path().display(),
            master.port
        );
        std::fs::write(&file, lines).unwrap();
        let settings = settings.iter().map(|word| word.replace("{port}", &port.to_string()));
        let arguments = [file.display().to_string(), "--sentinel".to_owned()].into_iter().chain(settings);
        Self::run(port, folder, arguments.collect())
    }

    /// It listens on the port in the clear, unless the arguments say that it shall be encrypted there.
    fn run(port: u16, folder: TempDir, mut arguments: Vec<String>) -> Self {
        let encrypted = arguments.iter().any(|argument| argument == "--tls-port");
        let clear = if encrypted { 0 } else { port };
        arguments.extend(["--port".to_owned(), clear.to_string()]);
        let login = after(&arguments, "--requirepass").map_or_else(String::new, |it| format!(":{it}@"));
        let (scheme, end) = if encrypted { ("rediss", "#insecure") } else { ("redis", "") };
        let child = spawn(&arguments);
        wait_for_port(port);
        let url = format!("{scheme}://{login}127.0.0.1:{port}{end}");
        Self { port, url, arguments, _folder: folder, child }
    }

    /// Address and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port and in the same folder.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.arguments);
        wait_for_port(self.port);
    }

    /// Sends a signal, such as STOP.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// A command past the link.
    pub async fn says<T: FromRedisValue>(&self, words: &str) -> Result<T, RedisError> {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        run(&mut connection, words).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command, its words between spaces.
pub async fn run<T: FromRedisValue>(
    connection: &mut (impl ConnectionLike + Send),
    words: &str,
) -> Result<T, RedisError> {
    let mut words = words.split(' ');
    let mut command = cmd(words.next().unwrap());
    words.for_each(|word| {
        command.arg(word);
    });
    command.query_async(connection).await
}

/// A port that nobody listens on. Below those that the system gives to clients: a server that comes back must not
/// find that one of them has got its port meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test binaries that run at the same time begin elsewhere.
        let n = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(n % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The value of a setting.
fn after<'a>(arguments: &'a [String], name: &str) -> Option<&'a String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)
}

fn spawn(arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("redis-server is missing: these tests need it (Debian: apt-get install redis-server)")
        }
        child => child.unwrap(),
    }
}

fn wait_for_port(port: u16) {
    let address = ([127, 0, 0, 1], port).into();
    for _ in 0..1_000 {
        if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("redis-server does not listen on port {port}");
}

/// A cluster of three masters with these settings.
pub async fn cluster(settings: &[&str]) -> Vec<RedisServer> {
    let bus_ports: Vec<_> = (0..3).map(|_| free_port().to_string()).collect();
    let nodes: Vec<_> = bus_ports
        .iter()
        .map(|bus| {
            let timeout = ["--cluster-node-timeout", "2000"];
            let ours = ["--cluster-enabled", "yes", "--cluster-port", bus].into_iter().chain(timeout);
            RedisServer::start(&ours.chain(settings.iter().copied()).collect::<Vec<_>>())
        })
        .collect();
    for (n, (node, slots)) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]).enumerate() {
        node.says::<()>(&format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1)).await.unwrap();
        node.says::<()>(&format!("CLUSTER ADDSLOTSRANGE {slots}")).await.unwrap();
        let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", nodes[0].port, bus_ports[0]);
        if n > 0 {
            node.says::<()>(&meet).await.unwrap();
        }
    }
    for node in &nodes {
        healthy(node, 3).await;
    }
    nodes
}

/// Waits until a node knows so many nodes and finds all slots served.
pub async fn healthy(node: &RedisServer, known: usize) {
    let healthy = async || {
        let info: String = node.says("CLUSTER INFO").await.unwrap_or_default();
        info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{known}"))
    };
    until("the cluster is complete", healthy).await;
}
