//! Names to addresses: the operator's overrides first, then the system's resolver.

use crate::base::glob::HostPattern;
use crate::base::host::{Authority, Host};
use std::io;
use std::net::SocketAddr;

/// `proxy.upstream.resolve`: names that are not asked of DNS. First match wins.
#[derive(Debug, Default)]
pub struct Overrides(Vec<(HostPattern, Option<u16>, SocketAddr)>);

impl Overrides {
    /// From the configuration.
    #[must_use]
    pub fn new(list: Vec<(HostPattern, Option<u16>, SocketAddr)>) -> Self {
        Self(list)
    }

    /// The address that stands for this destination.
    #[must_use]
    pub fn find(&self, to: &Authority) -> Option<SocketAddr> {
        self.0
            .iter()
            .find(|(h, p, _)| h.matches(&to.host) && p.is_none_or(|p| p == to.port))
            .map(|(_, _, a)| *a)
    }
}

/// Every address of a destination, in the resolver's order.
pub(super) async fn addresses(overrides: &Overrides, to: &Authority) -> io::Result<Vec<SocketAddr>> {
    if let Some(addr) = overrides.find(to) {
        return Ok(vec![addr]);
    }
    match &to.host {
        Host::Addr(addr) => Ok(vec![SocketAddr::new(*addr, to.port)]),
        Host::Name(name) => Ok(tokio::net::lookup_host((&**name, to.port)).await?.collect()),
    }
}
