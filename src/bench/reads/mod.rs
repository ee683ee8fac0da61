//! Reading under load: what most requests of a sale are, beside handlers that do nothing else. Each question is asked over
//! and over, while nothing changes and while 50 seats a second are held and given back; in each round everything has its
//! turn, and ratios are taken within a round. Servers and load share the machine.

pub mod bare;
mod changes;
mod questions;
mod report;

use std::{fs, io::Write, thread::available_parallelism, time::Duration};

use clap::Args;

use self::{
    bare::Bare,
    changes::Holder,
    questions::{Question, Stage},
    report::{Report, Round},
};
use super::sale::{fans::Wording, load::Load, processor::spent};
use crate::bench::fans::server::Server;

/// Bytes of answers that connections may be waiting for together: a long one is asked for over fewer.
const ON_THEIR_WAY: usize = 64 << 20;

/// What to measure, and for how long.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many rounds.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// For how many seconds each question is asked in a round.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections of the load.
    #[arg(long, default_value_t = 64, value_name = "N")]
    connections: usize,
    /// How many wait in the longest line; in two others a tenth and a hundredth of them.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    waiting: usize,
    /// Seats of the largest house.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    seats: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Measures, prints a table or JSON, and says whether every aim is met.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, options: &Options) -> Result<bool, String> {
    if options.connections == 0 || options.waiting < 100 || options.seats < 100 {
        return Err("nothing is measured with so little of it".to_owned());
    }
    let server = Server::start(&[], None)?;
    let stage = Stage::set(&server, options.waiting, options.seats).await?;
    let mut rows = Vec::new();
    for question in stage.questions() {
        rows.push(Subject::new(&server, question, options).await?);
    }
    let mut report = Report::new(notes(options));
    for subject in &rows {
        // Everything has been asked before it is measured, and a process that is not alone has had its look.
        subject.warm_up().await?;
    }
    for round in 1..=options.rounds {
        tracing::info!("round {round} of {}", options.rounds);
        let health = health(&server, options).await?;
        for (at, subject) in rows.iter().enumerate() {
            let figures = subject.round(&stage, health, options).await?;
            report.add(at, &subject.question, figures);
        }
    }
    let report = report.finished();
    let written = if options.json { report.write_json(out) } else { report.write(out) };
    written.map_err(|error| error.to_string())?;
    Ok(report.is_fine())
}

fn notes(options: &Options) -> Vec<String> {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|load| load.split(' ').next()).unwrap_or("?");
    vec![
        format!(
            "{cores} cores, load {load} at the start; SQLite; {} connections, fewer where answers are long",
            options.connections
        ),
        format!(
            "medians of {} rounds (lowest to highest) of {} s for each question; \"changing\": {} seats a second are held in the \
             date that is asked for, and as many given back",
            options.rounds,
            options.seconds,
            changes::PER_SECOND
        ),
    ]
}

/// How often a second something is answered, and the processor time of the server for each answer, in microseconds.
type Figures = (f64, Option<f64>);

/// The figures of the bare health handler.
async fn health(server: &Server, options: &Options) -> Result<Figures, String> {
    let load = Load { hosts: vec![server.address], connections: options.connections };
    let request = Wording(server.address).health();
    measured(&load, server.process(), &request, Duration::from_secs(options.seconds)).await
}

async fn measured(load: &Load, server: u32, request: &[u8], span: Duration) -> Result<Figures, String> {
    let before = spent(server);
    let driven = load.repeat(request, span).await?;
    let took = spent(server).zip(before).map(|(after, before)| after.saturating_sub(before));
    Ok((driven.per_second(), took.map(|took| took.as_secs_f64() * 1e6 / driven.count() as f64)))
}

/// A question, and where it is asked.
struct Subject {
    question: Question,
    server: u32,
    load: Load,
    /// A handler that sends the same bytes.
    bare: Option<(Bare, Load)>,
}

impl Subject {
    async fn new(server: &Server, question: Question, options: &Options) -> Result<Self, String> {
        let answer = question.answer(server.address).await?;
        let connections = options.connections.min(ON_THEIR_WAY / answer.len()).max(2);
        let load = |host| Load { hosts: vec![host], connections };
        let bare = if question.is_beside_its_bytes() {
            let bare = Bare::start(&answer)?;
            let to_it = load(bare.address);
            Some((bare, to_it))
        } else {
            None
        };
        let (server, load) = (server.process(), load(server.address));
        Ok(Self { question, server, load, bare })
    }

    async fn warm_up(&self) -> Result<(), String> {
        self.load.repeat(&self.question.request, Duration::from_millis(500)).await.map(drop)
    }

    async fn round(
        &self,
        stage: &Stage,
        (health, health_us): Figures,
        options: &Options,
    ) -> Result<Round, String> {
        let span = Duration::from_secs(options.seconds);
        let bare = match &self.bare {
            Some((_, load)) => Some(load.repeat(&self.question.request, span).await?.per_second()),
            None => None,
        };
        let (still, server_us) = measured(&self.load, self.server, &self.question.request, span).await?;
        let changing = match self.question.changes {
            Some(date) => {
                let holder = Holder::start(stage.fan_of(date)).await?;
                let changing = self.load.repeat(&self.question.request, span).await?.per_second();
                holder.stop().await?;
                Some(changing)
            }
            None => None,
        };
        Ok(Round { health, bare, still, changing, server_us, health_us })
    }
}
