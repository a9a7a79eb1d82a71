//! Listens, accepts and drains: one current-thread runtime per core, each with a listening socket of its own, so that both
//! halves of an exchange stay on one thread.

use super::connection;
use super::error::Error;
use super::live::Shared;
use super::pace::Paces;
use super::serve::Ways;
use super::upstream::pool::Pool;
use super::wire::Wire;
use crate::config::Listen;
use crate::pipeline::Client;
use crate::telemetry::metrics::Metric;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

/// Where a server listens, once it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// On this TCP address.
    Tcp(SocketAddr),
    /// On this Unix socket.
    Unix(PathBuf),
}

/// Listening sockets that nobody accepts from yet, one for each thread.
pub struct Bound {
    sockets: Vec<Socket>,
    at: Listening,
}

enum Socket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Bound {
    /// Opens the listening sockets. A busy port, or a Unix socket that somebody answers on, is an error.
    ///
    /// # Errors
    /// [`Error::Listen`].
    pub fn open(listen: &Listen, threads: usize) -> Result<Self, Error> {
        let threads = threads.max(1);
        match listen {
            Listen::Tcp(addr) => {
                tcp(*addr, threads).map_err(|why| Error::Listen { at: addr.to_string(), why })
            }
            Listen::Unix(path) => {
                unix(path, threads).map_err(|why| Error::Listen { at: path.display().to_string(), why })
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn at(&self) -> &Listening {
        &self.at
    }

    /// Starts accepting, with a thread for each socket.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub fn serve(self, shared: &Arc<Shared>) -> Result<Server, Error> {
        let (drain, draining) = watch::channel(false);
        let counts = Arc::new(Counts::default());
        let mut workers = Vec::new();
        for (n, socket) in self.sockets.into_iter().enumerate() {
            let (shared, counts, draining) = (shared.clone(), counts.clone(), draining.clone());
            let thread = std::thread::Builder::new()
                .name(format!("katana-{n}"))
                .spawn(move || work(socket, shared, counts, draining))
                .map_err(|why| Error::Listen { at: format!("{:?}", self.at), why })?;
            workers.push(thread);
        }
        Ok(Server { at: self.at, drain, counts, workers: Mutex::new(workers) })
    }
}

/// One socket a thread on the same address, so that the kernel wakes one thread for a new connection and not all. The
/// first is bound without sharing, for a moment: a port that anybody else listens on is busy, even if they would share.
fn tcp(addr: SocketAddr, threads: usize) -> io::Result<Bound> {
    let open = |addr: SocketAddr, share: bool| {
        let socket = socket2::Socket::new(socket2::Domain::for_address(addr), socket2::Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(share)?;
        socket.bind(&addr.into())?;
        socket.listen(4096)?;
        socket.set_nonblocking(true)?;
        Ok::<std::net::TcpListener, io::Error>(socket.into())
    };
    let addr = open(addr, false)?.local_addr()?;
    let sockets = (0..threads).map(|_| open(addr, true).map(Socket::Tcp)).collect::<io::Result<_>>()?;
    Ok(Bound { sockets, at: Listening::Tcp(addr) })
}

/// A Unix socket cannot be bound twice: the threads share it.
fn unix(path: &std::path::Path, threads: usize) -> io::Result<Bound> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    if std::fs::symlink_metadata(path)
        .is_ok_and(|m| std::os::unix::fs::FileTypeExt::is_socket(&m.file_type()))
    {
        std::fs::remove_file(path)?;
    }
    let socket = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    let sockets = (0..threads).map(|_| socket.try_clone().map(Socket::Unix)).collect::<io::Result<_>>()?;
    Ok(Bound { sockets, at: Listening::Unix(path.to_owned()) })
}

/// Client connections open now, in all and per client.
#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    /// Patience is over: whatever is open is closed.
    closing: AtomicBool,
    by_client: Mutex<HashMap<Client, usize>>,
}

/// One place taken, given back when dropped.
pub(super) struct Place {
    counts: Arc<Counts>,
    client: Client,
}

impl Place {
    fn take(counts: &Arc<Counts>, client: &Client, shared: &Shared) -> Result<Self, Self> {
        let limits = &shared.live.load().limits;
        let all = counts.all.fetch_add(1, Relaxed) + 1;
        let mut by_client = counts.by_client.lock();
        let own = by_client.entry(client.clone()).or_insert(0);
        *own += 1;
        Metric::Connections.inc();
        Metric::ConnectionsOpen.inc();
        let place = Self { counts: counts.clone(), client: client.clone() };
        if all > limits.connections || *own > limits.connections_per_client { Err(place) } else { Ok(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        Metric::ConnectionsOpen.dec();
        self.counts.all.fetch_sub(1, Relaxed);
        let mut by_client = self.counts.by_client.lock();
        if let Some(n) = by_client.get_mut(&self.client) {
            *n -= 1;
            if *n == 0 {
                by_client.remove(&self.client);
            }
        }
    }
}

/// A running server.
pub struct Server {
    at: Listening,
    drain: watch::Sender<bool>,
    counts: Arc<Counts>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn at(&self) -> &Listening {
        &self.at
    }

    /// Stops accepting, lets exchanges in flight end, then closes; true when all ended within `patience`. A second
    /// call with no patience lets the first return at once.
    pub fn drain(&self, patience: Duration) -> bool {
        let _ = self.drain.send(true);
        let until = Instant::now() + patience;
        let open = || self.counts.all.load(Relaxed) > 0;
        while open() && Instant::now() < until && !self.counts.closing.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let drained = !open();
        self.counts.closing.store(true, Relaxed);
        for worker in self.workers.lock().drain(..) {
            let _ = worker.join();
        }
        if let Listening::Unix(path) = &self.at {
            let _ = std::fs::remove_file(path);
        }
        drained
    }
}

/// What the connections of one thread share.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Pool,
    pub(super) paces: Paces,
    pub(super) ways: Ways,
    pub(super) draining: watch::Receiver<bool>,
}

/// One thread's life.
fn work(socket: Socket, shared: Arc<Shared>, counts: Arc<Counts>, draining: watch::Receiver<bool>) {
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(r) => r,
        Err(why) => return tracing::error!(%why, "a worker could not be started"),
    };
    runtime.block_on(async move {
        let worker = Rc::new(Worker {
            shared,
            pool: Pool::default(),
            paces: Paces::default(),
            ways: Ways::default(),
            draining,
        });
        let sweeper = tokio::task::spawn_local(sweep(worker.clone()));
        if let Err(why) = accept(&worker, socket, &counts).await {
            tracing::error!(%why, "a worker stopped accepting");
        }
        while counts.all.load(Relaxed) > 0 && !counts.closing.load(Relaxed) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        sweeper.abort();
    });
}

async fn sweep(worker: Rc<Worker>) {
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let times = worker.shared.live.load().limits.timeouts.clone();
        worker.paces.sweep(times.headers, times.idle);
        worker.ways.sweep();
        worker.pool.sweep(times.idle);
    }
}

async fn accept(worker: &Rc<Worker>, socket: Socket, counts: &Arc<Counts>) -> io::Result<()> {
    let listener = match socket {
        Socket::Tcp(s) => Acceptor::Tcp(TcpListener::from_std(s)?),
        Socket::Unix(s) => Acceptor::Unix(UnixListener::from_std(s)?),
    };
    let mut draining = worker.draining.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = draining.wait_for(|d| *d) => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((wire, client)) => {
                let place = Place::take(counts, &client, &worker.shared);
                let worker = worker.clone();
                tokio::task::spawn_local(async move {
                    match place {
                        Ok(place) => connection::serve(worker, wire, client, place).await,
                        Err(place) => connection::turn_away(&worker, wire, client, place).await,
                    }
                });
            }
            // out of descriptors or memory: wait for some to come back instead of spinning
            Err(why) => {
                tracing::warn!(%why, "accept failed");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    async fn accept(&self) -> io::Result<(Wire, Client)> {
        match self {
            Self::Tcp(l) => {
                let (stream, from) = l.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Wire::Tcp(stream), Client::Tcp(from.ip().to_canonical())))
            }
            Self::Unix(l) => {
                let (stream, _) = l.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Wire::Unix(stream), Client::Unix(uid)))
            }
        }
    }
}
