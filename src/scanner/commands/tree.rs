//! What a shell text is made of: commands, pipelines, lists, and words as the pieces they are put together from.

use std::ops::Range;
use std::rc::Rc;

/// A command, or several.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One program with its words.
    Simple(Rc<Simple>),
    /// `a | b`.
    Pipe(Vec<Node>),
    /// One after another, whatever joins them: what may run counts as run.
    List(Vec<Node>),
    /// `( … )`, `{ … }`, a loop's or a condition's whole text, with its redirections.
    Group(Rc<Node>, Vec<Redirect>),
    /// `name() body`.
    Function(String, Rc<Node>),
    /// `for name in words; do body; done`.
    For(String, Vec<Word>, Rc<Node>),
}

/// One program, its assignments, words and redirections.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    pub(super) assigned: Vec<Assignment>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    /// Where it stands in the text that was parsed.
    pub(super) span: Range<usize>,
}

/// `name=value`, `name+=value`, `name=(a b)`.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) values: Vec<Word>,
    pub(super) appends: bool,
}

/// `> word` and its like.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub(super) how: How,
    pub(super) target: Word,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// `<`.
    Read,
    /// `>`, `>>`, `>|`, `&>`, `<>`.
    Write,
    /// `>&1`, `<&3`.
    Copy,
    /// `<<<`, and `<<`: the target is the text itself.
    Text,
}

/// A word: its pieces, one after another.
pub(super) type Word = Vec<Piece>;

/// A piece of a word.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// As it stands: may hold braces, globs, a tilde.
    Plain(String),
    /// From within quotes, or behind a backslash.
    Quoted(String),
    /// From `$'…'`, with its escapes worked out.
    Escaped(String),
    /// `$name`, `${…}`: what stands between the braces; and whether within quotes.
    Variable(String, bool),
    /// `$(…)`, backquotes; and whether within quotes.
    Output(Rc<Node>, bool),
    /// `<(…)`, `>(…)`.
    Process(Rc<Node>),
}
