//! What a shell command does. It is read as a shell reads it, walked through without running anything, and each program with the
//! words it would get is asked of rules (`config/rules/commands`). So `r''m`, `$IFS`, `eval` and `base64 -d | sh` hide nothing.

mod act;
mod code;
mod expand;
mod heredocs;
mod lookalike;
mod machine;
mod matcher;
mod own;
mod parse;
mod paths;
mod prints;
mod programs;
mod read;
mod tree;
mod variables;
mod windows;
mod words;
mod wrappers;
mod writes;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

pub use own::{Fault, is_about_commands};
pub use read::{CATALOGUE, CommandRule};

use super::views::{self, Path};
use super::{Error, Family, Finding, coded};
use machine::Machine;
use matcher::Found;
use read::Book;

/// A longer text is looked at piece by piece, cut between lines.
const PIECE: usize = 64 << 10;
/// How much less sure a finding is in a text that no shell would take as it stands.
const DOUBT: u8 = 5;
/// A text could not be looked at whole.
const UNREAD: &str = "command.unread";
/// More findings than this say nothing new.
const MOST: usize = 256;

/// What commands are judged by: the catalogue, with the operator's own rules where there are any.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// None: the catalogue, which is read when it is first asked.
    joined: Option<Arc<Book>>,
}

/// A command that a text comes down to, once all is worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Program and words, joined by blanks. May hold secrets of the text.
    pub text: String,
    /// First byte, in the text that was asked about, of where it comes from.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What is wrong with it: rule and confidence.
    pub found: Vec<(String, u8)>,
}

impl Rules {
    /// The catalogue and files of the operator's own, `(name, YAML)` each. None: the catalogue alone.
    ///
    /// # Errors
    /// Everything wrong with the files.
    pub fn with(files: &[(String, String)]) -> Result<Rules, Vec<Fault>> {
        if files.is_empty() {
            return Ok(Rules::default());
        }
        let broken =
            |e: Error| vec![Fault { source_name: String::new(), rule: String::new(), reason: e.to_string() }];
        let (book, faults) = own::joined(files).map_err(broken)?;
        if faults.is_empty() { Ok(Rules { joined: Some(Arc::new(book)) }) } else { Err(faults) }
    }

    /// Every rule, in the order in which they are asked; the catalogue's without their examples.
    #[must_use]
    pub fn all(&self) -> &[CommandRule] {
        &self.book().rules
    }

    /// The catalogue's rules with their examples.
    ///
    /// # Errors
    /// None, unless the program was built with broken rules.
    pub fn catalogue() -> Result<Vec<CommandRule>, Error> {
        read::catalogue(true)
    }

    /// Appends what a shell command does that it should not, sorted by `start`; one finding a class and place, its rule
    /// `command.<class>`. A script of many lines is a command too. Never panics; work is bounded.
    pub fn find(&self, command: &[u8], out: &mut Vec<Finding>) {
        let first = out.len();
        pieces(command, |text, map, base| {
            let (_, found) = judged(self.book(), text);
            for one in found {
                let span = map.original(one.span);
                add(out, first, one.class, one.confidence, span.start + base..span.end + base);
            }
        });
        out[first..].sort_by(|a, b| (a.start, &a.rule).cmp(&(b.start, &b.rule)));
    }

    /// The commands that a text comes down to, in the order a shell would meet them.
    #[must_use]
    pub fn explain(&self, command: &[u8]) -> Vec<Command> {
        let mut all = Vec::new();
        pieces(command, |text, map, base| {
            let (machine, found) = judged(self.book(), text);
            for (id, act) in machine.acts.iter().enumerate() {
                let span = map.original(act.span.clone());
                let own = found.iter().filter(|f| f.act == Some(id));
                let found = own.map(|f| (f.rule.to_owned(), f.confidence)).collect();
                all.push(Command { text: act.line(), start: span.start + base, end: span.end + base, found });
            }
        });
        all
    }

    fn book(&self) -> &Book {
        self.joined.as_deref().unwrap_or_else(|| Book::builtin())
    }
}

/// The pieces of a text, each as characters, with the way back to its bytes.
fn pieces(command: &[u8], mut each: impl FnMut(&str, &Map, usize)) {
    let mut base = 0;
    while base < command.len() {
        let rest = &command[base..];
        let len = if rest.len() <= PIECE {
            rest.len()
        } else {
            memchr::memrchr(b'\n', &rest[..PIECE]).map_or(PIECE, |n| n + 1)
        };
        let (text, map) = Map::of(&rest[..len]);
        each(&text, &map, base);
        base += len;
    }
}

/// Walks through a text and asks the rules.
fn judged<'b>(book: &'b Book, text: &str) -> (Machine, Vec<Found<'b>>) {
    let mut machine = Machine::default();
    machine.start(text, 0);
    if let Some(plain) = windows::plain(text) {
        machine.shell(&plain, &act::Stream::default(), &(0..text.len()), act::Tricks::WINDOWS);
    }
    if !text.is_ascii() {
        for read in [views::latin(text), lookalike::sounded(text)] {
            if read != text {
                machine.shell(&read, &act::Stream::default(), &(0..text.len()), act::Tricks::ALIKE);
            }
        }
    }
    let mut found = matcher::all(book, &machine.acts, text);
    if machine.doubt {
        found.iter_mut().for_each(|f| f.confidence = f.confidence.saturating_sub(DOUBT));
    }
    if machine.exhausted {
        found.push(Found {
            rule: UNREAD,
            class: UNREAD,
            confidence: coded::confidence(UNREAD),
            span: 0..text.len(),
            act: None,
        });
    }
    (machine, found)
}

/// One finding for a class and place: the surest.
fn add(out: &mut Vec<Finding>, first: usize, rule: &str, confidence: u8, span: Range<usize>) {
    let full = out.len() - first >= MOST;
    let known =
        out[first..].iter_mut().find(|f| &*f.rule == rule && f.start == span.start && f.end == span.end);
    match known {
        Some(known) => known.confidence = known.confidence.max(confidence),
        None if !full => {
            out.push(Finding {
                rule: rule.into(),
                family: Family::Command,
                confidence,
                start: span.start,
                end: span.end,
                path: Path::PLAIN,
            });
        }
        None => {}
    }
}

/// The way back from characters to bytes, where some were no UTF-8.
struct Map {
    /// For each byte of the text, the original's; none: they are the same.
    offsets: Option<Vec<usize>>,
    len: usize,
}

impl Map {
    fn of(bytes: &[u8]) -> (Cow<'_, str>, Map) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (text.into(), Map { offsets: None, len: bytes.len() });
        }
        let (mut text, mut offsets, mut at) = (String::new(), Vec::new(), 0);
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            offsets.extend(at..at + chunk.valid().len());
            at += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                text.push('\u{fffd}');
                offsets.extend([at; 3]);
                at += chunk.invalid().len();
            }
        }
        offsets.push(at);
        (text.into(), Map { offsets: Some(offsets), len: bytes.len() })
    }

    fn original(&self, span: Range<usize>) -> Range<usize> {
        let at = |i: usize| {
            self.offsets.as_ref().map_or(i, |o| o.get(i).copied().unwrap_or(self.len)).min(self.len)
        };
        at(span.start)..at(span.end)
    }
}
