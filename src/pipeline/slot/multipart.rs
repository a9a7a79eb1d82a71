//! A slot in a multipart form: finds the bytes of one field's content.

use super::body::Found;
use crate::base::secret::Secret;
use memchr::memmem;
use std::ops::Range;

/// The content of the field of this name. A body that is not made as RFC 7578 has it is unclear as a whole.
pub(super) fn find(text: &[u8], boundary: &[u8], name: &str) -> Found {
    let Some(parts) = parts(text, boundary) else { return Found::Unclear };
    let mut found = Found::Nothing;
    for part in parts {
        let Some(ends) = memmem::find(&text[part.clone()], b"\r\n\r\n") else { return Found::Unclear };
        // the line break that ends the boundary's line begins the part: a head without lines is that and another
        let head = &text[part.start..part.start + ends];
        let content = part.start + ends + 4..part.end;
        if !is_field(head, name) {
            continue;
        }
        let coded = lines(head).any(|(key, _)| key.eq_ignore_ascii_case(b"content-transfer-encoding"));
        if coded || found != Found::Nothing {
            return Found::Unclear;
        }
        found = Found::One { value: Secret::from(&text[content.clone()]), span: content };
    }
    match found {
        Found::One { value, .. } if value.is_empty() => Found::Nothing,
        found => found,
    }
}

/// From the line break behind each boundary to the one before the next. `None`: the last one is missing, or what stands
/// behind a boundary on its line is not nothing.
fn parts(text: &[u8], boundary: &[u8]) -> Option<Vec<Range<usize>>> {
    let delimiter = [b"--", boundary].concat();
    let mut at = if text.starts_with(&delimiter) {
        delimiter.len()
    } else {
        let inner = [b"\r\n", &delimiter[..]].concat();
        memmem::find(text, &inner)? + inner.len()
    };
    let next = [b"\r\n--", boundary].concat();
    let mut all = Vec::new();
    loop {
        let rest = &text[at..];
        if rest.starts_with(b"--") {
            return Some(all);
        }
        let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if !rest[padding..].starts_with(b"\r\n") {
            return None;
        }
        let start = at + padding;
        let length = memmem::find(&text[start..], &next)?;
        all.push(start..start + length);
        at = start + length + next.len();
    }
}

fn lines(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|b| *b == b'\n').filter_map(|line| {
        let colon = line.iter().position(|b| *b == b':')?;
        Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
    })
}

/// Is this the plain field of this name, and no file?
fn is_field(head: &[u8], name: &str) -> bool {
    let mut all = lines(head).filter(|(key, _)| key.eq_ignore_ascii_case(b"content-disposition"));
    let (Some((_, said)), None) = (all.next(), all.next()) else { return false };
    let mut own = false;
    for parameter in said.split(|b| *b == b';').skip(1) {
        let Some(equals) = parameter.iter().position(|b| *b == b'=') else { continue };
        let (key, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        if key.to_ascii_lowercase().starts_with(b"filename") {
            return false;
        }
        let bare = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        own |= key.eq_ignore_ascii_case(b"name") && bare == name.as_bytes();
    }
    own && said
        .split(|b| *b == b';')
        .next()
        .is_some_and(|d| d.trim_ascii().eq_ignore_ascii_case(b"form-data"))
}
