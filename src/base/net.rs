//! What kind of address an address is. One function decides for every dial, so no spelling has a second reading.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The public Internet.
    Public,
    /// This machine.
    Loopback,
    /// RFC 1918, ULA, site-local, CGNAT.
    Private,
    /// Link-local, which holds the metadata services too.
    LinkLocal,
    /// A cloud's metadata service. Never reachable, whatever is allowed, unless named by its exact address.
    Metadata,
    /// Unspecified, multicast, broadcast, documentation, benchmarking, reserved.
    Special,
}

impl Reach {
    /// The stable short name, for denials and audit.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link_local",
            Self::Metadata => "metadata",
            Self::Special => "special",
        }
    }
}

/// Classifies an address, looking through IPv4-mapped, IPv4-compatible, NAT64, 6to4 and Teredo wrappings.
#[must_use]
pub fn reach(addr: IpAddr) -> Reach {
    match addr {
        IpAddr::V4(a) => reach_v4(a),
        IpAddr::V6(a) => reach_v6(a),
    }
}

fn reach_v4(a: Ipv4Addr) -> Reach {
    let o = a.octets();
    match o {
        [169, 254, 169, 254 | 253]
        | [169, 254, 170, 2 | 23]
        | [100, 100, 100, 200]
        | [168, 63, 129, 16]
        | [192, 0, 0, 192] => Reach::Metadata,
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] => Reach::Private,
        [172, b, ..] if (16..32).contains(&b) => Reach::Private,
        [100, b, ..] if (64..128).contains(&b) => Reach::Private,
        [169, 254, ..] => Reach::LinkLocal,
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Special,
        [b, ..] if b >= 224 => Reach::Special,
        _ => Reach::Public,
    }
}

fn reach_v6(a: Ipv6Addr) -> Reach {
    let s = a.segments();
    let low = |hi: u16, lo: u16| Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Special,
        [0, 0, 0, 0, 0, 0xffff | 0, hi, lo] | [0, 0, 0, 0, 0xffff, 0, hi, lo] => reach_v4(low(hi, lo)),
        // NAT64, well-known and local-use prefixes: whatever is behind them, judged by the embedded address
        [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => reach_v4(low(hi, lo)),
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        // 6to4 and Teredo carry an IPv4 address and lead to it
        [0x2002, hi, lo, ..] => not_public(reach_v4(low(hi, lo))),
        [0x2001, 0, ..] => Reach::Special,
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Reach::Metadata
        }
        [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] => Reach::Special,
        [b, ..] if b & 0xfe00 == 0xfc00 => Reach::Private,
        [b, ..] if b & 0xffc0 == 0xfe80 => Reach::LinkLocal,
        [b, ..] if b & 0xffc0 == 0xfec0 => Reach::Private,
        [b, ..] if b & 0xff00 == 0xff00 => Reach::Special,
        [b, ..] if b & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Special,
    }
}

/// A deprecated wrapping is no way to the public Internet either.
fn not_public(r: Reach) -> Reach {
    if r == Reach::Public { Reach::Special } else { r }
}

/// A network: an address and how many of its leading bits count. A bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    addr: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Does the network hold this address? IPv4-mapped IPv6 addresses are taken for the IPv4 they are.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr.to_canonical()) {
            (IpAddr::V4(n), IpAddr::V4(a)) => {
                same(u128::from(n.to_bits()), u128::from(a.to_bits()), 32, self.bits)
            }
            (IpAddr::V6(n), IpAddr::V6(a)) => same(n.to_bits(), a.to_bits(), 128, self.bits),
            _ => false,
        }
    }

    /// Is it a network of one address?
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.bits == if self.addr.is_ipv4() { 32 } else { 128 }
    }
}

fn same(a: u128, b: u128, width: u8, bits: u8) -> bool {
    bits == 0 || (a ^ b) >> (width - bits) == 0
}

impl FromStr for Cidr {
    type Err = &'static str;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (addr, bits) = match s.split_once('/') {
            Some((a, b)) => (a, Some(b)),
            None => (s, None),
        };
        let addr: IpAddr = addr.trim_matches(['[', ']']).parse().map_err(|_| "not an address")?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |b| b.parse::<u8>().map_err(|_| "not a prefix length"))?;
        if bits > most { Err("the prefix is longer than the address") } else { Ok(Self { addr, bits }) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrapping_of_a_private_address_is_seen_through() {
        for (text, want) in [
            ("127.0.0.1", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("::127.0.0.1", Reach::Loopback),
            ("64:ff9b::10.0.0.1", Reach::Private),
            ("64:ff9b::169.254.169.254", Reach::Metadata),
            ("2002:7f00:1::", Reach::Loopback),
            ("10.1.2.3", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("172.32.0.1", Reach::Public),
            ("192.168.0.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("169.254.1.1", Reach::LinkLocal),
            ("169.254.169.254", Reach::Metadata),
            ("::ffff:169.254.169.254", Reach::Metadata),
            ("fd00:ec2::254", Reach::Metadata),
            ("168.63.129.16", Reach::Metadata),
            ("fc00::1", Reach::Private),
            ("fe80::1", Reach::LinkLocal),
            ("0.0.0.0", Reach::Special),
            ("::", Reach::Special),
            ("255.255.255.255", Reach::Special),
            ("224.0.0.1", Reach::Special),
            ("ff02::1", Reach::Special),
            ("1.1.1.1", Reach::Public),
            ("2606:4700::1111", Reach::Public),
        ] {
            assert_eq!(reach(text.parse().unwrap()), want, "{text}");
        }
    }

    #[test]
    fn cidr_holds_what_it_says() {
        let c: Cidr = "10.0.0.0/8".parse().unwrap();
        assert!(c.contains("10.255.0.1".parse().unwrap()) && c.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!c.contains("11.0.0.1".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Cidr>().unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
    }
}
