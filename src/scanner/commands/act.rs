//! What the evaluation of a shell text yields: the programs it would run, with the words they get once quotes, variables and
//! substitutions are worked out, and where what they read came from.

use std::ops::Range;

/// Acts by number, in rising order.
pub(super) type From = Vec<usize>;

/// More origins than this are not kept.
const MOST_FROM: usize = 24;

/// A word as the program gets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub(super) text: String,
    /// The acts whose output it is made of.
    pub(super) from: From,
    /// How it was written.
    pub(super) tricks: Tricks,
}

impl Field {
    pub(super) fn new(text: impl Into<String>) -> Field {
        Field { text: text.into(), ..Field::default() }
    }
}

/// What a program writes, or gets to read.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// If it can be worked out.
    pub(super) text: Option<String>,
    /// The acts it comes from.
    pub(super) from: From,
    /// It was written in a notation that hides it.
    pub(super) tricks: Tricks,
}

impl Stream {
    pub(super) fn known(text: impl Into<String>) -> Stream {
        Stream { text: Some(text.into()), ..Stream::default() }
    }
}

/// Ways to write a word that hide what it says; a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tricks(u16);

impl Tricks {
    /// Quotes or backslashes within a word.
    pub(super) const SPLIT: Tricks = Tricks(1);
    /// `$'\x72'`.
    pub(super) const ESCAPE: Tricks = Tricks(2);
    /// The word comes out of a variable.
    pub(super) const VARIABLE: Tricks = Tricks(4);
    /// The word is what another command prints.
    pub(super) const OUTPUT: Tricks = Tricks(8);
    /// `{rm,-rf,/}`.
    pub(super) const BRACE: Tricks = Tricks(16);
    /// `/b?n/s?`.
    pub(super) const GLOB: Tricks = Tricks(32);
    /// `$IFS`.
    pub(super) const IFS: Tricks = Tricks(64);
    /// Letters of other scripts.
    pub(super) const ALIKE: Tricks = Tricks(128);
    /// base64, hexadecimal, ROT13, backwards.
    pub(super) const DECODED: Tricks = Tricks(256);
    /// Carets of cmd.exe, an encoded command of PowerShell.
    pub(super) const WINDOWS: Tricks = Tricks(512);

    pub(super) fn add(&mut self, other: Tricks) {
        self.0 |= other.0;
    }

    pub(super) fn has(self, other: Tricks) -> bool {
        self.0 & other.0 != 0
    }
}

/// A program run.
#[derive(Clone, Debug, Default)]
pub(super) struct Act {
    /// The program without its folder, in small letters.
    pub(super) program: String,
    /// As it was called.
    pub(super) called: String,
    pub(super) args: Vec<Field>,
    /// Assignments before it.
    pub(super) env: Vec<(String, String)>,
    /// Files it writes.
    pub(super) writes: Vec<String>,
    /// Files that redirections give it to read.
    pub(super) reads: Vec<String>,
    /// What it gets on its standard input, where known.
    pub(super) input: Option<String>,
    /// Acts whose output it reads: by a pipe, in a word, from a file.
    pub(super) feeds: From,
    /// Acts whose output it runs as code.
    pub(super) runs: From,
    /// Code of an interpreter: `python -c` and its like.
    pub(super) code: String,
    /// Ways its name or text was hidden.
    pub(super) tricks: Tricks,
    /// Its words are arguments of a wrapper: `sudo x`.
    pub(super) wraps: bool,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
}

impl Act {
    /// All words, as one line.
    pub(super) fn line(&self) -> String {
        let mut line = self.called.clone();
        for arg in &self.args {
            line.push(' ');
            line.push_str(&arg.text);
        }
        line
    }
}

/// Joins two sets of origins.
pub(super) fn join(into: &mut From, more: &[usize]) {
    for id in more {
        if let Err(at) = into.binary_search(id)
            && into.len() < MOST_FROM
        {
            into.insert(at, *id);
        }
    }
}
