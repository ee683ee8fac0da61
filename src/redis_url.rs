//! The form of a Redis address: one server, a cluster, or a master that sentinels watch over.
//!
//! ```text
//! redis://[user:password@]host[:port][/db]
//! redis+cluster://[user:password@]host[:port],host[:port]…
//! redis+sentinel://[user:password@]host[:port],host[:port]…/service[/db][?sentinels=[user]:password]
//! ```
//!
//! With `rediss` for `redis` the connection is encrypted (TLS), to sentinels too. `#insecure` behind it takes any
//! certificate, for tests. The login in front is that of the servers which hold the data; sentinels have their own.
//!
//! Pure, and a room of its own: the settings check the form, the store connects by it.

use std::fmt;

/// The port of a Redis server.
const PORT: u16 = 6_379;

/// The port of a sentinel.
const SENTINEL_PORT: u16 = 26_379;

/// See the module. `Debug` and `Display` leave out the login.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// What the hosts are.
    pub layout: Layout,
    /// At least one; exactly one for [`Layout::Single`].
    pub hosts: Vec<Host>,
    /// How to log in, if at all.
    pub login: Option<Login>,
    /// Whether to encrypt.
    pub tls: Tls,
}

/// What the hosts of a [`RedisUrl`] are.
#[derive(Clone, PartialEq, Eq)]
pub enum Layout {
    /// The one server.
    Single {
        /// The number of the database.
        db: u16,
    },
    /// Some nodes of a cluster, which know the others.
    Cluster,
    /// Sentinels, which know the master.
    Sentinel {
        /// The name under which they watch over it.
        service: String,
        /// The number of the database.
        db: u16,
        /// How to log in to the sentinels, if at all.
        login: Option<Login>,
    },
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A name or an address, IPv6 without brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

/// A name and a password. Has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name; `None` for the default user.
    pub user: Option<String>,
    /// The password.
    pub password: String,
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It is not.
    Off,
    /// It is, and the certificate must be good.
    On,
    /// It is, and any certificate will do.
    Unchecked,
}

impl RedisUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong and what would be right, without the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (base, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let encrypted = match base {
            "redis" => false,
            "rediss" => true,
            _ => {
                return Err("must begin with redis:// or rediss://, or with redis+cluster:// or \
                             redis+sentinel://"
                    .into());
            }
        };
        let (rest, tls) = match (rest.split_once('#'), encrypted) {
            (None, false) => (rest, Tls::Off),
            (None, true) => (rest, Tls::On),
            (Some((rest, "insecure")), true) => (rest, Tls::Unchecked),
            (Some((_, "insecure")), false) => return Err("#insecure needs rediss://".into()),
            (Some(_), _) => {
                return Err("only #insecure may follow the address; # in a password is %23".into());
            }
        };
        let (rest, option) = match (rest.split_once('?'), kind) {
            (None, _) => (rest, None),
            (Some((rest, option)), "sentinel") => (rest, Some(read_option(option)?)),
            (Some(_), _) => return Err("takes no options behind ?; ? in a password is %3F".into()),
        };
        // A slash belongs to the path only behind the login.
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(read_login(login)?), rest),
            None => (None, rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (layout, port) = match kind {
            "" => (Layout::Single { db: read_db(path)? }, PORT),
            "cluster" if matches!(path, "" | "0") => (Layout::Cluster, PORT),
            "cluster" => return Err("a cluster has only the database 0; leave out what follows /".into()),
            "sentinel" => {
                let (service, db) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(
                        "the name of the sentinels' service is missing; write it behind the hosts, as \
                                in redis+sentinel://host:26379/mymaster"
                            .into(),
                    );
                }
                let (service, db) = (decode(service)?, read_db(db)?);
                (Layout::Sentinel { service, db, login: option }, SENTINEL_PORT)
            }
            _ => return Err(format!("\"+{kind}\" is not known; there are +cluster and +sentinel")),
        };
        let hosts = hosts.split(',').map(|host| read_host(host, port)).collect::<Result<Vec<_>, _>>()?;
        if hosts.len() > 1 && matches!(layout, Layout::Single { .. }) {
            return Err("several hosts need redis+cluster:// or redis+sentinel://".into());
        }
        Ok(Self { layout, hosts, login, tls })
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.layout {
            Layout::Single { .. } => "",
            Layout::Cluster => "+cluster",
            Layout::Sentinel { .. } => "+sentinel",
        };
        write!(f, "redis{}{kind}://", if self.tls == Tls::Off { "" } else { "s" })?;
        for (n, Host { name, port }) in self.hosts.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            if name.contains(':') {
                write!(f, "{comma}[{name}]:{port}")?;
            } else {
                write!(f, "{comma}{name}:{port}")?;
            }
        }
        match &self.layout {
            Layout::Single { db } => write!(f, "/{db}"),
            Layout::Cluster => Ok(()),
            Layout::Sentinel { service, db, .. } => write!(f, "/{service}/{db}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

fn read_login(login: &str) -> Result<Login, String> {
    let (user, password) =
        login.split_once(':').ok_or("a login must read user:password, or :password for the default user")?;
    if password.is_empty() {
        return Err("the password is empty; leave out the login if there is none".into());
    }
    let user = Some(decode(user)?).filter(|user| !user.is_empty());
    Ok(Login { user, password: decode(password)? })
}

/// The only one that there is.
fn read_option(option: &str) -> Result<Login, String> {
    let login = option
        .strip_prefix("sentinels=")
        .ok_or("only ?sentinels=user:password may follow the service; ? in a password is %3F")?;
    read_login(login)
}

fn read_db(text: &str) -> Result<u16, String> {
    match text {
        "" => Ok(0),
        _ => text.parse().map_err(|_| format!("\"{text}\" must be the number of a database, such as 0")),
    }
}

fn read_host(text: &str, default: u16) -> Result<Host, String> {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None => Ok(default),
        Some(port) => {
            port.parse().map_err(|_| ()).and_then(|port| if port == 0 { Err(()) } else { Ok(port) })
        }
    };
    let port =
        port.map_err(|()| format!("\"{text}\" must be a host and a port, such as redis.example:{default}"));
    if name.is_empty() {
        return Err("a host is missing".into());
    }
    Ok(Host { name: name.to_owned(), port: port? })
}

/// `%XX` stands for that byte.
fn decode(text: &str) -> Result<String, String> {
    let wrong = || "a % must be followed by two hexadecimal digits, as in %40 for @".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend(pieces.next().unwrap_or_default().bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or_else(wrong)?;
        bytes.extend(hex::decode(digits).map_err(|_| wrong())?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> String {
        RedisUrl::parse(url).unwrap().to_string()
    }

    fn mistake(url: &str) -> String {
        RedisUrl::parse(url).unwrap_err()
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(parsed("redis://h"), "redis://h:6379/0");
        assert_eq!(parsed("rediss://h:1/2"), "rediss://h:1/2");
        assert_eq!(parsed("redis://[::1]:7"), "redis://[::1]:7/0");
        assert_eq!(parsed("redis+cluster://a:1,b/"), "redis+cluster://a:1,b:6379");
        assert_eq!(parsed("redis+sentinel://a,b:2/main"), "redis+sentinel://a:26379,b:2/main/0");
        assert_eq!(parsed("rediss+sentinel://a/main/3"), "rediss+sentinel://a:26379/main/3");
        assert_eq!(RedisUrl::parse("rediss://h#insecure").unwrap().tls, Tls::Unchecked);
        assert_eq!(RedisUrl::parse("rediss+cluster://h").unwrap().tls, Tls::On);
    }

    #[test]
    fn a_login_is_read_and_never_shown() {
        let url = RedisUrl::parse("redis://ann:p%40ss/w:rd@h").unwrap();
        let login = url.login.clone().unwrap();
        assert_eq!((login.user.as_deref(), login.password.as_str()), (Some("ann"), "p@ss/w:rd"));
        assert!(!format!("{url} {url:?}").contains("ss/w"));
        assert_eq!(RedisUrl::parse("redis://:p@h").unwrap().login.unwrap().user, None);
    }

    #[test]
    fn sentinels_have_a_login_of_their_own() {
        let url = RedisUrl::parse("redis+sentinel://:data@a/main/1?sentinels=bob:w%26tch").unwrap();
        assert_eq!(url.to_string(), "redis+sentinel://a:26379/main/1");
        assert_eq!(url.login.unwrap().password, "data");
        let Layout::Sentinel { login: Some(login), .. } = url.layout else { panic!("no login") };
        assert_eq!((login.user.as_deref(), login.password.as_str()), (Some("bob"), "w&tch"));
    }

    #[test]
    fn each_mistake_says_what_would_be_right() {
        for (url, part) in [
            ("", "must begin with redis://"),
            ("http://h", "must begin with redis://"),
            ("redis+ring://h", "+cluster and +sentinel"),
            ("redis://", "a host is missing"),
            ("redis://a,b", "several hosts need"),
            ("redis+cluster://a,,b", "a host is missing"),
            ("redis://h:x", "a host and a port"),
            ("redis://h:0", "a host and a port"),
            ("redis://h/x", "the number of a database"),
            ("redis+cluster://h/1", "only the database 0"),
            ("redis+sentinel://h", "service is missing"),
            ("redis://h#insecure", "needs rediss://"),
            ("rediss://h#fast", "only #insecure"),
            ("redis://h?protocol=resp3", "no options"),
            ("redis+sentinel://h/main?db=1", "only ?sentinels="),
            ("redis+sentinel://h/main?sentinels=p", "user:password"),
            ("redis://ann@h", "user:password,"),
            ("redis://ann:@h", "the password is empty"),
            ("redis://:%4@h", "two hexadecimal digits"),
        ] {
            assert!(mistake(url).contains(part), "{url}: {}", mistake(url));
        }
        assert!(!mistake("redis://ann:secret@h:x").contains("secret"));
    }
}
