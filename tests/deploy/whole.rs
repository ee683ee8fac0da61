//! Everything that compose.yaml starts, on the loopback, while things break and are replaced.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use chrono::TimeDelta;
use frontrow::clock::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

use test_support::{Client, Incoming, Process, Socket, create_series};

use crate::{hosts::Hosts, told};

const CONCERTS: &str = "{ concerts(first: 1) { nodes { id } } }";

#[tokio::test]
async fn everything_runs_as_it_is_written_down() {
    let mut hosts = Hosts::start().await;
    let migrated = hosts.run("migrate");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let mut processes = BTreeMap::new();
    for name in hosts.processes() {
        let process = hosts.serve(&name).await;
        processes.insert(name, process);
    }
    hosts.start_proxy().await;
    told("the stores, the migration, three processes and the proxy are up and healthy");

    let api = Client::new(hosts.front_door());
    assert_eq!(api.page("/health/ready").await, "ready\nRedis answers\n");
    let organizer = hosts.say(&["token", "--user", "organizer", "--role", "ORGANIZER"]);
    let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": 600, "sessionSeconds": 3_600 });
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), policy).await;
    let mut first = Fan::join(&hosts, &api, &series, "first").await;
    first.watch(&hosts).await;
    first.until(json!({ "status": "ADMITTED", "position": 0 })).await;
    let mut waiting = Vec::new();
    for place in 1..=3 {
        let mut fan = Fan::join(&hosts, &api, &series, &format!("fan-{place}")).await;
        fan.watch(&hosts).await;
        fan.until(json!({ "status": "WAITING", "position": place })).await;
        waiting.push(fan);
    }
    told("queries, mutations and sockets pass the proxy");

    one_process_dies(&hosts, &mut processes, &mut waiting).await;
    what_breaks_off_is_sent_again_only_if_it_changes_nothing(&hosts, &organizer).await;
    processes.insert("frontrow-1".into(), hosts.serve("frontrow-1").await);

    let load = Load::start(&hosts);
    for name in hosts.processes() {
        stop(&processes.remove(&name).unwrap());
        processes.insert(name.clone(), hosts.serve(&name).await);
        for fan in std::iter::once(&mut first).chain(&mut waiting) {
            fan.watch_again_if_told_to(&hosts).await;
        }
    }
    for (place, fan) in waiting.iter_mut().enumerate() {
        fan.watch(&hosts).await;
        fan.until(json!({ "status": "WAITING", "position": place + 1 })).await;
    }
    let (asked, turned_away) = load.stop().await;
    told(&format!(
        "each process was replaced: nobody's place has changed; of {asked} queries by POST {turned_away} had to be \
         sent again by their callers, by GET none"
    ));

    hosts.kill_redis();
    wait_for(async || api.page("/health/ready").await == "ready\nRedis does not answer\n").await;
    let joined = Fan::ask_to_join(&hosts, &api, &series, "late").await;
    assert!(joined["data"]["issueToken"]["token"].is_string(), "{joined}");
    let hold = "mutation { holdBestSeats(input: { count: 1 }) { holds { id } problem { code } } }";
    let held = api.call(&first.token, hold, json!({})).await.unwrap();
    assert!(held["holdBestSeats"]["problem"].is_null(), "{held}");
    hosts.start_redis().await;
    // A front end would try again.
    for name in hosts.processes() {
        let directly = Client::new((hosts.address(&name), 8080).into());
        let beat = "mutation { heartbeat { status } }";
        wait_for(async || {
            directly.answer(&first.token, beat, json!({})).await.unwrap()["errors"].is_null()
                && directly.page("/health/ready").await == "ready\nRedis answers\n"
        })
        .await;
    }
    for (place, fan) in waiting.iter_mut().enumerate() {
        fan.watch(&hosts).await;
        fan.until(json!({ "status": "WAITING", "position": place + 1 })).await;
    }
    told("Redis was away, and came back empty: joins and holds went on, and nobody's place has changed");

    hosts.crash_postgres();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = format!("http://{}/health/ready", hosts.front_door());
    wait_for(async || {
        let answer = client.get(&ready).send().await.unwrap();
        let status = answer.status();
        status == StatusCode::SERVICE_UNAVAILABLE
            && answer.text().await.unwrap() == "the database does not answer\n"
    })
    .await;
    hosts.start_postgres_again();
    wait_for(async || client.get(&ready).send().await.unwrap().status() == StatusCode::OK).await;
    told("PostgreSQL crashed and came back");

    api.call(&first.token, "mutation { leaveQueue { status } }", json!({})).await.unwrap();
    waiting[0].until(json!({ "status": "ADMITTED", "position": 0 })).await;
    waiting[1].until(json!({ "status": "WAITING", "position": 1 })).await;
    too_many_are_told_to_slow_down(&hosts).await;
    told("who waits is admitted, and who asks too often is told to slow down");

    for process in processes.values() {
        stop(process);
    }
    assert_eq!(hosts.say(&["audit"]), "every invariant holds");
    told("each process ended in order, and every invariant holds");
}

/// SIGTERM, until it has ended.
fn stop(process: &Process) {
    process.terminate();
    let (status, said) = process.ended();
    assert_eq!(status.code(), Some(0), "{said:?}");
}

async fn wait_for(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is_so().await {
            return;
        }
        pause(100).await;
    }
    panic!("it does not come to be so");
}

async fn pause(ms: i64) {
    Clock::system().sleep(TimeDelta::milliseconds(ms)).await;
}

/// Somebody with a place, who may watch it.
struct Fan {
    token: String,
    socket: Option<Socket>,
}

impl Fan {
    async fn ask_to_join(hosts: &Hosts, api: &Client, series: &str, user: &str) -> Value {
        let identity = hosts.say(&["token", "--user", user]);
        let join =
            "mutation($series: ID!) { issueToken(input: { seriesId: $series }) { token problem { code } } }";
        api.answer(&identity, join, json!({ "series": series })).await.unwrap()
    }

    async fn join(hosts: &Hosts, api: &Client, series: &str, user: &str) -> Self {
        let joined = Self::ask_to_join(hosts, api, series, user).await;
        let token = joined["data"]["issueToken"]["token"].as_str().unwrap_or_else(|| panic!("{joined}"));
        Self { token: token.to_owned(), socket: None }
    }

    /// By a new socket through the proxy.
    async fn watch(&mut self, hosts: &Hosts) {
        let mut socket = Socket::open(hosts.front_door(), &self.token).await.unwrap();
        let place = "subscription { queuePosition { status position } }";
        socket.subscribe("place", place, json!({})).await.unwrap();
        self.socket = Some(socket);
    }

    /// Listens until the place is so.
    async fn until(&mut self, place: Value) {
        let socket = self.socket.as_mut().unwrap();
        loop {
            match socket.next().await {
                Incoming::Next(data) if data["queuePosition"] == place => return,
                Incoming::Next(_) => {}
                other => panic!("{other:?} instead of {place}"),
            }
        }
    }

    /// How the socket ended, if it does within a second.
    async fn end(&mut self) -> Option<Incoming> {
        let socket = self.socket.as_mut().unwrap();
        loop {
            match timeout(Duration::from_secs(1), socket.next()).await {
                Err(_) => return None,
                Ok(Incoming::Next(_)) => {}
                Ok(end) => return Some(end),
            }
        }
    }

    /// As a front end does it: who hears 1001 comes back.
    async fn watch_again_if_told_to(&mut self, hosts: &Hosts) {
        match self.end().await {
            None => {}
            Some(Incoming::Close(1001)) => self.watch(hosts).await,
            Some(other) => panic!("{other:?} instead of \"come back later\""),
        }
    }
}

/// `kill -9` of the first process.
async fn one_process_dies(hosts: &Hosts, processes: &mut BTreeMap<String, Process>, waiting: &mut [Fan]) {
    processes.remove("frontrow-1").unwrap().victim().kill();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..20 {
        for method in [Method::GET, Method::POST] {
            let (status, body) = query(&client, hosts, method.clone()).await;
            assert_eq!(status, StatusCode::OK, "{method}: {body}");
        }
    }
    let mut cut = 0;
    for (place, fan) in waiting.iter_mut().enumerate() {
        if fan.end().await.is_some() {
            cut += 1;
            fan.watch(hosts).await;
            fan.until(json!({ "status": "WAITING", "position": place + 1 })).await;
        }
    }
    assert!((1..=2).contains(&cut), "{cut} of three sockets were at one of three processes");
    told(&format!(
        "a process was killed: requests go on, {} of 3 subscriptions go on, and who had the other has the same place",
        3 - cut
    ));
}

async fn query(client: &reqwest::Client, hosts: &Hosts, method: Method) -> (StatusCode, String) {
    let url = format!("http://{}/graphql", hosts.front_door());
    let request = if method == Method::GET {
        client.get(format!("{url}?query={}", CONCERTS.replace(' ', "%20")))
    } else {
        client.post(url).json(&json!({ "query": CONCERTS }))
    };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// In the place of the first process stands one that reads every request and dies of it.
async fn what_breaks_off_is_sent_again_only_if_it_changes_nothing(hosts: &Hosts, organizer: &str) {
    let (mut seen, there) = faint_hearted(hosts.address("frontrow-1")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut asked = |method: &str| {
        let mut of_it = Vec::new();
        while let Ok(request) = seen.try_recv() {
            if request.starts_with(method) {
                of_it.push(request);
            }
        }
        of_it
    };

    wait_for(async || {
        let (status, body) = query(&client, hosts, Method::GET).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        !asked("GET").is_empty()
    })
    .await;

    let url = format!("http://{}/graphql", hosts.front_door());
    let (mut made, mut lost) = (0, Vec::new());
    wait_for(async || {
        let create = json!({ "query": "mutation { createConcert(input: { title: \"Once\" }) { id } }" });
        let request = client.post(&url).bearer_auth(organizer).header("X-Forwarded-For", "192.0.2.1");
        let answer = request.json(&create).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            made += 1;
        } else {
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            lost.push(answer.json::<Value>().await.unwrap());
        }
        !lost.is_empty()
    })
    .await;
    let seen = asked("POST");
    assert!(lost.len() == 1 && seen.len() == 1, "{lost:?} {seen:?}");
    assert_eq!(lost[0]["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{lost:?}");
    let told_of = |name: &str| {
        let lines = seen[0].lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(told_of("X-Forwarded-For"), ["127.0.0.1"], "what the client says of itself does not count");
    assert_eq!(told_of("X-Forwarded-Proto"), ["http"]);
    assert_eq!(
        [told_of("Host"), told_of("X-Forwarded-Host")].concat(),
        vec![hosts.front_door().to_string(); 2]
    );

    let concerts = "{ concerts(first: 100, search: \"Once\") { nodes { id } } }";
    let concerts = Client::new(hosts.front_door()).call("", concerts, json!({})).await.unwrap();
    assert_eq!(concerts["concerts"]["nodes"].as_array().unwrap().len(), made, "each was made once");
    // The real process needs the address.
    there.abort();
    assert!(there.await.unwrap_err().is_cancelled());
    told("what a process breaks off is sent to another one by GET, and never by POST");
}

/// What it is asked, and the task in which it stands there.
async fn faint_hearted(address: Ipv4Addr) -> (UnboundedReceiver<String>, JoinHandle<()>) {
    let listener = TcpListener::bind((address, 8080)).await.unwrap();
    let (tell, seen) = unbounded_channel();
    let there = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let length = socket.read(&mut request).await.unwrap_or_default();
            // Nobody asks any more once the test has seen enough.
            let _ = tell.send(String::from_utf8_lossy(&request[..length]).into_owned());
        }
    });
    (seen, there)
}

/// Queries without an end.
struct Load {
    over: Arc<AtomicBool>,
    turned_away: Arc<AtomicUsize>,
    task: JoinHandle<usize>,
}

impl Load {
    fn start(hosts: &Hosts) -> Self {
        let (over, turned_away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_over, away, front_door) = (Arc::clone(&over), Arc::clone(&turned_away), hosts.front_door());
        let task = tokio::spawn(async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("http://{front_door}/graphql");
            let mut asked = 0;
            while !is_over.load(SeqCst) {
                let got =
                    client.get(format!("{url}?query={}", CONCERTS.replace(' ', "%20"))).send().await.unwrap();
                assert_eq!(got.status(), StatusCode::OK);
                let got = client.post(&url).json(&json!({ "query": CONCERTS })).send().await.unwrap();
                asked += 1;
                if got.status() != StatusCode::OK {
                    let (status, body) = (got.status(), got.json::<Value>().await.unwrap());
                    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{status}");
                    away.fetch_add(1, SeqCst);
                }
                pause(50).await;
            }
            asked
        });
        Self { over, turned_away, task }
    }

    /// How many queries were sent by POST, and how many of them were in vain.
    async fn stop(self) -> (usize, usize) {
        self.over.store(true, SeqCst);
        let asked = self.task.await.unwrap();
        (asked, self.turned_away.load(SeqCst))
    }
}

async fn too_many_are_told_to_slow_down(hosts: &Hosts) {
    // From an address of its own.
    let from = IpAddr::V4(hosts.address("redis"));
    let client = reqwest::Client::builder().no_proxy().local_address(from).build().unwrap();
    wait_for_refusal(&client, hosts).await;
}

async fn wait_for_refusal(client: &reqwest::Client, hosts: &Hosts) {
    for _ in 0..100 {
        let many = (0..20).map(|_| query(client, hosts, Method::POST));
        for (status, body) in futures_util::future::join_all(many).await {
            if status != StatusCode::OK {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
                return;
            }
        }
    }
    panic!("nobody is told to slow down");
}
