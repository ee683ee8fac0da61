//! Many fans watch their places over real WebSockets while they are admitted: how soon each one hears of it, and what
//! a subscription costs the server in memory (rules 20 and 21).
//!
//! Everybody joins a paused sale and subscribes; then the sale goes on, so that the first to be admitted stand in the
//! worst crowd there is: the one in which everybody has just been told something. The fans are many small tasks of this
//! process; the server is another process on the same machine, and so on the same clock.
//!
//! A fan may wait for several dates over one socket (`--per-socket`), for which fewer files need be open.

pub(super) mod api;
mod crowd;
mod fan;
mod frames;
mod report;
mod seats;
pub(super) mod server;
pub(super) mod socket;

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use clap::Args;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};

use self::{api::Api, crowd::Places, fan::Fan, report::Report, server::Server};
use crate::{
    bench::{
        memory::resident_bytes,
        sale::{load::Load, processor::spent},
    },
    clock::Clock,
    open_files,
};

/// For how long, and over how many connections, requests are sent that ask for nothing.
const BARE: Duration = Duration::from_secs(3);
const BARE_CONNECTIONS: usize = 16;

/// Sockets that are being opened at once.
const OPENING: usize = 64;

/// Files of a process besides the sockets of the fans.
const OTHER_FILES: u64 = 96;

/// How long the joins may take, and how long the opening of the sockets.
const PREPARATION: Duration = Duration::from_secs(600);

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many fans come, each with a socket of its own.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    fans: u32,
    /// How many dates each fan waits for: so many subscriptions share the fan's socket.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    per_socket: u32,
    /// How many are admitted in a second, all dates together.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    per_second: u32,
    /// The fans watch the seats of one date instead, of which so many are held in a second.
    #[arg(long, conflicts_with = "per_socket")]
    seats: bool,
    /// For how long they are admitted, in seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// A server that runs already, with open identities, instead of one of our own.
    #[arg(long, value_name = "ADDR", requires = "organizer")]
    server: Option<SocketAddr>,
    /// An organiser's identity token for that server.
    #[arg(long, value_name = "JWT", requires = "server")]
    organizer: Option<String>,
    /// The process of that server, for its memory.
    #[arg(long, value_name = "PID", requires = "server")]
    process: Option<u32>,
}

impl Options {
    fn subscriptions(&self) -> u32 {
        self.fans * self.per_socket
    }
}

/// The server that is measured.
enum Subject {
    Own(Server),
    Running { address: SocketAddr, organizer: String, process: Option<u32> },
}

impl Subject {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Own(server) => server.address,
            Self::Running { address, .. } => *address,
        }
    }

    fn organizer(&self) -> &str {
        match self {
            Self::Own(server) => &server.organizer,
            Self::Running { organizer, .. } => organizer,
        }
    }

    fn process(&self) -> Option<u32> {
        match self {
            Self::Own(server) => Some(server.process()),
            Self::Running { process, .. } => *process,
        }
    }

    fn resident(&self) -> Option<u64> {
        self.process().and_then(resident_bytes)
    }

    /// Processor time.
    fn spent(&self) -> Option<Duration> {
        self.process().and_then(spent)
    }
}

/// Measures, prints a table, and says whether the aim is met: 99 of 100 fans hear of their admission within a second,
/// while as many are admitted as was asked for.
///
/// # Errors
/// A sentence for the operator, who for many fans may have to raise the limit of open files.
pub async fn run(out: &mut impl Write, options: Options) -> Result<bool, String> {
    if options.per_second < options.per_socket {
        return Err("each date must admit somebody: --per-second must be at least --per-socket".to_owned());
    }
    allow_sockets(options.fans)?;
    let subject = match (options.server, options.organizer.clone()) {
        (Some(address), Some(organizer)) => Subject::Running { address, organizer, process: options.process },
        _ => Subject::Own(Server::start(&[], None)?),
    };
    let bare = bare_request(&subject).await?;
    if options.seats {
        let outcome = seats::measure(&subject, &options, bare).await?;
        let is_fine = outcome.is_fine(options.per_second);
        outcome.write(out, is_fine).map_err(|error| error.to_string())?;
        return Ok(is_fine);
    }
    let report = measure(&subject, &options, bare).await?;
    report.write(out).map_err(|error| error.to_string())?;
    Ok(report.is_fine())
}

fn allow_sockets(fans: u32) -> Result<(), String> {
    let needed = u64::from(fans) + OTHER_FILES;
    let allowed = open_files::raise(needed);
    if allowed < needed {
        return Err(format!(
            "{fans} fans need {needed} open files here and in the server, and {allowed} are allowed: raise the hard limit \
             first (`ulimit -Hn {needed}` as root, LimitNOFILE= of systemd, or `--ulimit nofile={needed}` of a container), \
             or ask for at most {} fans and let each wait for several dates (--per-socket)",
            allowed.saturating_sub(OTHER_FILES)
        ));
    }
    Ok(())
}

async fn measure(subject: &Subject, options: &Options, bare: Option<f64>) -> Result<Report, String> {
    let (clock, host) = (Clock::system(), subject.address());
    let mut organizer = Api::connect(host, Some(subject.organizer())).await?;
    let dates = crowd::create_dates(&mut organizer, options.per_socket, options.per_second).await?;
    let begun = clock.now();
    let places = timeout(PREPARATION, crowd::join(host, &dates, options.fans as usize)).await;
    let places = places.map_err(|_| "the joins took too long".to_owned())??;
    let joined = clock.now();
    let memory_before = subject.resident();
    let (heard, mut crowd) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    let mut news = timeout(PREPARATION, open_all(host, places, &heard, &mut crowd))
        .await
        .map_err(|_| "the sockets took too long to open".to_owned())??;
    let opened = clock.now();
    let memory_open = subject.resident();
    let (heard_before, spent_before) = (heard.load(Ordering::Relaxed), subject.spent());
    crowd::resume(&mut organizer, &dates).await?;
    let admissions = collect(&mut news, options).await?;
    let messages = heard.load(Ordering::Relaxed) - heard_before;
    let run_seconds = seconds(opened, clock.now());
    let spent = subject.spent().zip(spent_before).map(|(now, before)| now.saturating_sub(before));
    let each = spent.map(|spent| spent.as_secs_f64() * 1e6 / messages.max(1) as f64);
    Ok(Report {
        sockets: options.fans,
        subscriptions: options.subscriptions(),
        per_second: options.per_second,
        join_seconds: seconds(begun, joined),
        open_seconds: seconds(joined, opened),
        memory: [memory_before, memory_open, subject.resident()],
        messages,
        run_seconds,
        processor: [each, bare],
        admissions,
    })
}

/// Microseconds of the server's processor for a request that asks for nothing.
async fn bare_request(subject: &Subject) -> Result<Option<f64>, String> {
    let load = Load { hosts: vec![subject.address()], connections: BARE_CONNECTIONS };
    let request = format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", subject.address());
    let before = subject.spent();
    let driven = load.repeat(request.as_bytes(), BARE).await?;
    let spent = subject.spent().zip(before).map(|(now, before)| now.saturating_sub(before));
    Ok(spent.map(|spent| spent.as_secs_f64() * 1e6 / driven.count().max(1) as f64))
}

/// One admission of one fan.
#[derive(Clone, Copy, Debug)]
struct Admission {
    /// When, in milliseconds since the epoch.
    at: i64,
    /// How long the message took to arrive, in milliseconds.
    delay: u64,
}

/// What a fan reports.
enum News {
    Subscribed,
    Admitted(Admission),
}

type Wire = mpsc::UnboundedReceiver<Result<News, String>>;

/// Opens every socket and returns when all have had their first answer. The fans live in `crowd`.
async fn open_all(
    host: SocketAddr,
    places: Vec<Places>,
    heard: &Arc<AtomicU64>,
    crowd: &mut JoinSet<()>,
) -> Result<Wire, String> {
    let (tell, mut news) = mpsc::unbounded_channel();
    let (opening, count) = (Arc::new(Semaphore::new(OPENING)), places.len());
    for (number, places) in places.into_iter().enumerate() {
        let (tell, heard, opening) = (tell.clone(), Arc::clone(heard), Arc::clone(&opening));
        crowd.spawn(async move {
            if let Err(error) = live(number, host, places, &opening, &heard, &tell).await {
                // Nobody listens any more once the measurement is over.
                let _ = tell.send(Err(error));
            }
        });
    }
    for _ in 0..count {
        news.recv().await.ok_or("nobody is left")??;
    }
    Ok(news)
}

/// The life of one fan.
async fn live(
    number: usize,
    host: SocketAddr,
    places: Places,
    opening: &Semaphore,
    heard: &AtomicU64,
    tell: &mpsc::UnboundedSender<Result<News, String>>,
) -> Result<(), String> {
    let permit = opening.acquire().await.map_err(|error| error.to_string())?;
    let fan = Fan::open(number, host, &places).await?;
    drop((permit, places));
    let _ = tell.send(Ok(News::Subscribed));
    let clock = Clock::system();
    fan.listen(&clock, heard, |admission| {
        let _ = tell.send(Ok(News::Admitted(admission)));
    })
    .await
}

/// The admissions until everybody is in or the time is over.
async fn collect(news: &mut Wire, options: &Options) -> Result<Vec<Admission>, String> {
    let mut admissions = Vec::new();
    let all = async {
        while admissions.len() < options.subscriptions() as usize {
            match news.recv().await {
                Some(Ok(News::Admitted(admission))) => admissions.push(admission),
                Some(Ok(News::Subscribed)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
        Ok(())
    };
    match timeout(Duration::from_secs(options.seconds), all).await {
        Ok(Err(error)) => Err(error),
        // Out of time is how a run usually ends.
        Ok(Ok(())) | Err(_) => Ok(admissions),
    }
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64()
}
