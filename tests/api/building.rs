//! An organiser's work does not stop the sales of others: dates are made in short steps, shown when complete, and gone
//! when they fail.

use frontrow::{
    domain::{
        catalog::{Layout, NewSection, Schedule, Series},
        id::{SeriesId, UserId},
        lobby::DrawSecret,
        policy::QueuePolicy,
    },
    store::{
        Database,
        building::{OrganizerLimits, STEP},
    },
};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use test_support::{Fan, Options, Organizer, Reply, Server, code_of, int, secs, text, until};

async fn run(server: &Server, statement: &str) {
    server.services.database().reader().execute_unprepared(statement).await.unwrap();
}

/// The input of a date with one section; its answer need not have the seats.
fn input(server: &Server, concert: &str, (rows, cols): (i32, i32)) -> Value {
    let at = |seconds| (server.now() + secs(seconds)).to_rfc3339();
    json!({
        "concertId": concert, "startAt": at(86_400), "endAt": at(90_000),
        "reserveStartAt": at(0), "reserveEndAt": at(86_400),
        "sections": [{ "name": "Floor", "rows": rows, "cols": cols, "price": 10 }],
    })
}

const CREATE: &str = "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id seatCount } }";

/// The dates of a concert, and the seats that they have.
async fn dates(organizer: &Organizer, concert: &str) -> Vec<i64> {
    let query = "query($id: ID!) { concert(id: $id) { series { seatCount availableCount } } }";
    let concert = organizer.fan.ask(query, json!({ "id": concert })).await.field("concert");
    let dates = concert["series"].as_array().unwrap().clone();
    assert!(dates.iter().all(|date| date["seatCount"] == date["availableCount"]));
    dates.iter().map(|date| int(&date["seatCount"])).collect()
}

/// Who asked goes away: what was begun is finished.
#[tokio::test]
async fn a_date_whose_caller_goes_away_is_finished() {
    let server = Server::on_system_clock().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Hall").await;
    let create = json!({ "input": input(&server, &concert, (100, 50)) });
    {
        let asked = organizer.fan.ask(CREATE, create);
        let begun = until("it begins", async || server.count("series").await == 1);
        tokio::select! {
            _ = asked => panic!("the answer came before the caller was gone"),
            () = begun => {}
        }
    }
    until("it is shown", async || dates(&organizer, &concert).await == [5_000]).await;
    assert_eq!(server.count("seat").await, 5_000);
}

/// A step that fails: the caller is told, and nothing of it stays.
#[tokio::test]
async fn of_a_date_that_fails_nothing_stays() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Hall").await;
    let [fails, works] = if server.config.database_url.is_some() {
        [
            "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN IF NEW.number > 700 THEN RAISE EXCEPTION ''full''; END IF; RETURN NEW; END'; \
             CREATE TRIGGER is_full BEFORE INSERT ON seat FOR EACH ROW EXECUTE FUNCTION full()",
            "DROP TRIGGER is_full ON seat",
        ]
    } else {
        [
            "CREATE TRIGGER is_full BEFORE INSERT ON seat WHEN NEW.number > 700 \
             BEGIN SELECT RAISE(ABORT, 'full'); END",
            "DROP TRIGGER is_full",
        ]
    };
    run(&server, fails).await;
    let create = json!({ "input": input(&server, &concert, (10, 100)) });
    assert_eq!(organizer.fan.ask(CREATE, create.clone()).await.error(), "INTERNAL");
    assert_eq!((server.count("series").await, server.count("seat").await), (0, 0));
    assert_eq!(dates(&organizer, &concert).await, [0_i64; 0]);
    run(&server, works).await;
    organizer.fan.ask(CREATE, create).await.field("createSeries");
    assert_eq!(dates(&organizer, &concert).await, [1_000]);
    // The connection looks after what refers to what again.
    let orphan = "UPDATE seat SET series_id = id WHERE number = 1";
    let tx = server.services.database().begin().await.unwrap();
    assert!(tx.execute_unprepared(orphan).await.is_err());
}

/// A date of 1,000 seats that nobody has begun to make.
fn planned(server: &Server, concert: &str) -> Series {
    let now = server.now();
    let at = |seconds| now + secs(seconds);
    Series {
        id: SeriesId(server.services.entropy().id(now)),
        concert: concert.parse().unwrap(),
        schedule: Schedule {
            start_at: at(9),
            end_at: at(10),
            reserve_start_at: at(0),
            reserve_end_at: at(9),
        },
        paused: false,
        seat_count: 1_000,
        reserved_count: 0,
        version: 0,
        lobby_hash: None,
        policy: QueuePolicy::default(),
        draw_secret: DrawSecret::new([7; 32]),
        drawn_at: None,
        created_at: now,
    }
}

/// The rows that a process leaves which dies while it makes a date.
async fn half_a_date(server: &Server, concert: &str) -> SeriesId {
    let (database, clock) = (server.services.database(), &server.clock);
    let series = planned(server, concert);
    let organizer = UserId::try_new("organizer").unwrap();
    database.begin_series(&series, &organizer, None, clock).await.unwrap().unwrap();
    let floor = NewSection { name: "Floor".into(), rows: 20, cols: 50, price: 1 };
    let seats: Vec<_> = Layout::try_new(&[floor]).unwrap().seats().collect();
    for step in seats[..750].chunks(STEP) {
        let step = step.iter().map(|seat| (server.services.entropy().id(server.now()), seat.clone()));
        assert!(database.add_seats(series.id, step, clock).await.unwrap());
    }
    series.id
}

async fn is_nowhere(server: &Server, concert: &str, id: SeriesId) {
    let (organizer, mut fan) = (server.organizer(), server.fan("fan"));
    assert_eq!(dates(&organizer, concert).await, [0_i64; 0]);
    let query = "query($id: ID!) { series(concertId: $id) { id } }";
    assert_eq!(organizer.fan.ask(query, json!({ "id": concert })).await.error(), "SERIES_NOT_CREATED");
    let query = "query($id: ID!) { seats(seriesId: $id) { id } }";
    assert_eq!(fan.ask(query, json!({ "id": id.to_string() })).await.error(), "NOT_FOUND");
    assert_eq!(code_of(&fan.join(&id.to_string()).await), Some("SERIES_NOT_FOUND"));
    let query = "mutation($id: ID!) { pauseSale(seriesId: $id) { id } }";
    assert_eq!(organizer.fan.ask(query, json!({ "id": id.to_string() })).await.error(), "NOT_FOUND");
    let query = "query($id: ID!) { saleStats(seriesId: $id) { waiting } }";
    assert_eq!(organizer.fan.ask(query, json!({ "id": id.to_string() })).await.error(), "NOT_FOUND");
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// The process dies while a date is made: nobody ever sees it, and it is removed at the next start; with several
/// processes it may be another's, and is when it has stood still for two minutes.
#[tokio::test]
async fn a_date_that_was_not_finished_is_removed() {
    let server = Server::start().await;
    let concert = server.organizer().concert("Hall").await;
    let id = half_a_date(&server, &concert).await;
    is_nowhere(&server, &concert, id).await;
    let server = server.restart().await;
    is_nowhere(&server, &concert, id).await;
    if server.config.redis.is_some() {
        // The first look at the start finds it too young.
        assert_eq!((server.count("series").await, server.count("seat").await), (1, 750));
        server.clock.advance(secs(120));
    }
    let gone = async || (server.count("series").await, server.count("seat").await) == (0, 0);
    until("it is removed", gone).await;
    // Whoever goes on with it all the same finds that it is over.
    let database = server.services.database();
    assert!(!database.add_seats(id, [], &server.clock).await.unwrap());
    assert!(!database.series_is_ready(id).await.unwrap());
}

/// A process alone finds what its own failure has left, too.
#[tokio::test]
async fn a_date_that_stands_still_is_removed_while_the_process_lives() {
    let server = Server::start().await;
    let concert = server.organizer().concert("Hall").await;
    half_a_date(&server, &concert).await;
    server.clock.advance(secs(60));
    server.clock.advance(secs(120));
    until("it is removed", async || server.count("series").await == 0).await;
}

/// What organisers create within an hour is limited, by what the database says.
mod limits {
    use frontrow::domain::identity::Role;

    use super::*;

    const HOUR: i64 = 3_600_000;

    async fn limited(settings: fn(&mut frontrow::config::Config)) -> Server {
        Server::with(Options { rate_limits: true, settings, ..Options::default() }).await
    }

    async fn create(server: &Server, fan: &Fan, concert: &str, cols: i32) -> Reply {
        fan.ask(CREATE, json!({ "input": input(server, concert, (1, cols)) })).await
    }

    /// After how many milliseconds it may be tried again.
    fn retry_after(reply: &Reply) -> i64 {
        assert_eq!(reply.error(), "RATE_LIMITED");
        int(&reply.0["errors"][0]["extensions"]["retryAfterMs"])
    }

    #[tokio::test]
    async fn so_many_dates_an_hour() {
        let server = limited(|_| {}).await;
        let organizer = server.organizer();
        let concerts = [organizer.concert("One").await, organizer.concert("Two").await];
        // One date a second, of either concert.
        for n in 0..19 {
            create(&server, &organizer.fan, &concerts[n % 2], 1).await.field("createSeries");
            server.clock.advance(secs(1));
        }
        // Several in one document count one by one.
        let one = "createSeries(input: $input) { id }";
        let three = format!("mutation($input: CreateSeriesInput!) {{ a: {one} b: {one} c: {one} }}");
        let reply = organizer.fan.ask(&three, json!({ "input": input(&server, &concerts[0], (1, 1)) })).await;
        let errors = reply.0["errors"].as_array().unwrap();
        assert!(!errors.is_empty() && errors.iter().all(|e| e["extensions"]["code"] == "RATE_LIMITED"));
        assert_eq!(server.count("series").await, 20);
        assert_eq!(retry_after(&create(&server, &organizer.fan, &concerts[1], 1).await), HOUR - 19_000);
        // Nor is there another way in: an admin's dates of these concerts are this organiser's too.
        let admin = server.with_roles("admin", &[Role::Admin]);
        assert_eq!(retry_after(&create(&server, &admin, &concerts[0], 1).await), HOUR - 19_000);
        assert_eq!(server.count("seat").await, 20, "nothing was done");
        // It is about this organiser only.
        let other = server.with_roles("other", &[Role::Organizer]);
        let other = Organizer::new(other, server.now());
        let concert = other.concert("Three").await;
        create(&server, &other.fan, &concert, 1).await.field("createSeries");
        // It is remembered, and exact.
        let server = server.restart().await;
        let organizer = server.organizer();
        server.clock.advance(chrono::TimeDelta::milliseconds(HOUR - 19_000 - 1));
        assert_eq!(retry_after(&create(&server, &organizer.fan, &concerts[0], 1).await), 1);
        server.clock.advance(chrono::TimeDelta::milliseconds(1));
        create(&server, &organizer.fan, &concerts[0], 1).await.field("createSeries");
        assert_eq!(retry_after(&create(&server, &organizer.fan, &concerts[0], 1).await), 1_000);
    }

    #[tokio::test]
    async fn so_many_seats_an_hour() {
        let server = limited(|config| config.organiser_seats_per_hour = 100).await;
        let organizer = server.organizer();
        let concert = organizer.concert("Hall").await;
        create(&server, &organizer.fan, &concert, 30).await.field("createSeries");
        server.clock.advance(secs(10));
        create(&server, &organizer.fan, &concert, 50).await.field("createSeries");
        server.clock.advance(secs(10));
        // 20 are left now, 50 when the first is an hour old, and 100 when the second is.
        create(&server, &organizer.fan, &concert, 20).await.field("createSeries");
        for (cols, after) in [(1, HOUR - 20_000), (30, HOUR - 20_000), (31, HOUR - 10_000), (81, HOUR)] {
            assert_eq!(retry_after(&create(&server, &organizer.fan, &concert, cols).await), after, "{cols}");
        }
        let never = create(&server, &organizer.fan, &concert, 101).await;
        assert_eq!(never.error(), "BAD_USER_INPUT");
        assert!(text(&never.0["errors"][0]["message"]).contains("at most 100 seats"));
    }

    #[tokio::test]
    async fn what_failed_does_not_count() {
        let server = limited(|config| config.organiser_dates_per_hour = 1).await;
        let organizer = server.organizer();
        let concert = organizer.concert("Hall").await;
        let mut wrong = input(&server, &concert, (1, 1));
        wrong["endAt"] = json!(server.now().to_rfc3339());
        assert_eq!(organizer.fan.ask(CREATE, json!({ "input": wrong })).await.error(), "BAD_USER_INPUT");
        let id = half_a_date(&server, &concert).await;
        assert_eq!(
            retry_after(&create(&server, &organizer.fan, &concert, 1).await),
            HOUR,
            "one is being made"
        );
        assert!(server.services.database().give_up_series(id).await.unwrap());
        create(&server, &organizer.fan, &concert, 1).await.field("createSeries");
        assert_eq!(retry_after(&create(&server, &organizer.fan, &concert, 1).await), HOUR);
    }

    /// Ten at the same moment, where three are allowed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_asks_many_times_at_once_gets_no_more() {
        let server = limited(|config| config.organiser_dates_per_hour = 3).await;
        let organizer = server.organizer();
        let concert = organizer.concert("Hall").await;
        let tries = (0..10).map(|_| create(&server, &organizer.fan, &concert, 1));
        let replies = futures_util::future::join_all(tries).await;
        let made = replies.iter().filter(|reply| reply.0["errors"].is_null()).count();
        assert_eq!((made, server.count("series").await), (3, 3));
        assert!(
            replies.iter().filter(|reply| !reply.0["errors"].is_null()).all(|reply| retry_after(reply) > 0)
        );
    }

    /// The same at several processes: each looks and counts in one step.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_asks_at_several_processes_gets_no_more() {
        let server = Server::start().await;
        let concert = server.organizer().concert("Hall").await;
        let url = server.config.database_url.clone();
        let url = url.unwrap_or_else(|| Database::embedded_url(&server.config.data));
        let mut processes = Vec::new();
        for _ in 0..3 {
            processes.push(Database::connect(&url).await.unwrap());
        }
        let limits = Some(OrganizerLimits { concerts: 1, dates: 3, seats: 10_000 });
        let organizer = UserId::try_new("organizer").unwrap();
        let tries = (0..12).map(|n| {
            let (database, series) = (&processes[n % 3], planned(&server, &concert));
            let (organizer, clock) = (&organizer, &server.clock);
            async move { database.begin_series(&series, organizer, limits, clock).await.unwrap() }
        });
        let tries = futures_util::future::join_all(tries).await;
        assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 3);
        assert_eq!(server.count("series").await, 3);
    }

    #[tokio::test]
    async fn so_many_concerts_an_hour() {
        let server = limited(|config| config.organiser_concerts_per_hour = 3).await;
        let organizer = server.organizer();
        for title in ["One", "Two", "Three"] {
            organizer.concert(title).await;
            server.clock.advance(secs(1));
        }
        let query = "mutation { createConcert(input: { title: \"Four\" }) { id } }";
        assert_eq!(retry_after(&organizer.fan.ask(query, json!({})).await), HOUR - 3_000);
        assert_eq!(server.count("concert").await, 3);
        server.clock.advance(chrono::TimeDelta::milliseconds(HOUR - 3_000));
        organizer.concert("Four").await;
    }

    #[tokio::test]
    async fn without_rate_limits_there_are_none() {
        let server = Server::start().await;
        let organizer = server.organizer();
        let concert = organizer.concert("Hall").await;
        for _ in 0..25 {
            create(&server, &organizer.fan, &concert, 1).await.field("createSeries");
        }
    }
}
