//! A slot in a multipart form: finds the bytes of one field's content.

use super::body::Found;
use super::parameters;
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
        // one that is read in two ways is no field; what stands in it is out of place
        let Some(lines) = lines(head).filter(|lines| is_field(lines, name)) else { continue };
        let coded = lines.iter().any(|(key, _)| key.eq_ignore_ascii_case(b"content-transfer-encoding"));
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

/// From the line break behind each boundary to the one before the next. `None`: the last one is missing, something stands in
/// front of the first, or behind one on its line: not every reader takes such a line for a boundary, and what one of them takes
/// for a field is text of another field to the next.
fn parts(text: &[u8], boundary: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut at = text.strip_prefix(b"--")?.starts_with(boundary).then_some(2 + boundary.len())?;
    let next = [b"\r\n--", boundary].concat();
    let mut all = Vec::new();
    loop {
        let rest = &text[at..];
        if rest.starts_with(b"--") {
            return Some(all);
        }
        if !rest.starts_with(b"\r\n") {
            return None;
        }
        let length = memmem::find(rest, &next)?;
        all.push(at..at + length);
        at += length + next.len();
    }
}

/// The lines of a part's head as name and value. `None`: there is one that some readers take for two, or for a piece of the
/// one before.
fn lines(head: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut rest = head;
    let mut all = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = memmem::find(rest, b"\r\n").unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        let colon = memchr::memchr(b':', line)?;
        let plain = !line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
        let named = colon > 0 && line[..colon].iter().all(u8::is_ascii_graphic);
        all.push((plain && named).then_some((&line[..colon], line[colon + 1..].trim_ascii()))?);
        rest = behind;
    }
    Some(all)
}

/// Is this the plain field of this name to every reader, and no file?
fn is_field(lines: &[(&[u8], &[u8])], name: &str) -> bool {
    let mut all = lines.iter().filter(|(key, _)| key.eq_ignore_ascii_case(b"content-disposition"));
    let (Some((_, said)), None) = (all.next(), all.next()) else { return false };
    let Some((kind, parameters)) = std::str::from_utf8(said).ok().and_then(parameters::read) else {
        return false;
    };
    // a second name, one of RFC 2231 (`name*`), or a file's
    let [(key, own)] = parameters.as_slice() else { return false };
    kind.eq_ignore_ascii_case("form-data") && key.eq_ignore_ascii_case("name") && *own == name
}
