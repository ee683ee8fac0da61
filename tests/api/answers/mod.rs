//! Remembered answers are what would be answered anew: after every change, to the millisecond.

mod changes;
mod http;
mod walk;

use frontrow::clock::Clock;
use serde_json::{Value, json};
use test_support::{Date, Fan, Server};

/// What a client asks again and again: the same bytes each time.
#[derive(Clone, Debug)]
struct Question {
    query: String,
    variables: Value,
}

impl Question {
    fn new(query: &str, variables: Value) -> Self {
        Self { query: query.to_owned(), variables }
    }

    fn body(&self) -> String {
        json!({ "query": self.query, "variables": self.variables }).to_string()
    }

    /// What may be remembered.
    async fn ask(&self, fan: &Fan) -> Value {
        in_order(fan.post(self.body()).await.0)
    }

    /// What is made anew: nobody has asked in these bytes before.
    async fn ask_anew(&self, fan: &Fan, number: &mut u64) -> Value {
        *number += 1;
        let query = format!("{} # {number}", self.query);
        in_order(fan.post(json!({ "query": query, "variables": self.variables }).to_string()).await.0)
    }
}

/// Fields that fail side by side do so in any order.
fn in_order(mut answer: Value) -> Value {
    if let Some(errors) = answer.get_mut("errors").and_then(Value::as_array_mut) {
        errors.sort_by_key(Value::to_string);
    }
    answer
}

/// What may be asked of concerts and dates: lists, nested, under other names, in parts and with variables.
fn questions(concerts: &[String], dates: &[Date]) -> Vec<Question> {
    let mut all = vec![
        Question::new(
            "{ concerts(first: 10) { edges { cursor node { id title createdAt organizerId } } pageInfo { hasNextPage } } }",
            json!({}),
        ),
        Question::new(
            "{ concerts(first: 10) { nodes { title series { id status seatCount availableCount startAt queuePolicy { \
             maxActive maxSeatsPerUser } drawCommitment drawSecret lobbyHash } } } }",
            json!({}),
        ),
        Question::new(
            "query ($only: Boolean!) { concerts(last: 3) { nodes { series(bookableOnly: $only) { id status } } } }",
            json!({ "only": true }),
        ),
        Question::new("{ __typename concerts(search: \"rock\") { nodes { t: title } } }", json!({})),
    ];
    for concert in concerts {
        let of = json!({ "id": concert });
        all.push(Question::new(
            "query ($id: ID!) { concert(id: $id) { title series { status } } }",
            of.clone(),
        ));
        all.push(Question::new(
            "query ($id: ID!) { a: series(concertId: $id) { ...D } b: series(concertId: $id, bookableOnly: true) { ...D } } \
             fragment D on Series { id status free: availableCount concert { title } }",
            of,
        ));
    }
    for date in dates {
        let of = json!({ "id": date.series });
        for query in [
            "query ($id: ID!) { seats(seriesId: $id) { number status reserved } }",
            "query ($id: ID!) { seats(seriesId: $id, availableOnly: true) { number } }",
            "query ($id: ID!) { seats(seriesId: $id) { n: number label series { status availableCount concert { title } } } }",
            "query ($id: ID!) { seriesById(id: $id) { status seatsVersion seatStates layout { name availableCount } } }",
            "query ($id: ID!) { seriesById(id: $id) { status queuePolicy { maxActive } } }",
        ] {
            all.push(Question::new(query, of.clone()));
        }
    }
    all
}

/// Sees that each answer is the one that would be made anew.
async fn compare(questions: &[Question], fan: &Fan, number: &mut u64, after: &str) {
    for question in questions {
        // Once so that it is remembered, if it was not, and once from what is remembered.
        let first = question.ask(fan).await;
        let again = question.ask(fan).await;
        let anew = question.ask_anew(fan, number).await;
        assert_eq!(first, anew, "after {after}: {}", question.query);
        assert_eq!(again, anew, "after {after}, again: {}", question.query);
    }
}

/// Waits until answers are remembered: a process that is not alone first looks at what it would have to follow. Real time,
/// whatever the server's clock shows.
async fn is_remembered(server: &Server, question: &Question) -> bool {
    let (fan, real) = (server.stranger(), Clock::system());
    for _ in 0..200 {
        question.ask(&fan).await;
        let before = server.services.database().statements();
        question.ask(&fan).await;
        if server.services.database().statements() == before {
            return true;
        }
        real.sleep(chrono::TimeDelta::milliseconds(20)).await;
    }
    false
}
