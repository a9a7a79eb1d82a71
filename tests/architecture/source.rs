//! Rust text with everything that is not code blanked out: comments, strings and characters become spaces, line ends stay.
//! Enough of a lexer for the architecture checks, and no more.

/// The same text, line for line and byte for byte, with comments and the insides of literals blanked.
pub(crate) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_literal(bytes, at);
        match end {
            Some(end) => {
                wipe(&mut out[at..end]);
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// If a comment or literal begins at `at`: where it ends.
fn end_of_literal(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let after_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => Some(find(bytes, at, b"\n").unwrap_or(bytes.len())),
        [b'/', b'*', ..] => Some(block_comment(bytes, at)),
        [b'"', ..] => Some(quoted(bytes, at + 1)),
        [b'r', b'"' | b'#', ..] if !after_name => raw(bytes, at + 1),
        [b'b', b'r', b'"' | b'#', ..] if !after_name => raw(bytes, at + 2),
        [b'\'', b'\\', ..] => find(bytes, at + 3, b"'").map(|end| end + 1),
        [b'\'', first, ..] => {
            let width = if *first < 0x80 { 1 } else { first.leading_ones() as usize };
            (bytes.get(at + 1 + width) == Some(&b'\'')).then_some(at + width + 2)
        }
        _ => None,
    }
}

fn block_comment(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i < bytes.len() {
        match &bytes[i..] {
            [b'/', b'*', ..] => {
                depth += 1;
                i += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    bytes.len()
}

fn quoted(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A raw string whose hashes begin at `at`; `None` if it is a raw identifier after all.
fn raw(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at..].iter().take_while(|b| **b == b'#').count();
    if bytes.get(at + hashes) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    Some(find(bytes, at + hashes + 1, &close).map_or(bytes.len(), |end| end + close.len()))
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(needle.len()).position(|w| w == needle).map(|i| from + i)
}

fn wipe(bytes: &mut [u8]) {
    for b in bytes.iter_mut().filter(|b| **b != b'\n') {
        *b = b' ';
    }
}

/// The part before a trailing `#[cfg(test)] mod`.
pub(crate) fn without_tests(blanked: &str) -> &str {
    match blanked.rfind("#[cfg(test)]") {
        Some(at) if blanked[at + "#[cfg(test)]".len()..].trim_start().starts_with("mod ") => &blanked[..at],
        _ => blanked,
    }
}

/// Lines that hold code.
pub(crate) fn code_lines(blanked: &str) -> usize {
    blanked.lines().filter(|l| !l.trim().is_empty()).count()
}

/// The line of a byte offset, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Every function with a body: its name, its line, and how many lines of code stand between its braces.
pub(crate) fn functions(blanked: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in blanked.match_indices("fn ") {
        if blanked[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String =
            blanked[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let (false, Some(body)) = (name.is_empty(), body_of(&blanked[at..])) {
            found.push((name, line_of(blanked, at), code_lines(body)));
        }
    }
    found
}

/// What stands between the braces of the function that `text` begins with; `None` for a declaration.
fn body_of(text: &str) -> Option<&str> {
    let (mut nested, mut open, mut braces) = (0_i32, None, 0_i32);
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            ';' if nested == 0 && open.is_none() => return None,
            '{' => {
                braces += 1;
                open = open.or(Some(i + 1));
            }
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(&text[open?..i]);
                }
            }
            _ => {}
        }
    }
    None
}

/// The comma-separated members of a brace group, given the text after its `{`.
pub(crate) fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut out) = (0, 0, Vec::new());
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                out.push(&group[start..i]);
                return out;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                out.push(&group[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&group[start..]);
    out
}

/// The identifier a text begins with, after blanks.
pub(crate) fn head(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}
