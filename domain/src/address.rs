//! Whose connection it is, as far as the network can tell: one address, or the network behind it.

use std::net::{IpAddr, Ipv6Addr};

/// What counts as one caller of the network: an IPv4 address, or the /64 of an IPv6 address, which one household or
/// one machine gets as a whole and can fill with addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// The address that counts for this one. An IPv4 address in the form of IPv6 (`::ffff:192.0.2.1`) is the IPv4 one.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
            ip => ip,
        })
    }
}

/// The address that the nearest proxy saw, which is not one of ours: the rightmost one that is not `trusted`. What
/// stands further left was said by whoever stands there, and is not read. `None` if there is no such address, or what
/// stands in its place is none.
///
/// The values of `X-Forwarded-For` and of `Forwarded` are given in the order of their lines. A proxy usually sets one of
/// them and passes the other one on as the client sent it; so where both are there, they must agree.
#[must_use]
pub fn forwarded(
    x_forwarded_for: &[&str],
    forwarded: &[&str],
    trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let legacy = (!x_forwarded_for.is_empty()).then(|| {
        let entries = x_forwarded_for.iter().flat_map(|line| line.split(','));
        rightmost(entries.map(node), &trusted)
    });
    let standard = (!forwarded.is_empty()).then(|| {
        let entries = forwarded.iter().flat_map(|line| line.split(','));
        rightmost(entries.map(|entry| node(parameter_for(entry)?)), &trusted)
    });
    match (legacy, standard) {
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) => one.filter(|_| one == other),
        (None, None) => None,
    }
}

fn rightmost(
    entries: impl Iterator<Item = Option<IpAddr>>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let entries: Vec<_> = entries.collect();
    // One that cannot be read may hide anybody, so nothing to the left of it is believed.
    entries.into_iter().rev().find(|entry| entry.is_none_or(|ip| !trusted(ip)))?
}

/// The value of `for` in one element of a Forwarded header.
fn parameter_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let ip = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0.parse::<Ipv6Addr>().ok()?.into(),
        None if text.matches(':').count() == 1 => text.split_once(':')?.0.parse().ok()?,
        None => text.parse::<IpAddr>().ok()?,
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn ours(ip: IpAddr) -> bool {
        ip.to_string().starts_with("10.")
    }

    fn legacy(lines: &[&str]) -> Option<String> {
        forwarded(lines, &[], ours).map(|ip| ip.to_string())
    }

    fn standard(lines: &[&str]) -> Option<String> {
        forwarded(&[], lines, ours).map(|ip| ip.to_string())
    }

    #[test]
    fn one_machine_is_one_address_whatever_it_calls_itself() {
        let same = |a: &str, b: &str| Address::of(ip(a)) == Address::of(ip(b));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn the_rightmost_address_that_is_not_ours_counts() {
        assert_eq!(legacy(&["192.0.2.1"]), Some("192.0.2.1".into()));
        // Whoever writes an address in front of its own does not become it.
        assert_eq!(legacy(&["198.51.100.7, 192.0.2.1"]), Some("192.0.2.1".into()));
        assert_eq!(legacy(&["198.51.100.7", "192.0.2.1, 10.0.0.1", "10.0.0.2"]), Some("192.0.2.1".into()));
        assert_eq!(legacy(&["192.0.2.1:4711"]), Some("192.0.2.1".into()));
        assert_eq!(legacy(&["[2001:db8::1]:4711"]), Some("2001:db8::1".into()));
        assert_eq!(legacy(&["2001:db8::1"]), Some("2001:db8::1".into()));
        assert_eq!(legacy(&["::ffff:192.0.2.1"]), Some("192.0.2.1".into()));
        assert_eq!(standard(&["for=192.0.2.1;proto=http;by=10.0.0.1"]), Some("192.0.2.1".into()));
        assert_eq!(standard(&["for=x, proto=https; For=\"[2001:db8::1]:80\""]), Some("2001:db8::1".into()));
        assert_eq!(
            standard(&["for=198.51.100.7, for=\"192.0.2.1:80\", for=10.0.0.1"]),
            Some("192.0.2.1".into())
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_believed_and_hides_what_stands_before_it() {
        for line in ["", " ", "unknown", "_hidden", "192.0.2", "[2001:db8::1", "1.2.3.4:5:6", "192.0.2.1, ,"]
        {
            assert_eq!(legacy(&[line]), None, "{line}");
        }
        assert_eq!(legacy(&["192.0.2.1, nonsense, 10.0.0.1"]), None);
        assert_eq!(legacy(&["10.0.0.1"]), None, "nobody but ourselves");
        assert_eq!(legacy(&[]), None);
        for line in ["by=192.0.2.1", "for", "for=", "for=unknown", "for=\"_x\""] {
            assert_eq!(standard(&[line]), None, "{line}");
        }
    }

    #[test]
    fn two_headers_must_agree() {
        let both = |a: &str, b: &str| forwarded(&[a], &[b], ours).map(|ip| ip.to_string());
        assert_eq!(both("192.0.2.1", "for=192.0.2.1"), Some("192.0.2.1".into()));
        assert_eq!(both("192.0.2.1", "for=198.51.100.7"), None);
        assert_eq!(both("192.0.2.1", "nonsense"), None);
        assert_eq!(both("nonsense", "for=192.0.2.1"), None);
    }
}
