//! `katana vault key export`: the key as words on paper.

use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::cli::vault::desk::{Desk, failure};
use crate::vault::Custody;
use crate::vault::key::{Keys, phrase};
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use zeroize::Zeroizing;

/// Print the key as a recovery phrase of 24 words; to a terminal only with --reveal.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Show the words on the terminal
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Outcome {
    let what = "the recovery phrase was not printed";
    let terminal = io::stdout().is_terminal();
    if terminal && !args.reveal {
        let why = "stdout is a terminal, where others may see it";
        return Err(Failure::new(Exit::Refused, "vault_not_revealed", what, why, "add --reveal, or pipe it"));
    }
    let (key, _) =
        Custody::of(&desk.place).key(Keys::system(&desk.place.key)).map_err(|e| failure(what, &e))?;
    let words = phrase::write(&key).map_err(|e| failure(what, &e))?;
    let printed = if desk.ctx.json {
        desk.ctx.out_json(&json!({ "phrase": &*words }));
        Ok(())
    } else {
        print(&if terminal { numbered(&words) } else { words })
    };
    printed
        .map_err(|e| Failure::new(Exit::Unevaluated, "vault_io", what, e, "check what stdout leads to"))?;
    desk.ctx.note(format!(
        "{}: whoever has these words and a copy of the vault has every secret in it",
        desk.ctx.paint(Tone::Warn, "warning")
    ));
    Ok(Exit::Done)
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Six rows of four, as they are easily copied by hand; `import` reads them with the numbers.
fn numbered(words: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(words.len() + 24 * 16));
    for (n, word) in (1..).zip(words.split(' ')) {
        text.push_str(&format!("{n:2}. {word:<10}"));
        text.push_str(if n % 4 == 0 && n < phrase::WORDS { "\n" } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::key::MasterKey;

    #[test]
    fn the_rows_are_read_again() {
        let key = MasterKey::generate().unwrap();
        let rows = numbered(&phrase::write(&key).unwrap());
        assert_eq!(rows.lines().count(), 6);
        assert!(phrase::read(&rows).unwrap().same(&key));
    }
}
