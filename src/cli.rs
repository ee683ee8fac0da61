//! The command line: serve (the default) | migrate | schema | token | audit | verify-draw | bench.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::{
    app::{self, App},
    bench,
    clock::{Clock, Entropy},
    config::{Config, Layer},
    demo,
    domain::{
        id::{TokenId, UserId},
        identity::Role,
        lobby,
    },
    files, graphql, log, open_files,
    store::audit,
};

/// Open files that a server asks for besides its connections: as many again as it needs for anything else.
const OPEN_FILES_BESIDE: u64 = 1_000;

/// Sells concert tickets when far more people want them than there are seats.
#[derive(Debug, Parser)]
#[command(name = "frontrow", version)]
struct Cli {
    #[command(flatten)]
    layer: Layer,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default).
    Serve,
    /// Bring the database up to date and stop.
    Migrate,
    /// Print the GraphQL schema.
    Schema,
    /// Mint an identity token with the server's own key.
    Token {
        /// Who.
        #[arg(long)]
        user: String,
        /// As they want to be called.
        #[arg(long, default_value = "")]
        name: String,
        /// ORGANIZER, CASHIER or ADMIN; may be repeated.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// How long it is good.
        #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=8_760))]
        hours: i64,
    },
    /// Check the invariants of the database: exit code 1 and a line for each violation.
    Audit,
    /// Check a draw from what `/draw/{seriesId}` publishes: exit code 1 if anything does not fit.
    VerifyDraw {
        /// The published JSON; left out, standard input.
        file: Option<PathBuf>,
    },
    /// Measure.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The waiting room: join, position and tick, and memory, by how many wait; exit code 1 if a position with the
    /// most waiting costs more than twice that with the fewest, or a place takes more than 256 bytes.
    Room {
        /// How many wait; may be repeated.
        #[arg(long = "waiting", default_values_t = [1_000, 100_000, 1_000_000])]
        sizes: Vec<usize>,
    },
    /// Many fans over WebSockets: how soon they hear of their admission, and memory; exit code 1 if it takes too long.
    Fans(bench::fans::Options),
    /// Tickets a second with one, two and three processes over the PostgreSQL and the Redis of --database-url and
    /// --redis-url.
    Processes(bench::processes::Options),
    /// What a sale takes: tickets and joins a second over HTTP beside pgbench and a bare request, latencies, processor
    /// time, and whether a ticket costs more when many are sold. On SQLite, and on the PostgreSQL of --database-url and
    /// the Redis of --redis-url if they are given; exit code 1 if an aim is missed.
    Sale(bench::sale::Options),
    /// Reading: seat maps, pages of concerts and places, beside handlers that do nothing else, while nothing changes and while
    /// seats are held; exit code 1 if an aim is missed.
    Reads(bench::reads::Options),
    /// What reading is compared with: sends the bytes of a file to whoever asks.
    #[command(hide = true)]
    Bare {
        /// The file.
        file: PathBuf,
    },
    /// A start with many waiting, over the PostgreSQL and the Redis of --database-url and --redis-url if both are
    /// given; exit code 1 if it takes more than five seconds.
    Restart {
        /// How many wait.
        #[arg(long, default_value_t = 1_000_000)]
        waiting: u32,
    },
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    files::make_all_private();
    log::start();
    match run(cli) {
        Ok(code) => code,
        Err(mistakes) => {
            for line in mistakes {
                // Without standard error there is nobody to tell.
                let _ = writeln!(io::stderr(), "frontrow: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Vec<String>> {
    match cli.command {
        Some(Command::Schema) => say(&graphql::sdl()),
        Some(Command::VerifyDraw { file }) => verify_draw(file).map_err(|line| vec![line]),
        Some(Command::Bench { what }) => measure(what, &cli.layer).map_err(|line| vec![line]),
        command => {
            let config = cli.layer.resolve()?;
            let runtime = tokio::runtime::Runtime::new().map_err(|error| vec![error.to_string()])?;
            runtime.block_on(with_config(command, config)).map_err(|line| vec![line])
        }
    }
}

fn measure(what: Bench, layer: &Layer) -> Result<ExitCode, String> {
    let out = &mut io::stdout();
    let runtime = || tokio::runtime::Runtime::new().map_err(|error| error.to_string());
    let fine = match what {
        Bench::Room { sizes } => runtime()?.block_on(bench::room::run(out, &sizes))?,
        Bench::Fans(options) => runtime()?.block_on(bench::fans::run(out, options))?,
        Bench::Restart { waiting } => runtime()?.block_on(bench::restart::run(out, waiting, layer))?,
        Bench::Reads(options) => runtime()?.block_on(bench::reads::run(out, &options))?,
        Bench::Bare { file } => runtime()?.block_on(bench::reads::bare::serve(out, &file))?,
        Bench::Processes(options) => runtime()?.block_on(bench::processes::run(out, options, layer))?,
        Bench::Sale(options) => runtime()?.block_on(bench::sale::run(out, &options, layer))?,
    };
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn with_config(command: Option<Command>, config: Config) -> Result<ExitCode, String> {
    match command {
        Some(Command::Migrate) => {
            let database = app::database(&config).await?;
            database.migrate().await.map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Audit) => audit_database(&config).await,
        Some(Command::Token { user, name, roles, hours }) => token(&config, &user, &name, &roles, hours),
        _ => serve(config).await,
    }
}

fn say(text: &str) -> Result<ExitCode, Vec<String>> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| vec![error.to_string()])?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> Result<ExitCode, String> {
    // Each socket is an open file, and the customary limit is 1,024.
    let files = open_files::raise(config.max_connections as u64 + OPEN_FILES_BESIDE);
    tracing::debug!(files, "open files");
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("listen: {} cannot be listened on: {error}", config.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let app = App::open(&config, clock.clone(), entropy.clone()).await?;
    let stop = stop_signal();
    tracing::info!("Frontrow listens on http://{address} (GraphiQL: http://{address}/graphiql)");
    if config.demo {
        let who = demo::organizer();
        let keys = app::keys(&config, &entropy)?;
        let token =
            keys.identity_token(&who.user, who.name.as_str(), &who.roles, clock.now() + TimeDelta::days(1));
        let token = token.map_err(|error| error.to_string())?;
        tracing::info!("the demo organiser's token, good for a day: {token}");
    }
    app.run(listener, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// SIGTERM or Ctrl-C, also one that comes before this is waited for: whoever has read that the server listens may stop
/// it at once.
fn stop_signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        [SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind).ok())
    };
    async move {
        #[cfg(unix)]
        if let [Some(mut terminate), Some(mut interrupt)] = terminate {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
        // Without signals the server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn token(config: &Config, user: &str, name: &str, roles: &[String], hours: i64) -> Result<ExitCode, String> {
    let user = UserId::try_new(user).map_err(|why| format!("--user: {why}"))?;
    let roles = roles
        .iter()
        .map(|name| {
            Role::from_name(name).ok_or_else(|| format!("--role: {name} must be ORGANIZER, CASHIER or ADMIN"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let until = Clock::system().now() + TimeDelta::hours(hours);
    let keys = app::keys(config, &Entropy::system())?;
    let token = keys.identity_token(&user, name, &roles, until).map_err(|error| error.to_string())?;
    writeln!(io::stdout(), "{token}").map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

async fn audit_database(config: &Config) -> Result<ExitCode, String> {
    if config.database_url.is_none() && !config.data.join("frontrow.db").exists() {
        return Err(format!("there is no database in {}", config.data.display()));
    }
    let database = app::database(config).await?;
    let violations = audit::audit(&database).await.map_err(|error| error.to_string())?;
    let mut out = io::stdout();
    for line in &violations {
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    if violations.is_empty() {
        writeln!(out, "every invariant holds").map_err(|error| error.to_string())?;
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `/draw/{seriesId}` publishes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    commitment: String,
    secret: Option<String>,
    #[serde(default)]
    lobby: Vec<String>,
    #[serde(default)]
    order: Vec<String>,
    lobby_hash: Option<String>,
}

fn verify_draw(file: Option<PathBuf>) -> Result<ExitCode, String> {
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
            text
        }
    };
    let draw: Published =
        serde_json::from_str(&text).map_err(|error| format!("this is not a published draw: {error}"))?;
    let secret = draw.secret.ok_or("the lobby has not been drawn yet; come back after the opening")?;
    let ids = |texts: &[String]| {
        let id = |text: &String| text.parse::<TokenId>().map_err(|_| format!("\"{text}\" is not a token id"));
        texts.iter().map(id).collect::<Result<Vec<_>, _>>()
    };
    let (lobby, order) = (ids(&draw.lobby)?, ids(&draw.order)?);
    let mut out = io::stdout();
    let shown = lobby::Evidence {
        commitment: &draw.commitment,
        secret: &secret,
        lobby_hash: draw.lobby_hash.as_deref(),
        lobby: &lobby,
        order: &order,
    };
    match lobby::verify(&shown) {
        Ok(drawn) => {
            let by = match drawn {
                lobby::Drawn::With(_) => "the secret that was committed to, and of all who joined",
                lobby::Drawn::BySecretAlone => {
                    "the secret that was committed to, alone: without a lobbyHash, as it was before there was one"
                }
            };
            writeln!(out, "the draw is right: {} places, in the order of {by}", order.len())
                .map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => Err(format!("the draw is wrong: {fault}")),
    }
}
