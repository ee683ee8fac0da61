//! A sale at random, and all that can be asked of it after every step.

use chrono::TimeDelta;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use test_support::{Date, Fan, Organizer, Plan, Server, text};

use super::{compare, questions};

/// Everybody and everything of a sale.
struct Walk {
    server: Server,
    organizer: Organizer,
    concerts: Vec<String>,
    dates: Vec<Date>,
    /// Each in one line.
    fans: Vec<(Fan, usize)>,
    holds: Vec<(usize, String)>,
    tickets: Vec<(usize, String)>,
    chance: StdRng,
    number: u64,
}

impl Walk {
    async fn new(seed: u64) -> Self {
        let server = Server::start().await;
        let organizer = server.organizer();
        let mut walk = Self {
            server,
            organizer,
            concerts: Vec::new(),
            dates: Vec::new(),
            fans: Vec::new(),
            holds: Vec::new(),
            tickets: Vec::new(),
            chance: StdRng::seed_from_u64(seed),
            number: 0,
        };
        walk.add_concert().await;
        for opens in [0, 60] {
            walk.add_date(opens).await;
        }
        walk
    }

    fn key(&mut self) -> String {
        self.number += 1;
        format!("key {}", self.number)
    }

    async fn add_concert(&mut self) {
        let title = format!("{} {}", ["Rock", "Jazz"].choose(&mut self.chance).unwrap(), self.key());
        self.concerts.push(self.organizer.concert(&title).await);
    }

    async fn add_date(&mut self, opens: i64) {
        let concert = self.concerts.choose(&mut self.chance).unwrap().clone();
        let plan = Plan {
            opens: TimeDelta::seconds(opens),
            closes: TimeDelta::seconds(opens + 1_500),
            begins: TimeDelta::days(7),
            rows_and_cols: Some((2, 3)),
            policy: json!({ "maxActive": 100, "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 }),
        };
        // From the clock's time on, and not from that of the first.
        let organizer = self.server.organizer();
        self.dates.push(organizer.series(&concert, plan).await);
    }

    async fn join(&mut self) {
        let date = self.chance.random_range(0..self.dates.len());
        let mut fan = self.server.fan(&format!("fan {}", self.fans.len()));
        fan.join(&self.dates[date].series).await;
        fan.charge(100_000, "charge").await;
        self.fans.push((fan, date));
    }

    async fn hold(&mut self) {
        let Some((who, (fan, date))) =
            self.fans.iter().enumerate().collect::<Vec<_>>().choose(&mut self.chance).copied()
        else {
            return;
        };
        let seat = self.dates[*date].seats.choose(&mut self.chance).unwrap();
        let held = fan.hold(seat).await;
        if let Value::String(id) = &held["hold"]["id"] {
            self.holds.push((who, id.clone()));
        }
    }

    async fn release(&mut self) {
        if !self.holds.is_empty() {
            let (who, hold) = self.holds.swap_remove(self.chance.random_range(0..self.holds.len()));
            self.fans[who].0.release(&hold).await;
        }
    }

    async fn pay(&mut self) {
        if let Some((who, _)) = self.holds.choose(&mut self.chance).cloned() {
            let key = self.key();
            let paid = self.fans[who].0.pay(&key).await;
            let tickets = paid["reservations"].as_array().into_iter().flatten();
            self.tickets.extend(tickets.map(|ticket| (who, text(&ticket["id"]))));
        }
    }

    async fn cancel(&mut self) {
        if !self.tickets.is_empty() {
            let (who, ticket) = self.tickets.swap_remove(self.chance.random_range(0..self.tickets.len()));
            let key = self.key();
            self.fans[who].0.cancel(&ticket, &key).await;
        }
    }

    async fn turn(&mut self) {
        let date = self.dates.choose(&mut self.chance).unwrap().series.clone();
        let mutation = ["pauseSale", "resumeSale"].choose(&mut self.chance).unwrap();
        self.organizer.turn(mutation, &date).await;
    }

    async fn policy(&mut self) {
        let date = self.dates.choose(&mut self.chance).unwrap().series.clone();
        let most = self.chance.random_range(50..100);
        let query = "mutation($input: UpdateQueuePolicyInput!) { updateQueuePolicy(input: $input) { id } }";
        let input = json!({ "seriesId": date, "queuePolicy": { "maxActive": most } });
        self.organizer.fan.ask(query, json!({ "input": input })).await.data();
    }

    /// Somebody takes all that is left of a date.
    async fn sell_out(&mut self) {
        self.join().await;
        let who = self.fans.len() - 1;
        let (fan, date) = self.fans[who].clone();
        for seat in self.dates[date].seats.clone().chunks(3) {
            for seat in seat {
                let held = fan.hold(seat).await;
                if let Value::String(id) = &held["hold"]["id"] {
                    self.holds.push((who, id.clone()));
                }
            }
            let key = self.key();
            let paid = fan.pay(&key).await;
            let tickets = paid["reservations"].as_array().into_iter().flatten();
            self.tickets.extend(tickets.map(|ticket| (who, text(&ticket["id"]))));
        }
    }

    async fn pass(&mut self) {
        let millis = [1, 999, 30_000, 60_000, 299_999, 300_000].choose(&mut self.chance).copied().unwrap();
        self.server.clock.advance(TimeDelta::milliseconds(millis));
    }

    async fn step(&mut self) -> &'static str {
        match self.chance.random_range(0..100) {
            0..15 => (self.join().await, "joining").1,
            15..45 => (self.hold().await, "holding").1,
            45..52 => (self.release().await, "giving back").1,
            52..65 => (self.pay().await, "paying").1,
            65..72 => (self.cancel().await, "cancelling").1,
            72..78 => (self.turn().await, "pausing or resuming").1,
            78..82 => (self.policy().await, "another policy").1,
            82..85 => (self.add_concert().await, "a new concert").1,
            85..88 => (self.add_date(30).await, "a new date").1,
            88..91 => (self.sell_out().await, "selling out").1,
            _ => (self.pass().await, "time").1,
        }
    }

    /// What runs in the background has come to an end.
    async fn settle(&self) {
        for date in &self.dates {
            self.server.settle(&date.series).await;
        }
    }

    async fn compare(&mut self, after: &str) {
        let fan = self.server.stranger();
        compare(&questions(&self.concerts, &self.dates), &fan, &mut self.number, after).await;
    }
}

async fn walk(seed: u64, steps: usize) {
    let mut walk = Walk::new(seed).await;
    for _ in 0..steps {
        let after = walk.step().await;
        // What was done is seen at once; and so is what came of it in the background, once it has.
        walk.settle().await;
        walk.compare(after).await;
    }
    assert_eq!(walk.server.audit().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_step_of_a_sale_every_answer_is_what_would_be_made_anew() {
    for seed in 0..2 {
        walk(seed, 45).await;
    }
}
