//! Which addresses are the public internet, and which are somebody's inside.
//!
//! IPv6 is judged by what is given out as global unicast, `2000::/3`, less what is set aside in it. So everything that
//! hides an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP below a private prefix) is refused without
//! being unpacked.
//! Source: the IANA special-purpose address registries, and what clouds serve metadata on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(octets: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), length)
}

const fn v6(high: [u16; 3], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(high[0], high[1], high[2], 0, 0, 0, 0, 0), length)
}

const INSIDE_V4: [(Ipv4Net, &str); 18] = [
    (v4([0, 0, 0, 0], 8), "this network"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by a carrier"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([168, 63, 129, 16], 32), "metadata of a cloud"),
    (v4([169, 254, 0, 0], 16), "link-local, where clouds serve metadata"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "set aside for protocols"),
    (v4([192, 0, 2, 0], 24), "documentation"),
    (v4([192, 88, 99, 0], 24), "6to4 relay"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "benchmarks"),
    (v4([198, 51, 100, 0], 24), "documentation"),
    (v4([203, 0, 113, 0], 24), "documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
    (v4([255, 255, 255, 255], 32), "broadcast"),
    (v4([192, 52, 193, 0], 24), "relay of multicast"),
];

const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

const INSIDE_V6: [(Ipv6Net, &str); 5] = [
    (v6([0x2001, 0, 0], 23), "set aside for protocols"),
    (v6([0x2001, 0x0db8, 0], 32), "documentation"),
    (v6([0x2002, 0, 0], 16), "6to4"),
    (v6([0x2620, 0x004f, 0x8000], 48), "set aside for reverse names"),
    (v6([0x3fff, 0, 0], 20), "documentation"),
];

/// Why an address is not the public internet; `None` when it is.
#[must_use]
pub fn inside(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => INSIDE_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what),
        IpAddr::V6(address) if !GLOBAL_V6.contains(&address) => Some("not global unicast"),
        IpAddr::V6(address) if hides_isatap(address) => Some("ISATAP"),
        IpAddr::V6(address) => INSIDE_V6.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what),
    }
}

/// The interface part `0000:5efe` or `0200:5efe`: a tunnel to the IPv4 address in the last four bytes (RFC 5214).
fn hides_isatap(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    matches!(parts[4], 0x0000 | 0x0200) && parts[5] == 0x5efe
}

/// A network as an operator writes it: `10.1.0.0/16`, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
