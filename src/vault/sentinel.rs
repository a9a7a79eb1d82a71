//! The lock of a vault: a file that, while it is there, keeps everyone from reading and writing, whatever it holds and whoever
//! made it. It works with a broken vault and without any key, and outlives processes and reboots.

use super::error::Error;
use super::place::Place;
use crate::base::atomic;
use crate::base::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

/// Characters of a reason that are kept.
const LONGEST: usize = 300;
/// A sentinel of more bytes than this is not one of ours, and is not read.
const LARGEST: u64 = 16 * 1024;

/// What a sentinel says of itself, if it says anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentinel {
    /// Why it was locked.
    pub reason: String,
    /// Who did it.
    pub by: String,
    /// In which process.
    pub pid: u32,
    /// When, RFC 3339.
    pub at: String,
}

/// What `lock` came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// It is locked now.
    Now,
    /// It was before; the first sentinel stays, with what it says.
    Already(Option<Sentinel>),
}

impl Place {
    /// Locks the vault. Needs no key and no vault.
    ///
    /// # Errors
    /// The operating system's: then it is not locked.
    pub fn lock(&self, reason: &str, by: &str) -> Result<Locked, Error> {
        if self.is_locked()? {
            return Ok(Locked::Already(self.sentinel()));
        }
        let (path, dir) = (&self.lock_sentinel, self.directory());
        atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        let says = Sentinel {
            reason: reason.chars().filter(|c| !c.is_control()).take(LONGEST).collect(),
            by: by.to_owned(),
            pid: std::process::id(),
            at: Timestamp::now().to_string(),
        };
        let text = serde_json::to_string(&says).unwrap_or_default() + "\n";
        atomic::write(path, text.as_bytes(), 0o600)
            // a full disk may still have room for a file that says nothing, and that one locks as well
            .or_else(|e| empty(path).map_err(|_| e))
            .map_err(|e| Error::io(path, &e))?;
        Ok(Locked::Now)
    }

    /// Takes the lock away. `false`: there was none.
    ///
    /// # Errors
    /// The operating system's: then it is still locked.
    pub fn unlock(&self) -> Result<bool, Error> {
        let path = &self.lock_sentinel;
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Error::io(path, &e)),
        }
        self.passed();
        // gone is gone, also after a power cut
        let dir = self.directory();
        fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, &e))?;
        Ok(true)
    }

    /// Is the sentinel there? What cannot be seen may be.
    ///
    /// # Errors
    /// The operating system's.
    pub fn is_locked(&self) -> Result<bool, Error> {
        match fs::symlink_metadata(&self.lock_sentinel) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::io(&self.lock_sentinel, &e)),
        }
    }

    /// What the sentinel says; `None` when it says nothing that can be read.
    #[must_use]
    pub fn sentinel(&self) -> Option<Sentinel> {
        let plain = fs::symlink_metadata(&self.lock_sentinel).ok()?;
        if !plain.is_file() || plain.len() > LARGEST {
            return None;
        }
        serde_json::from_slice(&fs::read(&self.lock_sentinel).ok()?).ok()
    }

    /// May the vault be read and written at all?
    ///
    /// # Errors
    /// [`Error::Locked`] with what the sentinel says; the operating system's.
    pub fn open_to_all(&self) -> Result<(), Error> {
        if !self.is_locked()? {
            return Ok(());
        }
        let said = self.sentinel().map_or_else(String::new, |s| s.to_string());
        Err(Error::Locked { sentinel: self.lock_sentinel.clone(), said })
    }
}

fn empty(path: &std::path::Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// ` since WHEN by WHOM: WHY`. Whoever may write the file may write anything into it: nothing of that moves a cursor.
impl std::fmt::Display for Sentinel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |text: &str| {
            let shown = |c: &char| !c.is_control() && !('\u{200b}'..='\u{206f}').contains(c);
            text.chars().filter(shown).take(LONGEST).collect::<String>()
        };
        write!(f, " since {} by {}", plain(&self.at), plain(&self.by))?;
        match plain(&self.reason) {
            why if why.is_empty() => Ok(()),
            why => write!(f, ": {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::bench::Bench;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_locks_whatever_it_holds_and_says_what_it_can() {
        let bench = Bench::new();
        bench.set("A", "a-value-here").unwrap();
        let vault = bench.open().unwrap();
        assert_eq!(bench.place.lock("strange\x1b[2J traffic", "uid 7").unwrap(), Locked::Now);
        let mode = fs::metadata(&bench.place.lock_sentinel).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let e = bench.get("A").unwrap_err();
        assert!(e.code() == "vault_locked" && e.to_string().contains("by uid 7: strange[2J traffic"), "{e}");
        assert_eq!(vault.hold().unwrap_err().code(), "vault_locked");
        let again = bench.place.lock("another", "uid 8").unwrap();
        assert!(matches!(again, Locked::Already(Some(s)) if s.by == "uid 7"), "the first reason stays");
        assert!(bench.place.unlock().unwrap());
        assert!(!bench.place.unlock().unwrap());
        assert_eq!(vault.get(&crate::vault::Name::parse("A").unwrap()).unwrap().expose(), b"a-value-here");
        for text in ["", "{}", "not json \x1b[31m", r#"{"reason":1}"#] {
            fs::write(&bench.place.lock_sentinel, text).unwrap();
            let e = bench.get("A").unwrap_err();
            assert!(e.code() == "vault_locked" && !e.to_string().contains('\x1b'), "{e:?}");
        }
        fs::remove_file(&bench.place.lock_sentinel).unwrap();
        fs::create_dir(&bench.place.lock_sentinel).unwrap();
        assert_eq!(bench.get("A").unwrap_err().code(), "vault_locked");
        assert_eq!(
            bench.place.unlock().unwrap_err().code(),
            "vault_io",
            "and that is not unlocked by halves"
        );
    }

    #[test]
    fn it_needs_neither_key_nor_vault() {
        let bench = Bench::new();
        bench.set("A", "a-value-here").unwrap();
        fs::write(&bench.place.file, "broken").unwrap();
        fs::remove_file(&bench.place.key.file).unwrap();
        assert_eq!(bench.place.lock("", "").unwrap(), Locked::Now);
        assert_eq!(bench.open().map(drop).unwrap_err().code(), "vault_locked");
        let mut nowhere = Bench::new();
        let fresh = nowhere.dir.path().join("not/there/yet");
        nowhere.place.lock_sentinel = fresh.join("vault.lock");
        nowhere.place.file = fresh.join("vault.json");
        assert_eq!(nowhere.place.lock("", "").unwrap(), Locked::Now);
        assert!(nowhere.place.is_locked().unwrap());
    }
}
