//! The master key in the Linux kernel's keyring of this user: never on disk, in no session's hands, and gone with the next
//! start of the machine.

use super::Source;
use super::record::Shelf;
use crate::vault::error::Error;
use std::path::Path;
use zeroize::Zeroizing;

/// The key's description, and so the vault it belongs to.
#[derive(Debug)]
pub struct KernelKeyring(String);

impl KernelKeyring {
    /// The key of the vault at this path.
    #[must_use]
    pub fn of(vault: &Path) -> Self {
        Self(format!("katana-vault:{}", vault.to_string_lossy()))
    }
}

fn unreachable(why: impl std::fmt::Display) -> Error {
    Error::KeyUnreachable {
        origin: Source::Kernel.to_string(),
        why: why.to_string(),
        next: "containers often forbid it and only Linux has it; choose another vault.key_source (docs/keys.md)",
    }
}

impl Shelf for KernelKeyring {
    fn name(&self) -> Source {
        Source::Kernel
    }

    fn read(&self) -> Result<Option<Zeroizing<String>>, Error> {
        linux::read(&self.0).map_err(unreachable)
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        linux::write(&self.0, text).map_err(unreachable)
    }

    fn erase(&self) -> Result<(), Error> {
        linux::erase(&self.0).map_err(unreachable)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    /// The user's keyring, linked into this process's: only who has a way from his own keyrings to a key may read it, and
    /// services and SSH sessions often lack the usual way over the session.
    fn keyring() -> Result<KeyRing, KeyError> {
        let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
        KeyRing::from_special_id(KeyRingIdentifier::Process, true)?.link_keyring(user)?;
        Ok(user)
    }

    fn find(keyring: KeyRing, description: &str) -> Result<Option<Key>, KeyError> {
        match keyring.search(description) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn read(description: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
        let Some(key) = find(keyring()?, description)? else { return Ok(None) };
        let bytes = Zeroizing::new(key.read_to_vec()?);
        Ok(Some(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// A key of the same description is updated in place, in one step.
    pub(super) fn write(description: &str, text: &str) -> Result<(), KeyError> {
        keyring()?.add_key(description, text).map(drop)
    }

    pub(super) fn erase(description: &str) -> Result<(), KeyError> {
        let keyring = keyring()?;
        match find(keyring, description)? {
            // taken out at once; invalidation alone happens at the kernel's leisure
            Some(key) => keyring.unlink_key(key),
            None => Ok(()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    use zeroize::Zeroizing;

    const NONE: &str = "this system has no kernel keyring";

    pub(super) fn read(_description: &str) -> Result<Option<Zeroizing<String>>, &'static str> {
        Err(NONE)
    }

    pub(super) fn write(_description: &str, _text: &str) -> Result<(), &'static str> {
        Err(NONE)
    }

    pub(super) fn erase(_description: &str) -> Result<(), &'static str> {
        Err(NONE)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::vault::key::{KeySource, MasterKey};

    #[test]
    fn the_kernel_keeps_a_key_per_vault_through_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, other) =
            (KernelKeyring::of(&dir.path().join("a")), KernelKeyring::of(&dir.path().join("b")));
        if let Err(e) = ours.load() {
            return eprintln!("skipped: {e}");
        }
        let [one, two] = [(); 2].map(|()| MasterKey::generate().unwrap());
        assert!(ours.load().unwrap().is_none());
        ours.store(&one).unwrap();
        ours.remember(&dir.path().join("a")).unwrap();
        assert!(other.load().unwrap().is_none());
        // another thread, with credentials of its own, finds it too
        let path = dir.path().join("a");
        let seen =
            std::thread::spawn(move || KernelKeyring::of(&path).load().unwrap().unwrap()).join().unwrap();
        assert!(seen.same(&one));
        ours.stage(&two).unwrap();
        assert!(ours.load().unwrap().unwrap().same(&one) && ours.staged().unwrap().unwrap().same(&two));
        ours.promote().unwrap();
        assert!(ours.load().unwrap().unwrap().same(&two) && ours.remembers(&dir.path().join("a")));
        ours.forget().unwrap();
        ours.forget().unwrap();
        assert!(ours.load().unwrap().is_none());
    }
}
