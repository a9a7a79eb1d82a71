//! From a body to its parts: reads it once, asks the shapes what its values are, and shows their texts, unescaped where they
//! have to be. Which value is which part is the shapes' business.

use super::string::unescape;
use super::tape::{Item, Kind, Tape};
use super::{Part, Way, answer, chat, rpc};
use crate::scanner::{Direction, Surface};

/// Shorter texts hold nothing a rule looks for, but commands.
const SHORTEST: usize = 6;
/// A type's name is shorter.
const LONG_TYPE: usize = 32;
/// Of a longer text, so much is looked at to tell whether it is bytes in letters.
const GLANCE: usize = 512;

/// The buffers of a walk, to be used again.
#[derive(Debug, Default)]
pub(super) struct Walk {
    tape: Tape,
    pad: Pad,
}

/// What is needed to show a text.
#[derive(Debug, Default)]
pub(super) struct Pad {
    /// The present text, unescaped.
    text: Vec<u8>,
    /// JSON that stands in a string, and what it holds.
    inner: Vec<u8>,
    inner_tape: Tape,
}

impl Walk {
    /// A body of one JSON document, or several.
    pub(super) fn body(&mut self, direction: Direction, body: &[u8], visit: &mut dyn FnMut(&Part<'_>)) {
        self.tape.read(body);
        let mut show = Show { visit, pad: &mut self.pad, outer: None };
        for root in self.tape.roots(body) {
            // a batch, or a list of messages
            let batch = root.kind() == Kind::Array;
            for item in batch.then(|| root.items()).into_iter().flatten().chain((!batch).then_some(root)) {
                message(direction, item, &mut show);
            }
        }
        if direction == Direction::Response {
            answer::calls(&self.tape, body, &mut show);
        }
    }

    /// The tape of one event, for what else its caller wants to know; its parts have been shown.
    pub(super) fn event(&mut self, data: &[u8], visit: &mut dyn FnMut(&Part<'_>)) -> &Tape {
        self.body(Direction::Response, data, visit);
        &self.tape
    }

    /// A tool call's arguments, as they were put together.
    pub(super) fn arguments(&mut self, tool: &[u8], arguments: &[u8], visit: &mut dyn FnMut(&Part<'_>)) {
        if !matches!(arguments.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
            // free text, or the rest of what was shown before
            return visit(&Part { tool: Some(tool), ..Part::made(Surface::ToolCall, arguments) });
        }
        self.tape.read(arguments);
        let mut show = Show { visit, pad: &mut self.pad, outer: None };
        for root in self.tape.roots(arguments) {
            super::call::arguments(Some(tool), root, &mut show);
        }
    }

    /// Frees what an unusually large body has left behind.
    pub(super) fn trim(&mut self) {
        self.tape.trim();
        self.pad.inner_tape.trim();
        for buffer in [&mut self.pad.text, &mut self.pad.inner] {
            if buffer.capacity() > 1 << 20 {
                *buffer = Vec::new();
            }
        }
    }
}

fn message(direction: Direction, item: Item<'_>, show: &mut Show<'_, '_>) {
    match direction {
        _ if item.has(b"jsonrpc") => rpc::message(direction, item, show),
        Direction::Request => chat::request(item, show),
        Direction::Response => answer::results(item, show),
    }
}

/// Shows texts to the visitor.
pub(super) struct Show<'v, 'p> {
    pub(super) visit: &'v mut dyn FnMut(&Part<'_>),
    pub(super) pad: &'p mut Pad,
    /// Where the text stands that the items are of.
    pub(super) outer: Option<Way<'p>>,
}

impl Show<'_, '_> {
    /// One text, if it is one and long enough.
    pub(super) fn one(&mut self, item: Item<'_>, of: Of<'_>) {
        let raw = item.raw();
        let is_text = matches!(item.kind(), Kind::Text | Kind::Key);
        let mute =
            || raw.len() < SHORTEST || is_bytes(raw) || raw.len() < LONG_TYPE && of.field == Some(b"type");
        if !is_text || of.surface != Surface::ToolCall && mute() {
            return;
        }
        let escaped = memchr::memchr(b'\\', raw).is_some();
        let way = Way { start: item.start(), raw, escaped, outer: self.outer.as_ref() };
        let text = if escaped {
            self.pad.text.clear();
            unescape(raw, &mut self.pad.text);
            &self.pad.text
        } else {
            raw
        };
        (self.visit)(&Part { surface: of.surface, tool: of.tool, field: of.field, text, entry: false, way });
    }

    /// Every text in it.
    pub(super) fn every(&mut self, item: Item<'_>, of: Of<'_>) {
        for (key, text) in item.texts() {
            self.one(text, Of { field: key.map(Item::raw).or(of.field), ..of });
        }
    }

    /// A tool's entry as a whole.
    pub(super) fn entry(&mut self, item: Item<'_>, tool: Option<&[u8]>) {
        let (surface, text) = (Surface::ToolDescription, item.raw());
        let way = Way { start: item.start(), raw: text, escaped: false, outer: self.outer.as_ref() };
        (self.visit)(&Part { surface, tool, field: None, text, entry: true, way });
    }

    /// A text that was put together from others; all of `item` is where it stands.
    pub(super) fn made(&mut self, item: Item<'_>, text: &[u8], of: Of<'_>) {
        let way = Way { start: item.start(), raw: item.raw(), escaped: false, outer: self.outer.as_ref() };
        (self.visit)(&Part { surface: of.surface, tool: of.tool, field: of.field, text, entry: false, way });
    }

    /// What a JSON document in a string holds.
    pub(super) fn within(&mut self, item: Item<'_>, each: &mut dyn FnMut(Item<'_>, &mut Show<'_, '_>)) {
        if self.outer.is_some() {
            return;
        }
        let (mut inner, mut tape) =
            (std::mem::take(&mut self.pad.inner), std::mem::take(&mut self.pad.inner_tape));
        inner.clear();
        unescape(item.raw(), &mut inner);
        tape.read(&inner);
        let way = Way { start: item.start(), raw: item.raw(), escaped: true, outer: None };
        let mut show = Show { visit: &mut *self.visit, pad: &mut *self.pad, outer: Some(way) };
        for root in tape.roots(&inner) {
            each(root, &mut show);
        }
        (self.pad.inner, self.pad.inner_tape) = (inner, tape);
    }
}

/// Whose text it is.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) surface: Surface,
    pub(super) tool: Option<&'a [u8]>,
    pub(super) field: Option<&'a [u8]>,
}

impl<'a> Of<'a> {
    pub(super) fn new(surface: Surface, tool: Option<&'a [u8]>) -> Of<'a> {
        Of { surface, tool, field: None }
    }
}

/// An image, or another file, in base64: not what anybody reads.
fn is_bytes(raw: &[u8]) -> bool {
    let coded = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    raw.len() > GLANCE && {
        let data = if raw.starts_with(b"data:") { &raw[64..GLANCE] } else { &raw[..GLANCE] };
        data.iter().all(coded)
    }
}
