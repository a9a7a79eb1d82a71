//! The text of a JSON string, and the way back from that to how it is written.

use memchr::memchr;
use std::ops::Range;

/// Appends what a string says. What is no escape stands for itself.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(n) = memchr(b'\\', &raw[at..]) {
        out.extend_from_slice(&raw[at..at + n]);
        let mut buffer = [0; 4];
        let (said, len) = escape(&raw[at + n..], &mut buffer);
        out.extend_from_slice(said);
        at += n + len;
    }
    out.extend_from_slice(&raw[at..]);
}

/// The bytes that `span` of the unescaped text was written with.
pub(super) fn written(raw: &[u8], span: Range<usize>) -> Range<usize> {
    let (mut at, mut said, mut start) = (0, 0, None);
    while at < raw.len() {
        let n = memchr(b'\\', &raw[at..]).unwrap_or(raw.len() - at);
        // the plain run, then the escape behind it
        if start.is_none() && span.start < said + n {
            start = Some(at + (span.start - said));
        }
        if span.end <= said + n {
            return start.unwrap_or(at)..at + span.end.saturating_sub(said);
        }
        (at, said) = (at + n, said + n);
        if at < raw.len() {
            let mut buffer = [0; 4];
            let (bytes, len) = escape(&raw[at..], &mut buffer);
            if start.is_none() && span.start < said + bytes.len() {
                start = Some(at);
            }
            (at, said) = (at + len, said + bytes.len());
            if span.end <= said {
                return start.unwrap_or(at)..at;
            }
        }
    }
    start.unwrap_or(raw.len())..raw.len()
}

/// Is this what the string says?
pub(super) fn is_same(raw: &[u8], said: &[u8]) -> bool {
    if raw == said {
        return true;
    }
    // every escape is longer than what it stands for
    if raw.len() <= said.len() || memchr(b'\\', raw).is_none() || raw.len() > said.len() * 6 {
        return false;
    }
    let mut text = Vec::with_capacity(said.len());
    unescape(raw, &mut text);
    text == said
}

/// What the escape at the beginning of `raw` says, and how long it is. At least one byte.
fn escape<'b>(raw: &[u8], buffer: &'b mut [u8; 4]) -> (&'b [u8], usize) {
    let simple = |b: u8| match b {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        other => other,
    };
    match raw.get(1) {
        None => (encode('\\', buffer), 1),
        Some(b'u') => {
            let Some(first) = hex(raw, 2) else { return (encode('u', buffer), 2) };
            let low = || (raw.get(6..8) == Some(b"\\u")).then(|| hex(raw, 8)).flatten();
            match (char::from_u32(first), first, low()) {
                (Some(c), ..) => (encode(c, buffer), 6),
                (None, 0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    (encode(char::from_u32(code).unwrap_or('\u{fffd}'), buffer), 12)
                }
                _ => (encode('\u{fffd}', buffer), 6),
            }
        }
        Some(b) => {
            buffer[0] = simple(*b);
            (&buffer[..1], 2)
        }
    }
}

fn encode(c: char, buffer: &mut [u8; 4]) -> &[u8] {
    c.encode_utf8(buffer).as_bytes()
}

fn hex(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    digits.iter().try_fold(0, |n, d| Some(n << 4 | char::from(*d).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(raw: &str) -> String {
        let mut out = Vec::new();
        unescape(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_say_what_they_say() {
        assert_eq!(said(r#"a\n\"\u0041\/\ud83d\ude00\t"#), "a\n\"A/😀\t");
        assert_eq!(said(r"\ud83dx\u00\q\"), "\u{fffd}xu00q\\");
    }

    #[test]
    fn every_span_leads_back_to_how_it_was_written() {
        let raw = r"ab\u0041c\n😀\ud83d\ude00d";
        let text = said(raw);
        let find = |part: &str| text.find(part).map(|at| at..at + part.len()).unwrap();
        let back = |part: &str| &raw[written(raw.as_bytes(), find(part))];
        assert_eq!(back("ab"), "ab");
        assert_eq!(back("bA"), r"b\u0041");
        assert_eq!(back("A"), r"\u0041");
        assert_eq!(back("c\n"), r"c\n");
        assert_eq!(back("d"), "d");
        assert_eq!(back(&text), raw);
        for start in 0..text.len() {
            for end in start + 1..=text.len() {
                let span = written(raw.as_bytes(), start..end);
                assert!(span.start < span.end && span.end <= raw.len(), "{start}..{end}");
            }
        }
    }

    #[test]
    fn words_are_compared_by_what_they_say() {
        assert!(
            is_same(b"role", b"role")
                && is_same(br"\u0072ole", b"role")
                && is_same(br"\u0072\u006fle", b"role")
        );
        assert!(!is_same(b"rule", b"role") && !is_same(br"\u0072ule", b"role") && !is_same(b"", b"role"));
    }
}
