//! What is asked, and of what.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::bench::{
    catalog::{COLUMNS, all_day, create_concert, create_date, house, ids, text},
    fans::{api, api::Api, server::Server},
    sale::{
        fans::{Wording, token},
        load::Load,
    },
};

/// Concerts of the longest page.
const CONCERTS: usize = 100;

/// Dates of each.
const DATES: usize = 2;

/// Joins of one step.
const JOINS: usize = 20_000;

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What it is about.
    pub(super) of: &'static str,
    /// How much of it; `None` where there is only one size.
    pub(super) size: Option<usize>,
    /// Its bytes.
    pub(super) request: Vec<u8>,
    /// The date in which seats are held while it is asked, by its place on the stage.
    pub(super) changes: Option<usize>,
    /// At least this is wanted of it, beside the bare handler, or the one that sends the same bytes.
    pub(super) aim: Option<f64>,
    by_its_bytes: bool,
}

impl Question {
    /// Whether it is compared with a handler that sends the same bytes, because these are what it costs.
    pub(super) fn is_beside_its_bytes(&self) -> bool {
        self.by_its_bytes
    }

    /// What is answered.
    ///
    /// # Errors
    /// If the server refuses it.
    pub(super) async fn answer(&self, host: SocketAddr) -> Result<Vec<u8>, String> {
        let load = Load { hosts: vec![host], connections: 1 };
        let answer =
            load.drive(vec![[self.request.clone()]], |answer| Ok(answer.to_vec())).await?.answers.pop();
        let answer = answer.unwrap_or_default();
        if answer.starts_with(b"{\"data\":") {
            Ok(answer)
        } else {
            Err(format!("the server answered {}", String::from_utf8_lossy(&answer)))
        }
    }
}

/// A date, and the token of its fan who holds seats.
#[derive(Clone, Debug)]
pub(super) struct Set {
    series: String,
    seats: Vec<String>,
    token: String,
}

/// The dates that are asked for: three houses, one date of a concert on the page, three lines.
pub(super) struct Stage {
    host: SocketAddr,
    houses: Vec<(usize, Set)>,
    page: Set,
    lines: Vec<(usize, Set, String)>,
}

impl Stage {
    /// Creates them all.
    ///
    /// # Errors
    /// If the server refuses something.
    pub(super) async fn set(server: &Server, waiting: usize, seats: usize) -> Result<Self, String> {
        let host = server.address;
        let mut organizer = Api::connect(host, Some(&server.organizer)).await?;
        let mut houses = Vec::new();
        for seats in [50, 5_000.min(seats), seats] {
            houses.push((seats, open_date(&mut organizer, host, seats, &Value::Null).await?));
        }
        let mut lines = Vec::new();
        for waiting in [waiting / 100, waiting / 10, waiting] {
            tracing::info!("{waiting} fans join a line");
            let set = open_date(&mut organizer, host, 50, &json!(1)).await?;
            let last = join_all(host, &set.series, waiting).await?;
            lines.push((waiting, set, last));
        }
        let mut page = None;
        for number in 0..CONCERTS {
            let concert = create_concert(&mut organizer, &format!("Concert {number}")).await?;
            for _ in 0..DATES {
                let series = create(&mut organizer, &concert, 50, &Value::Null).await?;
                page = Some(series);
            }
        }
        let (series, seats) = page.ok_or("there is no page without a concert")?;
        let page = with_fan(host, series, seats).await?;
        Ok(Self { host, houses, page, lines })
    }

    /// Everything that is asked.
    pub(super) fn questions(&self) -> Vec<Question> {
        let ask = |of, size, bearer: Option<&str>, query: &str, variables: Value| {
            let body = json!({ "query": query, "variables": variables }).to_string();
            let request = api::request(self.host, bearer, &body);
            Question { of, size, request, changes: None, aim: None, by_its_bytes: false }
        };
        let mut all =
            vec![Question { aim: Some(0.5), ..ask("`__typename`", None, None, "{ __typename }", json!({})) }];
        for (at, (seats, set)) in self.houses.iter().enumerate() {
            let query =
                "query ($id: ID!) { seats(seriesId: $id) { id number row col section price status } }";
            let question = ask("`seats`", Some(*seats), None, query, json!({ "id": set.series }));
            let aim = (at < 2).then_some(0.5);
            all.push(Question { changes: Some(at), aim, by_its_bytes: at > 0, ..question });
        }
        for concerts in [10, 30, CONCERTS] {
            let query = "query ($first: Int) { concerts(first: $first) { nodes { id title series { id startAt status seatCount \
                 availableCount } } pageInfo { hasNextPage endCursor } } }";
            let question =
                ask("a page of concerts", Some(concerts), None, query, json!({ "first": concerts }));
            let aim = (concerts == 10).then_some(0.5);
            all.push(Question { changes: Some(self.houses.len()), aim, ..question });
        }
        for (at, (waiting, _, last)) in self.lines.iter().enumerate() {
            let query = "{ queuePosition { status position waiting estimatedWaitSeconds availableSeats } }";
            let question = ask("`queuePosition`, waiting", Some(*waiting), Some(last), query, json!({}));
            let aim = (at + 1 == self.lines.len()).then_some(0.5);
            all.push(Question { changes: Some(self.houses.len() + 1 + at), aim, ..question });
        }
        all
    }

    /// Who holds seats in that date: host, token, and the seats.
    pub(super) fn fan_of(&self, date: usize) -> (SocketAddr, &str, &[String]) {
        let houses = self.houses.iter().map(|(_, set)| set);
        let sets = houses.chain([&self.page]).chain(self.lines.iter().map(|(_, set, _)| set));
        let set = sets.into_iter().nth(date).unwrap_or(&self.page);
        (self.host, &set.token, &set.seats)
    }
}

/// A date with one fan who is admitted.
async fn open_date(organizer: &mut Api, host: SocketAddr, seats: usize, most: &Value) -> Result<Set, String> {
    let concert = create_concert(organizer, "House").await?;
    let (series, seats) = create(organizer, &concert, seats, most).await?;
    with_fan(host, series, seats).await
}

async fn with_fan(host: SocketAddr, series: String, seats: Vec<String>) -> Result<Set, String> {
    let token = join(host, &series, 0..1).await?.pop().ok_or("nobody has joined")?;
    Ok(Set { series, seats, token })
}

/// Its id and those of some of its seats.
async fn create(
    organizer: &mut Api,
    concert: &str,
    seats: usize,
    most: &Value,
) -> Result<(String, Vec<String>), String> {
    let made = create_date(organizer, concert, Some(house(seats)), all_day(most), "id seats { id }").await?;
    let mut seats = ids(&made["seats"])?;
    seats.truncate(COLUMNS);
    Ok((text(&made["id"])?, seats))
}

/// So many join; the token of the last one.
async fn join_all(host: SocketAddr, series: &str, waiting: usize) -> Result<String, String> {
    let mut last = None;
    for first in (1..=waiting).step_by(JOINS) {
        last = join(host, series, first..(first + JOINS).min(waiting + 1)).await?.pop();
    }
    last.ok_or_else(|| "nobody waits".to_owned())
}

/// Fans with these numbers join, over several connections; their tokens, in no order.
async fn join(host: SocketAddr, series: &str, fans: std::ops::Range<usize>) -> Result<Vec<String>, String> {
    let joins = fans.map(|fan| [Wording(host).join(series, &format!("fan-{fan}"))]);
    Ok(Load { hosts: vec![host], connections: 64 }.drive(joins.collect(), token).await?.answers)
}
