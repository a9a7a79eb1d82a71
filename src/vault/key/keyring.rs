//! The master key in the operating system's keyring. Asked on a thread of its own, because a keyring may wait for a
//! person who is not there.

use super::{KeySource, MasterKey, Source};
use crate::vault::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

const SERVICE: &str = "katana-vault";
const ACCOUNT: &str = "master-key";

/// The keyring, and how long an answer is waited for.
#[derive(Debug)]
pub struct OsKeyring {
    service: &'static str,
    account: &'static str,
    patience: Duration,
}

impl OsKeyring {
    /// Gives up after `patience`.
    #[must_use]
    pub fn with_patience(patience: Duration) -> Self {
        Self::entry(SERVICE, ACCOUNT, patience)
    }

    /// Another program's entry.
    pub(in crate::vault) fn entry(service: &'static str, account: &'static str, patience: Duration) -> Self {
        Self { service, account, patience }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let unusable = |why: String| Error::KeyUnusable { origin: Source::Keyring.to_string(), why };
        // without a session bus the Secret Service cannot be there, and looking for it only costs time
        if cfg!(target_os = "linux")
            && std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none_or(|v| v.is_empty())
        {
            return Err(unusable("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)".into()));
        }
        let (service, account) = (self.service, self.account);
        let (answer, answered) = mpsc::channel();
        thread::Builder::new()
            .name("keyring".into())
            .spawn(move || {
                let said = keyring::Entry::store_status()
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|()| keyring::Entry::new(service, account).map_err(|e| e.to_string()))
                    .and_then(|entry| match question(&entry) {
                        Ok(got) => Ok(Some(got)),
                        Err(keyring::Error::NoEntry) => Ok(None),
                        Err(e) => Err(e.to_string()),
                    });
                let _ = answer.send(said);
            })
            .map_err(|e| unusable(e.to_string()))?;
        match answered.recv_timeout(self.patience) {
            Ok(said) => said.map_err(unusable),
            Err(_) => Err(unusable(format!("no answer within {} s", self.patience.as_secs()))),
        }
    }
}

impl KeySource for OsKeyring {
    fn source(&self) -> Source {
        Source::Keyring
    }

    fn load(&self) -> Result<Option<MasterKey>, Error> {
        let Some(text) = self.ask(|e| e.get_password().map(Zeroizing::new))? else { return Ok(None) };
        MasterKey::from_base64(&text).map(Some).ok_or_else(|| Error::KeyUnusable {
            origin: Source::Keyring.to_string(),
            why: "what it holds is not the base64 of 32 bytes".into(),
        })
    }

    fn store(&self, key: &MasterKey) -> Result<(), Error> {
        let text = key.to_base64();
        self.ask(move |e| e.set_password(&text)).map(drop)
    }
}
