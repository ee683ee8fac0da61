//! A lobby of a hundred thousand: its draw costs the server little more than the file, however many ask for it and
//! however slowly they read.

use std::path::Path;

use chrono::TimeDelta;
use entity::token;
use frontrow::domain::{id::TokenId, lobby};
use frontrow::store::Database;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use uuid::Uuid;

use test_support::{
    Client, Process, create_series, now,
    process::{frontrow, identity, run},
};

const PLACES: u32 = 100_000;

/// As the file is: the ids twice, as they are printed, with quotes and commas.
const FILE_BYTES: u64 = PLACES as u64 * 2 * 39;

/// Who read slowly at the same time. Each takes half a MB at most, most of it hyper's.
const READERS: usize = 40;

/// The most resident memory that the process has had since it was last forgotten, in bytes.
fn peak(server: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// Has the kernel forget what the process has had, so that the peak is what it has now.
fn peak_from_now(server: &Process) -> u64 {
    std::fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    peak(server)
}

/// Fills the lobby of a date, while no server runs.
async fn fill(folder: &Path, series: &str) {
    let database = Database::connect(&Database::embedded_url(&folder.join("data"))).await.unwrap();
    let series: Uuid = series.parse().unwrap();
    let created_at = now();
    let tx = database.begin().await.unwrap();
    for first in (0..PLACES).step_by(1_000) {
        let rows = (first..first + 1_000).map(|seq| {
            token::Model {
                id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(seq)),
                series_id: series,
                user_id: format!("fan-{seq}"),
                name: String::new(),
                seq: seq.into(),
                lobby: true,
                status: token::Status::Waiting,
                created_at,
                admitted_at: None,
                session_ends_at: None,
                ended_at: None,
                end_reason: None,
            }
            .into_active_model()
        });
        token::Entity::insert_many(rows).exec_without_returning(&tx).await.unwrap();
    }
    let joined = format!("UPDATE sale_head SET next_seq = {PLACES}");
    tx.execute_unprepared(&joined).await.unwrap();
    tx.commit().await.unwrap();
    database.close().await.unwrap();
}

/// Asks for a page with a receive buffer so small that the server soon has to wait, and reads nothing yet.
async fn ask(server: &Process, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

/// The page, once its file is written: whoever asks meanwhile waits for a while, and is then asked to come again.
async fn written(api: &Client, path: &str) -> reqwest::Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    loop {
        let answer = http.get(format!("http://{}{path}", api.address())).send().await.unwrap();
        if answer.status() != 503 {
            return answer;
        }
        assert_eq!(answer.headers()["retry-after"], "2");
    }
}

#[tokio::test]
async fn a_large_draw_costs_little_more_than_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::open(folder.path());
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let api = Client::new(server.address);
    let series = create_series(&api, &organizer, TimeDelta::seconds(2), json!({ "maxActive": 1 })).await;
    drop(server);
    fill(folder.path(), &series).await;

    let server = Process::open(folder.path());
    let api = Client::new(server.address);
    let path = format!("/draw/{series}");
    // The lobby is drawn once the sale opens.
    while written(&api, &path).await.json::<Value>().await.unwrap()["secret"].is_null() {}
    drop(server);
    // By a process that has not done it yet, and that gives back at once what it needs no more, so that it shows.
    std::fs::remove_dir_all(folder.path().join("data/draws")).unwrap();
    let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0"]);
    command
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_TRIM_THRESHOLD_", "0")
        .env("MALLOC_MMAP_THRESHOLD_", "65536");
    let server = Process::listening(command);
    let api = Client::new(server.address);
    // Whoever waits takes room in memory too, which is not what this is about. The date is open, and what was due of it is
    // done, once somebody could join it.
    let join = "mutation($id: ID!) { issueToken(input: { seriesId: $id }) { tokenId problem { code } } }";
    let joined = api.call(&organizer, join, json!({ "id": series })).await.unwrap();
    assert!(joined["issueToken"]["tokenId"].is_string(), "{joined}");
    let before = peak_from_now(&server);
    let answer = written(&api, &path).await;
    assert_eq!(answer.status(), 200);
    let length = answer.content_length().unwrap();
    assert!((FILE_BYTES..FILE_BYTES + 1_000).contains(&length), "{length}");
    let content = answer.text().await.unwrap();
    let taken = peak(&server).saturating_sub(before);
    // 48 bytes a place while they are sorted, and a part of the lobby at a time; and up to 2 MB for what SQLite remembers of
    // the table at each of the four connections that read it, whose first query this may be.
    assert!(taken < 16 << 20, "writing it took {taken} bytes");

    let before = peak_from_now(&server);
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(ask(&server, &path).await);
    }
    let held = peak(&server).saturating_sub(before);
    assert!(held < 32 << 20, "{READERS} slow readers hold {held} bytes");
    drop(readers);

    let draw: Value = serde_json::from_str(&content).unwrap();
    let ids = |list: &Value| -> Vec<TokenId> {
        list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
    };
    let (all, order) = (ids(&draw["lobby"]), ids(&draw["order"]));
    assert_eq!(all.len(), PLACES as usize);
    let shown = lobby::Evidence {
        commitment: draw["commitment"].as_str().unwrap(),
        secret: draw["secret"].as_str().unwrap(),
        lobby_hash: draw["lobbyHash"].as_str(),
        lobby: &all,
        order: &order,
    };
    lobby::verify(&shown).unwrap();
    std::fs::write(folder.path().join("draw.json"), content).unwrap();
    assert!(run(folder.path(), &["verify-draw", "draw.json"]).status.success());
}
