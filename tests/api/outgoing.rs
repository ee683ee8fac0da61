//! Rule 22: what waits to be sent is bounded, and what is beyond that is refused before it is made.

use serde_json::json;
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use test_support::{Fan, Options, Plan, Server};

async fn is_refused(fan: &Fan, query: &str) -> bool {
    let reply = fan.ask(query, json!({})).await;
    let Some(error) = reply.0.get("errors").map(|errors| &errors[0]["extensions"]) else { return false };
    assert_eq!(
        (&error["code"], &error["retryAfterMs"]),
        (&json!("UNAVAILABLE"), &json!(2_000)),
        "{}",
        reply.0
    );
    assert_eq!(reply.0.get("data"), None);
    true
}

/// Whether the query is served before long.
async fn comes_to_be_served(fan: &Fan, query: &str) -> bool {
    let served = async { while is_refused(fan, query).await {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), served).await.is_ok()
}

/// A connection whose own system takes next to nothing for it: by itself it would take megabytes that nobody reads.
fn deaf(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    TcpStream::from_std(socket.into()).unwrap()
}

#[tokio::test]
async fn who_does_not_read_a_big_house_keeps_nobody_from_the_sale() {
    let server =
        Server::with(Options { settings: |config| config.max_outgoing = 2 << 20, ..Options::default() })
            .await;
    let date = server.organizer().date(Plan::small(100, 200, json!({}))).await;
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    let seats = |fields: &str| format!("{{ seats(seriesId: \"{}\") {{ {fields} }} }}", date.series);
    let body = json!({ "query": seats("id number row col section price status reserved") }).to_string();
    let mut greedy = deaf(&server);
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    greedy.write_all((head + &body).as_bytes()).await.unwrap();
    let mut status = [0; 12];
    greedy.read_exact(&mut status).await.unwrap();
    assert_eq!(status, *b"HTTP/1.1 200", "the first list is on its way");

    // Another one is refused now, for whoever asks and however.
    assert!(is_refused(&fan, &seats("id")).await);
    let watch =
        format!("subscription {{ seatAvailability(seriesId: \"{}\") {{ seats {{ id }} }} }}", date.series);
    let message = fan.watch(&watch, json!({})).await.message().await;
    assert_eq!(message["payload"][0]["extensions"]["code"], "UNAVAILABLE", "{message}");
    // And nothing else is.
    for query in
        ["{ concerts { nodes { id } } }", "mutation { heartbeat { status } }", "{ queuePosition { status } }"]
    {
        assert!(!is_refused(&fan, query).await, "{query}");
    }
    drop(greedy);
    assert!(comes_to_be_served(&fan, &seats("id")).await);
}
