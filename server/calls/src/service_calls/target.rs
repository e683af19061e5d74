//! Which hosts a call may reach: nothing that is near the server rather than on the internet.
//!
//! Addresses are those of the IANA special-purpose registries (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether calls may reach the machine the server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loopback {
    /// They may not: for production.
    #[default]
    Denied,
    /// They may: for development and tests.
    Allowed,
}

/// Whether the host of a URL may be reached as far as its text tells. What a name resolves to is
/// judged when the call is made, by [`is_reachable`].
pub(crate) fn may_name(url: &Url, loopback: Loopback) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_reachable(IpAddr::V4(address), loopback),
        Some(Host::Ipv6(address)) => is_reachable(IpAddr::V6(address), loopback),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_local = name == "localhost" || name.ends_with(".localhost");
            !is_local || loopback == Loopback::Allowed
        }
        None => false,
    }
}

/// Whether a call may connect to an address.
pub(crate) fn is_reachable(address: IpAddr, loopback: Loopback) -> bool {
    match address {
        IpAddr::V4(address) => is_reachable_v4(address, loopback),
        IpAddr::V6(address) => is_reachable_v6(address, loopback),
    }
}

fn is_reachable_v4(address: Ipv4Addr, loopback: Loopback) -> bool {
    if address.is_loopback() {
        return loopback == Loopback::Allowed;
    }
    !matches!(
        address.octets(),
        [0 | 10, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    )
}

fn is_reachable_v6(address: Ipv6Addr, loopback: Loopback) -> bool {
    if address.is_loopback() {
        return loopback == Loopback::Allowed;
    }
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_reachable_v4(mapped, loopback);
    }
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address they hold; never to this
        // machine, whatever is allowed.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_reachable_v4(embedded(high, low), Loopback::Denied)
        }
        // Protocol assignments with Teredo, documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast; all else is special.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(url: &str, loopback: Loopback) -> bool {
        may_name(&Url::parse(url).expect("a url"), loopback)
    }

    #[test]
    fn special_addresses_are_blocked_however_they_are_written() {
        let blocked = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://0.0.0.0/",
            "http://10.1.2.3/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://192.0.0.8/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001::1]/",
            "http://[2001:db8::1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
        ];
        for url in blocked {
            assert!(!reaches(url, Loopback::Denied), "{url}");
        }
    }

    #[test]
    fn loopback_is_all_that_can_be_allowed() {
        let allowed = ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"];
        for url in allowed {
            assert!(reaches(url, Loopback::Allowed), "{url}");
        }
        let blocked = ["http://169.254.169.254/", "http://10.0.0.1/", "http://[2002:7f00:1::]/"];
        for url in blocked {
            assert!(!reaches(url, Loopback::Allowed), "{url}");
        }
    }

    #[test]
    fn the_internet_is_reachable() {
        let allowed = [
            "https://example.com/",
            "http://93.184.216.34/",
            "http://172.32.0.1/",
            "http://[2606:2800:220:1::1]/",
            "http://[64:ff9b::5db8:d822]/",
        ];
        for url in allowed {
            assert!(reaches(url, Loopback::Denied), "{url}");
        }
    }
}
