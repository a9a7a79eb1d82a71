//! Text → checked value, for every kind of value a configuration has, and back. Knows no keys and no places.

use super::slot::{SlotError, token};
use super::{Listen, Slot};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::{Host, HostError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a value was refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) instead: String,
}

/// A [`Wrong`] from its two halves.
pub(super) fn wrong<T>(what: impl Into<String>, instead: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), instead: instead.into() })
}

type Read<T> = Result<T, Wrong>;

/// `1MiB`, `64 KiB`, `1GiB`, or plain bytes.
pub(super) fn size(text: &str) -> Read<u64> {
    const INSTEAD: &str = "write bytes, or a number with KiB, MiB or GiB: 65536, 64KiB, 1MiB";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return wrong("is not a size", INSTEAD),
    };
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        Some(n) => Ok(n),
        None => wrong("is not a size", INSTEAD),
    }
}

/// The shortest spelling that [`size`] reads back.
pub(super) fn print_size(bytes: u64) -> serde_json::Value {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift).into();
        }
    }
    bytes.into()
}

/// `500ms`, `10s`, `5m`, `1h 30m`. A number without a unit is refused.
pub(super) fn duration(text: &str) -> Read<Duration> {
    humantime::parse_duration(text)
        .or_else(|_| wrong("is not a duration", "write a number with its unit: 500ms, 10s, 5m, 1h"))
}

/// `127.0.0.1:8443`, `[::1]:8443`, `unix:/path`.
pub(super) fn listen(text: &str) -> Read<Listen> {
    const INSTEAD: &str = "write ADDRESS:PORT (127.0.0.1:8443, [::1]:8443) or unix:/absolute/path";
    if let Some(path) = text.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        return if !path.is_absolute() {
            wrong("is not an absolute socket path", INSTEAD)
        } else if path.as_os_str().len() > 107 {
            wrong("is longer than the 107 bytes a socket path may have", "choose a shorter path")
        } else {
            Ok(Listen::Unix(path))
        };
    }
    let text = text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map(Listen::Tcp).or_else(|_| wrong("is not an address to listen at", INSTEAD))
}

/// A host pattern; `*` only where `any` is allowed.
pub(super) fn host(text: &str, any: bool) -> Read<HostPattern> {
    match HostPattern::parse(text) {
        Ok(HostPattern::Any) if !any => {
            wrong("would hold every host", "name the hosts: api.example.com, *.example.com")
        }
        Ok(p) => Ok(p),
        Err(e) => wrong(host_error(e, text), "write a host name, an address, or *.suffix"),
    }
}

fn host_error(e: HostError, text: &str) -> String {
    if text.contains("://") {
        return "is a URL, not a host".into();
    }
    format!("is not a host pattern: {e}")
}

/// `host` or `host:port`.
pub(super) fn host_port(text: &str, any: bool) -> Read<(HostPattern, Option<u16>)> {
    let colon = match text.rfind(':') {
        // the colons of a bare or bracketed IPv6 address are no port's
        Some(at) if text.ends_with(']') || (text[..at].contains(':') && !text.starts_with('[')) => None,
        at => at,
    };
    let Some(at) = colon else { return Ok((host(text, any)?, None)) };
    match text[at + 1..].parse::<u16>() {
        Ok(port) if port != 0 && text.as_bytes()[at + 1].is_ascii_digit() => {
            Ok((host(&text[..at], any)?, Some(port)))
        }
        _ => wrong("has a port that is not a number from 1 to 65535", "write HOST or HOST:PORT"),
    }
}

/// How [`host_port`] is written.
pub(super) fn print_host_port((host, port): &(HostPattern, Option<u16>)) -> String {
    port.map_or_else(|| host.to_string(), |p| format!("{host}:{p}"))
}

/// `host[:port]=address:port`.
pub(super) fn resolve(text: &str) -> Read<(HostPattern, Option<u16>, SocketAddr)> {
    const INSTEAD: &str = "write HOST[:PORT]=ADDRESS:PORT, as in api.example.com:443=127.0.0.1:9443";
    let Some((from, to)) = text.split_once('=') else {
        return wrong("has no `=` between name and address", INSTEAD);
    };
    let (pattern, port) = host_port(from.trim(), true)?;
    match to.trim().parse() {
        Ok(addr) => Ok((pattern, port, addr)),
        Err(_) => wrong("does not lead to an address with a port", INSTEAD),
    }
}

/// The place of a credential.
pub(super) fn slot(text: &str) -> Read<Slot> {
    text.parse().or_else(|e: SlotError| wrong(e.to_string(), e.instead()))
}

/// An HTTP method, upper case.
pub(super) fn method(text: &str) -> Read<String> {
    if token(text) { Ok(text.to_ascii_uppercase()) } else { wrong("is not a method", "write GET, POST, …") }
}

/// A path glob.
pub(super) fn path_glob(text: &str) -> Read<Glob> {
    if text.starts_with('/') || text.starts_with('*') {
        Ok(Glob::new(text))
    } else {
        wrong("is not a path pattern", "begin it with `/`: /v1/*, /repos/**")
    }
}

/// The name of a vault entry. Never shown when it is wrong: it may be the value itself.
pub(super) fn secret_name(text: &str) -> Read<String> {
    let ok = !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if ok {
        Ok(text.to_owned())
    } else {
        wrong(
            "is not the name of a vault entry (it is not shown, in case it is the secret itself)",
            "write the name only, as `katana vault list` shows it; the value belongs in the vault: `katana vault set NAME`",
        )
    }
}

/// Is host pattern and address text a host of its own? For `allow_private_destinations`, where networks stand too.
pub(super) fn looks_like_net(text: &str) -> bool {
    text.contains('/') || matches!(Host::parse(text), Ok(Host::Addr(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_there_and_back() {
        for (text, want) in
            [("1MiB", 1 << 20), ("64 KiB", 1 << 16), ("0", 0), ("12345", 12345), ("2GiB", 2 << 30)]
        {
            assert_eq!(size(text), Ok(want), "{text}");
            let printed = print_size(want);
            let printed = printed.as_str().map_or_else(|| printed.to_string(), str::to_owned);
            assert_eq!(size(&printed), Ok(want));
        }
        for bad in ["", "MiB", "1MB", "-1", "1.5MiB", "99999999999GiB", "1kib"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for bad in ["10", "", "s", "10 parsecs", "-1s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_with_ports_of_every_shape() {
        for text in
            ["a.example", "a.example:443", "*.a.example:8443", "*", "[::1]:443", "[::1]", "10.0.0.1:80"]
        {
            assert_eq!(print_host_port(&host_port(text, true).unwrap()), text);
        }
        assert_eq!(print_host_port(&host_port("::1", true).unwrap()), "[::1]");
        for bad in ["a:0", "a:", "a:+1", "a:70000", "https://a", "a b", ""] {
            assert!(host_port(bad, true).is_err(), "{bad}");
        }
        assert!(host_port("*", false).is_err());
    }

    #[test]
    fn listeners() {
        assert_eq!(listen("localhost:1"), Ok(Listen::Tcp("127.0.0.1:1".parse().unwrap())));
        assert!(
            listen("unix:/run/k.sock").is_ok()
                && listen("[::1]:8443").is_ok()
                && listen("127.0.0.1:0").is_ok()
        );
        for bad in ["8443", ":8443", "unix:k.sock", "example.com:1", "127.0.0.1"] {
            assert!(listen(bad).is_err(), "{bad}");
        }
        assert!(listen(&format!("unix:/{}", "x".repeat(200))).is_err());
    }

    #[test]
    fn resolve_entries() {
        assert!(resolve("api.example.com:443=127.0.0.1:9443").is_ok());
        assert!(resolve("*.example.com=[::1]:1").is_ok());
        for bad in ["a", "a=b", "a=127.0.0.1", "=127.0.0.1:1"] {
            assert!(resolve(bad).is_err(), "{bad}");
        }
    }
}
