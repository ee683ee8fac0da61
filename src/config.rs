//! The settings: defaults < file < environment < flags; checked as a whole, one clear line for each mistake.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use clap::Args;
use ipnet::IpNet;
use serde::Deserialize;

use crate::redis_url::RedisUrl;

/// Where the server listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// Where it keeps its data unless told otherwise.
const DATA: &str = "data";

/// How the names of the keys in Redis begin unless told otherwise.
const REDIS_PREFIX: &str = "frontrow";

/// The most that an organiser may be allowed of anything in an hour.
const MOST_PER_HOUR: u32 = 1_000_000_000;

/// Idempotency keys are remembered for so many days at least, and unless told otherwise (rule 17).
const KEY_DAYS: u32 = 30;

/// And for a hundred years at most.
const MOST_DAYS: u32 = 36_500;

/// Connections unless told otherwise.
pub(crate) const MAX_CONNECTIONS: usize = 100_000;

/// Connections of one address unless told otherwise. A fan's browser has a socket and now and then one or two connections
/// beside it, so these are some 200 fans in one office, or behind one address of a mobile network, which are shared by
/// some 64 to 128 customers. And it takes two hundred addresses to fill a process.
pub(crate) const MAX_CONNECTIONS_PER_ADDRESS: usize = 500;

/// MiB of answers on their way unless told otherwise.
pub(crate) const MAX_OUTGOING_MIB: usize = 128;

/// MiB of remembered answers unless told otherwise: seat maps of four of the largest houses, or of some thousand small ones.
const MAX_ANSWERS_MIB: usize = 64;

/// MiB of dates in memory unless told otherwise: some ten million places and seats.
const MAX_DATES_MIB: usize = 2_048;

/// What may be set, by flag, by environment variable, or in the file (there without `config`, and with `_` for `-`).
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// A TOML file with the settings below, `_` for `-`.
    #[arg(long, value_name = "FILE", env = "FRONTROW_CONFIG", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where to listen (default: 127.0.0.1:8080).
    #[arg(long, value_name = "ADDR", env = "FRONTROW_LISTEN", global = true)]
    pub listen: Option<String>,
    /// The folder of the SQLite database and the signing key, made if it is missing (default: data).
    #[arg(long, value_name = "DIR", env = "FRONTROW_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// Seed a demo concert, open identities, and let fans charge their own wallets.
    #[arg(long, env = "FRONTROW_DEMO", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub demo: Option<bool>,
    /// `sqlite:` or `postgres:` (default: a SQLite file in the data folder).
    #[arg(long, value_name = "URL", env = "FRONTROW_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Redis, by which several processes over one PostgreSQL hear of each other sooner: `redis://`, `redis+cluster://`, `redis+sentinel://`,
    /// or with `rediss` for TLS.
    #[arg(long, value_name = "URL", env = "FRONTROW_REDIS_URL", global = true, hide_env_values = true)]
    pub redis_url: Option<String>,
    /// How the names of keys and channels in Redis begin (default: frontrow).
    #[arg(long, value_name = "PREFIX", env = "FRONTROW_REDIS_PREFIX", global = true)]
    pub redis_prefix: Option<String>,
    /// The file with the secret that signs tokens, made if it is missing (default: signing.key in the data folder).
    #[arg(long, value_name = "FILE", env = "FRONTROW_SIGNING_KEY", global = true)]
    pub signing_key: Option<PathBuf>,
    /// The folder of the published draws, one file a date, made if it is missing (default: draws in the data folder if
    /// that is used, else a temporary one).
    #[arg(long, value_name = "DIR", env = "FRONTROW_DRAW_FOLDER", global = true)]
    pub draw_folder: Option<PathBuf>,
    /// The public key (PEM) of the site's identity provider.
    #[arg(long, value_name = "FILE", env = "FRONTROW_IDENTITY_KEY", global = true)]
    pub identity_key: Option<PathBuf>,
    /// What identity tokens have to say in `iss`, letter by letter (default: anything or nothing).
    #[arg(long, value_name = "ISSUER", env = "FRONTROW_IDENTITY_ISSUER", global = true)]
    pub identity_issuer: Option<String>,
    /// Whom identity tokens have to be for: one of these has to be in `aud`; may be repeated (default: anybody or nobody).
    #[arg(
        long,
        value_name = "AUDIENCE",
        env = "FRONTROW_IDENTITY_AUDIENCE",
        value_delimiter = ',',
        global = true
    )]
    #[serde(default)]
    pub identity_audience: Vec<String>,
    /// `issueToken` takes `userId` from anybody (default: as --demo).
    #[arg(long, env = "FRONTROW_OPEN_IDENTITIES", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub open_identities: Option<bool>,
    /// Allow open identities on an address that is not loopback.
    #[arg(long, env = "FRONTROW_EXPOSE_OPEN_IDENTITIES", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub expose_open_identities: Option<bool>,
    /// Fans may charge their own wallets (default: as --demo).
    #[arg(long, env = "FRONTROW_SELF_SERVICE_CHARGING", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub self_service_charging: Option<bool>,
    /// `on` or `off`: the limits that are counted for each address, user and organiser (default: on, with --demo off).
    #[arg(long, value_name = "on|off", env = "FRONTROW_RATE_LIMITS", global = true)]
    pub rate_limits: Option<String>,
    /// `on` or `off`: clients may send the hash of a document in its place, once they have sent the document (default: on).
    #[arg(long, value_name = "on|off", env = "FRONTROW_PERSISTED_QUERIES", global = true)]
    pub persisted_queries: Option<String>,
    /// Concerts that one organiser may create within an hour (default: 200).
    #[arg(long, value_name = "N", env = "FRONTROW_ORGANISER_CONCERTS_PER_HOUR", global = true)]
    pub organiser_concerts_per_hour: Option<u32>,
    /// Dates that may be created within an hour for the concerts of one organiser (default: 20).
    #[arg(long, value_name = "N", env = "FRONTROW_ORGANISER_DATES_PER_HOUR", global = true)]
    pub organiser_dates_per_hour: Option<u32>,
    /// Seats that those dates may have together (default: 300000).
    #[arg(long, value_name = "N", env = "FRONTROW_ORGANISER_SEATS_PER_HOUR", global = true)]
    pub organiser_seats_per_hour: Option<u32>,
    /// How many days an idempotency key is remembered, at least 30 (default: 30).
    #[arg(long, value_name = "DAYS", env = "FRONTROW_IDEMPOTENCY_DAYS", global = true)]
    pub idempotency_days: Option<u32>,
    /// Connections that the process takes at once, sockets among them; fewer if fewer files may be open
    /// (default: 100000).
    #[arg(long, value_name = "N", env = "FRONTROW_MAX_CONNECTIONS", global = true)]
    pub max_connections: Option<usize>,
    /// How many of them one address may have: an IPv4 address, or a /64 of IPv6 (default: 500).
    #[arg(long, value_name = "N", env = "FRONTROW_MAX_CONNECTIONS_PER_ADDRESS", global = true)]
    pub max_connections_per_address: Option<usize>,
    /// MiB of answers that may be on their way at once, a quarter of it to one address (default: 128).
    #[arg(long, value_name = "MIB", env = "FRONTROW_MAX_OUTGOING_MIB", global = true)]
    pub max_outgoing_mib: Option<usize>,
    /// MiB of public answers that are remembered and sent again, one taking a quarter of it at most; 0 for none (default: 64).
    #[arg(long, value_name = "MIB", env = "FRONTROW_MAX_ANSWERS_MIB", global = true)]
    pub max_answers_mib: Option<usize>,
    /// MiB of memory that the dates in use may take together; those that nobody uses make room (default: 2048).
    #[arg(long, value_name = "MIB", env = "FRONTROW_MAX_DATES_MIB", global = true)]
    pub max_dates_mib: Option<usize>,
    /// A proxy, or a network of proxies, whose X-Forwarded-For is believed, as 10.0.0.0/8; may be repeated.
    #[arg(long, value_name = "CIDR", env = "FRONTROW_TRUSTED_PROXIES", value_delimiter = ',', global = true)]
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// A front end on another host that may use the API, as `scheme://host:port`; may be repeated.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "FRONTROW_ALLOWED_ORIGINS",
        value_delimiter = ',',
        global = true
    )]
    #[serde(default)]
    pub allowed_origins: Vec<String>,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Whether to seed the demo concert.
    pub demo: bool,
    /// The database; `None` for the SQLite file in the data folder.
    pub database_url: Option<String>,
    /// What several processes share; `None` for one process.
    pub redis: Option<RedisConfig>,
    /// The file with the signing secret.
    pub signing_key: PathBuf,
    /// The folder of the published draws; `None` for one that is made where there is room.
    pub draw_folder: Option<PathBuf>,
    /// The file with the identity provider's public key.
    pub identity_key: Option<PathBuf>,
    /// What identity tokens have to say in `iss`.
    pub identity_issuer: Option<String>,
    /// One of which identity tokens have to name in `aud`; any or none if this is empty.
    pub identity_audience: Vec<String>,
    /// Whether clients may send the hash of a document that they have sent before.
    pub persisted_queries: bool,
    /// Whether `issueToken` takes `userId` from anybody.
    pub open_identities: bool,
    /// Whether fans may charge their own wallets.
    pub self_service_charging: bool,
    /// Whether what is counted by address, user and organiser has limits. The bounds of memory and cost always hold.
    pub rate_limits: bool,
    /// Concerts that one organiser may create within an hour.
    pub organiser_concerts_per_hour: u32,
    /// Dates of one organiser's concerts that may be created within an hour.
    pub organiser_dates_per_hour: u32,
    /// Seats that those may have together.
    pub organiser_seats_per_hour: u32,
    /// How many days an idempotency key is remembered (rule 17).
    pub idempotency_days: u32,
    /// How many connections there may be at once.
    pub max_connections: usize,
    /// How many of them one address may have, if there are rate limits.
    pub max_connections_per_address: usize,
    /// Bytes of answers on their way.
    pub max_outgoing: usize,
    /// Bytes of public answers that are remembered; 0 for none.
    pub max_answers: usize,
    /// Bytes of memory that the dates in use may take together.
    pub max_dates: usize,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// Front ends on other hosts.
    pub allowed_origins: Vec<String>,
}

/// Where Redis is, and what is ours there.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// Where.
    pub url: RedisUrl,
    /// How the names of our keys and channels begin.
    pub prefix: String,
}

impl Layer {
    /// The settings of this layer upon those of its file and the defaults.
    ///
    /// # Errors
    /// A line for each mistake: what was wrong, and what would be right.
    pub fn resolve(self) -> Result<Config, Vec<String>> {
        let file = match &self.config {
            Some(path) => read_file(path).map_err(|mistake| vec![mistake])?,
            None => Self::default(),
        };
        self.over(file).check()
    }

    fn over(self, file: Self) -> Self {
        Self {
            config: self.config,
            listen: self.listen.or(file.listen),
            data: self.data.or(file.data),
            demo: self.demo.or(file.demo),
            database_url: self.database_url.or(file.database_url),
            redis_url: self.redis_url.or(file.redis_url),
            redis_prefix: self.redis_prefix.or(file.redis_prefix),
            signing_key: self.signing_key.or(file.signing_key),
            draw_folder: self.draw_folder.or(file.draw_folder),
            identity_key: self.identity_key.or(file.identity_key),
            identity_issuer: self.identity_issuer.or(file.identity_issuer),
            identity_audience: either(self.identity_audience, file.identity_audience),
            persisted_queries: self.persisted_queries.or(file.persisted_queries),
            open_identities: self.open_identities.or(file.open_identities),
            expose_open_identities: self.expose_open_identities.or(file.expose_open_identities),
            self_service_charging: self.self_service_charging.or(file.self_service_charging),
            rate_limits: self.rate_limits.or(file.rate_limits),
            organiser_concerts_per_hour: self
                .organiser_concerts_per_hour
                .or(file.organiser_concerts_per_hour),
            organiser_dates_per_hour: self.organiser_dates_per_hour.or(file.organiser_dates_per_hour),
            organiser_seats_per_hour: self.organiser_seats_per_hour.or(file.organiser_seats_per_hour),
            idempotency_days: self.idempotency_days.or(file.idempotency_days),
            max_connections: self.max_connections.or(file.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(file.max_connections_per_address),
            max_outgoing_mib: self.max_outgoing_mib.or(file.max_outgoing_mib),
            max_answers_mib: self.max_answers_mib.or(file.max_answers_mib),
            max_dates_mib: self.max_dates_mib.or(file.max_dates_mib),
            trusted_proxies: either(self.trusted_proxies, file.trusted_proxies),
            allowed_origins: either(self.allowed_origins, file.allowed_origins),
        }
    }

    fn check(self) -> Result<Config, Vec<String>> {
        let mut mistakes = Vec::new();
        let listen = self.listen.as_deref().unwrap_or(LISTEN);
        let listen = listen.parse::<SocketAddr>().map_err(|_| {
            mistakes.push(format!("listen: \"{listen}\" must be an address and a port, such as {LISTEN}"));
        });
        let demo = self.demo.unwrap_or_default();
        let open_identities = self.open_identities.unwrap_or(demo);
        if let Ok(listen) = listen
            && open_identities
            && !listen.ip().is_loopback()
            && !self.expose_open_identities.unwrap_or_default()
        {
            mistakes.push(format!(
                "listen: {listen} is not a loopback address, and open identities let anybody be anybody there; \
                 listen on {LISTEN}, or say --expose-open-identities if you mean it"
            ));
        }
        if let Some(url) = &self.database_url
            && !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme))
        {
            mistakes.push("database-url: must begin with sqlite: or postgres:".to_owned());
        }
        let redis = check_redis(
            self.redis_url.as_deref(),
            self.redis_prefix,
            self.database_url.as_deref(),
            &mut mistakes,
        );
        let max_connections = check_number(
            "max-connections",
            self.max_connections,
            MAX_CONNECTIONS,
            64..=1_000_000,
            &mut mistakes,
        );
        let max_connections_per_address = check_number(
            "max-connections-per-address",
            self.max_connections_per_address,
            MAX_CONNECTIONS_PER_ADDRESS,
            1..=1_000_000,
            &mut mistakes,
        );
        let max_outgoing_mib = check_number(
            "max-outgoing-mib",
            self.max_outgoing_mib,
            MAX_OUTGOING_MIB,
            64..=65_536,
            &mut mistakes,
        );
        let max_answers_mib =
            check_number("max-answers-mib", self.max_answers_mib, MAX_ANSWERS_MIB, 0..=65_536, &mut mistakes);
        let max_dates_mib =
            check_number("max-dates-mib", self.max_dates_mib, MAX_DATES_MIB, 16..=16_777_216, &mut mistakes);
        let trusted_proxies = check_proxies(&self.trusted_proxies, &mut mistakes);
        let rate_limits = check_switch("rate-limits", self.rate_limits.as_deref(), &mut mistakes);
        let persisted_queries =
            check_switch("persisted-queries", self.persisted_queries.as_deref(), &mut mistakes);
        for empty in [
            ("identity-issuer", self.identity_issuer.as_deref() == Some("")),
            ("identity-audience", self.identity_audience.iter().any(String::is_empty)),
        ] {
            if let (name, true) = empty {
                mistakes.push(format!("{name}: must not be empty; leave it out to ask for nothing"));
            }
        }
        let mut within = |name, value: Option<u32>, default: u32, least: u32, most: u32| {
            let value = value.unwrap_or(default);
            if !(least..=most).contains(&value) {
                mistakes.push(format!("{name}: {value} must be between {least} and {most}"));
            }
            value
        };
        let per_hour = [
            within("organiser-concerts-per-hour", self.organiser_concerts_per_hour, 200, 1, MOST_PER_HOUR),
            within("organiser-dates-per-hour", self.organiser_dates_per_hour, 20, 1, MOST_PER_HOUR),
            within("organiser-seats-per-hour", self.organiser_seats_per_hour, 300_000, 1, MOST_PER_HOUR),
        ];
        let idempotency_days =
            within("idempotency-days", self.idempotency_days, KEY_DAYS, KEY_DAYS, MOST_DAYS);
        for origin in &self.allowed_origins {
            let fine = origin.split_once("://").is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('/')
            });
            if !fine {
                mistakes
                    .push(format!("allowed-origins: \"{origin}\" must read like https://tickets.example"));
            }
        }
        let data = self.data.unwrap_or_else(|| DATA.into());
        match listen {
            Ok(listen) if mistakes.is_empty() => Ok(Config {
                listen,
                demo,
                database_url: self.database_url,
                redis,
                signing_key: self.signing_key.unwrap_or_else(|| data.join("signing.key")),
                draw_folder: self.draw_folder,
                identity_key: self.identity_key,
                identity_issuer: self.identity_issuer,
                identity_audience: self.identity_audience,
                persisted_queries: persisted_queries.unwrap_or(true),
                open_identities,
                self_service_charging: self.self_service_charging.unwrap_or(demo),
                // Who tries it out creates and joins more than anybody should at a sale.
                rate_limits: rate_limits.unwrap_or(!demo),
                organiser_concerts_per_hour: per_hour[0],
                organiser_dates_per_hour: per_hour[1],
                organiser_seats_per_hour: per_hour[2],
                idempotency_days,
                max_connections,
                max_connections_per_address,
                max_outgoing: max_outgoing_mib << 20,
                max_answers: max_answers_mib << 20,
                max_dates: max_dates_mib << 20,
                trusted_proxies,
                allowed_origins: self.allowed_origins,
                data,
            }),
            _ => Err(mistakes),
        }
    }
}

fn either(list: Vec<String>, or: Vec<String>) -> Vec<String> {
    if list.is_empty() { or } else { list }
}

fn check_number(
    name: &str,
    value: Option<usize>,
    default: usize,
    allowed: RangeInclusive<usize>,
    mistakes: &mut Vec<String>,
) -> usize {
    let value = value.unwrap_or(default);
    if !allowed.contains(&value) {
        let (least, most) = allowed.into_inner();
        mistakes.push(format!("{name}: {value} must be from {least} to {most}, such as {default}"));
    }
    value
}

fn check_proxies(proxies: &[String], mistakes: &mut Vec<String>) -> Vec<IpNet> {
    let mut read = |text: &String| {
        let text = text.trim();
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical())));
        if net.is_err() {
            mistakes.push(format!(
                "trusted-proxies: \"{text}\" must be an address or a network, such as 10.0.0.1 or 10.0.0.0/8"
            ));
        }
        net.ok()
    };
    proxies.iter().filter_map(&mut read).collect()
}

fn check_switch(name: &str, value: Option<&str>, mistakes: &mut Vec<String>) -> Option<bool> {
    match value? {
        "on" => Some(true),
        "off" => Some(false),
        other => {
            mistakes.push(format!("{name}: \"{other}\" must be on or off"));
            None
        }
    }
}

fn check_redis(
    url: Option<&str>,
    prefix: Option<String>,
    database_url: Option<&str>,
    mistakes: &mut Vec<String>,
) -> Option<RedisConfig> {
    let prefix = prefix.unwrap_or_else(|| REDIS_PREFIX.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if prefix.is_empty() || !prefix.chars().all(plain) {
        mistakes.push(format!(
            "redis-prefix: \"{prefix}\" must be letters, digits and -_.: such as {REDIS_PREFIX}"
        ));
    }
    let url = RedisUrl::parse(url?).map_err(|mistake| mistakes.push(format!("redis-url: {mistake}")));
    if !database_url.is_some_and(|url| url.starts_with("postgres")) {
        mistakes.push(
            "redis-url: several processes need PostgreSQL; name it as database-url, or leave out redis-url to \
             run one process"
                .to_owned(),
        );
    }
    Some(RedisConfig { url: url.ok()?, prefix })
}

fn read_file(path: &Path) -> Result<Layer, String> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("config: {shown} cannot be read: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("config: {shown}: {}", error.to_string().trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_safe() {
        let config = Layer::default().resolve().unwrap();
        assert!(config.listen.ip().is_loopback());
        assert!(!config.open_identities && !config.self_service_charging && !config.demo);
        assert!(config.rate_limits);
        assert_eq!(config.signing_key, Path::new("data/signing.key"));
    }

    #[test]
    fn open_identities_stay_on_loopback_unless_told_otherwise() {
        let open = Layer { demo: Some(true), listen: Some("0.0.0.0:80".into()), ..Layer::default() };
        let mistakes = open.clone().resolve().unwrap_err();
        assert!(mistakes[0].contains("--expose-open-identities"), "{mistakes:?}");
        assert!(Layer { expose_open_identities: Some(true), ..open.clone() }.resolve().is_ok());
        assert!(Layer { open_identities: Some(false), ..open }.resolve().is_ok());
    }

    #[test]
    fn the_demo_has_no_rate_limits_unless_it_is_told_to() {
        let with = |demo, limits: Option<&str>| Layer {
            demo: Some(demo),
            rate_limits: limits.map(str::to_owned),
            ..Layer::default()
        };
        let limits = |demo, limits| with(demo, limits).resolve().unwrap().rate_limits;
        assert_eq!([limits(false, None), limits(true, None)], [true, false]);
        assert_eq!([limits(false, Some("off")), limits(true, Some("on"))], [false, true]);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let bad = Layer {
            listen: Some("here".into()),
            database_url: Some("mysql://x".into()),
            redis_url: Some("redis://x:y".into()),
            redis_prefix: Some("{x}".into()),
            max_connections: Some(1),
            max_connections_per_address: Some(0),
            max_outgoing_mib: Some(1),
            max_dates_mib: Some(1),
            trusted_proxies: vec!["10.0.0.0/33".into()],
            rate_limits: Some("yes".into()),
            persisted_queries: Some("no".into()),
            identity_issuer: Some(String::new()),
            identity_audience: vec!["a".into(), String::new()],
            organiser_dates_per_hour: Some(0),
            idempotency_days: Some(29),
            allowed_origins: vec!["tickets.example".into()],
            ..Layer::default()
        };
        let mistakes = bad.resolve().unwrap_err();
        let named: Vec<_> = mistakes.iter().filter_map(|line| line.split(':').next()).collect();
        let expected = [
            "listen",
            "database-url",
            "redis-prefix",
            "redis-url",
            "redis-url",
            "max-connections",
            "max-connections-per-address",
            "max-outgoing-mib",
            "max-dates-mib",
            "trusted-proxies",
            "rate-limits",
            "persisted-queries",
            "identity-issuer",
            "identity-audience",
            "organiser-dates-per-hour",
            "idempotency-days",
            "allowed-origins",
        ];
        assert_eq!(named, expected, "{mistakes:?}");
    }

    #[test]
    fn several_processes_need_postgresql() {
        let one = Layer { redis_url: Some("redis://x".into()), ..Layer::default() };
        let mistakes = one.clone().resolve().unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].contains("need PostgreSQL"), "{mistakes:?}");
        let both = Layer { database_url: Some("postgres://x/y".into()), ..one };
        let redis = both.resolve().unwrap().redis.unwrap();
        assert_eq!((redis.url.to_string().as_str(), redis.prefix.as_str()), ("redis://x:6379/0", "frontrow"));
        assert!(Layer::default().resolve().unwrap().redis.is_none());
    }

    #[test]
    fn flags_win_over_the_file_and_a_typo_in_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frontrow.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nself_service_charging = true\n").unwrap();
        let flags = Layer { config: Some(path.clone()), ..Layer::default() };
        let config = flags.clone().resolve().unwrap();
        assert_eq!((config.listen.port(), config.self_service_charging), (1, true));
        let config = Layer { listen: Some("127.0.0.1:2".into()), ..flags.clone() }.resolve().unwrap();
        assert_eq!(config.listen.port(), 2);
        std::fs::write(&path, "lisen = \"127.0.0.1:1\"\n").unwrap();
        assert!(flags.resolve().unwrap_err()[0].contains("lisen"));
    }
}
