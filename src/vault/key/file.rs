//! The master key in a 0600 file beside the vault, or where `vault.key_file` says.

use super::Source;
use super::record::Shelf;
use crate::base::atomic;
use crate::vault::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A key file: one line of base64, lines beginning with `#`, and during a rotation the next key.
#[derive(Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The file at this path, which need not be there.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Shelf for KeyFile {
    fn name(&self) -> Source {
        Source::File(self.0.clone())
    }

    fn read(&self) -> Result<Option<Zeroizing<String>>, Error> {
        match atomic::read_private(&self.0) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let text = std::str::from_utf8(&bytes).map_err(|_| Error::KeyUnusable {
                    origin: self.name().to_string(),
                    why: "it is not text".into(),
                })?;
                Ok(Some(Zeroizing::new(text.to_owned())))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&self.0, &e)),
        }
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        if let Some(dir) = self.0.parent().filter(|d| !d.as_os_str().is_empty()) {
            atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        }
        atomic::write(&self.0, text.as_bytes(), 0o600).map_err(|e| Error::io(&self.0, &e))
    }

    fn erase(&self) -> Result<(), Error> {
        atomic::remove(&self.0).map_err(|e| Error::io(&self.0, &e))
    }
}

/// One file's text without its final newline, private like a key; for what is not a key itself.
pub(super) fn line(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(atomic::read_private(path).map_err(|e| Error::io(path, &e))?);
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// Is there such a file? What cannot be seen counts as there, so that it is asked and says why not.
pub(super) fn there(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(e) if e.kind() == io::ErrorKind::NotFound)
}
