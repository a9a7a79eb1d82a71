//! One advisory lock file: held by one process at a time, let go by the kernel when that process ends, however it ends.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a waiter looks. Short against the work that is done under a lock.
const LOOK: Duration = Duration::from_millis(2);

/// Held until dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "closing the file lets go of the lock")] File);

impl FileLock {
    /// Takes the lock, waiting at most `patience`.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else held it all that time; else the operating system's.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Self> {
        Self::take_until(path, Instant::now() + patience)
    }

    /// The same where many want it again and again. Who waits for the lock waits alone, behind a door (a second file,
    /// `PATH.next`) that the others have to come through first: so nobody who has just had the lock can take it again before
    /// the one at the door has had it, and nobody starves.
    ///
    /// # Errors
    /// As [`FileLock::take`].
    pub fn take_in_turn(path: &Path, patience: Duration) -> io::Result<Self> {
        let until = Instant::now() + patience;
        let _door = Self::take_until(&door(path), until)?;
        Self::take_until(path, until)
    }

    fn take_until(path: &Path, until: Instant) -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(e) if e == rustix::io::Errno::WOULDBLOCK && Instant::now() < until => {
                    std::thread::sleep(LOOK);
                }
                Err(e) if e == rustix::io::Errno::INTR => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn door(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".next");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_second_holder_waits_and_gives_up() {
        for take in [FileLock::take, FileLock::take_in_turn] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("lock");
            let held = take(&path, Duration::ZERO).unwrap();
            assert_eq!(take(&path, Duration::from_millis(20)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            drop(held);
            assert!(take(&path, Duration::ZERO).is_ok());
        }
    }

    #[test]
    fn who_takes_it_again_at_once_lets_the_one_at_the_door_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let take = || FileLock::take_in_turn(&path, Duration::from_secs(60)).unwrap();
        let mine = take();
        let theirs = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _lock = take();
                theirs.fetch_add(1, Ordering::SeqCst);
            });
            // the other one is at the door when the door cannot be taken
            while FileLock::take(&door(&path), Duration::ZERO).is_ok() {
                std::thread::yield_now();
            }
            drop(mine);
            let _again = take();
            assert_eq!(theirs.load(Ordering::SeqCst), 1);
        });
    }
}
