//! A directory for one run of one command: nobody else's, and gone when the command is over.

use super::service::Error;
use crate::base::id;
use crate::base::paths::Paths;
use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directory; removed with all that is in it when dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in the temporary directory, 0700, under a name that nobody can foresee.
    ///
    /// # Errors
    /// `no_scratch`.
    pub(super) fn new() -> Result<Self, Error> {
        let parent = env::temp_dir();
        make(&parent).map(Self).map_err(|why| {
            let what = format!("no directory can be made in {}", parent.display());
            Error::new("no_scratch", what, why, "set TMPDIR to a directory that can be written to")
        })
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// Paths of a katana that lives in here whole.
    pub(super) fn paths(&self) -> Paths {
        let below = |name: &str| self.0.join(name);
        Paths {
            config: below("config.yaml"),
            state: below("state"),
            rules: below("state"),
            runtime: below("run"),
            pid: below("katana.pid"),
            homeless: false,
        }
    }
}

fn make(parent: &Path) -> io::Result<PathBuf> {
    let tag = u128::from_ne_bytes(id::random()?);
    let dir = std::path::absolute(parent)?.join(format!("katana-{tag:032x}"));
    DirBuilder::new().mode(0o700).create(&dir)?; // fails if anything is there
    Ok(dir)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_private_and_leaves_nothing() {
        let scratch = Scratch::new().unwrap();
        let dir = scratch.dir().to_owned();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(scratch.paths().audit().starts_with(&dir));
        fs::create_dir_all(scratch.paths().ca()).unwrap();
        drop(scratch);
        assert!(!dir.exists());
    }
}
