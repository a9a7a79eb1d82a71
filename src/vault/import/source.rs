//! A file that secrets are read from: opened once without following a link, judged by its owner, and rewritten only if it
//! is still the one that was read.

use super::Error;
use crate::base::secret::Secret;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// More is no file of settings.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A file as it was read.
#[derive(Debug)]
pub struct SourceFile {
    path: PathBuf,
    bytes: Secret,
    mode: u32,
    gid: u32,
    links: u64,
}

impl SourceFile {
    /// Reads it whole.
    ///
    /// # Errors
    /// [`Error::Missing`]; [`Error::Unsafe`] for a symlink, what is no plain file, another user's, or one others can write to.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let io = |e: io::Error| Error::io(path, &e);
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        let unsafe_file = |why: String| Err(Error::Unsafe { path: path.to_owned(), why });
        if !meta.is_file() {
            return unsafe_file("it is no plain file".into());
        }
        let me = rustix::process::geteuid().as_raw();
        if meta.uid() != me {
            return unsafe_file(format!("it belongs to uid {}, not to this user", meta.uid()));
        }
        if meta.mode() & 0o022 != 0 {
            return unsafe_file(format!("mode {:04o} lets others write to it", meta.mode() & 0o7777));
        }
        if meta.len() > LARGEST {
            return unsafe_file("it is larger than 16 MiB".into());
        }
        let mut bytes =
            zeroize::Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
        (&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            bytes: Secret::new(std::mem::take(&mut *bytes)),
            mode: meta.mode() & 0o7777,
            gid: meta.gid(),
            links: meta.nlink(),
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it held.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Can others read it?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode & 0o044 != 0
    }

    /// May it be rewritten?
    ///
    /// # Errors
    /// [`Error::Unsafe`] when it has a second name, under which the old bytes would stay.
    pub(super) fn may_be_replaced(&self) -> Result<(), Error> {
        if self.links > 1 {
            let why = format!("it has {} names (hard links), and only this one would change", self.links);
            return Err(Error::Unsafe { path: self.path.clone(), why });
        }
        Ok(())
    }

    /// Puts other bytes in its place: same mode, same group, whole or not at all. Not if it has changed since it was read.
    ///
    /// # Errors
    /// [`Error::Unsafe`] when it has changed; the operating system's.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        self.may_be_replaced()?;
        let now = Self::read(&self.path)?;
        if now.bytes != self.bytes {
            let why = "it has changed since it was read".into();
            return Err(Error::Unsafe { path: self.path.clone(), why });
        }
        self.write(&self.path, bytes, self.mode).map_err(|e| Error::io(&self.path, &e))
    }

    /// Keeps a copy of what was read beside it, for this user alone, under a name that is not taken.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn back_up(&self) -> Result<PathBuf, Error> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for n in 0..1000 {
            let end = if n == 0 { ".before-katana".into() } else { format!(".before-katana.{n}") };
            let copy = self.path.with_file_name(format!("{name}{end}"));
            if fs::symlink_metadata(&copy).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                self.write(&copy, self.bytes(), 0o600).map_err(|e| Error::io(&copy, &e))?;
                return Ok(copy);
            }
        }
        let why = "there are a thousand backups of it already".into();
        Err(Error::Unsafe { path: self.path.clone(), why })
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let tag = u64::from_ne_bytes(crate::base::id::random()?);
        let temp = dir.join(format!(".katana-import.{tag:016x}.tmp"));
        let done = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
            file.write_all(bytes)?;
            if file.metadata()?.gid() != self.gid {
                std::os::unix::fs::fchown(&file, None, Some(self.gid))?;
            }
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()?;
            fs::rename(&temp, path)?;
            File::open(dir)?.sync_all()
        })();
        if done.is_err() {
            let _ = fs::remove_file(&temp);
        }
        done
    }
}

/// The line of an offset, from 1.
pub(super) fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &bytes[..at.min(bytes.len())]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_open_files_and_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("f");
        fs::write(&at, "A=1").unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SourceFile::read(&at).unwrap().is_open());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&at, &link).unwrap();
        for bad in [&link, dir.path()] {
            assert_eq!(SourceFile::read(bad).unwrap_err().code(), "import_unsafe_file", "{bad:?}");
        }
        assert_eq!(SourceFile::read(&dir.path().join("no")).unwrap_err().code(), "import_missing");
        fs::set_permissions(&at, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(SourceFile::read(&at).unwrap_err().code(), "import_unsafe_file");
    }

    #[test]
    fn a_file_is_rewritten_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("f");
        fs::write(&at, "A=1").unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o640)).unwrap();
        let file = SourceFile::read(&at).unwrap();
        let copy = file.back_up().unwrap();
        file.replace(b"A=2").unwrap();
        assert_eq!(fs::read(&at).unwrap(), b"A=2");
        assert_eq!(fs::metadata(&at).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read(&copy).unwrap(), b"A=1");
        assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(file.replace(b"A=3").unwrap_err().code(), "import_unsafe_file", "it is another by now");
        assert_ne!(file.back_up().unwrap(), copy, "an older backup is not overwritten");
        fs::hard_link(&at, dir.path().join("second")).unwrap();
        assert!(SourceFile::read(&at).unwrap().replace(b"x").is_err());
        assert_eq!(fs::read(&at).unwrap(), b"A=2");
        let left = fs::read_dir(dir.path()).unwrap().flatten();
        assert!(!left.into_iter().any(|e| e.file_name().to_string_lossy().ends_with(".tmp")));
    }
}
