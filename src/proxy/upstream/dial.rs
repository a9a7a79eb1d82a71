//! Dials: every address is judged by the guard on the point of being dialled, so that no name can lead where its
//! first answer did not.

use super::resolve;
use crate::base::host::Authority;
use crate::pipeline::Denial;
use crate::proxy::live::Outlet;
use crate::telemetry::metrics::Metric;
use std::io;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A TCP connection to the first address that answers.
///
/// # Errors
/// The denial: the guard's, or what went wrong.
pub(in crate::proxy) async fn tcp(outlet: &Outlet, to: &Authority) -> Result<TcpStream, Denial> {
    let patience = outlet.timeouts.connect;
    let found = timeout(patience, resolve::addresses(&outlet.overrides, to)).await;
    let addresses = match found {
        Ok(Ok(list)) if !list.is_empty() => list,
        Ok(_) => {
            return Err(Denial::upstream("upstream_unresolved", "The destination's name does not resolve."));
        }
        Err(_) => {
            return Err(Denial::upstream(
                "upstream_timeout",
                "The destination's name did not resolve in time.",
            ));
        }
    };
    // one forbidden address among several is a name that is being played with
    for addr in &addresses {
        outlet.guard.address(&to.host, *addr)?;
    }
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for addr in addresses {
        match timeout(patience, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => {
                Metric::Dials.inc();
                if let Err(why) = stream.set_nodelay(true) {
                    tracing::debug!(%why, "TCP_NODELAY");
                }
                return Ok(stream);
            }
            Ok(Err(why)) => last = why,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(if last.kind() == io::ErrorKind::TimedOut {
        Denial::upstream("upstream_timeout", "The destination did not accept a connection in time.")
    } else {
        Denial::upstream(
            "upstream_unreachable",
            format!("The destination did not accept a connection ({}).", last.kind()),
        )
    })
}
