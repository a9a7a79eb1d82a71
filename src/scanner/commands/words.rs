//! Words of a shell text → pieces: quotes, backslashes, what `$` and backquotes begin.

use std::rc::Rc;

use super::parse::{DEEPEST, Parser, near, parse};
use super::tree::{Assignment, Node, Piece, Word};

/// Ends a word where it is not quoted.
const ENDS: &[u8] = b" \t\r\n\0;|&()<>";

impl Parser<'_> {
    /// The next word; none if something else stands here.
    pub(super) fn word(&mut self) -> Option<Word> {
        let start = self.at;
        let (mut pieces, mut plain) = (Word::new(), String::new());
        while let Some(b) = self.peek() {
            let rest = self.rest();
            if (rest.starts_with("<(") || rest.starts_with(">(")) && self.depth < DEEPEST {
                self.at += 2;
                let node = self.bracketed();
                flush(&mut plain, &mut pieces);
                pieces.push(Piece::Process(Rc::new(node)));
                continue;
            }
            if ENDS.contains(&b) {
                // `@(a|b)`: a glob's brackets
                match (b, plain.as_bytes().last()) {
                    (b'(', Some(b'@' | b'?' | b'*' | b'+' | b'!')) if near(rest, ")").is_some() => {
                        let end = near(rest, ")").map_or(1, |end| end + 1);
                        plain.push_str(rest.get(..end).unwrap_or("("));
                        self.at += rest.get(..end).map_or(1, str::len);
                        continue;
                    }
                    _ => break,
                }
            }
            self.piece(b, &mut plain, &mut pieces);
        }
        flush(&mut plain, &mut pieces);
        (self.at > start).then_some(pieces)
    }

    /// What begins with this byte.
    fn piece(&mut self, b: u8, plain: &mut String, pieces: &mut Word) {
        match b {
            b'\\' => {
                self.at += 1;
                if let Some(c) = self.rest().chars().next() {
                    self.at += c.len_utf8();
                    if c != '\n' {
                        flush(plain, pieces);
                        pieces.push(Piece::Quoted(c.to_string()));
                    }
                }
            }
            b'\'' => match self.until(b'\'', 0) {
                Some(text) => {
                    flush(plain, pieces);
                    pieces.push(Piece::Quoted(text.to_owned()));
                }
                None => plain.push('\''),
            },
            b'"' => {
                flush(plain, pieces);
                self.at += 1;
                self.quoted(pieces, true);
            }
            b'$' | b'`' => {
                let piece = self.dollar(false);
                match piece {
                    Some(piece) => {
                        flush(plain, pieces);
                        pieces.push(piece);
                    }
                    None => plain.push(char::from(b)),
                }
            }
            _ => {
                if let Some(c) = self.rest().chars().next() {
                    plain.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// What stands in single quotes or backquotes, past both; not found: only the first is stepped over.
    fn until(&mut self, quote: u8, which: usize) -> Option<&str> {
        self.at += 1;
        let rest = self.rest();
        let end = if self.no_more[which] { None } else { closing(rest.as_bytes(), quote) };
        match end {
            Some(end) => {
                self.at += end + 1;
                Some(&rest[..end])
            }
            None => {
                self.no_more[which] = true;
                self.doubt = true;
                None
            }
        }
    }

    /// Within double quotes, up to and past the closing one; or, in a here-document, to the end.
    pub(super) fn quoted(&mut self, pieces: &mut Word, closes: bool) {
        let mut text = String::new();
        let mut any = false;
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.doubt |= closes;
                break;
            };
            match c {
                '"' if closes => {
                    self.at += 1;
                    break;
                }
                '\\' => {
                    self.at += 1;
                    match self.rest().chars().next() {
                        Some('\n') => self.at += 1,
                        Some(c @ ('$' | '`' | '"' | '\\')) => {
                            self.at += 1;
                            text.push(c);
                        }
                        _ => text.push('\\'),
                    }
                }
                '$' | '`' => match self.dollar(true) {
                    Some(piece) => {
                        any = true;
                        if !text.is_empty() {
                            pieces.push(Piece::Quoted(std::mem::take(&mut text)));
                        }
                        pieces.push(piece);
                    }
                    None => text.push(c),
                },
                _ => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        if !text.is_empty() || !any {
            pieces.push(Piece::Quoted(text));
        }
    }

    /// What `$` or a backquote begins; none: it stands for itself, and is stepped over.
    fn dollar(&mut self, quoted: bool) -> Option<Piece> {
        if self.peek() == Some(b'`') {
            let start = self.base + self.at + 1;
            let depth = self.depth + 1;
            let text = self.until(b'`', 1)?.replace("\\`", "`").replace("\\$", "$").replace("\\\\", "\\");
            if depth > DEEPEST {
                self.too_deep = true;
                return Some(Piece::Quoted(text));
            }
            let parsed = parse(&text, start, depth);
            self.too_deep |= parsed.too_deep;
            return Some(Piece::Output(Rc::new(parsed.node), quoted));
        }
        self.at += 1;
        let rest = self.rest();
        if rest.starts_with("((")
            && let Some(end) = near(rest, "))").filter(|end| is_sum(&rest[..*end]))
        {
            self.at += end + 2;
            return Some(Piece::Variable(format!("(({}", &rest[2..end]), quoted));
        }
        if rest.starts_with('(') {
            if self.depth >= DEEPEST {
                self.too_deep = true;
                return None;
            }
            self.at += 1;
            return Some(Piece::Output(Rc::new(self.bracketed()), quoted));
        }
        if rest.starts_with('{') {
            return self.braces(quoted);
        }
        if rest.starts_with('\'') && !quoted {
            return self.escaped();
        }
        if rest.starts_with('"') && !quoted {
            return None; // `$"…"` is `"…"`
        }
        let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let len = match rest.bytes().next()? {
            b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-' => 1,
            _ => name,
        };
        self.at += len;
        (len > 0).then(|| Piece::Variable(rest[..len].to_owned(), quoted))
    }

    /// `$'…'`.
    fn escaped(&mut self) -> Option<Piece> {
        let rest = &self.rest()[1..];
        let bytes = rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() && bytes[end] != b'\'' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if end >= bytes.len() {
            self.doubt = true;
            return None;
        }
        self.at += end + 2;
        Some(Piece::Escaped(unescape(&rest[..end])))
    }

    /// `${…}`.
    fn braces(&mut self, quoted: bool) -> Option<Piece> {
        let rest = self.rest();
        let mut deep = 0_usize;
        let mut skip = false;
        for (i, b) in rest.bytes().enumerate().take(512) {
            match b {
                _ if skip => skip = false,
                b'\\' => skip = true,
                b'{' => deep += 1,
                b'}' if deep == 1 => {
                    self.at += i + 1;
                    return Some(Piece::Variable(rest[1..i].to_owned(), quoted));
                }
                b'}' => deep -= 1,
                _ => {}
            }
        }
        self.doubt = true;
        None
    }

    /// A list up to `)`, past it.
    fn bracketed(&mut self) -> Node {
        self.depth += 1;
        let node = self.closed(&[], ")");
        self.depth -= 1;
        node
    }
}

/// `name=…` where a command may begin.
pub(super) fn assignment(parser: &mut Parser<'_>) -> Option<Assignment> {
    let rest = parser.rest();
    let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if name == 0 || rest.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    // `a[0]=`
    let index = rest[name..]
        .strip_prefix('[')
        .and_then(|r| near(r, "]"))
        .filter(|i| rest[name + 1..][..*i].bytes().all(|b| b.is_ascii_alphanumeric()));
    let behind = name + index.map_or(0, |i| i + 2);
    let (appends, len) = if rest[behind..].starts_with("+=") { (true, 2) } else { (false, 1) };
    if !rest[behind..].starts_with(['=', '+']) || !rest[behind..][..len].ends_with('=') {
        return None;
    }
    let key = &rest[..name];
    parser.at += behind + len;
    let mut values = Vec::new();
    if parser.peek() == Some(b'(') {
        parser.at += 1;
        loop {
            while matches!(parser.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                parser.at += 1;
            }
            match parser.word() {
                Some(word) => values.push(word),
                None => break,
            }
        }
        if parser.peek() == Some(b')') {
            parser.at += 1;
        } else {
            parser.doubt = true;
        }
    } else {
        values.extend(parser.word());
    }
    Some(Assignment {
        name: key.to_owned(),
        values,
        appends: appends || index.is_some_and(|_| &rest[name + 1..behind - 1] != "0"),
    })
}

/// The text of a here-document as a word.
pub(super) fn heredoc(body: &str, expands: bool, base: usize, depth: usize) -> Word {
    if !expands || depth >= DEEPEST {
        return vec![Piece::Quoted(body.to_owned())];
    }
    let mut pieces = Word::new();
    Parser::new(body, base, depth + 1).quoted(&mut pieces, false);
    pieces
}

/// One word, wherever it stands: for the inside of `${name:-word}`.
pub(super) fn one_word(text: &str, depth: usize) -> Word {
    let mut pieces = Word::new();
    let mut parser = Parser::new(text, 0, depth);
    while parser.at < text.len() {
        let before = parser.at;
        pieces.extend(parser.word().unwrap_or_default());
        if let Some(c) = parser.rest().chars().next().filter(|_| parser.at < text.len()) {
            pieces.push(Piece::Plain(c.to_string()));
            parser.at += c.len_utf8();
        }
        if parser.at == before {
            break;
        }
    }
    pieces
}

fn flush(plain: &mut String, pieces: &mut Word) {
    if !plain.is_empty() {
        pieces.push(Piece::Plain(std::mem::take(plain)));
    }
}

/// The next such quote that is not behind a backslash (a backslash means nothing to single quotes).
fn closing(text: &[u8], quote: u8) -> Option<usize> {
    if quote == b'\'' {
        return memchr::memchr(quote, text);
    }
    memchr::memchr_iter(quote, text).find(|at| *at == 0 || text[at - 1] != b'\\')
}

fn is_sum(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b" _+-*/%()$&|<>=!~^?:,[]#{}".contains(&b))
}

/// The escapes of `$'…'`, `echo -e` and `printf`.
pub(super) fn unescape(text: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push(b'\\');
            break;
        };
        let behind = &rest[c.len_utf8()..];
        let digits = |text: &str, most: usize, radix: u32| {
            text.chars().take(most).take_while(|c| c.is_digit(radix)).count()
        };
        let (taken, value) = match c {
            'x' => number(behind, digits(behind, 2, 16), 16),
            'u' => number(behind, digits(behind, 4, 16), 16),
            'U' => number(behind, digits(behind, 8, 16), 16),
            '0'..='7' => {
                // `\0nnn` and `\nnn`
                let (text, more) = if c == '0' { (behind, 1) } else { (rest, 0) };
                let (n, value) = number(text, digits(text, 3, 8), 8);
                (n + more, value.or(Some(0)))
            }
            _ => (0, None),
        };
        if let Some(value) = value {
            let from_rest = c.is_ascii_digit();
            match (c, char::from_u32(value)) {
                ('u' | 'U', Some(c)) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => out.push(u8::try_from(value & 0xff).unwrap_or_default()),
            }
            rest = if from_rest { &rest[taken..] } else { &behind[taken..] };
            continue;
        }
        match c {
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            'r' => out.push(b'\r'),
            'e' | 'E' => out.push(0x1b),
            'a' | 'b' | 'f' | 'v' => out.push(b' '),
            '\\' | '\'' | '"' | '?' => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => {
                out.push(b'\\');
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).replace('\0', "")
}

fn number(text: &str, len: usize, radix: u32) -> (usize, Option<u32>) {
    (len, u32::from_str_radix(&text[..len], radix).ok())
}
