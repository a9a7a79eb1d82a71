//! Signals as events: SIGTERM and SIGINT stop, SIGHUP reloads. Caught on a small runtime of their own, so that they
//! are heard however busy the proxy is.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// Listens until dropped. The handlers stay: a signal after that is swallowed, not deadly.
#[derive(Debug)]
pub struct Ears(#[expect(dead_code, reason = "dropping it ends the thread")] oneshot::Sender<()>);

/// Begins to listen; signals that arrive after this returns are sent to `events`.
///
/// # Errors
/// The operating system's.
pub fn listen<T: From<Asked> + Send + 'static>(events: Sender<T>) -> io::Result<Ears> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let inside = runtime.enter();
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut hup = signal(SignalKind::hangup())?;
    drop(inside);
    let (alive, mut over) = oneshot::channel();
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async move {
            loop {
                let asked = tokio::select! {
                    _ = &mut over => return,
                    _ = term.recv() => Asked::Stop,
                    _ = int.recv() => Asked::Stop,
                    _ = hup.recv() => Asked::Reload,
                };
                if events.send(asked.into()).is_err() {
                    return;
                }
            }
        });
    })?;
    Ok(Ears(alive))
}
