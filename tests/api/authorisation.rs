//! Who may do what: `authorisation.txt` says it for every operation and everybody, and this runs it.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use frontrow::domain::identity::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use test_support::{Date, Fan, Options, Plan, Server, Watch, text};

const TABLE: &str = include_str!("authorisation.txt");

/// What each row of the table sends. `DATE`, `CONCERT`, `SEAT`, `TOKEN`, `HOLD`, `TICKET`, `PAYMENT` and `OWNER` stand
/// for what there is.
const DOCUMENTS: &[(&str, &str)] = &[
    ("Query.concerts", "{ concerts { nodes { id } } }"),
    ("Query.concert", "{ concert(id: CONCERT) { id } }"),
    ("Query.series", "{ series(concertId: CONCERT) { id } }"),
    ("Query.seriesById", "{ seriesById(id: DATE) { seatStates } }"),
    ("Query.seats", "{ seats(seriesId: DATE) { id } }"),
    ("Query.points own", "{ points { balance } }"),
    ("Query.points the owner's", "{ points(userId: OWNER) { balance } }"),
    ("Query.points own history", "{ points { history { nodes { id } } } }"),
    ("Query.reservations own", "{ reservations { nodes { id } } }"),
    ("Query.reservations the owner's", "{ reservations(userId: OWNER) { nodes { id } } }"),
    ("Query.reservation the owner's", "{ reservation(id: TICKET) { id } }"),
    ("Query.payments own", "{ payments { nodes { id } } }"),
    ("Query.payments the owner's", "{ payments(userId: OWNER) { nodes { id } } }"),
    ("Query.payment the owner's", "{ payment(id: PAYMENT) { id } }"),
    ("Query.holds own", "{ holds { id } }"),
    ("Query.hold the owner's", "{ hold(id: HOLD) { id } }"),
    ("Query.token own", "{ token { id } }"),
    ("Query.token the owner's", "{ token(id: TOKEN) { id } }"),
    ("Query.queuePosition own", "{ queuePosition { status } }"),
    ("Query.queuePosition the owner's", "{ queuePosition(tokenId: TOKEN) { status } }"),
    ("Query.saleStats", "{ saleStats(seriesId: DATE) { revenue } }"),
    ("Mutation.issueToken", "{ issueToken(input: { seriesId: DATE }) { token problem { code } } }"),
    ("Mutation.heartbeat own", "{ heartbeat { status } }"),
    ("Mutation.heartbeat the owner's", "{ heartbeat(tokenId: TOKEN) { status } }"),
    ("Mutation.leaveQueue own", "{ leaveQueue { status } }"),
    ("Mutation.leaveQueue the owner's", "{ leaveQueue(tokenId: TOKEN) { status } }"),
    ("Mutation.holdSeat", "{ holdSeat(input: { seatId: SEAT }) { hold { id } problem { code } } }"),
    ("Mutation.holdSeats", "{ holdSeats(input: { seatIds: [SEAT] }) { holds { id } problem { code } } }"),
    ("Mutation.holdBestSeats", "{ holdBestSeats(input: { count: 1 }) { holds { id } problem { code } } }"),
    (
        "Mutation.releaseHold the owner's",
        "{ releaseHold(input: { holdId: HOLD }) { hold { id } problem { code } } }",
    ),
    (
        "Mutation.charge own",
        "{ charge(input: { amount: 1, idempotencyKey: \"it\" }) { points { balance } problem { code } } }",
    ),
    (
        "Mutation.charge the owner's",
        "{ charge(input: { amount: 1, idempotencyKey: \"it\", userId: OWNER }) { points { balance } \
         entry { actorId } problem { code } } }",
    ),
    (
        "Mutation.charge the owner's history",
        "{ charge(input: { amount: 1, idempotencyKey: \"it\", userId: OWNER }) { points { history { nodes { id } } } \
         problem { code } } }",
    ),
    (
        "Mutation.usePoints",
        "{ usePoints(input: { amount: 1, idempotencyKey: \"it\" }) { points { balance } problem { code } } }",
    ),
    ("Mutation.pay own", "{ pay(input: { idempotencyKey: \"it\" }) { payment { id } problem { code } } }"),
    (
        "Mutation.pay the owner's",
        "{ pay(input: { holdIds: [HOLD], idempotencyKey: \"it\" }) { payment { id } problem { code } } }",
    ),
    (
        "Mutation.cancelReservation",
        "{ cancelReservation(input: { reservationId: TICKET, idempotencyKey: \"it\" }) { points { balance } \
         problem { code } } }",
    ),
    ("Mutation.createConcert", "{ createConcert(input: { title: \"x\" }) { id } }"),
    (
        "Mutation.createSeries",
        "{ createSeries(input: { concertId: CONCERT, startAt: \"2031-01-01T00:00:00Z\", endAt: \
         \"2031-01-01T03:00:00Z\", reserveStartAt: \"2030-12-01T00:00:00Z\", reserveEndAt: \"2030-12-31T00:00:00Z\" }) \
         { id } }",
    ),
    (
        "Mutation.updateQueuePolicy",
        "{ updateQueuePolicy(input: { seriesId: DATE, queuePolicy: { maxActive: 9 } }) { id } }",
    ),
    ("Mutation.pauseSale", "{ pauseSale(seriesId: DATE) { id } }"),
    ("Mutation.resumeSale", "{ resumeSale(seriesId: DATE) { id } }"),
    ("Subscription.queuePosition own", "{ queuePosition { status } }"),
    ("Subscription.queuePosition the owner's", "{ queuePosition(tokenId: TOKEN) { status } }"),
    ("Subscription.seatAvailability", "{ seatAvailability(seriesId: DATE) { version } }"),
    ("Subscription.saleStats", "{ saleStats(seriesId: DATE) { revenue } }"),
    ("Subscription.seriesChanged", "{ seriesChanged(ids: [DATE]) { id } }"),
];

/// What is done by these is to be seen by nobody else: the organiser is the same everywhere and would have a place, the
/// best seats may be anybody's, and whoever runs a sale changes it for all. They get dates of their own.
const ON_OWN_DATES: [&str; 5] = [
    "Mutation.issueToken",
    "Mutation.holdBestSeats",
    "Mutation.updateQueuePolicy",
    "Mutation.pauseSale",
    "Mutation.resumeSale",
];

/// Words of the table for codes.
const WORDS: [(&str, &str); 9] = [
    ("UNAUTHENTICATED", "who?"),
    ("FORBIDDEN", "never"),
    ("NOT_FOUND", "gone"),
    ("BAD_USER_INPUT", "which?"),
    ("NOT_ADMITTED", "no place"),
    ("HOLD_NOT_FOUND", "no hold"),
    ("RESERVATION_NOT_FOUND", "no ticket"),
    ("INSUFFICIENT_POINTS", "no points"),
    ("NOTHING_TO_PAY", "nothing"),
];

fn word(code: &str) -> String {
    WORDS.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word).to_owned()
}

/// Name and cells of each row, the head of the table among them.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    let lines = TABLE.lines().filter(|line| line.contains('|'));
    lines
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            (cells.next().unwrap(), cells.collect())
        })
        .collect()
}

/// Every operation of the schema.
fn operations() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for definition in parse_schema(frontrow::graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let root = definition.node.name.node.to_string();
        if let ("Query" | "Mutation" | "Subscription", TypeKind::Object(object)) =
            (root.as_str(), definition.node.kind)
        {
            found.extend(object.fields.iter().map(|field| format!("{root}.{}", field.node.name.node)));
        }
    }
    found
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let rows = rows();
    let (head, rows) = rows.split_first().unwrap();
    let named: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
    let sent: Vec<_> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, sent, "each row of the table has a document, in the same order");
    let known: BTreeSet<_> = named.iter().map(|name| name.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(known, operations());
    for (name, cells) in rows {
        assert_eq!(cells.len(), head.1.len(), "{name}");
    }
    for (name, document) in DOCUMENTS {
        let field = name.split([' ', '.']).nth(1).unwrap();
        assert!(document.starts_with(&format!("{{ {field}")), "{name} sends {document}");
    }
}

/// Seats of one world.
const SEATS: usize = 3;

/// What there is while one row is tried by one caller.
struct World {
    date: Date,
    /// A seat that nobody has.
    seat: String,
    owner: Fan,
    /// The owner with the queue token of another date.
    elsewhere: Fan,
    identity: Fan,
    fan: Fan,
    hold: String,
    ticket: String,
    payment: String,
}

/// Two dates with room for so many worlds.
async fn dates(server: &Server, worlds: usize) -> [Date; 2] {
    let organizer = server.organizer();
    let rows = i32::try_from(worlds).unwrap();
    let plan = || Plan::small(rows, SEATS as i32, json!({ "maxActive": 1_000_000 }));
    [organizer.date(plan()).await, organizer.date(plan()).await]
}

impl World {
    /// The world of that number, whose people are its own, and whose seats are in that row of the first date.
    async fn new(server: &Server, [date, other]: &[Date; 2], row: usize, number: usize) -> Self {
        let seats = &date.seats[SEATS * row..][..SEATS];
        let name = format!("owner-{number}");
        let identity = server.fan(&name);
        let (mut owner, mut elsewhere) = (identity.clone(), identity.clone());
        let till = server.with_roles("till", &[Role::Cashier]);
        let charge = json!({ "amount": 100_000, "idempotencyKey": name, "userId": name });
        till.act("charge", charge, "entry { id }").await;
        owner.join(&date.series).await;
        owner.must_hold(&seats[0]).await;
        let paid = owner.pay("the ticket").await;
        owner.join(&date.series).await;
        let hold = owner.must_hold(&seats[1]).await;
        elsewhere.join(&other.series).await;
        let mut fan = server.fan(&format!("fan-{number}"));
        let showing = fan.bearer.clone();
        fan.join(&date.series).await;
        fan.bearer = showing;
        Self {
            date: date.clone(),
            seat: seats[2].clone(),
            hold,
            ticket: text(&paid["reservations"][0]["id"]),
            payment: text(&paid["payment"]["id"]),
            owner,
            elsewhere,
            identity,
            fan,
        }
    }

    /// Those at the top of the table, in its order.
    fn callers(&self, server: &Server, number: usize) -> Vec<Fan> {
        let with = |role: Role| server.with_roles(&format!("{}-{number}", role.as_str()), &[role]);
        vec![
            server.stranger(),
            self.owner.clone(),
            self.identity.clone(),
            self.elsewhere.clone(),
            self.fan.clone(),
            server.organizer().fan,
            with(Role::Organizer),
            with(Role::Cashier),
            with(Role::Admin),
            server.expired(&self.owner.user),
        ]
    }

    fn document(&self, row: &str, document: &str) -> String {
        let kind = row.split('.').next().unwrap().to_lowercase();
        let document = [
            ("CONCERT", &self.date.concert),
            ("DATE", &self.date.series),
            ("SEAT", &self.seat),
            ("TOKEN", &self.owner.token),
            ("HOLD", &self.hold),
            ("TICKET", &self.ticket),
            ("PAYMENT", &self.payment),
            ("OWNER", &self.owner.user),
        ]
        .iter()
        .fold(document.to_owned(), |document, (name, value)| document.replace(name, &format!("\"{value}\"")));
        format!("{kind} {document}")
    }
}

/// The cell of the table that an answer belongs into.
fn cell(answer: &Value) -> String {
    if let Some(error) = answer["errors"].get(0) {
        return word(error["extensions"]["code"].as_str().unwrap_or("an error without a code"));
    }
    let value = answer["data"].as_object().unwrap().values().next().unwrap();
    match value["problem"]["code"].as_str() {
        Some(code) => word(code),
        None if value.is_null() => "null".to_owned(),
        None => "data".to_owned(),
    }
}

async fn try_cell(server: &Server, by: &Fan, document: &str) -> String {
    if !document.starts_with("subscription") {
        return cell(&by.ask(document, json!({})).await.0);
    }
    let Some(bearer) = &by.bearer else {
        return first_of(by.watch(document, json!({})).await).await;
    };
    let mut socket = Watch::greet(server.address, bearer).await;
    match socket.answer().await {
        Some(ack) => assert_eq!(ack["type"], "connection_ack"),
        None => return "closed".to_owned(),
    }
    socket.subscribe(document, json!({})).await;
    first_of(socket).await
}

/// The cell of the first thing that a subscription says.
async fn first_of(mut watch: Watch) -> String {
    let message = watch.message().await;
    match message["type"].as_str() {
        Some("error") => cell(&json!({ "errors": message["payload"] })),
        _ => cell(&message["payload"]),
    }
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let server = Server::with(Options { self_service_charging: false, ..Options::default() }).await;
    let callers = rows()[0].1.len();
    let shared = dates(&server, DOCUMENTS.len() * callers + 1).await;
    let reading = World::new(&server, &shared, 0, 0).await;
    let mut number = 1;
    let mut wrong = Vec::new();
    for ((row, document), (_, expected)) in DOCUMENTS.iter().zip(&rows()[1..]) {
        let first = number;
        let tries = (0..callers).map(|caller| {
            let (server, shared, reading, number) = (&server, &shared, &reading, first + caller);
            async move {
                if row.starts_with("Query") {
                    let by = &reading.callers(server, 0)[caller];
                    return try_cell(server, by, &reading.document(row, document)).await;
                }
                // What changes something, or keeps somebody alive, finds everything untouched.
                let world = if ON_OWN_DATES.contains(row) {
                    World::new(server, &dates(server, 1).await, 0, number).await
                } else {
                    World::new(server, shared, number, number).await
                };
                let by = &world.callers(server, number)[caller];
                try_cell(server, by, &world.document(row, document)).await
            }
        });
        let found = join_all(tries).await;
        number += callers;
        if found != *expected {
            wrong.push(format!("{row}\n  the table says {expected:?}\n  and it is      {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(server.audit().await, Vec::<String>::new());
}
