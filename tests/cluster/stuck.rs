//! Somebody stands still in the middle of a transaction that has a date locked. That holds up this date for 2.5 seconds at
//! most, and no other at all.

use chrono::TimeDelta;
use frontrow::{clock::Clock, store::Database};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use test_support::{PostgresServer, ms, needs, now, secs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::{
    processes::Processes,
    traffic::{Answers, Date, while_they_buy},
};

/// What the date's fans may have to wait, and those of another one.
const STUCK: TimeDelta = TimeDelta::milliseconds(2_500);
const OTHER: TimeDelta = TimeDelta::milliseconds(500);

const FANS: usize = 3;

async fn pause(span: TimeDelta) {
    Clock::system().sleep(span).await;
}

/// What a process says to have a date locked.
fn locks(series: &str) -> [String; 2] {
    let (high, low) = series.parse::<Uuid>().unwrap().as_u64_pair();
    [
        format!("SELECT pg_advisory_xact_lock({})", (high ^ low).cast_signed()),
        format!("SELECT version FROM sale_head WHERE series_id = '{series}' FOR NO KEY UPDATE"),
    ]
}

/// Fans buy at two processes, of the date that gets stuck and of another one, while it happens, again and again.
async fn held_up(processes: &Processes, happens: impl AsyncFn(&Date)) {
    let (stuck, other) = (Date::make(processes, 20).await, Date::make(processes, 20).await);
    let begun = now();
    let all = async {
        pause(secs(3)).await;
        let troubles = now();
        for _ in 0..2 {
            happens(&stuck).await;
            pause(secs(3)).await;
        }
        troubles
    };
    let (answers, troubles) = while_they_buy(processes, &[0, 1], &[&stuck, &other], FANS, all).await;
    let longest = |of: &[Answers], from, until| of.iter().map(|fan| fan.longest(from, until)).max().unwrap();
    // A machine that does much else lets everybody wait now and then.
    let usual = longest(&answers[1], begun, troubles).max(longest(&answers[0], begun, troubles));
    let (it, others) = (longest(&answers[0], troubles, now()), longest(&answers[1], troubles, now()));
    assert!(it >= ms(700), "nothing got stuck: {it}");
    assert!(it <= STUCK + usual, "{it}, usually {usual}");
    assert!(others <= OTHER + usual, "another date: {others}, usually {usual}");
    processes.audit();
}

/// A transaction as a process's own, by the same settings.
async fn begin(database: &Database, date: &Date) -> DatabaseTransaction {
    let tx = database.begin().await.unwrap();
    for lock in locks(&date.series) {
        tx.execute_unprepared(&lock).await.unwrap();
    }
    tx
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_stands_still_holds_up_its_date_shortly_and_no_other() {
    needs!(Postgres);
    let processes = Processes::started(2, None).await;
    let database = Database::connect(&processes.url).await.unwrap();
    held_up(&processes, async |date| {
        // Never said to be over: it is PostgreSQL that ends it.
        std::mem::forget(begin(&database, date).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_stopped_holds_up_dates_shortly() {
    needs!(Postgres);
    let processes = Processes::started(3, None).await;
    let (stuck, other) = (Date::make(&processes, 40).await, Date::make(&processes, 40).await);
    // Fans of the process that is stopped wait for it, and do not count.
    let stop = crate::traffic::Stop::default();
    let mut waiting = Vec::new();
    for (number, date) in [&stuck, &other, &stuck, &other, &stuck, &stuck].into_iter().enumerate() {
        let client = processes.client(2);
        let guest = date.guest(&client, 500 + number).await;
        let seat = date.seats[39 - number].clone();
        let buys = crate::traffic::hold_and_release(client, guest, seat, stop.clone(), true);
        waiting.push(tokio::spawn(buys));
    }
    let begun = now();
    let stops = async {
        pause(secs(2)).await;
        let troubles = now();
        for _ in 0..5 {
            processes.signal(2, "STOP");
            pause(ms(2_700)).await;
            processes.signal(2, "CONT");
            pause(ms(600)).await;
        }
        troubles
    };
    let (answers, troubles) = while_they_buy(&processes, &[0, 1], &[&stuck, &other], FANS, stops).await;
    stop.now();
    for fan in waiting {
        fan.await.unwrap();
    }
    let longest =
        |from, until| answers.iter().flatten().map(|fan: &Answers| fan.longest(from, until)).max().unwrap();
    let (usual, most) = (longest(begun, troubles), longest(troubles, now()));
    assert!(most <= STUCK + usual, "{most}, usually {usual}");
    processes.audit();
}

/// PostgreSQL's protocol, as far as it is needed to say half of something.
struct Raw(TcpStream);

impl Raw {
    /// By the settings of a process's connections that write.
    async fn open(url: &str) -> Self {
        let address = url.rsplit('@').next().unwrap();
        let (address, database) = address.split_once('/').unwrap();
        let mut raw = Self(TcpStream::connect(address).await.unwrap());
        let options = "-c idle_in_transaction_session_timeout=1s -c lock_timeout=2s -c statement_timeout=10s";
        let mut hello = 196_608_u32.to_be_bytes().to_vec();
        for word in ["user", "postgres", "database", database, "options", options, ""] {
            hello.extend(word.as_bytes());
            hello.push(0);
        }
        let length = u32::try_from(hello.len() + 4).unwrap();
        raw.0.write_all(&[&length.to_be_bytes()[..], &hello].concat()).await.unwrap();
        raw.ready().await;
        raw
    }

    /// Reads until it is our turn.
    async fn ready(&mut self) {
        loop {
            let kind = self.0.read_u8().await.unwrap();
            let length = self.0.read_u32().await.unwrap();
            let mut body = vec![0; length as usize - 4];
            self.0.read_exact(&mut body).await.unwrap();
            match kind {
                b'Z' => return,
                b'E' => panic!("{}", String::from_utf8_lossy(&body)),
                _ => {}
            }
        }
    }

    fn query(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len() + 5).unwrap();
        [b"Q", &length.to_be_bytes()[..], text.as_bytes(), b"\0"].concat()
    }

    async fn says(&mut self, text: &str) {
        self.0.write_all(&Self::query(text)).await.unwrap();
        self.ready().await;
    }

    async fn says_half(&mut self, text: &str) {
        let whole = Self::query(text);
        self.0.write_all(&whole[..whole.len() / 2]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_statement_holds_up_its_date_shortly_and_no_other() {
    needs!(Postgres);
    let postgres = PostgresServer::start();
    let mut processes = Processes::over(&postgres, None);
    processes.start();
    processes.start();
    held_up(&processes, async |date| {
        let mut raw = Raw::open(&processes.url).await;
        raw.says("BEGIN").await;
        for lock in locks(&date.series) {
            raw.says(&lock).await;
        }
        raw.says_half("UPDATE sale_head SET version = version + 1").await;
        std::mem::forget(raw);
    })
    .await;
}
