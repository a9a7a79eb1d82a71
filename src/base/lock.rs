//! One advisory lock file: held by one process at a time, let go by the kernel when that process ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Held until dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "closing the file lets go of the lock")] File);

impl FileLock {
    /// Takes the lock, waiting at most `patience`.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else held it all that time; else the operating system's.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        let until = Instant::now() + patience;
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(e) if e == rustix::io::Errno::WOULDBLOCK && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(3));
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_waits_and_gives_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::take(&path, Duration::ZERO).unwrap();
        assert_eq!(
            FileLock::take(&path, Duration::from_millis(20)).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        drop(held);
        assert!(FileLock::take(&path, Duration::ZERO).is_ok());
    }
}
