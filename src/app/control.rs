//! The control socket: one JSON line asked, one JSON line answered, between processes of the same user (or root).
//! Carries the questions; what they do is the business of whoever serves them.

use crate::base::atomic;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MAX_QUESTION: u64 = 64 * 1024;
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// How long a client may take to say its line, or to take its answer.
const PATIENCE: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 32;
/// How long the place of a server that hangs up is watched before it counts as held.
const DYING: Duration = Duration::from_secs(1);

/// Why the socket could not be served, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody serves it.
    #[error("no proxy answers at {0}")]
    Idle(PathBuf),
    /// Whoever served it hung up before the answer: it is ending, or has ended just now.
    #[error("the proxy at {0} hung up before it answered")]
    HungUp(PathBuf),
    /// Somebody serves it already.
    #[error("another proxy answers at {0}")]
    Running(PathBuf),
    /// The directory or the socket is not this user's alone.
    #[error("{path} is not ours: {why}")]
    Planted {
        /// What was looked at.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It answered something else than one JSON object.
    #[error("no usable answer from {0}: {1}")]
    Garbled(PathBuf, String),
    /// It answered, and the answer is no.
    #[error("{0}")]
    Refused(String),
    /// The operating system's.
    #[error("{path}: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Error {
    /// A stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Idle(_) => "not_running",
            Self::HungUp(_) => "not_answering",
            Self::Running(_) => "already_running",
            Self::Planted { .. } => "control_planted",
            Self::Garbled(..) => "control_garbled",
            Self::Refused(_) => "control_refused",
            Self::Io { .. } => "control_io",
        }
    }
}

/// Answers one question; an error becomes `{"ok":false,"error":…}`.
pub type Answer = dyn Fn(&str, &Value) -> Result<Value, String> + Send + Sync;

/// A served socket. Dropped, it answers no more and is gone from the file system.
pub struct Server {
    path: PathBuf,
    identity: (u64, u64),
    over: Arc<AtomicBool>,
    /// Questions that were heard and not yet answered.
    owed: Arc<AtomicUsize>,
    accepting: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Server {
    /// Makes the directory private, takes the place of a socket nobody answers at, and serves.
    ///
    /// # Errors
    /// Somebody answers there, or the directory is somebody else's.
    pub fn bind(path: &Path, answer: Arc<Answer>) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        private(dir)?;
        vacant(path)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(io)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(io)?;
        let meta = fs::symlink_metadata(path).map_err(io)?;
        let (over, owed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stop, owing) = (Arc::clone(&over), Arc::clone(&owed));
        let accepting = thread::Builder::new()
            .name("control".into())
            .spawn(move || accept(&listener, &answer, &stop, &owing))
            .map_err(io)?;
        let accepting = Mutex::new(Some(accepting));
        Ok(Self { path: path.to_owned(), identity: (meta.dev(), meta.ino()), over, owed, accepting })
    }
}

/// Nobody serves it. A process that was killed keeps the socket open until its last thread is gone, and hangs up on
/// whoever asks; it is given that moment.
fn vacant(path: &Path) -> Result<(), Error> {
    let until = Instant::now() + DYING;
    loop {
        match ask(path, "ping", json!({})) {
            Err(Error::Idle(_)) => return Ok(()),
            Err(Error::HungUp(_)) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            Err(e @ Error::Planted { .. }) => return Err(e),
            Ok(_) | Err(_) => return Err(Error::Running(path.to_owned())),
        }
    }
}

impl Drop for Server {
    /// Answers what was asked before it goes: the one who asked it to stop must hear that it does.
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.owed.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        self.over.store(true, Ordering::SeqCst);
        // a connection wakes the thread that accepts
        let woken = UnixStream::connect(&self.path).is_ok();
        let there = fs::symlink_metadata(&self.path).ok().map(|m| (m.dev(), m.ino()));
        if there == Some(self.identity) {
            let _ = fs::remove_file(&self.path);
        }
        if let (true, Some(thread)) = (woken, self.accepting.lock().take()) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &UnixListener, answer: &Arc<Answer>, over: &AtomicBool, owed: &Arc<AtomicUsize>) {
    let busy = Arc::new(AtomicUsize::new(0));
    loop {
        let connection = listener.accept();
        if over.load(Ordering::SeqCst) {
            return;
        }
        let Ok((stream, _)) = connection else {
            thread::sleep(Duration::from_millis(20)); // out of descriptors: not a reason to spin
            continue;
        };
        if busy.load(Ordering::SeqCst) >= AT_ONCE {
            continue;
        }
        busy.fetch_add(1, Ordering::SeqCst);
        let (answer, done, owed) = (Arc::clone(answer), Arc::clone(&busy), Arc::clone(owed));
        let spawned = thread::Builder::new().name("control-client".into()).spawn(move || {
            let _ = converse(&stream, &*answer, &owed);
            done.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            busy.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn converse(stream: &UnixStream, answer: &Answer, owed: &AtomicUsize) -> io::Result<()> {
    if !trusted(stream) {
        return Ok(());
    }
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = read_line(stream, MAX_QUESTION, PATIENCE);
    owed.fetch_add(1, Ordering::SeqCst); // before the question is acted on: acting may end the process
    let answered = reply(line, answer).and_then(|reply| {
        let mut out = stream;
        writeln!(out, "{reply}")
    });
    owed.fetch_sub(1, Ordering::SeqCst);
    answered
}

fn reply(line: io::Result<Vec<u8>>, answer: &Answer) -> io::Result<Value> {
    Ok(match line {
        Ok(line) => match serde_json::from_slice::<Value>(&line) {
            Ok(question) => match question["op"].as_str() {
                Some(op) => match answer(op, &question) {
                    Ok(Value::Object(mut fields)) => {
                        fields.insert("ok".into(), Value::Bool(true));
                        Value::Object(fields)
                    }
                    Ok(other) => json!({ "ok": true, "answer": other }),
                    Err(why) => json!({ "ok": false, "error": why }),
                },
                None => json!({ "ok": false, "error": "no `op` in the question" }),
            },
            Err(_) => json!({ "ok": false, "error": "the question is not one line of JSON" }),
        },
        Err(e) if e.kind() == io::ErrorKind::InvalidData => json!({ "ok": false, "error": e.to_string() }),
        Err(e) => return Err(e),
    })
}

/// Asks one question of whoever serves `path` and takes its answer: an object with `ok: true`.
///
/// # Errors
/// [`Error::Idle`] when nobody serves it, [`Error::HungUp`] when its server ends meanwhile; [`Error::Refused`] with the server's words when it says no.
pub fn ask(path: &Path, op: &str, fields: Value) -> Result<Value, Error> {
    ask_within(path, op, fields, Duration::from_secs(30))
}

/// [`ask`] with the longest time the answer may take.
///
/// # Errors
/// As [`ask`].
pub fn ask_within(path: &Path, op: &str, fields: Value, patience: Duration) -> Result<Value, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let garbled = |why: &str| Error::Garbled(path.to_owned(), why.to_owned());
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(Error::Idle(path.to_owned()));
        }
        Err(e) => return Err(io(e)),
    };
    if !trusted(&stream) {
        return Err(Error::Planted { path: path.to_owned(), why: "another user serves it".into() });
    }
    let mut question = fields;
    question["op"] = json!(op);
    stream.set_write_timeout(Some(PATIENCE)).map_err(io)?;
    let heard = writeln!(&stream, "{question}").and_then(|()| read_line(&stream, MAX_ANSWER, patience));
    let line = heard.map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Error::HungUp(path.to_owned())
        }
        _ => io(e),
    })?;
    let answer: Value = serde_json::from_slice(&line).map_err(|_| garbled("not one line of JSON"))?;
    match (answer["ok"].as_bool(), answer["error"].as_str()) {
        (Some(true), _) => Ok(answer),
        (Some(false), Some(why)) => Err(Error::Refused(why.to_owned())),
        _ => Err(garbled("neither yes nor no")),
    }
}

/// One line of at most `cap` bytes, the whole of it within `patience` however slowly it drips.
fn read_line(stream: &UnixStream, cap: u64, patience: Duration) -> io::Result<Vec<u8>> {
    let until = Instant::now() + patience;
    let mut reader = BufReader::new(Read::take(stream, cap + 1));
    let mut line = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if let Some(end) = memchr::memchr(b'\n', chunk) {
            line.extend_from_slice(&chunk[..end]);
            return Ok(line);
        }
        if chunk.is_empty() {
            let long = u64::try_from(line.len()).is_ok_and(|n| n > cap);
            let kind = if long { io::ErrorKind::InvalidData } else { io::ErrorKind::UnexpectedEof };
            return Err(io::Error::new(kind, if long { "the line is too long" } else { "it hung up" }));
        }
        line.extend_from_slice(chunk);
        let n = chunk.len();
        reader.consume(n);
    }
}

/// Is the other end a process of this user, or of root?
fn trusted(stream: &UnixStream) -> bool {
    let me = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == me || peer.uid.is_root())
}

/// Makes the directory, 0700; one that is there must be a real directory of this user, and is closed to others.
///
/// # Errors
/// [`Error::Planted`] for a symlink or another user's directory.
pub fn private(dir: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { path: dir.to_owned(), source };
    let planted = |why: &str| Error::Planted { path: dir.to_owned(), why: why.to_owned() };
    if let Some(parent) = dir.parent() {
        atomic::private_dir(parent).map_err(io)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(io(e)),
        _ => {}
    }
    let meta = fs::symlink_metadata(dir).map_err(io)?;
    if meta.is_symlink() || !meta.is_dir() {
        return Err(planted("it is not a directory (symlinks are not followed)"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(planted("it belongs to another user"));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Arc<Answer> {
        Arc::new(|op, q| match op {
            "ping" => Ok(json!({})),
            "no" => Err("because".into()),
            "echo" => Ok(json!({ "n": q["n"] })),
            _ => Err("what?".into()),
        })
    }

    #[test]
    fn who_is_asked_to_end_answers_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("katana/control.sock");
        let (told, heard) = std::sync::mpsc::channel();
        let told = Mutex::new(told);
        let slow: Arc<Answer> = Arc::new(move |_, _| {
            told.lock().send(()).unwrap();
            thread::sleep(Duration::from_millis(100));
            Ok(json!({ "gone": true }))
        });
        let server = Server::bind(&path, slow).unwrap_or_else(|e| panic!("{e}"));
        let asked = thread::spawn({
            let path = path.clone();
            move || ask(&path, "stop", json!({}))
        });
        heard.recv().unwrap();
        drop(server);
        assert_eq!(asked.join().unwrap().unwrap()["gone"], true);
        assert!(matches!(ask(&path, "ping", json!({})), Err(Error::Idle(_))));
    }

    #[test]
    fn one_that_hangs_up_does_not_answer_and_is_replaced_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("katana/control.sock");
        private(path.parent().unwrap()).unwrap();
        let dying = UnixListener::bind(&path).unwrap();
        let (gone, go) = std::sync::mpsc::channel::<()>();
        let life = thread::spawn(move || {
            for asked in 0..3 {
                drop(dying.accept().unwrap());
                if asked == 0 {
                    go.recv().unwrap();
                }
            }
        });
        assert_eq!(ask(&path, "ping", json!({})).unwrap_err().code(), "not_answering");
        gone.send(()).unwrap();
        let _server = Server::bind(&path, echo()).unwrap_or_else(|e| panic!("{e}"));
        life.join().unwrap();
        assert!(ask(&path, "ping", json!({})).is_ok());
    }

    #[test]
    fn one_line_asked_one_line_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("katana/control.sock");
        assert_eq!(ask(&path, "ping", json!({})).unwrap_err().code(), "not_running");
        let server = Server::bind(&path, echo()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(ask(&path, "echo", json!({ "n": 7 })).unwrap()["n"], 7);
        match ask(&path, "no", json!({})).unwrap_err() {
            Error::Refused(why) => assert_eq!(why, "because"),
            other => panic!("{other}"),
        }
        assert_eq!(Server::bind(&path, echo()).err().unwrap().code(), "already_running");
        drop(server);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_nobody_answers_at_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _server = Server::bind(&path, echo()).unwrap();
        assert!(ask(&path, "ping", json!({})).is_ok());
    }

    #[test]
    fn nonsense_and_floods_are_answered_and_survived() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let _server = Server::bind(&path, echo()).unwrap();
        let said = |bytes: &[u8]| {
            let mut s = UnixStream::connect(&path).unwrap();
            s.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let _ = s.write_all(bytes);
            let mut line = String::new();
            let _ = BufReader::new(&s).read_line(&mut line);
            line
        };
        assert!(said(b"hello\n").contains("not one line of JSON"));
        assert!(said(b"[]\n").contains("no `op`"));
        assert!(said(&[b'x'; 65 * 1024]).contains("too long"));
        let _silent = UnixStream::connect(&path).unwrap();
        assert!(ask(&path, "ping", json!({})).is_ok(), "a silent client holds nobody up");
    }

    #[test]
    fn a_directory_that_is_a_link_is_refused_and_a_loose_one_closed() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
        std::os::unix::fs::symlink(&real, dir.path().join("link")).unwrap();
        let refused = Server::bind(&dir.path().join("link/control.sock"), echo()).err().unwrap();
        assert_eq!(refused.code(), "control_planted");
        let _server = Server::bind(&real.join("control.sock"), echo()).unwrap();
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o700);
    }
}
