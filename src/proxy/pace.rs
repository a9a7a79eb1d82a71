//! Watches that a client keeps moving: how long a head takes, how long a connection lies idle. One sweep a thread,
//! four times a second, looks at all connections, so that a request costs no timer.

use super::framing::{Fault, HeadWatch};
use super::wire::writes_through;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

/// What one client connection is doing.
#[derive(Debug)]
pub(super) struct Pace {
    in_flight: Cell<usize>,
    /// When the first byte of a head came that is not yet a request.
    head_since: Cell<Option<Instant>>,
    idle_since: Cell<Instant>,
    late: Cell<Option<Late>>,
    kick: Notify,
    /// HTTP/1 heads, looked at as they are read.
    heads: RefCell<HeadWatch>,
    /// The bytes are HTTP/1 heads, not HTTP/2 frames.
    heads_in_clear: Cell<bool>,
    fault: Cell<Option<Fault>>,
}

/// Why a connection is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// A head was begun and not finished.
    Head,
    /// Nothing came.
    Idle,
}

impl Pace {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            in_flight: Cell::new(0),
            head_since: Cell::new(None),
            idle_since: Cell::new(Instant::now()),
            late: Cell::new(None),
            kick: Notify::new(),
            heads: RefCell::default(),
            heads_in_clear: Cell::new(true),
            fault: Cell::new(None),
        })
    }

    /// The connection speaks HTTP/2: its bytes are frames, and not looked at as heads.
    pub(super) fn frames(&self) {
        self.heads_in_clear.set(false);
    }

    /// What was wrong with the raw head of the request that has just begun.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.take()
    }

    /// An exchange begins; it is under way until the guard is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        self.head_since.set(None);
        InFlight(self.clone())
    }

    /// Is the client to be let go?
    pub(super) fn is_late(&self) -> bool {
        self.late.get().is_some()
    }

    /// Resolves when the client is to be let go.
    pub(super) async fn late(&self) -> Late {
        loop {
            if let Some(late) = self.late.get() {
                return late;
            }
            self.kick.notified().await;
        }
    }

    fn read(&self, bytes: &[u8]) {
        if self.in_flight.get() > 0 || !self.heads_in_clear.get() {
            return;
        }
        if self.head_since.get().is_none() {
            self.head_since.set(Some(Instant::now()));
            self.heads.borrow_mut().reset();
        }
        if let Some(fault) = self.heads.borrow_mut().read(bytes) {
            self.fault.set(Some(fault));
        }
    }

    fn look(&self, now: Instant, head: Duration, idle: Duration) {
        if self.in_flight.get() > 0 {
            return;
        }
        let late = match self.head_since.get() {
            Some(at) if now.duration_since(at) > head => Late::Head,
            None if now.duration_since(self.idle_since.get()) > idle => Late::Idle,
            _ => return,
        };
        self.late.set(Some(late));
        self.kick.notify_one();
    }
}

/// Held while an exchange is under way.
#[derive(Debug)]
pub(super) struct InFlight(Rc<Pace>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get().saturating_sub(1));
        self.0.idle_since.set(Instant::now());
    }
}

/// All connections of one thread.
#[derive(Debug, Default)]
pub(super) struct Paces(RefCell<Vec<Weak<Pace>>>);

impl Paces {
    pub(super) fn watch(&self, pace: &Rc<Pace>) {
        self.0.borrow_mut().push(Rc::downgrade(pace));
    }

    /// One look at everybody; those that are gone are forgotten.
    pub(super) fn sweep(&self, head: Duration, idle: Duration) {
        let now = Instant::now();
        self.0.borrow_mut().retain(|weak| {
            let Some(pace) = weak.upgrade() else { return false };
            pace.look(now, head, idle);
            true
        });
    }
}

/// A stream whose reads are seen by a [`Pace`].
pub(super) struct Paced<S> {
    inner: S,
    pace: Rc<Pace>,
}

impl<S> Paced<S> {
    pub(super) fn new(inner: S, pace: Rc<Pace>) -> Self {
        Self { inner, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        if done.is_ready() && buf.filled().len() > before {
            self.pace.read(&buf.filled()[before..]);
        }
        done
    }
}

writes_through!(Paced);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begun_head_and_an_idle_connection_are_told_apart() {
        let (none, some) = (Duration::ZERO, Duration::from_secs(60));
        let paces = Paces::default();
        let pace = Pace::new();
        paces.watch(&pace);
        let flight = pace.begin();
        paces.sweep(none, none);
        assert_eq!(pace.late.get(), None, "an exchange is under way");
        drop(flight);
        pace.read(b"GET ");
        std::thread::sleep(Duration::from_millis(2));
        paces.sweep(none, some);
        assert_eq!(pace.late.get(), Some(Late::Head));
        drop(pace);
        paces.sweep(none, none);
        assert!(paces.0.borrow().is_empty());
    }

    #[test]
    fn frames_are_not_read_as_heads() {
        let pace = Pace::new();
        pace.frames();
        pace.read(b"\0\n\nx\n\n");
        assert_eq!((pace.fault(), pace.head_since.get()), (None, None));
        let other = Pace::new();
        other.read(b"GET / HTTP/1.1\nhost: a\n\n");
        assert_eq!(other.fault(), Some(Fault::LineEnd));
    }
}
