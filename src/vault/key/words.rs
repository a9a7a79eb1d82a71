//! Where a passphrase comes from: the environment, what this process was handed or has asked for before, a file, or a
//! person at the terminal. How a person is asked is the command line's, which says so with [`ask_with`].

use super::file;
use crate::base::secret::Secret;
use crate::vault::error::Error;
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The variable that holds a passphrase. It may not reach a child process.
pub const PASSPHRASE: &str = "KATANA_VAULT_PASSPHRASE";
/// Fewer bytes are guessed by trying, whatever Argon2id costs.
const SHORTEST: usize = 8;

/// Asks a person without showing what is typed, twice when the second argument says so. `None`: there is no terminal.
pub type Ask = fn(prompt: &str, twice: bool) -> io::Result<Option<Secret>>;

static ASK: OnceLock<Ask> = OnceLock::new();
/// The passphrase that has opened something in this process, or that it was handed at its start.
static HANDED: Mutex<Option<Secret>> = Mutex::new(None);

/// From now on this is how a person is asked. Once per process; until then nobody is.
pub fn ask_with(ask: Ask) {
    let _ = ASK.set(ask);
}

/// A passphrase from whoever started this process, that needs not be asked for.
pub fn hand(passphrase: Secret) {
    *HANDED.lock() = Some(passphrase);
}

/// The passphrase that this process knows, to hand to the one it starts.
#[must_use]
pub(super) fn handed() -> Option<Secret> {
    HANDED.lock().clone()
}

/// Where a passphrase comes from.
pub struct Words(From);

enum From {
    /// This one, for tests.
    Fixed(Secret),
    /// This process's environment, memory and terminal, and the file of `vault.passphrase_file`.
    Process(Option<PathBuf>),
}

/// A passphrase, and whether a person can be asked for another when it is wrong.
pub(super) struct Given {
    pub(super) passphrase: Secret,
    pub(super) asked: bool,
}

impl Words {
    /// Always this one.
    #[must_use]
    pub fn fixed(passphrase: Secret) -> Self {
        Self(From::Fixed(passphrase))
    }

    /// As the process has it; with the file that the configuration names.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self(From::Process(file))
    }

    /// The passphrase of something sealed; `again`: the last one was wrong.
    pub(super) fn present(&self, of: &Path, again: bool) -> Result<Given, Error> {
        let known = |passphrase| Ok(Given { passphrase, asked: false });
        let file = match &self.0 {
            From::Fixed(passphrase) => return known(passphrase.clone()),
            From::Process(file) => file,
        };
        if !again && let Some(passphrase) = given(file.as_deref())? {
            return known(passphrase);
        }
        let prompt = match again {
            false => format!("passphrase of {}", of.display()),
            true => format!("that was not it; passphrase of {}", of.display()),
        };
        Ok(Given { passphrase: person(&prompt, false, of)?, asked: true })
    }

    /// A passphrase for something new.
    pub(super) fn chosen(&self, of: &Path) -> Result<Secret, Error> {
        let passphrase = match &self.0 {
            From::Fixed(passphrase) => passphrase.clone(),
            From::Process(file) => match given(file.as_deref())? {
                Some(passphrase) => passphrase,
                None => person(&format!("new passphrase of {}", of.display()), true, of)?,
            },
        };
        acceptable(&passphrase)?;
        Ok(passphrase)
    }

    /// It opened what it should: this process need not ask again.
    pub(super) fn good(&self, passphrase: &Secret) {
        if matches!(self.0, From::Process(_)) {
            hand(passphrase.clone());
        }
    }
}

/// Without a person: environment, then what the process knows, then the file.
fn given(named: Option<&Path>) -> Result<Option<Secret>, Error> {
    use std::os::unix::ffi::OsStringExt;
    if let Some(text) = std::env::var_os(PASSPHRASE).filter(|v| !v.is_empty()) {
        return Ok(Some(Secret::new(text.into_vec())));
    }
    if let Some(known) = handed() {
        return Ok(Some(known));
    }
    let Some(path) = named else { return Ok(None) };
    Ok(Some(Secret::from(file::line(path)?.as_slice())))
}

/// A new passphrase from a person, whatever the process knows already.
///
/// # Errors
/// [`Error::PassphraseMissing`] without a terminal, [`Error::BadPassphrase`].
pub fn ask_new(of: &Path) -> Result<Secret, Error> {
    let new = person(&format!("new passphrase of {}", of.display()), true, of)?;
    acceptable(&new).map(|()| new)
}

fn person(prompt: &str, twice: bool, of: &Path) -> Result<Secret, Error> {
    let missing = || Error::PassphraseMissing(of.to_owned());
    let ask = ASK.get().ok_or_else(missing)?;
    ask(prompt, twice).map_err(|_| missing())?.ok_or_else(missing)
}

pub(super) fn acceptable(passphrase: &Secret) -> Result<(), Error> {
    if passphrase.len() < SHORTEST {
        return Err(Error::BadPassphrase("has fewer than 8 characters"));
    }
    Ok(())
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(…)")
    }
}
