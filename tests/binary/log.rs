//! No token reaches the log, however much of it is asked for: who reads logs is not who may act for fans.

use chrono::TimeDelta;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

use test_support::{
    Client, Incoming, Process, Socket, create_series,
    process::{frontrow, identity},
};

/// Opens a socket and says this; what comes of it does not matter.
async fn say(api: &Client, messages: &[Value]) {
    let mut request = format!("ws://{}/graphql", api.address()).into_client_request().unwrap();
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let stream = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    for message in messages {
        // It may be closed by now.
        let _ = socket.send(Message::text(message.to_string())).await;
    }
    while let Some(Ok(_)) = socket.next().await {}
}

/// A token in every place in which a client may put one, rightly or by mistake.
async fn use_everywhere(api: &Client, token: &str, date: &str) {
    let place = "{ token { id } queuePosition { status } }";
    api.call(token, place, json!({})).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/graphql", api.address());
    let header =
        |value: &str| http.get(&url).query(&[("query", "{ holds { id } }")]).header("Authorization", value);
    for value in
        [format!("Bearer {token}"), format!("Basic {token}"), token.to_owned(), format!("Bearer {token}x")]
    {
        header(&value).send().await.unwrap();
    }
    for body in [
        json!({ "query": token }),
        json!({ "query": "{ __typename }", "operationName": token }),
        json!({ "query": "query($x: ID!) { hold(id: $x) { id } }", "variables": { "x": token } }),
        json!({ "query": "{ concerts(search: $t) { nodes { id } } }", "extensions": token }),
    ] {
        http.post(&url).json(&body).send().await.unwrap();
    }
    http.get(format!("{url}?token={token}&query={{__typename}}")).send().await.unwrap();
    http.get(format!("http://{}/draw/{token}", api.address())).send().await.unwrap();

    let mut socket = Socket::open(api.address(), token).await.unwrap();
    let seats = format!("subscription {{ seatAvailability(seriesId: \"{date}\") {{ version }} }}");
    socket.subscribe("seats", &seats, json!({})).await.unwrap();
    assert!(matches!(socket.next().await, Incoming::Next(_)));
    let bearer = format!("Bearer {token}");
    for first in [
        json!({ "type": "connection_init", "payload": bearer }),
        json!({ "type": "connection_init", "payload": { "authorization": token } }),
        json!({ "type": "connection_init", "payload": { "authorization": format!("{bearer}x") } }),
        json!({ "type": token }),
        json!({ "type": "subscribe", "id": token, "payload": { "query": token } }),
        json!([bearer]),
    ] {
        say(api, &[first]).await;
    }
    let hello = json!({ "type": "connection_init", "payload": { "authorization": bearer } });
    let subscribe = json!({ "type": "subscribe", "id": token, "payload": { "query": seats } });
    say(api, &[hello.clone(), subscribe.clone(), subscribe]).await;
    say(api, &[hello.clone(), hello]).await;
}

/// What a log may show of it: as text, and as the bytes that a library prints of what it has read.
fn traces(token: &str) -> Vec<String> {
    let parts: Vec<_> = token.split('.').collect();
    let mut traces = Vec::new();
    for part in &parts[1..] {
        let bytes = &part.as_bytes()[part.len() - 12..];
        traces.push(part[part.len() - 12..].to_owned());
        traces.push(format!("{bytes:?}").trim_matches(['[', ']']).to_owned());
        traces.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    traces
}

#[tokio::test]
async fn no_token_reaches_the_log_at_any_level() {
    for level in ["trace", "debug,tungstenite=trace,hyper=trace,hyper_util=trace,tokio_tungstenite=trace"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0", "--open-identities"]);
        command.env("FRONTROW_LOG", level);
        let server = Process::listening(command);
        let api = Client::new(server.address);
        let organizer = identity(folder.path(), "organizer", "ORGANIZER");
        let date = create_series(&api, &organizer, TimeDelta::zero(), json!({})).await;
        let join = "mutation($id: ID!) { issueToken(input: { seriesId: $id, userId: \"ann\" }) { token } }";
        let joined = api.call("", join, json!({ "id": date })).await.unwrap();
        let token = joined["issueToken"]["token"].as_str().unwrap().to_owned();
        use_everywhere(&api, &token, &date).await;
        server.terminate();
        let (_, log) = server.ended();
        // What is looked through is not empty, and of the level that was asked for.
        let own = |line: &&String| line.contains("DEBUG frontrow") || line.contains("TRACE frontrow");
        assert!(log.iter().any(|line| own(&line)), "{level}: {log:?}");
        for (whose, token) in [("the fan's", &token), ("the organiser's", &organizer)] {
            for trace in traces(token) {
                let leak = log.iter().find(|line| line.contains(&trace));
                let shown = leak.map(|line| line.chars().take(300).collect::<String>());
                assert_eq!(shown, None, "{level}: {whose} token");
            }
        }
    }
}
