//! Asks a person for a passphrase: without echo, at the terminal even when stdin brings something else.

use crate::base::secret::Secret;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};

/// What the vault asks with. `None`: there is no terminal to ask at.
pub(super) fn ask(prompt: &str, twice: bool) -> io::Result<Option<Secret>> {
    let tty = || OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok();
    if !io::stderr().is_terminal() || !(io::stdin().is_terminal() || tty()) {
        return Ok(None);
    }
    let mut question = dialoguer::Password::new().with_prompt(prompt);
    if twice {
        question = question.with_confirmation("once more", "the two are not the same");
    }
    match question.interact() {
        Ok(text) => Ok(Some(Secret::from(text))),
        Err(dialoguer::Error::IO(e)) => Err(e),
    }
}
