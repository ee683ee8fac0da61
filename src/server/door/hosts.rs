//! The names by which a request may ask for this server.
//!
//! A page of anybody's can have its own name lead to 127.0.0.1 (DNS rebinding), and is then, for the browser, a page of
//! this server. Where anybody may be anybody, and only because nobody else can reach the address, that would open the
//! server to every page that its user looks at. The page cannot hide its name, though: it is in `Host`.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

/// Which names are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// Any: who may do what is decided by tokens.
    #[must_use]
    pub fn any() -> Self {
        Self(None)
    }

    /// Those that cannot be anybody else's: `localhost` and the addresses of the loopback; and the hosts of these
    /// origins.
    #[must_use]
    pub fn of_loopback(allowed_origins: &[String]) -> Self {
        let hosts = allowed_origins.iter().filter_map(|origin| name(origin.split_once("://")?.1));
        Self(Some(hosts.map(str::to_ascii_lowercase).collect()))
    }

    /// Whether a request asks for one of them: with one `Host`, and the same in an address that has a host itself.
    pub(super) fn include(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(ours) = &self.0 else { return true };
        let is_ours = |host: &str| {
            name(host).is_some_and(|name| {
                let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
                name.eq_ignore_ascii_case("localhost")
                    || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
                    || ours.iter().any(|ours| ours.eq_ignore_ascii_case(name))
            })
        };
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().is_ok_and(is_ours)
            && uri.authority().is_none_or(|authority| is_ours(authority.as_str()))
    }
}

/// A host without its port.
fn name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')? + 2;
            (&host[..end], &host[end..])
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (is_port && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn hosts() -> Hosts {
        Hosts::of_loopback(&["https://Tickets.example:8443".to_owned(), "http://[2001:db8::1]".to_owned()])
    }

    fn asks(uri: &'static str, lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::HOST, HeaderValue::from_static(line));
        }
        hosts().include(&Uri::from_static(uri), &headers)
    }

    #[test]
    fn our_own_names_are_served_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:1",
            "tickets.example",
            "tickets.EXAMPLE:1",
            "[2001:db8::1]:80",
        ] {
            assert!(asks("/graphql", &[host]), "{host}");
        }
        assert!(asks("http://localhost:1/graphql", &["localhost:1"]));
    }

    #[test]
    fn a_foreign_name_is_not_nor_none_nor_two() {
        for host in [
            "",
            ":8080",
            "evil.example",
            "localhost.evil.example",
            "evil.example:8080",
            "localhost.",
            "127.0.0.1.nip.io",
            "192.0.2.1",
            "[2001:db8::2]",
            "0.0.0.0",
            "[::]",
            "[::1",
            "localhost:x",
            "localhost:1:2",
            "[::1]x",
            "user@localhost",
            "2130706433",
            "tickets.example.evil.example",
            "localhost,evil.example",
        ] {
            assert!(!asks("/graphql", &[host]), "{host}");
        }
        assert!(!asks("/graphql", &[]));
        assert!(!asks("/graphql", &["localhost", "localhost"]));
        assert!(!asks("http://evil.example/graphql", &["localhost"]));
        assert!(!asks("http://localhost/graphql", &["evil.example"]));
    }

    #[test]
    fn where_tokens_decide_any_name_will_do() {
        assert!(Hosts::any().include(&Uri::from_static("/"), &HeaderMap::new()));
    }
}
