//! The master key as a systemd credential: the unit names it, systemd decrypts it into memory, and nothing but the service
//! sees it. It can only be read.

use super::{KeySource, MasterKey, Source};
use crate::vault::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The credential's name, in the unit's `LoadCredential=` or `LoadCredentialEncrypted=`.
pub const CREDENTIAL: &str = "katana-vault-key";
/// More than a key can be, in raw bytes or base64.
const LONGEST: u64 = 128;

/// The credential of this service; `None`: not run by systemd with credentials.
#[derive(Debug)]
pub struct SystemdCredential(Option<PathBuf>);

impl SystemdCredential {
    /// As `CREDENTIALS_DIRECTORY` says.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).as_deref())
    }

    /// In this directory.
    #[must_use]
    pub fn of(directory: Option<&Path>) -> Self {
        Self(directory.filter(|d| !d.as_os_str().is_empty()).map(|d| d.join(CREDENTIAL)))
    }
}

/// The bytes, if nobody else can write them and not everybody can read them. systemd may give the service its right to read
/// by an access list, which shows as rights of the group.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    let owner = meta.uid() == rustix::process::geteuid().as_raw() || meta.uid() == 0;
    if !meta.is_file() || !owner || meta.mode() & 0o027 != 0 {
        let why = format!("mode {:04o} of uid {}, not a private file", meta.mode() & 0o7777, meta.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl KeySource for SystemdCredential {
    fn source(&self) -> Source {
        Source::Systemd
    }

    fn load(&self) -> Result<Option<MasterKey>, Error> {
        let Some(path) = &self.0 else { return Ok(None) };
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, &e)),
        };
        let text = || MasterKey::from_base64(std::str::from_utf8(&bytes).ok()?);
        MasterKey::from_bytes(&bytes).or_else(text).map(Some).ok_or_else(|| Error::KeyUnusable {
            origin: Source::Systemd.to_string(),
            why: "it is neither 32 bytes nor their base64".into(),
        })
    }

    fn store(&self, _key: &MasterKey) -> Result<(), Error> {
        let why = format!("the service has no credential {CREDENTIAL}, and only its unit can give it one");
        Err(Error::KeyMissing(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn raw_bytes_or_base64_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let source = SystemdCredential::of(Some(dir.path()));
        assert!(source.load().unwrap().is_none() && SystemdCredential::of(None).load().unwrap().is_none());
        let key = MasterKey::generate().unwrap();
        let file = dir.path().join(CREDENTIAL);
        for (bytes, good) in [
            (key.bytes().to_vec(), true),
            (format!("{}\n", &*key.to_base64()).into_bytes(), true),
            (key.bytes()[1..].to_vec(), false),
            (vec![b'A'; 4096], false),
            (Vec::new(), false),
        ] {
            fs::write(&file, &bytes).unwrap();
            for (mode, open) in [(0o400, true), (0o440, true), (0o444, false), (0o460, false)] {
                fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
                let loaded = source.load();
                assert_eq!(loaded.is_ok(), good && open, "{} bytes {mode:o}", bytes.len());
                assert!(loaded.is_err() || loaded.unwrap().unwrap().same(&key));
            }
            fs::remove_file(&file).unwrap();
        }
        assert_eq!(source.store(&key).unwrap_err().code(), "vault_key_missing");
        assert!(source.stage(&key).is_err() && source.forget().is_err());
    }
}
