//! The trail as the program holds it: append from any thread, one writer behind. An append costs the caller one short lock
//! and a move; hashing, writing and syncing happen on the writer's thread.

use super::record::Record;
use super::store::Store;
use super::writer::Writer;
use super::{Error, Head};
use crate::config;
use parking_lot::{Condvar, Mutex};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records that may wait for the writer.
const QUEUE: usize = 8192;
/// How long an append may be held up by a full queue.
const PATIENCE: Duration = Duration::from_millis(250);

/// An open trail. Dropping it writes and syncs what is left.
#[derive(Debug)]
pub struct Trail {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// One appended record. Wait for it, or poll it, where `durability: sync` is wanted; dropping it costs nothing.
#[derive(Debug)]
pub struct Ticket {
    shared: Arc<Shared>,
    number: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub sync: bool,
    pub batch_delay: Duration,
    pub state: Mutex<State>,
    /// The writer waits here.
    pub work: Condvar,
    /// Appends wait here for room.
    pub room: Condvar,
    /// Who wants to know how it went waits here.
    settled: Condvar,
    healthy: AtomicBool,
}

#[derive(Debug)]
pub(super) struct State {
    pub records: Vec<Record>,
    /// Records taken on, written, synced: counts since the trail was opened.
    accepted: u64,
    pub written: u64,
    pub durable: u64,
    /// Sync at least up to here, now.
    pub flush_to: u64,
    /// Records that found no room.
    pub lost: u64,
    /// Why the disk refuses, while it does.
    pub failure: Option<String>,
    /// Tries at the disk so far.
    pub tries: u64,
    pub idle: bool,
    pub closing: bool,
    pub head: (u64, u64, [u8; 64]),
    wakers: Vec<Waker>,
}

impl State {
    fn new(head: (u64, u64, [u8; 64])) -> Self {
        Self {
            records: Vec::new(),
            accepted: 0,
            written: 0,
            durable: 0,
            flush_to: 0,
            lost: 0,
            failure: None,
            tries: 0,
            idle: false,
            closing: false,
            head,
            wakers: Vec::new(),
        }
    }

    pub(super) fn flush_to_pending(&self) -> bool {
        self.flush_to > self.durable
    }
}

impl Shared {
    /// After a try at the disk: health, and everybody who waits.
    pub(super) fn announce(&self, state: &mut State) {
        self.healthy.store(state.failure.is_none(), Ordering::Release);
        self.settled.notify_all();
        state.wakers.drain(..).for_each(Waker::wake);
    }

    /// What became of record `number`; `None`: not known yet.
    fn outcome(&self, state: &State, number: u64) -> Option<Result<(), Error>> {
        if !self.sync || state.durable >= number {
            return Some(Ok(()));
        }
        state.failure.clone().map(|why| Err(Error::Unwritable(why)))
    }
}

impl Trail {
    /// Opens or makes the trail whose active segment is `path`. What a crash left is recovered, and recorded.
    ///
    /// # Errors
    /// A file or directory that is not safe to write, a lock that is held, the operating system's refusal.
    pub fn open(path: &Path, opts: &config::Audit) -> Result<Self, Error> {
        let store = Store::open(path, opts.max_size_mb.max(1) * 1024 * 1024)?;
        Self::start(store, opts.sync, opts.batch_delay)
    }

    pub(super) fn start(store: Store, sync: bool, batch_delay: Duration) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            sync,
            batch_delay,
            state: Mutex::new(State::new(store.head())),
            work: Condvar::new(),
            room: Condvar::new(),
            settled: Condvar::new(),
            healthy: AtomicBool::new(true),
        });
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || {
                let _ended = Ended(&theirs);
                let batch = Vec::new();
                Writer { shared: &theirs, store, batch, due: None, refused_since: None, sync_refused: false }
                    .run();
            })
            .map_err(|e| Error::Unwritable(format!("no thread to write it: {e}")))?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Takes the record on. An error means that it is not assured to be written; the trail tries all the same.
    ///
    /// # Errors
    /// [`Error::Unwritable`] while the disk refuses, [`Error::Full`] when it does not keep up.
    pub fn append(&self, record: Record) -> Result<Ticket, Error> {
        let mut state = self.shared.state.lock();
        if state.failure.is_none() && state.records.len() >= QUEUE {
            self.shared.work.notify_one();
            let full = |s: &mut State| s.failure.is_none() && s.records.len() >= QUEUE;
            self.shared.room.wait_while_for(&mut state, full, PATIENCE);
        }
        let room = state.records.len() < QUEUE;
        if room {
            state.records.push(record);
            state.accepted += 1;
        } else {
            state.lost += 1;
        }
        let number = state.accepted;
        let failure = state.failure.clone();
        let wake = std::mem::take(&mut state.idle);
        drop(state);
        if wake {
            self.shared.work.notify_one();
        }
        match failure {
            Some(why) => Err(Error::Unwritable(why)),
            None if !room => Err(Error::Full),
            None => Ok(Ticket { shared: Arc::clone(&self.shared), number }),
        }
    }

    /// Waits until everything appended so far is on the disk.
    ///
    /// # Errors
    /// [`Error::Unwritable`] when a try made after the call failed.
    pub fn flush(&self) -> Result<(), Error> {
        let mut state = self.shared.state.lock();
        let (target, tries) = (state.accepted, state.tries);
        state.flush_to = state.flush_to.max(target);
        self.shared.work.notify_one();
        loop {
            if state.durable >= target {
                return Ok(());
            }
            if let Some(why) = state.failure.as_ref().filter(|_| state.tries > tries) {
                return Err(Error::Unwritable(why.clone()));
            }
            self.shared.settled.wait(&mut state);
        }
    }

    /// Where the trail ends, as far as it is written.
    #[must_use]
    pub fn head(&self) -> Head {
        let (segments, records, hash) = self.shared.state.lock().head;
        Head { segments, records, hash: String::from_utf8_lossy(&hash).into_owned(), torn: 0 }
    }

    /// Did the last try at the disk succeed? One atomic load.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::Acquire)
    }
}

/// However the writer ends, nobody waits for it afterwards.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.tries += 1;
        state.failure.get_or_insert_with(|| "its writer has ended".to_owned());
        self.0.announce(&mut state);
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.shared.state.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Ticket {
    /// With `durability: sync`: blocks until the record is on the disk. With `batch`: returns at once.
    ///
    /// # Errors
    /// [`Error::Unwritable`] when the disk refuses.
    pub fn wait(&self) -> Result<(), Error> {
        if !self.shared.sync {
            return Ok(());
        }
        let mut state = self.shared.state.lock();
        loop {
            if let Some(outcome) = self.shared.outcome(&state, self.number) {
                return outcome;
            }
            self.shared.settled.wait(&mut state);
        }
    }
}

/// The same as [`Ticket::wait`] without blocking the thread, for any executor.
impl Future for Ticket {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.shared.sync {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.shared.state.lock();
        match self.shared.outcome(&state, self.number) {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
