//! Upstream connections that wait for their next request: one beside each tunnel, the rest per thread. HTTP/1.1
//! connections carry one exchange at a time and come back when its answer has ended; HTTP/2 ones are shared.

use crate::base::host::Authority;
use crate::pipeline::Scheme;
use crate::proxy::body::Body;
use hyper::client::conn::{http1, http2};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::proxy) struct Key {
    pub(in crate::proxy) scheme: Scheme,
    pub(in crate::proxy) to: Authority,
    /// Which configuration it was dialled under: a reload must not find the old one's connections.
    pub(in crate::proxy) era: u64,
}

/// A way to send a request on an open connection.
pub(in crate::proxy) enum Sender {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

/// The connection kept beside a tunnel, and since when it waits.
#[derive(Default)]
pub(in crate::proxy) struct Kept(RefCell<Option<(Key, Idle)>>);

impl Kept {
    pub(in crate::proxy) fn take(&self, key: &Key) -> Option<Sender> {
        let (_, (sender, _)) = self.0.borrow_mut().take_if(|(at, _)| at == key)?;
        (!sender.is_closed()).then_some(Sender::One(sender))
    }

    /// Keeps a connection, if there is room beside this tunnel.
    pub(in crate::proxy) fn put(&self, key: Key, sender: http1::SendRequest<Body>, pool: &Pool) {
        let mut kept = self.0.borrow_mut();
        if kept.is_none() {
            *kept = Some((key, (sender, Instant::now())));
        } else {
            drop(kept);
            pool.put(key, sender);
        }
    }

    /// The tunnel ends, or has not used its connection for so long: another one may.
    pub(in crate::proxy) fn give_back(&self, pool: &Pool, unused_for: Duration) {
        let unused = |(_, (_, at)): &mut (Key, Idle)| at.elapsed() >= unused_for;
        if let Some((key, (sender, _))) = self.0.borrow_mut().take_if(unused) {
            pool.put(key, sender);
        }
    }
}

/// A connection and since when it waits.
type Idle = (http1::SendRequest<Body>, Instant);

/// Idle connections of one thread.
#[derive(Default)]
pub(in crate::proxy) struct Pool {
    one: RefCell<HashMap<Key, Vec<Idle>>>,
    two: RefCell<HashMap<Key, http2::SendRequest<Body>>>,
}

/// Idle HTTP/1.1 connections kept for one destination.
const MOST_IDLE: usize = 32;

impl Pool {
    /// The connection that was used last, if it is still open.
    pub(in crate::proxy) fn take(&self, key: &Key) -> Option<Sender> {
        let mut one = self.one.borrow_mut();
        let idle = one.get_mut(key)?;
        while let Some((sender, _)) = idle.pop() {
            if !sender.is_closed() {
                return Some(Sender::One(sender));
            }
        }
        one.remove(key);
        None
    }

    /// The shared HTTP/2 connection.
    pub(in crate::proxy) fn shared(&self, key: &Key) -> Option<Sender> {
        let two = self.two.borrow();
        two.get(key).filter(|s| !s.is_closed()).cloned().map(Sender::Two)
    }

    pub(in crate::proxy) fn put(&self, key: Key, sender: http1::SendRequest<Body>) {
        if sender.is_closed() {
            return;
        }
        let mut one = self.one.borrow_mut();
        let idle = one.entry(key).or_default();
        if idle.len() < MOST_IDLE {
            idle.push((sender, Instant::now()));
        }
    }

    pub(in crate::proxy) fn share(&self, key: Key, sender: http2::SendRequest<Body>) {
        self.two.borrow_mut().insert(key, sender);
    }

    /// Lets go of what has been idle too long.
    pub(in crate::proxy) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        self.one.borrow_mut().retain(|_, list| {
            list.retain(|(s, at)| !s.is_closed() && now.duration_since(*at) < idle);
            !list.is_empty()
        });
        self.two.borrow_mut().retain(|_, s| !s.is_closed());
    }
}
