//! `Host` and `Authority`: the one parse of "where to", used alike for policy, DNS, SNI, certificates and audit.
//! Whatever has two readings (odd IPv4 spellings, zone ids, control bytes) is refused, never guessed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// A host as the whole program knows it: an ASCII lower-case DNS name without trailing dot, or an address.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A DNS name: 1 to 253 bytes of `a-z 0-9 - _ .`, labels of 1 to 63 bytes.
    Name(Arc<str>),
    /// A literal address. IPv4-mapped IPv6 is kept as IPv6; who checks addresses unmaps it.
    Addr(IpAddr),
}

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// Why a host or authority was refused. Never carries the offending text (it may hold a secret).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("the host is empty")]
    Empty,
    /// More than 253 bytes, or a label of more than 63.
    #[error("the host name is longer than DNS allows")]
    TooLong,
    /// A byte that no host name has (control byte, space, NUL, non-ASCII, userinfo).
    #[error("the host has a character that no host name has")]
    BadCharacter,
    /// An empty label.
    #[error("the host has an empty label")]
    EmptyLabel,
    /// `0x7f.1`, `2130706433`, `127.1`: spellings that resolvers read as addresses.
    #[error("the host looks like an IPv4 address in a spelling that is not dotted decimal")]
    OddAddress,
    /// An IPv6 literal that does not parse, or has a zone id.
    #[error("the IPv6 literal is malformed or has a zone id")]
    BadV6,
    /// The port is missing, zero or not a number.
    #[error("the port is missing or not a number from 1 to 65535")]
    BadPort,
}

impl Host {
    /// Parses a host as it stands in an authority: a name, dotted-decimal IPv4, or IPv6 in brackets or bare.
    ///
    /// # Errors
    /// [`HostError`] for anything with more than one reading.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::BadV6)?;
            return inner.parse::<Ipv6Addr>().map(|a| Self::Addr(a.into())).map_err(|_| HostError::BadV6);
        }
        if text.contains(':') {
            return text.parse::<Ipv6Addr>().map(|a| Self::Addr(a.into())).map_err(|_| HostError::BadV6);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if name.len() > 253 {
            return Err(HostError::TooLong);
        }
        for label in name.split('.') {
            match label.len() {
                0 => return Err(HostError::EmptyLabel),
                1..=63 => {}
                _ => return Err(HostError::TooLong),
            }
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                return Err(HostError::BadCharacter);
            }
        }
        if ends_in_a_number(name) {
            return name.parse::<Ipv4Addr>().map(|a| Self::Addr(a.into())).map_err(|_| HostError::OddAddress);
        }
        Ok(Self::Name(if name.bytes().any(|b| b.is_ascii_uppercase()) {
            name.to_ascii_lowercase().into()
        } else {
            name.into()
        }))
    }

    /// The DNS name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(n) => Some(n),
            Self::Addr(_) => None,
        }
    }

    /// The literal address, if it is one.
    #[must_use]
    pub fn addr(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Addr(a) => Some(*a),
        }
    }
}

/// What a resolver would read as an IPv4 address: the last label is all digits, or `0x` and hex digits.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit()) || hex.is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(n) => f.write_str(n),
            Self::Addr(IpAddr::V4(a)) => a.fmt(f),
            Self::Addr(IpAddr::V6(a)) => write!(f, "[{a}]"),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Host {
    type Err = HostError;
    fn from_str(s: &str) -> Result<Self, HostError> {
        Self::parse(s)
    }
}

impl Authority {
    /// Parses `host:port`; without a port, `default` stands in (`None`: a port is required). Userinfo is refused.
    ///
    /// # Errors
    /// [`HostError`] for a bad host or port.
    pub fn parse(text: &str, default: Option<u16>) -> Result<Self, HostError> {
        let (host, port) = match text.rfind(':') {
            Some(at) if text.ends_with(']') || text[..at].contains(':') && !text.starts_with('[') => {
                let _ = at;
                (text, None)
            }
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let port = match port {
            None => default.ok_or(HostError::BadPort)?,
            Some(p) if !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) => {
                p.parse::<u16>().ok().filter(|p| *p != 0).ok_or(HostError::BadPort)?
            }
            Some(_) => return Err(HostError::BadPort),
        };
        Ok(Self { host: Host::parse(host)?, port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowered_and_lose_the_trailing_dot() {
        assert_eq!(Host::parse("API.Example.COM.").unwrap().to_string(), "api.example.com");
        assert_eq!(Host::parse("xn--bcher-kva.example").unwrap().name(), Some("xn--bcher-kva.example"));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for (text, why) in [
            ("", HostError::Empty),
            (".", HostError::Empty),
            ("a..b", HostError::EmptyLabel),
            ("evil\0.google.com", HostError::BadCharacter),
            ("a b", HostError::BadCharacter),
            ("user@host", HostError::BadCharacter),
            ("bücher.example", HostError::BadCharacter),
            ("0x7f.1", HostError::OddAddress),
            ("2130706433", HostError::OddAddress),
            ("127.1", HostError::OddAddress),
            ("0177.0.0.1", HostError::OddAddress),
            ("1.2.3.4.5", HostError::OddAddress),
            ("0x7f000001", HostError::OddAddress),
            ("[::1%25eth0]", HostError::BadV6),
            ("[::1", HostError::BadV6),
        ] {
            assert_eq!(Host::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(Host::parse(&"a".repeat(64)), Err(HostError::TooLong));
    }

    #[test]
    fn authorities_take_ports_of_every_shape() {
        let a = |t: &str| Authority::parse(t, Some(443)).map(|a| a.to_string());
        assert_eq!(a("h").unwrap(), "h:443");
        assert_eq!(a("h:80").unwrap(), "h:80");
        assert_eq!(a("127.0.0.1:1").unwrap(), "127.0.0.1:1");
        assert_eq!(a("[::1]:8443").unwrap(), "[::1]:8443");
        assert_eq!(a("[::1]").unwrap(), "[::1]:443");
        assert_eq!(a("::1").unwrap(), "[::1]:443");
        for bad in ["h:", "h:0", "h:65536", "h:+80", "h:8 0", ":80"] {
            assert!(a(bad).is_err(), "{bad}");
        }
        assert_eq!(Authority::parse("h", None), Err(HostError::BadPort));
    }
}
