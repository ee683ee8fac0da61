//! What is measured: one server or several equal ones over one database, with a date that is on sale and one whose fans
//! wait.

use std::{net::SocketAddr, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    fans::{MOST_SEATS, Wording, done, token},
    load::{Driven, Load},
    processor::{Meter, Spent},
};
use crate::{
    bench::{
        catalog::{all_day, create_concert, create_date, house, ids, text},
        fans::{api::Api, server::Server},
    },
    clock::{self, Clock},
};

/// How long admissions may take when nothing limits them.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// What is to be measured.
pub(super) struct Setup {
    pub(super) name: String,
    pub(super) processes: usize,
    /// Arguments of each process.
    pub(super) stores: Vec<String>,
    pub(super) seats: usize,
    pub(super) connections: usize,
}

/// See the module.
pub(super) struct Subject {
    pub(super) name: String,
    servers: Vec<Server>,
    pub(super) load: Load,
    say: Wording,
    series: String,
    seats: std::vec::IntoIter<String>,
    /// The date whose fans wait: one slot, which nobody gives back.
    pub(super) line: String,
    fans: usize,
    /// From the start of the first process until it listens.
    pub(super) start: Duration,
    /// Its resident memory then.
    pub(super) idle: Option<u64>,
    _keys: TempDir,
}

/// A part of a round: what the fans saw, and what it took.
pub(super) struct Part<T, const N: usize> {
    pub(super) driven: Driven<T, N>,
    pub(super) spent: Spent,
}

impl<T, const N: usize> Part<T, N> {
    /// See [`Spent::each`].
    pub(super) fn processor_us(&self) -> [Option<f64>; 4] {
        self.spent.each(self.driven.count())
    }
}

impl Subject {
    /// Starts the processes and creates the dates.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn open(setup: Setup) -> Result<Self, String> {
        let keys = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let key = keys.path().join("signing.key");
        let arguments: Vec<_> = [vec!["--self-service-charging".to_owned()], setup.stores.clone()].concat();
        let begun = clock::instant();
        let first = Server::start(&arguments, Some(&key))?;
        let (start, idle) = (begun.elapsed(), first.resident());
        let mut servers = vec![first];
        for _ in 1..setup.processes {
            servers.push(Server::start(&arguments, Some(&key))?);
        }
        let hosts: Vec<_> = servers.iter().map(|server| server.address).collect();
        let mut organizer = Api::connect(hosts[0], Some(&servers[0].organizer)).await?;
        let date = create(&mut organizer, setup.seats, &json!(null), "id seats { id }").await?;
        let seats = ids(&date["seats"])?.into_iter();
        let series = text(&date["id"])?;
        let line = text(&create(&mut organizer, 1, &json!(1), "id").await?["id"])?;
        let (say, load) = (Wording(hosts[0]), Load { hosts, connections: setup.connections });
        Ok(Self {
            name: setup.name,
            servers,
            load,
            say,
            series,
            seats,
            line,
            fans: 0,
            start,
            idle,
            _keys: keys,
        })
    }

    /// A meter of its processes.
    pub(super) fn meter(&self) -> Meter<'static> {
        Meter { servers: self.servers.iter().map(Server::process).collect(), ..Meter::default() }
    }

    /// Where the last process listens.
    pub(super) fn last(&self) -> SocketAddr {
        self.servers[self.servers.len() - 1].address
    }

    /// A meter of the last process alone.
    pub(super) fn meter_of_last(&self) -> Meter<'static> {
        Meter { servers: self.servers.last().map(Server::process).into_iter().collect(), ..Meter::default() }
    }

    /// The resident memory of the largest process.
    pub(super) fn resident(&self) -> Option<u64> {
        self.servers.iter().filter_map(Server::resident).max()
    }

    /// So many fans join a line in which all but one wait.
    ///
    /// # Errors
    /// If the server refuses one.
    pub(super) async fn join(&mut self, fans: usize, meter: &Meter<'_>) -> Result<Part<String, 1>, String> {
        let joins = self.joins(self.line.clone(), fans);
        let before = meter.read().await;
        let driven = self.load.drive(joins, token).await?;
        Ok(Part { driven, spent: meter.read().await - before })
    }

    /// Creates another date of so many seats, one of which a fan holds.
    ///
    /// # Errors
    /// If the server refuses it.
    pub(super) async fn add_date(&mut self, seats: usize) -> Result<(), String> {
        let mut organizer = Api::connect(self.say.0, Some(&self.servers[0].organizer)).await?;
        // What the answer to a question for all of its seats takes is not the date's.
        let made = create(&mut organizer, seats, &json!(null), "id").await?;
        let joins = self.joins(text(&made["id"])?, 1);
        let tokens = self.load.drive(joins, token).await?.answers;
        self.all_admitted(&tokens[0]).await?;
        self.load.drive(vec![[self.say.hold_best(&tokens[0])]], done).await.map(drop)
    }

    /// The bare health handler, for so long.
    ///
    /// # Errors
    /// If the server fails.
    pub(super) async fn health(&self, span: Duration, meter: &Meter<'_>) -> Result<Part<(), 1>, String> {
        let before = meter.read().await;
        let driven = self.load.repeat(&self.say.health(), span).await?;
        Ok(Part { driven, spent: meter.read().await - before })
    }

    /// So many fans, who have joined, been admitted and charged their wallets before, hold a seat each and pay.
    ///
    /// # Errors
    /// If the server refuses one.
    pub(super) async fn sell(&mut self, fans: usize, meter: &Meter<'_>) -> Result<Part<(), 2>, String> {
        let ways = self.ways(fans, 1).await?;
        let before = meter.read().await;
        let driven = self.load.drive(ways, done).await?;
        Ok(Part { driven, spent: meter.read().await - before })
    }

    /// Sells so many seats as fast as may be.
    ///
    /// # Errors
    /// If the server refuses a fan.
    pub(super) async fn fill(&mut self, seats: usize) -> Result<(), String> {
        let ways = self.ways(seats / MOST_SEATS, MOST_SEATS).await?;
        self.load.drive(ways, done).await?;
        let rest = self.ways(seats % MOST_SEATS, 1).await?;
        self.load.drive(rest, done).await.map(drop)
    }

    /// What fans will say who are ready to hold so many seats each.
    async fn ways(&mut self, fans: usize, seats: usize) -> Result<Vec<[Vec<u8>; 2]>, String> {
        let joins = self.joins(self.series.clone(), fans);
        let tokens = self.load.drive(joins, token).await?.answers;
        let charges = tokens.iter().map(|token| [self.say.charge(token, seats)]).collect();
        self.load.drive(charges, done).await?;
        if let Some(token) = tokens.first() {
            self.all_admitted(token).await?;
        }
        let mut ways = Vec::with_capacity(fans);
        for token in tokens {
            let seats: Vec<_> = self.seats.by_ref().take(seats).collect();
            if seats.is_empty() {
                return Err("the house is sold out: measure with fewer fans".to_owned());
            }
            ways.push([self.say.hold(&token, &seats), self.say.pay(&token)]);
        }
        Ok(ways)
    }

    pub(super) fn joins(&mut self, series: String, fans: usize) -> Vec<[Vec<u8>; 1]> {
        let first = self.fans;
        self.fans += fans;
        (first..self.fans).map(|fan| [self.say.join(&series, &format!("fan-{fan}"))]).collect()
    }

    /// Waits until nobody waits any more in the room that this is a token of.
    async fn all_admitted(&self, token: &str) -> Result<(), String> {
        let clock = Clock::system();
        let until = clock.now() + PATIENCE;
        let mut fan = Api::connect(self.say.0, Some(token)).await?;
        while clock.now() < until {
            let told = fan.run("mutation { heartbeat { status waiting } }", &json!({})).await?;
            if told["heartbeat"]["status"] == "ADMITTED" && told["heartbeat"]["waiting"] == 0 {
                return Ok(());
            }
            clock.sleep(TimeDelta::milliseconds(5)).await;
        }
        Err("nothing limits the admissions, and not everybody is admitted".to_owned())
    }
}

/// Creates a date in which at most so many are admitted at once; these fields of it.
async fn create(api: &mut Api, seats: usize, most: &Value, fields: &str) -> Result<Value, String> {
    let concert = create_concert(api, "Load").await?;
    create_date(api, &concert, Some(house(seats)), all_day(most), fields).await
}
