//! Real processes over one PostgreSQL.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use test_support::{
    Client, FreshDatabase, PostgresServer, Process, postgres_url,
    process::{frontrow, identity, out, run},
};

/// Processes that share a database, and Redis if they are told of one.
pub(crate) struct Processes {
    pub(crate) each: Vec<Process>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
    redis: Option<String>,
    /// Kept until the processes have ended.
    _database: Option<FreshDatabase>,
}

impl Processes {
    /// None yet, in a new database.
    pub(crate) async fn none(redis: Option<&str>) -> Self {
        let database = FreshDatabase::beside(&postgres_url()).await;
        Self { url: database.url.clone(), _database: Some(database), ..Self::at(String::new(), redis) }
    }

    /// None yet, over a PostgreSQL of the test's own.
    pub(crate) fn over(postgres: &PostgresServer, redis: Option<&str>) -> Self {
        Self::at(postgres.url.clone(), redis)
    }

    fn at(url: String, redis: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { each: Vec::new(), folder, url, redis: redis.map(str::to_owned), _database: None }
    }

    /// So many, in a new database.
    pub(crate) async fn started(count: usize, redis: Option<&str>) -> Self {
        let mut processes = Self::none(redis).await;
        for _ in 0..count {
            processes.start();
        }
        processes
    }

    /// How one is started.
    pub(crate) fn command(&self) -> Command {
        command(self.folder.path(), &self.url, self.redis.as_deref())
    }

    /// Starts one more.
    pub(crate) fn start(&mut self) {
        self.each.push(Process::listening(self.command()));
    }

    /// Starts another one in the place of that.
    pub(crate) fn start_again(&mut self, number: usize) {
        self.each[number] = Process::listening(self.command());
    }

    /// Who asks one of them.
    pub(crate) fn client(&self, number: usize) -> Client {
        Client::new(self.each[number].address)
    }

    /// The identity token of somebody with this role.
    pub(crate) fn identity(&self, user: &str, role: &str) -> String {
        identity(self.folder.path(), user, role)
    }

    /// Stops a process where it is (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&self, number: usize, name: &str) {
        signal(self.each[number].id(), name);
    }

    /// The books must be in order.
    #[track_caller]
    pub(crate) fn audit(&self) {
        let audit = run(self.folder.path(), &["--database-url", &self.url, "audit"]);
        assert_eq!(out(&audit), "every invariant holds\n");
    }
}

/// How a process is started: anybody may say who they are, and fans charge their own wallets.
pub(crate) fn command(folder: &Path, url: &str, redis: Option<&str>) -> Command {
    let mut command =
        frontrow(folder, &["--listen", "127.0.0.1:0", "--open-identities", "--self-service-charging"]);
    command.args(["--database-url", url]);
    redis.iter().for_each(|url| _ = command.args(["--redis-url", url]));
    command
}

/// Sends a signal to a process.
pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A fan who has joined.
#[derive(Clone)]
pub(crate) struct Guest {
    /// The queue token.
    pub(crate) bearer: String,
    /// The id of the place.
    pub(crate) token: String,
}

impl Guest {
    /// Joins there, twice: the second answer comes when all that followed from the first has been done.
    pub(crate) async fn join(at: &Client, user: &str, series: &str) -> Self {
        let query = "mutation($series: ID!, $user: String!) {
            issueToken(input: { seriesId: $series, userId: $user }) { token tokenId problem { code } } }";
        let mut joined = Value::Null;
        for _ in 0..2 {
            joined = at.call("", query, json!({ "series": series, "user": user })).await.unwrap();
        }
        let joined = &joined["issueToken"];
        assert!(joined["problem"].is_null(), "{joined}");
        let word = |name: &str| joined[name].as_str().unwrap().to_owned();
        Self { bearer: word("token"), token: word("tokenId") }
    }

    /// A sign of life; the place.
    pub(crate) async fn heartbeat(&self, at: &Client) -> Value {
        let query = "mutation { heartbeat { status position } }";
        at.call(&self.bearer, query, json!({})).await.unwrap()["heartbeat"].take()
    }

    /// The status of the place, as an ADMIN sees it: no sign of life.
    pub(crate) async fn status(&self, at: &Client, admin: &str) -> String {
        let query = "query($token: ID!) { queuePosition(tokenId: $token) { status } }";
        let place = at.call(admin, query, json!({ "token": self.token })).await.unwrap();
        place["queuePosition"]["status"].as_str().unwrap().to_owned()
    }
}
