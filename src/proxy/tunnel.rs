//! An opaque copy between client and upstream: only for an authority that the pipeline has cleared as untouched.

use super::connection;
use super::live::Live;
use super::upstream::dial;
use super::wire::{Rewind, Wire};
use crate::base::host::Authority;
use crate::pipeline::{Cleared, Exchange, Outcome};
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};

const COPY_BUFFER: usize = 64 * 1024;

/// Dials, answers the CONNECT, copies until both sides have ended.
pub(super) async fn run(
    live: &Live,
    ex: &Arc<Exchange>,
    to: Cleared<Authority>,
    mut wire: Wire,
    ahead: BytesMut,
) {
    let mut upstream = match dial::tcp(&live.outlet, to.get()).await {
        Ok(stream) => stream,
        Err(denial) => {
            return connection::refuse(&mut wire, ex, denial).await;
        }
    };
    ex.answered(200);
    if wire.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n").await.is_err() {
        return ex.conclude(Outcome::Cancelled);
    }
    ex.conclude(Outcome::Tunnelled);
    let mut client = Rewind::new(ahead.freeze(), wire);
    let copied = copy_bidirectional_with_sizes(&mut client, &mut upstream, COPY_BUFFER, COPY_BUFFER).await;
    match copied {
        Ok((up, down)) => {
            ex.bytes_in.fetch_add(up, Relaxed);
            ex.bytes_out.fetch_add(down, Relaxed);
        }
        Err(why) => ex.reason(format!("the tunnel broke: {}", why.kind())),
    }
}
