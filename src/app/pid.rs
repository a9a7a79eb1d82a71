//! The PID file: who runs, since when, where it listens. Its directory is everybody's (`$TMPDIR`), so nothing that
//! stands there is believed: not followed, not another user's, not a number that a new process has got meanwhile.

use super::control;
use crate::base::lock::FileLock;
use crate::base::{atomic, paths::Paths};
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MAX_BYTES: u64 = 4096;
/// How long another start, or a process that dies, may hold the lock: a killed one has it until its last thread is gone.
const DYING: Duration = Duration::from_secs(3);

/// Why a PID file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another proxy of this user runs.
    #[error("a proxy runs already: pid {}, listening on {}", .0.pid, .0.listen)]
    Running(Identity),
    /// Another process is about to start one.
    #[error("another katana is starting or stopping a proxy: {0} is locked")]
    Busy(PathBuf),
    /// Something stands there that this user did not put there.
    #[error("{path} is not ours: {why}")]
    Planted {
        /// The PID file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system's.
    #[error("{path}: {source}")]
    Io {
        /// The file.
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
            Self::Running(_) => "already_running",
            Self::Busy(_) => "already_starting",
            Self::Planted { .. } => "pid_file_planted",
            Self::Io { .. } => "pid_file",
        }
    }
}

/// One process, told apart from every other that had or will have its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process number.
    pub pid: i32,
    /// When it started, in clock ticks since boot; 0 where the system does not say.
    pub start_time: u64,
    /// Where its proxy listens, as `proxy.listen` is written.
    pub listen: String,
    /// Its control socket.
    pub control: PathBuf,
}

impl Identity {
    /// This process.
    #[must_use]
    pub fn of_this(listen: String, control: PathBuf) -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self { pid, start_time: start_time(pid).unwrap_or(0), listen, control }
    }

    /// Does this very process still run? One that has ended but was not yet waited for does not.
    #[must_use]
    pub fn alive(&self) -> bool {
        start_time(self.pid).is_some_and(|t| t == self.start_time)
    }

    /// Asks this very process to end; `false` when it is gone.
    #[must_use]
    pub fn terminate(&self) -> bool {
        let pid = if self.pid > 1 { Pid::from_raw(self.pid) } else { None };
        self.alive() && pid.is_some_and(|p| rustix::process::kill_process(p, Signal::TERM).is_ok())
    }
}

/// The claim on being the one proxy of this user, held for life: a lock the kernel lets go of when the process ends.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    written: Option<(u64, u64)>,
    _lock: FileLock,
}

impl Claim {
    /// Takes the claim before anything is bound; sweeps away what a dead process left.
    ///
    /// # Errors
    /// Somebody else has it, or something foreign stands where the file goes.
    pub fn take(paths: &Paths) -> Result<Self, Error> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { path, source }
        };
        control::private(&paths.runtime).map_err(|e| match e {
            control::Error::Io { path, source } => Error::Io { path, source },
            other => Error::Planted { path: paths.runtime.clone(), why: other.to_string() },
        })?;
        let sentinel = paths.runtime.join("proxy.lock");
        if let Some(other) = read(&paths.pid)?.filter(Identity::alive) {
            return Err(Error::Running(other));
        }
        let lock = FileLock::take(&sentinel, DYING);
        let standing = read(&paths.pid)?;
        match (lock, standing) {
            (_, Some(other)) if other.alive() => Err(Error::Running(other)),
            (Err(e), _) if e.kind() == io::ErrorKind::WouldBlock => Err(Error::Busy(sentinel)),
            (Err(e), _) => Err(io(&sentinel)(e)),
            (Ok(lock), stale) => {
                if stale.is_some() || is_ours(&paths.pid) {
                    fs::remove_file(&paths.pid).map_err(io(&paths.pid))?;
                }
                Ok(Self { path: paths.pid.clone(), written: None, _lock: lock })
            }
        }
    }

    /// Writes who we are, once the proxy listens.
    ///
    /// # Errors
    /// Somebody put a file there meanwhile, or the operating system's.
    pub fn publish(&mut self, me: &Identity) -> Result<(), Error> {
        let io = |source| Error::Io { path: self.path.clone(), source };
        if let Some(dir) = self.path.parent() {
            atomic::private_dir(dir).map_err(io)?;
        }
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true) // O_EXCL: neither a file nor a symlink that is there is ever opened
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&self.path);
        let mut file = match opened {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(self.overtaken()),
            other => other.map_err(io)?,
        };
        let text = serde_json::to_string(me).map_err(|e| io(e.into()))?;
        writeln!(file, "{text}").map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        self.written = Some((meta.dev(), meta.ino()));
        Ok(())
    }

    fn overtaken(&self) -> Error {
        match read(&self.path) {
            Ok(Some(other)) => Error::Running(other),
            Ok(None) => {
                Error::Planted { path: self.path.clone(), why: "it appeared during the start".into() }
            }
            Err(e) => e,
        }
    }
}

impl Drop for Claim {
    /// Removes the file, if what stands there is still what we wrote.
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path).ok().map(|m| (m.dev(), m.ino()));
        if self.written.is_some() && there == self.written {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the PID file says; `None`: there is none, or it is ours and says nothing readable.
///
/// # Errors
/// [`Error::Planted`] for anything that is not a plain file of this user, writable by this user only.
pub fn read(path: &Path) -> Result<Option<Identity>, Error> {
    let planted = |why: String| Error::Planted { path: path.to_owned(), why };
    let flags = no_follow() | bits(rustix::fs::OFlags::NONBLOCK);
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(planted("it is a symlink".into()));
        }
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            return Err(planted("it belongs to another user".into()));
        }
        Err(source) => return Err(Error::Io { path: path.to_owned(), source }),
    };
    foreign(&file)
        .map_err(|source| Error::Io { path: path.to_owned(), source })?
        .map_or(Ok(()), |why| Err(planted(why)))?;
    let mut text = String::new();
    match Read::by_ref(&mut file).take(MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(serde_json::from_str(&text).ok()),
        Err(_) => Ok(None),
    }
}

fn foreign(file: &File) -> io::Result<Option<String>> {
    let meta = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    Ok(if !meta.is_file() {
        Some("it is not a plain file".into())
    } else if meta.uid() != me {
        Some(format!("it belongs to uid {}", meta.uid()))
    } else if meta.nlink() > 1 {
        Some("it has a second name (hard link)".into())
    } else if meta.mode() & 0o022 != 0 {
        Some(format!("others can write to it (mode {:04o})", meta.mode() & 0o7777))
    } else {
        None
    })
}

/// An unreadable file of ours, as a kill in mid-write leaves it.
fn is_ours(path: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|m| m.is_file() && m.uid() == me)
}

fn no_follow() -> i32 {
    bits(rustix::fs::OFlags::NOFOLLOW)
}

fn bits(flags: rustix::fs::OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

/// Start time of a process in ticks since boot; `None`: there is no such process, or it has ended.
#[must_use]
pub fn start_time(pid: i32) -> Option<u64> {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => parse_stat(&stat),
        Err(_) if Path::new("/proc/self/stat").exists() => None,
        // without /proc only the number itself can be asked for
        Err(_) => Pid::from_raw(pid).filter(|p| rustix::process::test_kill_process(*p).is_ok()).map(|_| 0),
    }
}

/// Field 22 of `stat`; the second field is the program's name in parentheses and may hold anything.
fn parse_stat(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::service::fake;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn me() -> Identity {
        Identity::of_this("127.0.0.1:1".into(), "/run/c.sock".into())
    }

    #[test]
    fn a_claim_writes_a_private_file_and_takes_it_away() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let mut claim = Claim::take(&paths).unwrap();
        assert!(!paths.pid.exists(), "nothing is said before the proxy listens");
        claim.publish(&me()).unwrap();
        assert_eq!(fs::metadata(&paths.pid).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&paths.pid).unwrap(), Some(me()));
        match Claim::take(&paths).unwrap_err() {
            Error::Running(other) => assert_eq!(other, me()),
            other => panic!("{other}"),
        }
        drop(claim);
        assert!(!paths.pid.exists());
        assert!(Claim::take(&paths).is_ok());
    }

    #[test]
    fn a_reused_number_or_a_torn_file_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let reused = Identity { start_time: me().start_time + 1, ..me() };
        assert!(!reused.alive() && !reused.terminate(), "the number lives, the process does not");
        for text in [serde_json::to_string(&reused).unwrap(), "{\"pid\":".into(), String::new()] {
            atomic::write(&paths.pid, text.as_bytes(), 0o600).unwrap();
            let mut claim = Claim::take(&paths).unwrap();
            claim.publish(&me()).unwrap();
        }
    }

    #[test]
    fn what_somebody_else_planted_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let precious = dir.path().join("precious");
        atomic::write(&precious, b"keep", 0o600).unwrap();
        symlink(&precious, &paths.pid).unwrap();
        assert_eq!(Claim::take(&paths).unwrap_err().code(), "pid_file_planted");
        fs::remove_file(&paths.pid).unwrap();
        fs::hard_link(&precious, &paths.pid).unwrap();
        assert_eq!(Claim::take(&paths).unwrap_err().code(), "pid_file_planted");
        fs::remove_file(&paths.pid).unwrap();
        fs::write(&paths.pid, serde_json::to_string(&me()).unwrap()).unwrap();
        fs::set_permissions(&paths.pid, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(Claim::take(&paths).unwrap_err().code(), "pid_file_planted");
        fs::remove_file(&paths.pid).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &paths.pid,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert_eq!(
            Claim::take(&paths).unwrap_err().code(),
            "pid_file_planted",
            "a pipe does not hang the start"
        );
        assert_eq!(fs::read(&precious).unwrap(), b"keep");
    }

    #[test]
    fn nothing_is_locked_in_a_directory_that_is_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &paths.runtime).unwrap();
        assert_eq!(Claim::take(&paths).unwrap_err().code(), "pid_file_planted");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }

    #[test]
    fn a_link_that_appears_during_the_start_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let precious = dir.path().join("precious");
        let mut claim = Claim::take(&paths).unwrap();
        symlink(&precious, &paths.pid).unwrap();
        assert_eq!(claim.publish(&me()).unwrap_err().code(), "pid_file_planted");
        assert!(!precious.exists(), "O_EXCL does not create behind a dangling link either");
        drop(claim);
        assert!(fs::symlink_metadata(&paths.pid).is_ok(), "what is not ours is not removed");
    }

    #[test]
    fn the_start_time_is_found_behind_any_program_name() {
        let tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_stat(&format!("7 (a b) Z) (x){tail}")), Some(4242));
        assert_eq!(parse_stat(&format!("7 (a){}", tail.replacen('S', "Z", 1))), None);
        assert_eq!(start_time(i32::MAX), None);
    }
}
