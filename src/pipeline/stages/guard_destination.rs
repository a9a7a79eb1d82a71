//! `guard_destination`: which places may be reached at all. Names are judged here, before they are resolved; addresses
//! by the same [`Guard`] when they are dialled, on the very address that is dialled.

use super::refuse;
use crate::base::host::Host;
use crate::base::net::{Reach, reach};
use crate::config::PrivateDestinations;
use crate::pipeline::Denial;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Stage, StageError, Verdict};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Judges names and addresses.
#[derive(Debug, Default)]
pub struct Guard {
    allowed: PrivateDestinations,
    /// katana's own listeners, never reachable through itself.
    own: Vec<SocketAddr>,
}

impl Guard {
    /// What may be reached beyond the public Internet, and katana's own listeners.
    #[must_use]
    pub fn new(allowed: PrivateDestinations, own: Vec<SocketAddr>) -> Self {
        Self { allowed, own }
    }

    /// A name, before it is resolved; a literal address is judged at once.
    ///
    /// # Errors
    /// The denial.
    pub fn name(&self, host: &Host, port: u16) -> Result<(), Denial> {
        if let Some(addr) = host.addr() {
            return self.address(host, SocketAddr::new(addr, port));
        }
        let name = host.name().unwrap_or_default();
        if self.allowed.hosts.iter().any(|p| p.matches(host)) {
            return Ok(());
        }
        if METADATA_NAMES.contains(&name) {
            return Err(denied("metadata"));
        }
        let local = LOCAL_SUFFIXES.iter().any(|s| name.ends_with(s) || name == &s[1..]);
        if local && !self.allowed.all { Err(denied("local_name")) } else { Ok(()) }
    }

    /// An address, on the point of being dialled for this host.
    ///
    /// # Errors
    /// The denial.
    pub fn address(&self, host: &Host, addr: SocketAddr) -> Result<(), Denial> {
        if self.is_own(addr) {
            return Err(Denial::forbidden(
                STAGE,
                "own_listener",
                "own_listener",
                "The destination is katana itself.",
                "Address the destination itself, not the proxy.",
            ));
        }
        let kind = reach(addr.ip());
        let named = self.allowed.hosts.iter().any(|p| p.matches(host));
        let listed = self.allowed.nets.iter().any(|n| n.contains(addr.ip()));
        let allowed = match kind {
            Reach::Public => true,
            Reach::Metadata => self.allowed.nets.iter().any(|n| n.is_single() && n.contains(addr.ip())),
            Reach::Special => listed || named && !addr.ip().is_multicast(),
            Reach::Loopback | Reach::Private | Reach::LinkLocal => named || listed || self.allowed.all,
        };
        if allowed { Ok(()) } else { Err(denied(kind.code())) }
    }

    fn is_own(&self, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        self.own.iter().any(|o| {
            o.port() == addr.port()
                && (o.ip().to_canonical() == ip
                    || ip.is_unspecified()
                    || ip.is_loopback() && o.ip().is_loopback()
                    || o.ip().is_unspecified() && (ip.is_loopback() || is_local(ip)))
        })
    }
}

/// Does this machine hold the address? Found by binding to it, which needs no list of interfaces.
fn is_local(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind((ip, 0)).is_ok()
}

const STAGE: &str = "guard_destination";

/// Names under which clouds serve credentials.
const METADATA_NAMES: &[&str] = &[
    "metadata.google.internal",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
];

/// Names that never lead to the public Internet. Each with its dot; without it, the bare name counts too.
const LOCAL_SUFFIXES: &[&str] = &[".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan"];

fn denied(kind: &'static str) -> Denial {
    Denial::forbidden(
        STAGE,
        "destination_denied",
        format!("destination:{kind}"),
        format!("The destination is not on the public Internet ({kind})."),
        "If the agent must reach it, the operator lists its name or network under proxy.allow_private_destinations.",
    )
}

/// The stage.
pub struct GuardDestination {
    guard: Arc<Guard>,
}

impl GuardDestination {
    /// Asks this guard.
    #[must_use]
    pub fn new(guard: Arc<Guard>) -> Self {
        Self { guard }
    }
}

impl Stage for GuardDestination {
    fn name(&self) -> &'static str {
        STAGE
    }

    fn always(&self) -> bool {
        true
    }

    async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
        match self.guard.name(&ex.authority.host, ex.authority.port) {
            Ok(()) => Ok(Verdict::Continue),
            Err(denial) => refuse(denial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(t: &str) -> Host {
        Host::parse(t).unwrap()
    }

    #[test]
    fn nothing_local_is_reached_unless_it_is_named() {
        let g = Guard::new(PrivateDestinations::default(), vec!["127.0.0.1:8443".parse().unwrap()]);
        for h in [
            "localhost",
            "a.localhost",
            "metadata.google.internal",
            "127.0.0.1",
            "[::1]",
            "10.0.0.1",
            "[::ffff:10.0.0.1]",
        ] {
            assert!(g.name(&host(h), 443).is_err(), "{h}");
        }
        assert!(g.name(&host("example.com"), 443).is_ok());
        assert!(g.address(&host("example.com"), "127.0.0.1:443".parse().unwrap()).is_err(), "rebinding");
        assert!(g.address(&host("example.com"), "1.1.1.1:443".parse().unwrap()).is_ok());
    }

    #[test]
    fn metadata_needs_its_exact_address_and_own_listeners_are_out_of_reach_always() {
        let all =
            PrivateDestinations { all: true, hosts: vec![], nets: vec!["169.254.0.0/16".parse().unwrap()] };
        let g = Guard::new(all, vec!["127.0.0.1:8443".parse().unwrap()]);
        assert!(g.address(&host("x.test"), "10.0.0.1:1".parse().unwrap()).is_ok());
        assert!(g.address(&host("x.test"), "169.254.169.254:80".parse().unwrap()).is_err());
        for own in
            ["127.0.0.1:8443", "127.0.0.2:8443", "0.0.0.0:8443", "[::1]:8443", "[::ffff:127.0.0.1]:8443"]
        {
            let d = g.address(&host("x.test"), own.parse().unwrap()).unwrap_err();
            assert_eq!(d.code, "own_listener", "{own}");
        }
        let exact =
            PrivateDestinations { nets: vec!["169.254.169.254".parse().unwrap()], ..Default::default() };
        assert!(
            Guard::new(exact, vec![]).address(&host("x.test"), "169.254.169.254:80".parse().unwrap()).is_ok()
        );
    }
}
