//! The master key in a 0600 file: one line of base64. A file that katana made itself also remembers the vault it has
//! opened, so that a vault deleted together with its anchor is still missed.

use super::{KeySource, MasterKey, Source};
use crate::base::atomic;
use crate::vault::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const HEADING: &str = "# katana vault key: whoever reads it reads the vault";
const OPENED: &str = "# has opened ";

/// A key file.
#[derive(Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The file at this path, which need not be there.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn text(&self) -> Result<Option<Zeroizing<String>>, Error> {
        match atomic::read_private(&self.0) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let text = std::str::from_utf8(&bytes).map_err(|_| self.unusable())?;
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

    fn unusable(&self) -> Error {
        Error::KeyUnusable {
            origin: self.source().to_string(),
            why: "it does not hold one line with the base64 of 32 bytes".into(),
        }
    }
}

impl KeySource for KeyFile {
    fn source(&self) -> Source {
        Source::File(self.0.clone())
    }

    fn load(&self) -> Result<Option<MasterKey>, Error> {
        let Some(text) = self.text()? else { return Ok(None) };
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        match (lines.next(), lines.next()) {
            (Some(line), None) => MasterKey::from_base64(line).map(Some).ok_or_else(|| self.unusable()),
            _ => Err(self.unusable()),
        }
    }

    fn store(&self, key: &MasterKey) -> Result<(), Error> {
        self.write(&Zeroizing::new(format!("{HEADING}\n{}\n", &*key.to_base64())))
    }

    fn remembers(&self, vault: &Path) -> bool {
        let Ok(Some(text)) = self.text() else { return false };
        text.lines().any(|l| l.strip_prefix(OPENED) == Some(&*vault.to_string_lossy()))
    }

    fn remember(&self, vault: &Path) -> Result<(), Error> {
        match self.text()? {
            // a file that somebody else made, or mounted, is theirs to write
            Some(text) if text.starts_with(HEADING) && !self.remembers(vault) => {
                self.write(&Zeroizing::new(format!("{}{OPENED}{}\n", &*text, vault.to_string_lossy())))
            }
            _ => Ok(()),
        }
    }
}
