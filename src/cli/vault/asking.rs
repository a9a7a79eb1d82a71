//! How a value comes in: asked of a person without echo, or read from whoever writes into stdin.

use crate::base::secret::Secret;
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Failure};
use crate::vault::{Name, value};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;

/// The value of `key`: from the command line with a warning, else from a person or from stdin.
///
/// # Errors
/// `vault_no_value` when there is none to be had.
pub(super) fn value(
    ctx: &Context,
    key: &Name,
    given: Option<OsString>,
    what: &str,
) -> Result<Secret, Failure> {
    if let Some(text) = given {
        ctx.note(ctx.paint(
            Tone::Warn,
            "a value on the command line stays in the shell's history; leave it out to be asked",
        ));
        return Ok(Secret::new(text.into_vec()));
    }
    hidden(&format!("value of {key}")).map_err(|e| {
        let next = "type the value, or pipe it in";
        Failure::new(Exit::Unevaluated, "vault_no_value", what, e, next)
    })
}

/// Something secret: asked of a person, else all of stdin less one final newline.
pub(super) fn hidden(question: &str) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        let prompt = dialoguer::Password::new().with_prompt(question);
        return prompt.interact().map(Secret::from).map_err(|e| match e {
            dialoguer::Error::IO(e) => e,
        });
    }
    piped(io::stdin().lock())
}

/// All of it less one final newline; a little more than the longest value is enough to tell that it is too long.
fn piped(from: impl Read) -> io::Result<Secret> {
    let most = value::LONGEST + 3;
    let mut bytes = Vec::with_capacity(most);
    from.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stdin_loses_one_newline_and_nothing_else() {
        for (given, kept) in [
            ("value", "value"),
            ("value\n", "value"),
            ("value\r\n", "value"),
            ("value\n\n", "value\n"),
            (" value ", " value "),
            ("", ""),
        ] {
            assert_eq!(piped(given.as_bytes()).unwrap().expose(), kept.as_bytes());
        }
        assert!(piped(io::repeat(b'x')).unwrap().len() > value::LONGEST);
    }
}
