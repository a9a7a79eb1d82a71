//! The authority's directory: which files are the present authority's at this moment, whatever a killed process left, and
//! how the next one takes its place. A rotation is in force from one rename on; everything after it can be finished by anyone.

use super::certificate::plain;
use super::{Certificate, Error};
use crate::base::clock::Timestamp;
use crate::base::lock::FileLock;
use crate::base::{atomic, id};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const KEY: &str = "katana-ca.key";
pub(super) const CERT: &str = "katana-ca.pem";
/// When the authority in `next` takes over, RFC 3339.
pub(super) const ACTIVATES: &str = "activates";

/// Long enough for another process to make an authority on a slow machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The directory of one authority.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
}

/// The two files of one authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: PathBuf,
    pub(super) cert: PathBuf,
}

/// What the directory holds at one moment.
pub(super) struct View {
    pub(super) present: Pair,
    /// The authority that is to take over, and when.
    pub(super) next: Option<(Pair, Timestamp)>,
    /// Something is left to be done: see [`Layout::settle`].
    pub(super) unsettled: bool,
}

impl Layout {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Prepared by `ca rotate`; whole, since it appears in one rename.
    pub(super) fn next(&self) -> PathBuf {
        self.dir.join("next")
    }

    /// In force, its files on their way into the directory itself.
    pub(super) fn switch(&self) -> PathBuf {
        self.dir.join("switch")
    }

    /// Certificates of authorities that were, one file for each: what was trusted once can be distrusted.
    pub(super) fn retired(&self) -> PathBuf {
        self.dir.join("retired")
    }

    /// Is there any authority?
    pub(super) fn exists(&self) -> bool {
        [&self.dir, &self.switch()].iter().any(|d| present(&d.join(KEY)) || present(&d.join(CERT)))
    }

    /// Looks, without a lock and without writing.
    pub(super) fn view(&self, now: Timestamp) -> Result<View, Error> {
        let own = pair(&self.dir);
        let next = match self.next() {
            dir if present(&dir) => Some((pair(&dir), activates(&dir)?)),
            _ => None,
        };
        let switch = pair(&self.switch());
        if present(&self.switch()) {
            let either = |new: PathBuf, old: PathBuf| if present(&new) { new } else { old };
            let present = Pair { key: either(switch.key, own.key), cert: either(switch.cert, own.cert) };
            return Ok(View { present, next, unsettled: true });
        }
        match next {
            Some((pair, at)) if at <= now => Ok(View { present: pair, next: None, unsettled: true }),
            next => Ok(View { present: own, next, unsettled: false }),
        }
    }

    /// The lock under which files are moved.
    pub(super) fn lock(&self) -> io::Result<FileLock> {
        FileLock::take(&self.dir.with_extension("lock"), PATIENCE)
    }

    /// Finishes what is under way: an interrupted switch, and a `next` whose time has come. Under the lock.
    pub(super) fn settle(&self, now: Timestamp) -> io::Result<()> {
        self.finish()?;
        let due = |dir: &Path| activates(dir).is_ok_and(|at| at <= now);
        if present(&self.next()) && due(&self.next()) { self.commit() } else { Ok(()) }
    }

    /// The prepared authority becomes the present one. Under the lock.
    pub(super) fn commit(&self) -> io::Result<()> {
        self.retire(&self.dir.join(CERT))?;
        // the commit point: whoever looks from here on, or after a crash from here on, finds the new one in force
        fs::rename(self.next(), self.switch())?;
        self.sync()?;
        self.finish()
    }

    /// Moves the files of a switch that is in force to where they belong. Under the lock.
    pub(super) fn finish(&self) -> io::Result<()> {
        let from = self.switch();
        if !present(&from) {
            return Ok(());
        }
        for name in [KEY, CERT] {
            match fs::rename(from.join(name), self.dir.join(name)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        self.sync()?;
        fs::remove_dir_all(&from)
    }

    /// Keeps a certificate that clients may still trust. One that cannot be read is kept by nobody.
    pub(super) fn retire(&self, cert: &Path) -> io::Result<()> {
        let Ok(cert) = Certificate::read(cert) else { return Ok(()) };
        atomic::private_dir(&self.retired())?;
        atomic::write(
            &self.retired().join(format!("{}.pem", cert.fingerprint())),
            cert.pem().as_bytes(),
            0o644,
        )
    }

    /// A directory for files that are not in force yet, under a name that nobody looks at.
    pub(super) fn stage(&self) -> io::Result<PathBuf> {
        let dir = self.dir.join(format!(".next.{:016x}.tmp", u64::from_ne_bytes(id::random()?)));
        atomic::private_dir(&dir)?;
        Ok(dir)
    }

    /// Removes what killed processes left of preparations. Under the lock.
    pub(super) fn sweep(&self) {
        for left in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = left.file_name();
            if name.to_str().is_some_and(|n| n.starts_with('.') && n.ends_with(".tmp")) {
                let path = left.path();
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            }
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

fn pair(dir: &Path) -> Pair {
    Pair { key: dir.join(KEY), cert: dir.join(CERT) }
}

fn activates(next: &Path) -> Result<Timestamp, Error> {
    let path = next.join(ACTIVATES);
    let bytes = plain(&path).map_err(|why| Error::Unreadable { path: path.clone(), why })?;
    Timestamp::parse(String::from_utf8_lossy(&bytes).trim()).ok_or(Error::Malformed {
        path,
        why: "is not a time (`katana ca rotate --cancel` gives the rotation up)".into(),
    })
}

/// Is anything there, be it a link that leads nowhere? What cannot be looked at counts as there, so that it is not replaced.
pub(super) fn present(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(e) if e.kind() == io::ErrorKind::NotFound)
}
