//! One advisory lock file: held by one process at a time, let go by the kernel when that process ends, however it ends.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How often a waiter looks. Short against the work that is done under a lock.
const LOOK: Duration = Duration::from_millis(2);
/// Where the lock changes hands all the time, a waiter waits so many times as long.
const CROWD: u32 = 12;

/// Held until dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "closing the file lets go of the lock")] File);

impl FileLock {
    /// Takes the lock. Gives up where it has not changed hands for `patience`: in a crowd of those that want it, waiting longer is
    /// no sign of anything, up to twelve times that.
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
        let mut wait = Wait::new(patience, Instant::now(), taken(&file));
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    // who waits and does not see it gives up sooner, and that is all
                    let _ = file.set_modified(SystemTime::now());
                    return Ok(Self(file));
                }
                Err(e)
                    if e == rustix::io::Errno::WOULDBLOCK && wait.goes_on(Instant::now(), taken(&file)) =>
                {
                    std::thread::sleep(LOOK);
                }
                Err(e) if e == rustix::io::Errno::INTR => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The same where many want it again and again. Who waits for the lock waits alone, behind a door (a second file,
    /// `PATH.next`) that the others have to come through first: so nobody who has just had the lock can take it again before
    /// the one at the door has had it, and nobody starves.
    ///
    /// # Errors
    /// As [`FileLock::take`].
    pub fn take_in_turn(path: &Path, patience: Duration) -> io::Result<Self> {
        let _door = Self::take(&door(path), patience)?;
        Self::take(path, patience)
    }
}

/// When somebody took the lock last.
fn taken(file: &File) -> Option<SystemTime> {
    file.metadata().and_then(|m| m.modified()).ok()
}

/// One who waits for a lock.
struct Wait {
    patience: Duration,
    begun: Instant,
    /// Since when the same one has held it, for all that was seen, and when that one took it.
    since: Instant,
    taken: Option<SystemTime>,
}

impl Wait {
    fn new(patience: Duration, now: Instant, taken: Option<SystemTime>) -> Wait {
        Wait { patience, begun: now, since: now, taken }
    }

    /// Is it worth waiting on?
    fn goes_on(&mut self, now: Instant, taken: Option<SystemTime>) -> bool {
        if self.taken != taken {
            (self.since, self.taken) = (now, taken);
        }
        now - self.since < self.patience && now - self.begun < CROWD * self.patience
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
    fn who_waits_in_a_crowd_gives_up_later() {
        let (start, patience) = (Instant::now(), Duration::from_secs(5));
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let stamp = |n: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(n));
        let mut wait = Wait::new(patience, start, stamp(0));
        assert!(wait.goes_on(at(4), stamp(0)) && !wait.goes_on(at(5), stamp(0)), "the same one has it");
        let mut wait = Wait::new(patience, start, stamp(0));
        assert!((0..60).all(|s| wait.goes_on(at(s), stamp(s / 3))), "it changes hands every three seconds");
        assert!(!wait.goes_on(at(60), stamp(60)), "but not for ever");
    }

    #[test]
    fn taking_a_lock_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        drop(FileLock::take(&path, Duration::ZERO).unwrap());
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let _held = FileLock::take(&path, Duration::ZERO).unwrap();
        assert_ne!(taken(&file), Some(SystemTime::UNIX_EPOCH));
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
