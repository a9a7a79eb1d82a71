//! What a body says, part by part: which of its texts is a system prompt, a user's turn, a tool's result, call or description.
//! Knows the bodies of model APIs and of MCP, both ways. What a part is worth is the judge's business.

mod answer;
mod call;
mod chat;
mod delta;
mod event;
mod listing;
mod rpc;
mod string;
mod tape;
mod walk;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use call::command_like;
pub use event::{Assembler, is_stream};
pub use listing::digest;

use super::{Direction, Surface};
use aho_corasick::packed::Searcher;
use std::cell::RefCell;
use std::sync::LazyLock;
use walk::Walk;

/// One text of a body.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What it is.
    pub surface: Surface,
    /// The tool whose text it is, as the body writes it.
    pub tool: Option<&'a [u8]>,
    /// The field or argument it is the value of.
    pub field: Option<&'a [u8]>,
    /// What it says; of an entry, all of it as it is written.
    pub text: &'a [u8],
    /// Is it a tool's whole entry in a server's listing, whose texts are shown one by one as well?
    pub entry: bool,
    way: Way<'a>,
}

/// How a part's text stands in the body.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    start: usize,
    raw: &'a [u8],
    escaped: bool,
    /// The text in which it stands, if that is not the body.
    outer: Option<&'a Way<'a>>,
}

impl<'a> Part<'a> {
    /// A text that was put together.
    fn made(surface: Surface, text: &'a [u8]) -> Part<'a> {
        Part {
            entry: false,
            surface,
            tool: None,
            field: None,
            text,
            way: Way { start: 0, raw: &[], escaped: false, outer: None },
        }
    }

    /// Where in the body `span` of the text stands. Of a text put together from an event stream, the event that completes it.
    #[must_use]
    pub fn original(&self, span: Range<usize>) -> Range<usize> {
        self.way.back(span)
    }
}

impl Way<'_> {
    fn back(&self, span: Range<usize>) -> Range<usize> {
        let inner = if self.escaped {
            string::written(self.raw, span)
        } else {
            span.start.min(self.raw.len())..span.end.min(self.raw.len())
        };
        let span = inner.start + self.start..inner.end + self.start;
        self.outer.map_or(span.clone(), |outer| outer.back(span))
    }
}

/// Of these, every body that has parts has one. They begin in the middle of a word, where there is least to mistake for them.
const REQUEST: [&str; 7] = ["ssages\"", "ntents\"", "\"input\"", "onrpc\"", "rompt\"", "essage\"", "tools\""];
const RESPONSE: [&str; 8] =
    ["onrpc\"", "ol_calls\"", "ol_use\"", "l_result\"", "nCall\"", "_call\"", "olUse\"", "leCode\""];

/// Shows every part of a body to `visit`, in no particular order. Costs next to nothing, and allocates nothing, where
/// nothing says that there are any.
pub fn each(direction: Direction, body: &[u8], visit: &mut dyn FnMut(&Part<'_>)) {
    let stream = direction == Direction::Response && is_stream(body);
    if !(stream || is_json(body)) || !has_signs(direction, body) {
        return;
    }
    if stream {
        Assembler::default().take(body, true, visit);
        return;
    }
    thread_local! {
        static WALK: RefCell<Walk> = RefCell::default();
    }
    let mut walk = WALK.take();
    walk.body(direction, body, visit);
    walk.trim();
    WALK.set(walk);
}

fn is_json(body: &[u8]) -> bool {
    let light = |b: &&u8| !matches!(b, b' ' | b'\n' | b'\r' | b'\t' | 0xef | 0xbb | 0xbf);
    matches!(body.iter().find(light), Some(b'{' | b'['))
}

/// Keys may be written with escapes too.
fn has_signs(direction: Direction, body: &[u8]) -> bool {
    static SIGNS: [LazyLock<Option<Searcher>>; 2] =
        [LazyLock::new(|| signs(&REQUEST)), LazyLock::new(|| signs(&RESPONSE))];
    let signs = &SIGNS[usize::from(direction == Direction::Response)];
    signs.as_ref().is_none_or(|s| s.find(body).is_some())
}

fn signs(words: &[&str]) -> Option<Searcher> {
    Searcher::new(words.iter().chain(&["\\u00"]))
}
