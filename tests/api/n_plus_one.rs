//! A nested query costs the same number of SQL statements however many rows it finds.

use serde_json::json;

use test_support::{Fan, Plan, Server};

const NESTED: &str = "{ concerts(first: 5) { nodes { title series { id availableCount \
     seats { number status series { id concert { id title } } } } } } }";

/// The statements that the query takes, and the seats that it finds. What runs in the background has statements of its
/// own, now and then: they can only add to a count, so the least of a few is the query's own.
async fn cost(server: &Server, fan: &Fan) -> (u64, usize) {
    let mut least = u64::MAX;
    let mut seats = 0;
    for nth in 0..5 {
        // In other bytes each time, so that it is not remembered.
        let query = format!("{NESTED} # {nth}");
        let before = server.services.database().statements();
        let concerts = fan.ask(&query, json!({})).await.field("concerts");
        least = least.min(server.services.database().statements() - before);
        let dates =
            concerts["nodes"].as_array().unwrap().iter().flat_map(|c| c["series"].as_array().unwrap());
        seats = dates.map(|date| date["seats"].as_array().unwrap().len()).sum();
    }
    (least, seats)
}

#[tokio::test]
async fn a_nested_query_takes_as_many_statements_for_many_rows_as_for_few() {
    let server = Server::start().await;
    let (organizer, stranger) = (server.organizer(), server.stranger());
    let small = || Plan::small(2, 5, json!({}));
    let first = organizer.date(small()).await;
    server.settle(&first.series).await;
    let (few, seats) = cost(&server, &stranger).await;
    assert_eq!(seats, 10);
    assert!(few > 0);
    for _ in 0..2 {
        organizer.series(&first.concert, small()).await;
    }
    for _ in 1..5 {
        let concert = organizer.concert("Another").await;
        for _ in 0..3 {
            let date = organizer.series(&concert, small()).await;
            server.settle(&date.series).await;
        }
    }
    assert_eq!(cost(&server, &stranger).await, (few, 150));
}
