//! The rounds: everything that is compared has its turn in each of them, because a machine is not equally fast all day.

use std::time::Duration;

use super::{
    Options,
    figures::Spread,
    pgbench::{self, Pgbench, Script},
    postgres::Postgres,
    processor::Meter,
    redis::Redis,
    report::{Joins, Process, Processor, Tickets},
    subject::{Part, Subject},
};

/// The part of a round with which everything is warmed up before the first.
const WARM_UP: usize = 4;

/// pgbench in one round, and the processor time of PostgreSQL for each ticket.
pub(super) struct Bare {
    per_second: f64,
    processor_us: [Option<f64>; 4],
}

/// pgbench in all rounds, one by one and in batches.
#[derive(Default)]
pub(super) struct Bares([Vec<Bare>; 2]);

impl Bares {
    /// One round.
    ///
    /// # Errors
    /// If pgbench fails.
    pub(super) async fn round(
        &mut self,
        pgbench: &mut Pgbench,
        postgres: &Postgres,
        seconds: u64,
    ) -> Result<(), String> {
        let meter = Meter { postgres: Some(postgres), ..Meter::default() };
        for script in [Script::Single, Script::Batch] {
            let before = meter.read().await;
            let pgbench::Round { tickets, per_second } = pgbench.run(script, seconds).await?;
            let processor_us = (meter.read().await - before).each(tickets);
            self.0[script as usize].push(Bare { per_second, processor_us });
        }
        Ok(())
    }

    /// Forgets the rounds so far.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }

    fn rates(&self, script: Script) -> impl Iterator<Item = f64> {
        self.0[script as usize].iter().map(|bare| bare.per_second)
    }

    /// A row of the table for each script.
    pub(super) fn tickets(&self) -> Vec<Tickets> {
        [(Script::Single, "pgbench, one by one"), (Script::Batch, "pgbench, a hundred in a batch")]
            .into_iter()
            .filter(|(script, _)| self.rates(*script).next().is_some())
            .map(|(script, name)| {
                self.row(name.to_owned(), &self.rates(script).collect::<Vec<_>>(), [[None; 2]; 2], {
                    let times: Vec<_> =
                        self.0[script as usize].iter().map(|bare| bare.processor_us).collect();
                    Processor::of(&times)
                })
            })
            .collect()
    }

    fn row(
        &self,
        of: String,
        rates: &[f64],
        [hold_ms, pay_ms]: [[Option<Spread>; 2]; 2],
        processor_us: Processor,
    ) -> Tickets {
        let beside = |script| Spread::of_ratios(rates.iter().copied(), self.rates(script));
        Tickets {
            of,
            per_second: Spread::of(rates.iter().copied().map(Some)),
            beside_pgbench: beside(Script::Single),
            beside_pgbench_batches: beside(Script::Batch),
            hold_ms,
            pay_ms,
            processor_us,
        }
    }
}

/// One of the subjects and what it did in each round.
pub(super) struct Contender {
    subject: Subject,
    uses: [bool; 2],
    joins: Vec<Part<String, 1>>,
    health: Vec<Part<(), 1>>,
    sales: Vec<Part<(), 2>>,
}

impl Contender {
    /// Of a subject that uses a PostgreSQL, and a Redis, or does not.
    pub(super) fn new(subject: Subject, uses: [bool; 2]) -> Self {
        Self { subject, uses, joins: Vec::new(), health: Vec::new(), sales: Vec::new() }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.subject.name
    }

    /// What runs before the first round.
    ///
    /// # Errors
    /// If the server refuses a fan.
    pub(super) async fn warm_up(&mut self, options: &Options) -> Result<(), String> {
        self.subject.join(warm_up(options.joins), &Meter::default()).await?;
        self.subject.sell(warm_up(options.fans), &Meter::default()).await.map(drop)
    }

    /// One round.
    ///
    /// # Errors
    /// If the server refuses a fan.
    pub(super) async fn round(
        &mut self,
        options: &Options,
        postgres: Option<&Postgres>,
        redis: Option<&Redis>,
    ) -> Result<(), String> {
        let [uses_postgres, uses_redis] = self.uses;
        let meter = Meter {
            postgres: postgres.filter(|_| uses_postgres),
            redis: redis.filter(|_| uses_redis),
            ..self.subject.meter()
        };
        self.health.push(self.subject.health(Duration::from_secs(options.seconds), &meter).await?);
        self.joins.push(self.subject.join(options.joins, &meter).await?);
        self.sales.push(self.subject.sell(options.fans, &meter).await?);
        Ok(())
    }

    /// Tickets a second in each round.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.sales.iter().map(|sale| sale.driven.per_second()).collect()
    }

    /// A row of the table.
    pub(super) fn tickets(&self, bares: &Bares) -> Tickets {
        let wait = |step: usize| {
            [0, 1].map(|nth| Spread::of(self.sales.iter().map(|sale| Some(sale.driven.waits_ms(step)[nth]))))
        };
        bares.row(self.subject.name.clone(), &self.rates(), [0, 1].map(wait), processor(&self.sales))
    }

    /// A row of the table.
    pub(super) fn joins(&self) -> Joins {
        let rates = |parts: Vec<f64>| Spread::of(parts.into_iter().map(Some));
        let joins: Vec<_> = self.joins.iter().map(|part| part.driven.per_second()).collect();
        let health: Vec<_> = self.health.iter().map(|part| part.driven.per_second()).collect();
        Joins {
            of: self.subject.name.clone(),
            beside_health: Spread::of_ratios(joins.clone(), health.clone()),
            per_second: rates(joins),
            health_per_second: rates(health),
            processor_us: processor(&self.joins),
            health_processor_us: processor(&self.health),
        }
    }

    /// A row of the table.
    pub(super) fn process(&self) -> Process {
        let memory = [self.subject.idle, self.subject.resident()];
        Process {
            of: self.subject.name.clone(),
            start_ms: self.subject.start.as_secs_f64() * 1e3,
            memory_mib: memory.map(|bytes| bytes.map(|bytes| bytes as f64 / 1_048_576.0)),
        }
    }
}

/// Fans of the warm-up for rounds of so many.
pub(super) fn warm_up(fans: usize) -> usize {
    fans.div_ceil(WARM_UP)
}

fn processor<T, const N: usize>(parts: &[Part<T, N>]) -> Processor {
    Processor::of(&parts.iter().map(Part::processor_us).collect::<Vec<_>>())
}
