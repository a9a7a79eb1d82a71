//! The master key in the operating system's keyring: Secret Service, macOS keychain or Windows credentials. Asked on a
//! thread of its own, because a keyring may wait for a person who is not there.

use super::Source;
use super::record::Shelf;
use crate::vault::error::Error;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

const SERVICE: &str = "katana-vault";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// The keyring, the vault whose key it is asked for, and how long an answer is waited for.
#[derive(Debug)]
pub struct OsKeyring {
    service: &'static str,
    /// The vault's path: two vaults of one user have a key each.
    account: String,
    patience: Duration,
}

impl OsKeyring {
    /// The key of the vault at this path; gives up after `patience`.
    #[must_use]
    pub fn of(vault: &Path, patience: Duration) -> Self {
        Self::entry(SERVICE, vault.to_string_lossy().into_owned(), patience)
    }

    /// Another program's entry.
    pub(in crate::vault) fn entry(service: &'static str, account: String, patience: Duration) -> Self {
        Self { service, account, patience }
    }

    /// `Ok(None)`: the keyring answered that it has no such item.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        // without a session bus the Secret Service cannot be there, and looking for it only costs time
        if cfg!(target_os = "linux") && !session_bus() {
            return Err(unreachable(format!("there is no session bus ({BUS} is not set)")));
        }
        let (service, account) = (self.service, self.account.clone());
        let (answer, answered) = mpsc::channel();
        thread::Builder::new()
            .name("keyring".into())
            .spawn(move || {
                let said = keyring::Entry::store_status()
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|()| keyring::Entry::new(service, &account).map_err(|e| e.to_string()))
                    .and_then(|entry| match question(&entry) {
                        Ok(got) => Ok(Some(got)),
                        Err(keyring::Error::NoEntry) => Ok(None),
                        Err(keyring::Error::NoStorageAccess(e)) => {
                            Err(format!("it is locked, and nobody unlocked it ({e})"))
                        }
                        Err(e) => Err(e.to_string()),
                    });
                let _ = answer.send(said);
            })
            .map_err(|e| unreachable(e.to_string()))?;
        match answered.recv_timeout(self.patience) {
            Ok(said) => said.map_err(unreachable),
            Err(_) => {
                let seconds = self.patience.as_secs();
                Err(unreachable(format!(
                    "no answer within {seconds} s; it may be locked and waiting for you"
                )))
            }
        }
    }
}

fn unreachable(why: String) -> Error {
    Error::KeyUnreachable {
        origin: Source::Keyring.to_string(),
        why,
        next: "log in to a desktop session and unlock its keyring, or choose another vault.key_source (docs/keys.md)",
    }
}

/// Named, or where every session puts it.
fn session_bus() -> bool {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    set(BUS).is_some() || set("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).join("bus").exists())
}

impl Shelf for OsKeyring {
    fn name(&self) -> Source {
        Source::Keyring
    }

    fn read(&self) -> Result<Option<Zeroizing<String>>, Error> {
        self.ask(|e| e.get_password().map(Zeroizing::new))
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        let text = Zeroizing::new(text.to_owned());
        // to a write, "no such item" means that there is no collection to make it in
        self.ask(move |e| e.set_password(&text))?
            .ok_or_else(|| unreachable("it has no default collection to keep a key in".into()))
    }

    fn erase(&self) -> Result<(), Error> {
        self.ask(|e| e.delete_credential()).map(drop)
    }
}
