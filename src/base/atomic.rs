//! Files that are there whole or not at all, and that only their owner can read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a directory and its parents, 0700; a directory that is there stays as it is.
///
/// # Errors
/// The operating system's.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes the file whole, or leaves what was there: temporary file beside it, fsync, rename, fsync of the directory.
///
/// # Errors
/// The operating system's; the temporary file is gone then.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let tag = u64::from_ne_bytes(super::id::random()?);
    let temp = dir.join(format!(".{}.{tag:016x}.tmp", name.to_string_lossy()));
    let done = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temp)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temp, path)?;
        File::open(dir)?.sync_all()
    })();
    if done.is_err() {
        let _ = fs::remove_file(&temp);
    }
    done
}

/// Removes a file for good: the directory is synced too. One that is not there is no error.
///
/// # Errors
/// The operating system's.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {
            let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            File::open(dir)?.sync_all()
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Reads a file that holds something secret: a plain file (no symlink), of this user or root, that no one else can read.
///
/// # Errors
/// The operating system's; `PermissionDenied` with the reason when the file is open to others.
pub fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    let denied = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !meta.is_file() {
        return denied("not a plain file".into());
    }
    if meta.uid() != me && meta.uid() != 0 {
        return denied(format!("belongs to uid {}, not to this user", meta.uid()));
    }
    if meta.mode() & 0o077 != 0 {
        return denied(format!("mode {:04o} lets others in; chmod 600 it", meta.mode() & 0o7777));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_whole_and_reads_only_what_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        write(&file, b"one", 0o600).unwrap();
        write(&file, b"two", 0o600).unwrap();
        assert_eq!(read_private(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read_private(&file).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(read_private(&link).is_err(), "a symlink is not followed");
        assert!(write(&dir.path().join("no/such/dir"), b"", 0o600).is_err());
        remove(&file).unwrap();
        remove(&file).unwrap();
        assert!(!file.exists() && remove(dir.path()).is_err());
    }
}
