//! Shell text → tree. It never gives up: what no shell would take is read as far as it makes sense, since what stands before or
//! behind it may still run. One pass, a bounded depth, no backtracking.

use std::rc::Rc;

use super::heredocs::Pending;
use super::tree::{How, Node, Redirect, Simple, Word};
use super::words::assignment;

/// Deeper nesting is not followed.
pub(super) const DEEPEST: usize = 24;
/// A bracket is looked for no farther.
const NEAR: usize = 256;

/// A text being read.
pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Where this text stands in the one that spans are of.
    pub(super) base: usize,
    /// No single quote, no backquote follows any more.
    pub(super) no_more: [bool; 2],
    /// Here-documents whose text comes after this line: end mark, tabs off, expands, whose.
    pub(super) pending: Vec<Pending>,
    /// Something was not as a shell would have it.
    pub(super) doubt: bool,
    /// Something was too deep to look into.
    pub(super) too_deep: bool,
}

/// A text, read.
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) doubt: bool,
    pub(super) too_deep: bool,
}

/// Reads a text that stands at `base` in another, `depth` levels down.
pub(super) fn parse(text: &str, base: usize, depth: usize) -> Parsed {
    let mut parser = Parser::new(text, base, depth);
    let mut nodes = Vec::new();
    loop {
        nodes.extend(parser.list(&[]));
        if parser.at >= text.len() {
            break;
        }
        // a bracket or a word that closes nothing
        parser.doubt = true;
        parser.skip_stray();
    }
    Parsed { node: Node::List(nodes), doubt: parser.doubt, too_deep: parser.too_deep }
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, base: usize, depth: usize) -> Parser<'t> {
        Parser {
            text,
            at: 0,
            depth,
            base,
            no_more: [false; 2],
            pending: Vec::new(),
            doubt: false,
            too_deep: false,
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_stray(&mut self) {
        match self.rest().chars().next() {
            Some(c) if !c.is_alphanumeric() => self.at += c.len_utf8(),
            _ => drop(self.word()),
        }
    }

    /// Blanks, line continuations and comments.
    fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with([' ', '\t', '\r', '\0']) {
                self.at += 1;
            } else if rest.starts_with("\\\n") {
                self.at += 2;
            } else if rest.starts_with("\\\r\n") {
                self.at += 3;
            } else if rest.starts_with('#')
                && !self.text[..self.at].ends_with(|c: char| !c.is_whitespace() && !";|&()".contains(c))
            {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    /// Commands up to a word of `until` (not taken), a closing bracket, `;;`, or the end.
    fn list(&mut self, until: &[&str]) -> Vec<Node> {
        let mut nodes = Vec::new();
        loop {
            self.blanks();
            let rest = self.rest();
            if rest.is_empty() || rest.starts_with(')') || rest.starts_with(";;") || rest.starts_with(";&") {
                return nodes;
            }
            if rest.starts_with('\n') {
                self.at += 1;
                self.bodies();
            } else if rest.starts_with([';', '&', '|']) && !rest.starts_with("&>") {
                self.at += 1;
            } else if until.iter().any(|w| self.is_reserved(w)) {
                return nodes;
            } else if let Some(word) =
                ["then", "elif", "else", "do", "!", "time", "coproc"].iter().find(|w| self.is_reserved(w))
            {
                self.at += word.len();
            } else {
                let before = self.at;
                nodes.extend(self.pipeline());
                if self.at == before {
                    self.doubt = true;
                    self.skip_stray();
                }
            }
        }
    }

    /// Does the text go on with this word, by itself?
    fn is_reserved(&self, word: &str) -> bool {
        self.rest().strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with([' ', '\t', '\n', ';', '&', '|', '(', ')', '\r', '<', '>'])
        })
    }

    fn pipeline(&mut self) -> Option<Node> {
        let mut stages = Vec::new();
        loop {
            stages.extend(self.command());
            self.blanks();
            let rest = self.rest();
            if rest.starts_with('|') && !rest.starts_with("||") {
                self.at += if rest.starts_with("|&") { 2 } else { 1 };
                while {
                    self.blanks();
                    self.peek() == Some(b'\n')
                } {
                    self.at += 1;
                    self.bodies();
                }
            } else {
                break;
            }
        }
        match stages.len() {
            0 => None,
            1 => stages.pop(),
            _ => Some(Node::Pipe(stages)),
        }
    }

    fn command(&mut self) -> Option<Node> {
        self.blanks();
        if self.depth >= DEEPEST {
            self.too_deep = true;
            return self.simple();
        }
        self.depth += 1;
        let node = self.compound();
        self.depth -= 1;
        match node {
            Some(node) => {
                let mut redirects = Vec::new();
                while let Some(redirect) = {
                    self.blanks();
                    self.redirect()
                } {
                    redirects.push(redirect);
                }
                Some(if let Node::Function(..) = node { node } else { Node::Group(Rc::new(node), redirects) })
            }
            None => self.simple(),
        }
    }

    fn compound(&mut self) -> Option<Node> {
        let rest = self.rest();
        if rest.starts_with("((")
            && let Some(end) = near(rest, "))").filter(|end| !rest[..*end].contains(['\n', ';', '|']))
        {
            self.at += end + 2;
            return Some(Node::List(Vec::new()));
        }
        if rest.starts_with('(') {
            self.at += 1;
            return Some(self.closed(&[], ")"));
        }
        for (opens, closes) in [("{", "}"), ("if", "fi"), ("while", "done"), ("until", "done")] {
            if self.is_reserved(opens) {
                self.at += opens.len();
                return Some(self.closed(&[closes], closes));
            }
        }
        if self.is_reserved("for") || self.is_reserved("select") {
            return Some(self.for_loop());
        }
        if self.is_reserved("case") {
            return Some(self.case());
        }
        self.function()
    }

    /// A list, and what closes it.
    pub(super) fn closed(&mut self, until: &[&str], closes: &str) -> Node {
        let mut nodes = self.list(until);
        // in `{ a; ) b; }` the bracket closes nothing
        while !self.rest().starts_with(closes)
            && !self.rest().is_empty()
            && closes != ")"
            && self.peek() != Some(b')')
        {
            self.at += 1;
            nodes.extend(self.list(until));
        }
        if self.rest().starts_with(closes) {
            self.at += closes.len();
        } else {
            self.doubt = true;
        }
        Node::List(nodes)
    }

    fn for_loop(&mut self) -> Node {
        self.at += if self.is_reserved("for") { 3 } else { 6 };
        self.blanks();
        let (mut name, mut words) = (String::new(), Vec::new());
        if self.rest().starts_with("((") {
            self.at += near(self.rest(), "))").map_or(2, |end| end + 2);
        } else {
            let end =
                self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
            name = self.rest()[..end].to_owned();
            self.at += end;
            self.blanks();
            if self.is_reserved("in") {
                self.at += 2;
                while let Some(word) = {
                    self.blanks();
                    self.word()
                } {
                    words.push(word);
                }
            }
        }
        let body = self.closed(&["done"], "done");
        Node::For(name, words, Rc::new(body))
    }

    fn case(&mut self) -> Node {
        self.at += 4;
        self.blanks();
        drop(self.word());
        while {
            self.blanks();
            self.peek() == Some(b'\n')
        } {
            self.at += 1;
        }
        if self.is_reserved("in") {
            self.at += 2;
        }
        let mut nodes = Vec::new();
        loop {
            while {
                self.blanks();
                matches!(self.peek(), Some(b'\n' | b';' | b'&'))
            } {
                self.at += 1;
            }
            if self.rest().is_empty() {
                self.doubt = true;
                break;
            }
            if self.is_reserved("esac") {
                self.at += 4;
                break;
            }
            // the pattern
            let before = self.at;
            while self.peek().is_some_and(|b| b != b')' && b != b'\n' && b != b';') {
                if matches!(self.peek(), Some(b'(' | b'|' | b' ' | b'\t')) || self.word().is_none() {
                    self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                }
            }
            if self.peek() == Some(b')') {
                self.at += 1;
            }
            nodes.extend(self.list(&["esac"]));
            if self.at == before {
                self.skip_stray();
            }
        }
        Node::List(nodes)
    }

    /// `name() body`, `function name body`.
    fn function(&mut self) -> Option<Node> {
        let named = self.is_reserved("function");
        let start = if named {
            self.rest()[8..].trim_start().as_ptr() as usize - self.text.as_ptr() as usize
        } else {
            self.at
        };
        let from = &self.text[start..];
        let end =
            from.find(|c: char| c.is_whitespace() || "()|&;<>$`\"'{}".contains(c)).unwrap_or(from.len());
        let name = &from[..end];
        let after = from[end..].trim_start_matches([' ', '\t']);
        let brackets = after
            .strip_prefix('(')
            .map(|r| r.trim_start_matches([' ', '\t']))
            .and_then(|r| r.strip_prefix(')'));
        let body = match (named, brackets) {
            (_, Some(rest)) => rest,
            (true, None) => after,
            (false, None) => return None,
        };
        if name.is_empty() {
            return None;
        }
        let body = body.trim_start();
        self.at = self.text.len() - body.len();
        let node = self.command()?;
        Some(Node::Function(name.to_owned(), Rc::new(node)))
    }

    fn simple(&mut self) -> Option<Node> {
        let start = self.at;
        let mut simple = Simple::default();
        let test = self.is_reserved("[[");
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect() {
                simple.redirects.push(redirect);
                continue;
            }
            let from = self.at;
            if simple.words.is_empty()
                && let Some(assigned) = assignment(self)
            {
                simple.assigned.push(assigned);
                continue;
            }
            if test && self.rest().starts_with(['&', '|', '(', ')', '<', '>']) {
                self.at += 1;
                continue;
            }
            match self.word() {
                Some(word) => simple.words.push(word),
                None => break,
            }
            // an array within `declare a=(…)`, a function in a tool's own language
            if self.at == from {
                break;
            }
        }
        let end = start + self.text[start..self.at].trim_end().len();
        simple.span = self.base + start..self.base + end;
        let empty = simple.words.is_empty() && simple.assigned.is_empty() && simple.redirects.is_empty();
        (!empty).then(|| Node::Simple(Rc::new(simple)))
    }

    fn redirect(&mut self) -> Option<Redirect> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let named = rest
            .starts_with('{')
            .then(|| near(rest, "}"))
            .flatten()
            .filter(|end| rest[1..*end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let begins = named.map_or(digits, |end| end + 1);
        let op = &rest[begins..];
        let (len, how) = [
            ("<<<", How::Text),
            ("<<-", How::Text),
            ("<<", How::Text),
            ("&>>", How::Write),
            ("&>", How::Write),
            (">>", How::Write),
            (">|", How::Write),
            ("<>", How::Write),
            (">&", How::Copy),
            ("<&", How::Copy),
            (">", How::Write),
            ("<", How::Read),
        ]
        .iter()
        .find(|(op_text, _)| op.starts_with(op_text))
        .map(|(op_text, how)| (op_text.len(), *how))?;
        if op[len..].starts_with('(') && len == 1 || begins > 4 {
            return None; // a process substitution; a long number is a word
        }
        let op = op[..len].to_owned();
        self.at += begins + len;
        self.blanks();
        if op == "<<" || op == "<<-" {
            return Some(self.here_document(op == "<<-"));
        }
        let target: Word = self.word().unwrap_or_default();
        let plain = matches!(target.as_slice(), [super::tree::Piece::Plain(t)] if t == "-" || t.bytes().all(|b| b.is_ascii_digit()));
        // `>& file` is a file, `>&1` is not
        let how = if how == How::Copy && !plain { How::Write } else { how };
        Some(Redirect { how, target })
    }
}

/// Where `what` stands, if it is not far.
pub(super) fn near(text: &str, what: &str) -> Option<usize> {
    memchr::memmem::find(&text.as_bytes()[..text.len().min(NEAR)], what.as_bytes())
}
