//! JSON as a flat list of what stands where. Takes anything: what is no JSON is passed over, what is not closed ends with the
//! text, keys may repeat, and several documents may follow each other. What the values mean is up to the shapes.

use std::ops::Range;

use super::string::is_same;
use memchr::memchr2;

/// Deeper nesting is not looked into.
const DEEPEST: usize = 512;
/// More values than this are not looked at: a megabyte of nothing but commas makes no more.
const MOST: usize = 1 << 20;

/// A key of so many bytes may be a sentence.
const LONG_KEY: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    Text,
    Key,
    /// A number, a literal, or what stands in place of a value.
    Other,
}

/// One value: the bytes between its quotes or brackets, and the index after all it holds.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: usize,
    end: usize,
    next: usize,
}

/// The values of a text, each before those it holds; in an object, a key stands before every value.
#[derive(Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    at: usize,
    /// An object in which a key comes next.
    wants_key: bool,
}

impl Tape {
    /// Reads a text; what was read before is forgotten.
    pub(super) fn read(&mut self, text: &[u8]) {
        self.nodes.clear();
        self.open.clear();
        let mut at = 0;
        while at < text.len() && self.nodes.len() < MOST {
            at = match text[at] {
                b' ' | b'\n' | b'\r' | b'\t' | b':' => at + 1,
                b'"' => self.string(text, at + 1),
                b'{' if self.open.len() < DEEPEST => self.opened(Kind::Object, at),
                b'[' if self.open.len() < DEEPEST => self.opened(Kind::Array, at),
                b'}' | b']' => {
                    self.close(at);
                    at + 1
                }
                b',' => {
                    self.comma(at);
                    at + 1
                }
                _ => self.other(text, at),
            };
        }
        while !self.open.is_empty() {
            self.close(text.len());
        }
    }

    /// Frees what an unusually large text has left behind.
    pub(super) fn trim(&mut self) {
        if self.nodes.capacity() > 1 << 16 {
            *self = Tape::default();
        }
    }

    /// The values that stand in no other.
    pub(super) fn roots<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Item<'t>> {
        Children { tape: self, text, at: 0, end: self.nodes.len() }
    }

    /// Every object, outer ones first.
    pub(super) fn objects<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Item<'t>> {
        let objects = self.nodes.iter().enumerate().filter(|(_, n)| n.kind == Kind::Object);
        objects.map(move |(at, _)| Item { tape: self, text, at })
    }

    fn string(&mut self, text: &[u8], start: usize) -> usize {
        let mut at = start;
        let end = loop {
            match memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
                None => break text.len(),
                Some(n) if text[at + n] == b'"' => break at + n,
                Some(n) => at += n + 2,
            }
        };
        let end = end.min(text.len());
        match self.open.last_mut() {
            Some(open) if open.wants_key => {
                open.wants_key = false;
                self.push(Kind::Key, start, end);
            }
            _ => self.value(Kind::Text, start, end),
        }
        end + 1
    }

    fn other(&mut self, text: &[u8], start: usize) -> usize {
        let ends = |b: &u8| {
            matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b',')
        };
        let len = text[start + 1..].iter().position(ends).unwrap_or(text.len() - start - 1);
        self.value(Kind::Other, start, start + 1 + len);
        start + 1 + len
    }

    fn opened(&mut self, kind: Kind, at: usize) -> usize {
        self.value(kind, at, at);
        let node = self.nodes.len() - 1;
        self.open.push(Open { at: node, wants_key: kind == Kind::Object });
        at + 1
    }

    fn close(&mut self, at: usize) {
        self.comma(at);
        let next = self.nodes.len();
        if let Some(node) = self.open.pop().and_then(|open| self.nodes.get_mut(open.at)) {
            (node.end, node.next) = (at, next);
        }
    }

    /// A key without a value gets one.
    fn comma(&mut self, at: usize) {
        let object = self.open.last().is_some_and(|o| self.nodes[o.at].kind == Kind::Object);
        if object && self.open.last().is_some_and(|o| !o.wants_key) {
            if self.nodes.last().is_some_and(|n| n.kind == Kind::Key) {
                self.push(Kind::Other, at, at);
            }
            if let Some(open) = self.open.last_mut() {
                open.wants_key = true;
            }
        }
    }

    fn value(&mut self, kind: Kind, start: usize, end: usize) {
        if let Some(open) = self.open.last() {
            let object = self.nodes[open.at].kind == Kind::Object;
            // a value without a key, or a second one for the same key, gets a key of its own
            if object && self.nodes.last().is_none_or(|n| n.kind != Kind::Key) {
                self.push(Kind::Key, start, start);
            }
        }
        self.push(kind, start, end);
        if let Some(open) = self.open.last_mut() {
            open.wants_key = self.nodes[open.at].kind == Kind::Object;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() + 1;
        self.nodes.push(Node { kind, start, end, next });
    }
}

/// A value in its text.
#[derive(Clone, Copy)]
pub(super) struct Item<'t> {
    tape: &'t Tape,
    text: &'t [u8],
    at: usize,
}

impl<'t> Item<'t> {
    fn node(self) -> &'t Node {
        &self.tape.nodes[self.at]
    }

    pub(super) fn kind(self) -> Kind {
        self.node().kind
    }

    /// Its own number among the values, and the first one behind all that it holds.
    pub(super) fn reach(self) -> Range<usize> {
        self.at..self.node().next
    }

    /// Between the quotes, as it is written.
    pub(super) fn raw(self) -> &'t [u8] {
        self.text.get(self.start()..self.node().end).unwrap_or_default()
    }

    /// Where [`raw`](Self::raw) begins.
    pub(super) fn start(self) -> usize {
        self.node().start
    }

    /// What an array holds; nothing for anything else.
    pub(super) fn items(self) -> impl Iterator<Item = Item<'t>> {
        let array = self.kind() == Kind::Array;
        Children {
            tape: self.tape,
            text: self.text,
            at: self.at + 1,
            end: if array { self.node().next } else { 0 },
        }
    }

    /// Keys and values of an object; nothing for anything else.
    pub(super) fn fields(self) -> impl Iterator<Item = (Item<'t>, Item<'t>)> {
        let object = self.kind() == Kind::Object;
        let mut all = Children {
            tape: self.tape,
            text: self.text,
            at: self.at + 1,
            end: if object { self.node().next } else { 0 },
        };
        std::iter::from_fn(move || Some((all.next()?, all.next()?)))
    }

    /// Every text in it, however deep, and the key it stands under; long keys too, which are texts of their own.
    pub(super) fn texts(self) -> impl Iterator<Item = (Option<Item<'t>>, Item<'t>)> {
        let (mut at, end) = (self.at, self.node().next);
        let mut key = None;
        std::iter::from_fn(move || {
            while at < end {
                let item = Item { at, ..self };
                at += 1;
                match item.kind() {
                    Kind::Key => {
                        key = Some(item);
                        if item.raw().len() >= LONG_KEY {
                            return Some((None, item));
                        }
                    }
                    Kind::Text => return Some((key, item)),
                    _ => {}
                }
            }
            None
        })
    }

    /// The values of a key; it may stand there more than once, and every reader takes another.
    pub(super) fn all(self, key: &'static [u8]) -> impl Iterator<Item = Item<'t>> {
        self.fields().filter(move |(k, _)| is_same(k.raw(), key)).map(|(_, v)| v)
    }

    /// The first of them.
    pub(super) fn first(self, key: &'static [u8]) -> Option<Item<'t>> {
        self.all(key).next()
    }

    /// Is there such a key?
    pub(super) fn has(self, key: &'static [u8]) -> bool {
        self.first(key).is_some()
    }

    /// The text under a key.
    pub(super) fn word(self, key: &'static [u8]) -> Option<&'t [u8]> {
        self.all(key).find(|v| v.kind() == Kind::Text).map(Item::raw)
    }

    /// Is one of the key's values one of these words?
    pub(super) fn says(self, key: &'static [u8], words: &[&[u8]]) -> bool {
        self.all(key).any(|v| v.kind() == Kind::Text && words.iter().any(|w| is_same(v.raw(), w)))
    }
}

struct Children<'t> {
    tape: &'t Tape,
    text: &'t [u8],
    at: usize,
    end: usize,
}

impl<'t> Iterator for Children<'t> {
    type Item = Item<'t>;

    fn next(&mut self) -> Option<Item<'t>> {
        if self.at >= self.end {
            return None;
        }
        let item = Item { tape: self.tape, text: self.text, at: self.at };
        self.at = item.node().next;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        fn tell(item: Item<'_>, out: &mut String) {
            match item.kind() {
                Kind::Object => {
                    out.push('{');
                    for (k, v) in item.fields() {
                        out.push_str(&String::from_utf8_lossy(k.raw()));
                        out.push(':');
                        tell(v, out);
                        out.push(',');
                    }
                    out.push('}');
                }
                Kind::Array => {
                    out.push('[');
                    for v in item.items() {
                        tell(v, out);
                        out.push(',');
                    }
                    out.push(']');
                }
                _ => out.push_str(&String::from_utf8_lossy(item.raw())),
            }
        }
        let mut tape = Tape::default();
        tape.read(text.as_bytes());
        let mut out = String::new();
        for root in tape.roots(text.as_bytes()) {
            tell(root, &mut out);
            out.push(';');
        }
        out
    }

    #[test]
    fn json_is_read_as_it_is_meant() {
        assert_eq!(
            told(r#"{"a": [1, "x\"y", {}], "a": null, "b": {"c": true}}"#),
            r#"{a:[1,x\"y,{},],a:null,b:{c:true,},};"#
        );
        assert_eq!(told("{\"a\":1}\n{\"a\":2}\n"), "{a:1,};{a:2,};", "documents may follow each other");
    }

    #[test]
    fn what_is_no_json_is_read_as_far_as_it_goes() {
        assert_eq!(told(r#"{"a": "cut off"#), "{a:cut off,};");
        assert_eq!(told(r#"{"a", "b": 1, 2, "c": ,}"#), "{a:,b:1,:2,c:,};");
        assert_eq!(told(r#"{"a": 1]  "b" }} x"#), "{a:1,};b;x;");
        assert_eq!(told(r#"{"a" "b" "c"}"#), "{a:b,c:,};");
        assert_eq!(told("\u{feff}[1"), "\u{feff};[1,];");
        assert_eq!(told(r#"["\"#), "[\\,];");
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let mut tape = Tape::default();
        let deep = format!("{}{}", "[".repeat(100_000), r#""x""#);
        tape.read(deep.as_bytes());
        assert!(tape.open.is_empty());
        tape.read("0,".repeat(MOST + 10).as_bytes());
        assert_eq!(tape.nodes.len(), MOST);
        tape.trim();
        assert_eq!(tape.nodes.capacity(), 0);
    }
}
