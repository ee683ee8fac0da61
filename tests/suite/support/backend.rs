//! Which database a server of the suite gets: a SQLite file of its own, or, where `FRONTROW_TEST_DATABASE_URL`
//! names a PostgreSQL database whose user may create others, a new database beside that one.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::ConnectionTrait;

/// The URL of a new and empty database; `None` for the SQLite file in the server's own folder.
pub(super) async fn fresh_url() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("FRONTROW_TEST_DATABASE_URL").ok().filter(|url| url.starts_with("postgres"))?;
    let name = format!("frontrow_suite_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let admin = sea_orm::Database::connect(url.as_str()).await.unwrap();
    // What an earlier run of the suite left is of no use any more.
    for statement in
        [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
    {
        admin.execute_unprepared(&statement).await.unwrap();
    }
    admin.close().await.unwrap();
    let (address, options) = url.split_once('?').map_or((url.as_str(), None), |(a, o)| (a, Some(o)));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    Some(match options {
        Some(options) => format!("{server}/{name}?{options}"),
        None => format!("{server}/{name}"),
    })
}
