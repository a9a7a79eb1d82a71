//! Where a vault lies: its file, what stands beside it, and where its key may come from. One place for commands and proxy.

use crate::base::paths::Paths;
use crate::config;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The files of one vault.
#[derive(Clone, Debug)]
pub struct Place {
    /// The vault file.
    pub file: PathBuf,
    /// The generation anchor.
    pub anchor: PathBuf,
    /// The sentinel of a locked vault: while it is there, nothing is read.
    pub lock_sentinel: PathBuf,
    /// The advisory lock that writers hold.
    pub write_lock: PathBuf,
    /// Where the master key comes from.
    pub key: KeyPlace,
    /// How many values of a name are kept, the present one included; at least 1.
    pub keep: usize,
}

/// Where the master key may come from.
#[derive(Clone, Debug)]
pub struct KeyPlace {
    /// Which sources are asked.
    pub choice: config::KeySource,
    /// The key file.
    pub file: PathBuf,
    /// The file that a passphrase opens.
    pub kdf: PathBuf,
    /// The file that holds that passphrase, if the configuration names one.
    pub passphrase_file: Option<PathBuf>,
    /// The vault file, by which keyrings tell the keys of several vaults apart.
    pub vault: PathBuf,
}

/// What can be seen of a vault without opening it. Two equal stamps: nothing to read anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    vault: Seen,
    sentinel: Seen,
    key: Seen,
    kdf: Seen,
}

/// A stamp, and the anchor beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    stamp: Stamp,
    anchor: Seen,
}

/// Of one file: modification time (s, ns), inode, length; `None`: not there.
type Seen = Option<(i64, i64, u64, u64)>;

/// The vault of these paths, with the key where the configuration says.
#[must_use]
pub fn place(paths: &Paths, vault: &config::Vault) -> Place {
    let file = paths.vault();
    Place {
        anchor: file.with_extension("anchor"),
        lock_sentinel: paths.vault_lock(),
        write_lock: file.with_extension("json.flock"),
        key: KeyPlace {
            file: vault.key_file.clone().unwrap_or_else(|| file.with_extension("key")),
            passphrase_file: vault.passphrase_file.clone(),
            ..KeyPlace::beside(&file, vault.key_source)
        },
        keep: vault.keep_versions.max(1),
        file,
    }
}

impl KeyPlace {
    /// Everything beside this vault.
    #[must_use]
    pub fn beside(vault: &Path, choice: config::KeySource) -> Self {
        Self {
            choice,
            file: vault.with_extension("key"),
            kdf: vault.with_extension("kdf"),
            passphrase_file: None,
            vault: vault.to_owned(),
        }
    }
}

impl Place {
    /// A look at the files: four `stat` calls, no lock, no key.
    ///
    /// # Errors
    /// The operating system's, but a file that is not there is no error.
    pub fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp {
            vault: seen(&self.file)?,
            sentinel: seen(&self.lock_sentinel)?,
            key: seen(&self.key.file)?,
            kdf: seen(&self.key.kdf)?,
        })
    }

    /// The same and the anchor: as long as this stays equal, what was judged once holds.
    pub(super) fn look(&self) -> io::Result<Look> {
        Ok(Look { stamp: self.stamp()?, anchor: seen(&self.anchor)? })
    }

    /// The directory everything lies in.
    pub(super) fn directory(&self) -> &Path {
        self.file.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
    }
}

fn seen(path: &Path) -> io::Result<Seen> {
    match fs::symlink_metadata(path) {
        Ok(m) => Ok(Some((m.mtime(), m.mtime_nsec(), m.ino(), m.len()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_every_file_it_stands_for() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let paths = Paths::from_lookup(&|k| (k == "STATE_DIRECTORY").then(|| root.clone()));
        let place = place(&paths, &config::Vault::default());
        assert_eq!(place.key.file, dir.path().join("vault.key"));
        let mut last = place.stamp().unwrap();
        for file in [&place.file, &place.lock_sentinel, &place.key.file, &place.key.kdf] {
            fs::write(file, b"x").unwrap();
            let now = place.stamp().unwrap();
            assert_ne!(now, last, "{file:?}");
            assert_eq!(now, place.stamp().unwrap());
            last = now;
        }
        fs::remove_file(&place.lock_sentinel).unwrap();
        assert_ne!(place.stamp().unwrap(), last);
    }
}
