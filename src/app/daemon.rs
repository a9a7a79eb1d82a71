//! A proxy that outlives the command that started it, and the commands that find it again: start, stop, status, reload.
//! What the process does once it runs is `serve`'s.

use super::control;
use super::pid::{self, Identity};
use super::serve;
use super::service::{Error, Listening};
use crate::base::{atomic, paths::Paths, secret::Secret};
use crate::vault::{self, key::PASSPHRASE};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a start may take before it is given up.
const START: Duration = Duration::from_secs(60);
/// How much longer than its patience a stopping proxy may take to be gone.
const GRACE: Duration = Duration::from_secs(5);

/// How to run the process that becomes the daemon.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program: this one.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Further variables.
    pub variables: Vec<(OsString, OsString)>,
    /// What opens the vault's key: handed over by a pipe, since arguments and environments can be read.
    pub passphrase: Option<Secret>,
}

/// Starts the daemon and returns its status once its listener was really connected to.
///
/// # Errors
/// The child's own error, or that it ended or hung before it listened; then it is gone.
pub fn start(spawn: &Spawn) -> Result<Value, Error> {
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(
            "start_failed",
            "the proxy did not start",
            why,
            "run `katana proxy start --foreground` to watch it",
        )
    };
    let mut command = Command::new(&spawn.program);
    command
        .args(&spawn.arguments)
        .envs(spawn.variables.iter().map(|(k, v)| (k, v)))
        .current_dir("/") // a daemon holds no directory
        .stdin(if spawn.passphrase.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped());
    if spawn.passphrase.is_some() {
        command.env_remove(PASSPHRASE); // its environment can be read for as long as it runs
    }
    let mut child = command.spawn().map_err(|e| failed(&format_args!("{}: {e}", spawn.program.display())))?;
    if let (Some(passphrase), Some(mut pipe)) = (&spawn.passphrase, child.stdin.take()) {
        let _ = pipe.write_all(passphrase.expose()); // a child that has gone says why below
    }
    let told = first_word(&mut child);
    let status = match told {
        Some(Ok(status)) => status,
        Some(Err(error)) => {
            let _ = child.wait();
            return Err(error);
        }
        None => {
            let _ = child.kill();
            let ended = child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
            return Err(failed(&format_args!("it ended before it listened ({ended})")));
        }
    };
    let listening = status["listen"].as_str().and_then(Listening::parse);
    let connected = listening
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        .and_then(|at| serve::accepts(&at));
    if let Err(e) = connected {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(&format_args!("its listener does not accept: {e}")));
    }
    Ok(status)
}

/// The child's `ready {…}` or `failed {…}`; `None`: it ended without either, or took too long.
fn first_word(child: &mut Child) -> Option<Result<Value, Error>> {
    let out = child.stdout.take()?;
    let (send, word) = mpsc::channel();
    // the reader ends with the pipe, which the child closes when it is ready or dead
    thread::spawn(move || {
        for line in BufReader::new(out.take(1 << 20)).lines().map_while(Result::ok) {
            let said = match line.split_once(' ') {
                Some(("ready", json)) => serde_json::from_str(json).ok().map(Ok),
                Some(("failed", json)) => serde_json::from_str(json).ok().map(|v: Value| Err(revive(&v))),
                _ => None,
            };
            if let Some(said) = said {
                let _ = send.send(said);
                return;
            }
        }
    });
    word.recv_timeout(START).ok()
}

fn revive(v: &Value) -> Error {
    let text = |k: &str| v[k].as_str().unwrap_or_default().to_owned();
    // once in a process's life, and a few bytes
    let code: &'static str = text("code").leak();
    Error { code, what: text("what"), why: text("why"), next: text("next"), refused: v["refused"] == true }
}

/// In the child, first of all: a session of its own, so that no terminal's hang-up reaches it.
pub fn detach() {
    let _ = rustix::process::setsid(); // fails only for one that leads its group already
}

/// In the child, with a passphrase waiting on stdin: takes it over, and lets go of the pipe.
pub fn take_passphrase() {
    let mut bytes = Vec::with_capacity(4096); // of one piece: a buffer that grows leaves copies behind
    if io::stdin().lock().take(4096).read_to_end(&mut bytes).is_ok() && !bytes.is_empty() {
        vault::key::hand(Secret::new(bytes));
    }
}

/// In the child, when it accepts connections: tells the parent, then turns stdout and stderr to the log file.
///
/// # Errors
/// The log cannot be opened; nothing was said then.
pub fn report_ready(status: &Value, log: &Path) -> Result<(), Error> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::new("log", format!("cannot write the log {}", log.display()), e, "make its directory writable")
    };
    if let Some(dir) = log.parent() {
        atomic::private_dir(dir).map_err(|e| failed(&e))?;
    }
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(log)
        .map_err(|e| failed(&e))?;
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "ready {status}").and_then(|()| out.flush()); // a parent that has gone is no reason to end
    rustix::stdio::dup2_stderr(&file).map_err(|e| failed(&e))?;
    rustix::stdio::dup2_stdout(&file).map_err(|e| failed(&e))?;
    Ok(())
}

/// In the child, when it failed: tells the parent.
pub fn report_failed(e: &Error) {
    let told = json!({ "code": e.code, "what": e.what, "why": e.why, "next": e.next, "refused": e.refused });
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "failed {told}").and_then(|()| out.flush());
}

/// What the running proxy says of itself.
///
/// # Errors
/// `not_running`, or that it runs and does not answer.
pub fn status(paths: &Paths) -> Result<Value, Error> {
    match control::ask(&paths.control(), "status", json!({})) {
        Ok(mut answer) => Ok(answer["status"].take()),
        Err(control::Error::Idle(_) | control::Error::HungUp(_)) => Err(not_answering(paths)?),
        Err(e) => Err(e.into()),
    }
}

/// Asks the running proxy to read its configuration again.
///
/// # Errors
/// `not_running`, or `reload_failed` with the reason why the old configuration stays.
pub fn reload(paths: &Paths) -> Result<Value, Error> {
    match control::ask_within(&paths.control(), "reload", json!({}), Duration::from_secs(120)) {
        Ok(mut answer) => Ok(answer["reload"].take()),
        Err(control::Error::Idle(_) | control::Error::HungUp(_)) => Err(not_answering(paths)?),
        Err(control::Error::Refused(why)) => Err(Error::new(
            "reload_failed",
            "the new configuration was not taken",
            why,
            "mend it and reload again; the proxy goes on with the old one",
        )),
        Err(e) => Err(e.into()),
    }
}

fn not_answering(paths: &Paths) -> Result<Error, Error> {
    Ok(match pid::read(&paths.pid)?.filter(Identity::alive) {
        Some(it) if it.control != paths.control() => Error::new(
            "not_running",
            "no proxy answers here",
            format!("the one with pid {} has its control socket at {}", it.pid, it.control.display()),
            "set XDG_RUNTIME_DIR as it was set for that one",
        ),
        Some(it) => Error::new(
            "not_answering",
            "the proxy runs and does not answer",
            format!("pid {} gives no answer at {}", it.pid, it.control.display()),
            "`katana proxy stop` ends it by signal",
        ),
        None => Error::new(
            "not_running",
            "no proxy is running",
            "nobody answers",
            "start it: `katana proxy start`",
        ),
    })
}

/// How a stop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// There was none.
    Idle,
    /// This one is gone.
    Ended {
        /// Its process number.
        pid: i32,
    },
    /// This one was asked and still runs.
    Still {
        /// Its process number.
        pid: i32,
    },
}

/// Asks the running proxy to drain for at most `patience` and waits until its process is gone.
///
/// # Errors
/// Something foreign stands at its socket or PID file.
pub fn stop(paths: &Paths, patience: Duration) -> Result<Stopped, Error> {
    let ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    let asked = control::ask(&paths.control(), "stop", json!({ "timeout_ms": ms }));
    let it = match asked {
        Ok(mut answer) => serde_json::from_value::<Identity>(answer["identity"].take())
            .map_err(|e| control::Error::Garbled(paths.control(), e.to_string()))?,
        Err(e @ control::Error::Planted { .. }) => return Err(e.into()),
        // no answer: the PID file may name it, and only the very process it names is signalled
        Err(why) => match pid::read(&paths.pid)?.filter(Identity::alive) {
            Some(it) if it.terminate() => it,
            _ if matches!(why, control::Error::Idle(_) | control::Error::HungUp(_)) => {
                return Ok(Stopped::Idle);
            }
            _ => return Err(why.into()),
        },
    };
    let until = Instant::now() + patience + GRACE;
    while it.alive() {
        if Instant::now() >= until {
            return Ok(Stopped::Still { pid: it.pid });
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(Stopped::Ended { pid: it.pid })
}

#[cfg(test)]
mod tests;
