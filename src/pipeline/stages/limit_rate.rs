//! `limit_rate`: requests and body bytes a second, per client address. Off unless configured.

use super::refuse;
use crate::config::Limits;
use crate::pipeline::exchange::{Client, Exchange};
use crate::pipeline::stage::{Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
use crate::pipeline::{Denial, RequestHead};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Instant;

/// The stage.
pub struct LimitRate {
    requests: Option<Buckets>,
    bytes: Option<Buckets>,
}

impl LimitRate {
    /// From the configured limits; zero is no limit.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
        let bytes = limits.bytes_per_second as f64;
        Self { requests: Buckets::new(f64::from(limits.requests_per_second)), bytes: Buckets::new(bytes) }
    }
}

impl Stage for LimitRate {
    fn name(&self) -> &'static str {
        "limit_rate"
    }

    async fn request(&self, ex: &Exchange, _head: &mut RequestHead) -> Result<Verdict, StageError> {
        match &self.requests {
            Some(b) if !b.take(&ex.client, 1.0) => refuse(too_many("requests")),
            _ => Ok(Verdict::Continue),
        }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        let Some(buckets) = self.bytes.as_ref().filter(|_| direction == Direction::Request) else {
            return Ok(ChunkVerdict::Forward);
        };
        #[expect(clippy::cast_precision_loss, reason = "a chunk is far below 2^52 bytes")]
        let fresh = (chunk.text.len() - chunk.seen.min(chunk.text.len())) as f64;
        Ok(if buckets.take(&ex.client, fresh) {
            ChunkVerdict::Forward
        } else {
            ChunkVerdict::Abort(too_many("bytes"))
        })
    }
}

fn too_many(what: &'static str) -> Denial {
    Denial::forbidden(
        "limit_rate",
        "rate_limited",
        format!("proxy.limits.{what}_per_second"),
        format!("Too many {what} a second from this client."),
        "Wait a second and retry; the operator sets the limit under proxy.limits.",
    )
    .with_status(429)
}

/// One token bucket per client, a second's worth deep.
struct Buckets {
    rate: f64,
    by_client: Mutex<HashMap<Client, (f64, Instant)>>,
}

/// Beyond this many clients, those with full buckets are forgotten.
const MOST_CLIENTS: usize = 10_000;

impl Buckets {
    fn new(rate: f64) -> Option<Self> {
        (rate > 0.0).then(|| Self { rate, by_client: Mutex::default() })
    }

    fn take(&self, client: &Client, n: f64) -> bool {
        let now = Instant::now();
        let mut all = self.by_client.lock();
        if all.len() > MOST_CLIENTS {
            all.retain(|_, (_, at)| now.duration_since(*at).as_secs_f64() < 1.0);
        }
        let (level, at) = all.entry(client.clone()).or_insert((self.rate, now));
        *level = (*level + now.duration_since(*at).as_secs_f64() * self.rate).min(self.rate);
        *at = now;
        // a single chunk larger than the bucket must be able to pass once the bucket is full
        let enough = *level >= n.min(self.rate);
        if enough {
            *level -= n;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_clients_do_not_share() {
        let b = Buckets::new(3.0).unwrap();
        let (a, c) = (Client::Unix(1), Client::Unix(2));
        assert_eq!((0..4).filter(|_| b.take(&a, 1.0)).count(), 3);
        assert!(b.take(&c, 1.0));
        assert!(Buckets::new(0.0).is_none());
    }
}
