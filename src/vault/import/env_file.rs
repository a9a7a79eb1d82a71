//! `.env` files: `NAME=value` lines as the usual dotenv libraries and shells read them. Every value keeps its place in the
//! file. Nothing is interpolated: a value that refers to another variable is told apart, not worked out.

use super::names;
use super::source::line_of;
use super::{Class, Error, Find, Form, Origin, Reading, SourceFile, Spot};
use crate::base::secret::Secret;
use crate::vault::Providers;
use std::ops::Range;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads one.
///
/// # Errors
/// [`Error::Syntax`] with the line; a file that is not safe to read.
pub fn env_file(path: &Path, program: &'static str, providers: &Providers) -> Result<Reading, Error> {
    let file = SourceFile::read(path)?;
    let found = parse(file.bytes()).map_err(|(line, why)| Error::Syntax {
        path: path.to_owned(),
        line,
        why: why.into(),
    })?;
    let find = |var: Variable| {
        let class = match names::class(&var.name, var.value.expose(), providers) {
            Class::Secret if var.refers => {
                Class::Plain("it refers to another variable, which is not worked out")
            }
            class => class,
        };
        let form = if var.value.expose().contains(&b'\n') {
            Form::Never("it has several lines")
        } else {
            Form::Plain
        };
        let spot = Spot { line: var.line, range: var.range, form };
        Find {
            called: var.name.clone(),
            name: var.name,
            value: var.value,
            class,
            spot: Some(spot),
            expires: None,
        }
    };
    let finds = found.into_iter().map(find).collect();
    Ok(Reading { origin: Origin::File { program, file }, finds, notes: Vec::new() })
}

/// One line, or one quoted value over several.
struct Variable {
    name: String,
    value: Secret,
    line: usize,
    /// Of the value, inside its quotes.
    range: Range<usize>,
    refers: bool,
}

type Wrong = (usize, &'static str);

fn parse(bytes: &[u8]) -> Result<Vec<Variable>, Wrong> {
    let mut at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut found = Vec::new();
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let wrong = |why| (line_of(bytes, at), why);
        let mut text = skip_blanks(bytes, at, end);
        if text == end || bytes[text] == b'#' || &bytes[text..end] == b"\r" {
            at = end + 1;
            continue;
        }
        let exported =
            bytes[text..end].strip_prefix(b"export").is_some_and(|r| r.first().is_some_and(|b| is_blank(*b)));
        if exported {
            text = skip_blanks(bytes, text + 6, end);
        }
        let name_end = text + bytes[text..end].iter().take_while(|b| is_name(**b)).count();
        if name_end == text || bytes[text].is_ascii_digit() {
            return Err(wrong("a name stands there that is none"));
        }
        let name = String::from_utf8_lossy(&bytes[text..name_end]).into_owned();
        let equals = skip_blanks(bytes, name_end, end);
        let rest = &bytes[equals..end];
        if rest.is_empty() || rest == b"\r" || rest[0] == b'#' {
            // a name alone passes on what the environment has; there is no value here
            at = end + 1;
            continue;
        }
        if rest[0] != b'=' {
            return Err(wrong("a name is followed by something other than ="));
        }
        let begin = skip_blanks(bytes, equals + 1, end);
        let (value, range, refers, next) = match bytes.get(begin) {
            Some(quote @ (b'"' | b'\'' | b'`')) if begin < end => {
                quoted(bytes, begin, *quote).map_err(wrong)?
            }
            _ => bare(bytes, begin, end),
        };
        found.push(Variable { name, value, line: line_of(bytes, begin), range, refers });
        at = next;
    }
    Ok(found)
}

type Value = (Secret, Range<usize>, bool, usize);

/// To the end of the line, or to a `#` behind a blank.
fn bare(bytes: &[u8], begin: usize, end: usize) -> Value {
    let line = &bytes[begin..end];
    let comment = (0..line.len()).find(|i| line[*i] == b'#' && (*i == 0 || is_blank(line[i - 1])));
    let text = line[..comment.unwrap_or(line.len())].trim_ascii_end();
    (Secret::from(text), begin..begin + text.len(), refers(text), end + 1)
}

/// To the closing quote, over line ends. Only `"` knows escapes; behind the quote stands nothing but a comment.
fn quoted(bytes: &[u8], begin: usize, quote: u8) -> Result<Value, &'static str> {
    let open = begin + 1;
    let mut close = open;
    loop {
        match bytes.get(close) {
            None => return Err("a quote is not closed"),
            Some(b'\\') if quote == b'"' => close += 2,
            Some(b) if *b == quote => break,
            Some(_) => close += 1,
        }
    }
    let text = &bytes[open..close];
    let end = line_end(bytes, close);
    let behind = bytes[close + 1..end].trim_ascii();
    if !(behind.is_empty() || behind[0] == b'#') {
        return Err("something stands behind the closing quote");
    }
    let value = if quote == b'"' { unescaped(text) } else { Secret::from(text) };
    Ok((value, open..close, quote == b'"' && refers(text), end + 1))
}

fn unescaped(text: &[u8]) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter().copied();
    while let Some(b) = rest.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match rest.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(c @ (b'"' | b'\\' | b'$' | b'`' | b'\'')) => out.push(c),
            // what is no escape stands as it is written
            Some(c) => out.extend_from_slice(&[b'\\', c]),
            None => out.push(b'\\'),
        }
    }
    Secret::new(std::mem::take(&mut *out))
}

/// `$NAME`, `${NAME}` or `$(command)`, not escaped.
fn refers(text: &[u8]) -> bool {
    let begins = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'{' | b'(');
    (0..text.len()).any(|i| {
        text[i] == b'$' && text.get(i + 1).is_some_and(|b| begins(*b)) && !(i > 0 && text[i - 1] == b'\\')
    })
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)
}

fn skip_blanks(bytes: &[u8], at: usize, end: usize) -> usize {
    at + bytes[at..end].iter().take_while(|b| is_blank(**b)).count()
}

fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, Wrong> {
        let text_of = |v: &Variable| String::from_utf8(v.value.expose().to_vec()).unwrap();
        Ok(parse(text.as_bytes())?.iter().map(|v| (v.name.clone(), text_of(v))).collect())
    }

    fn one(text: &str) -> String {
        let all = read(text).unwrap();
        assert_eq!(all.len(), 1, "{text:?}: {all:?}");
        all[0].1.clone()
    }

    #[test]
    fn the_grammar() {
        for (text, value) in [
            ("A=b", "b"),
            ("export A=b\n", "b"),
            ("  export\tA = b  \n", "b"),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=#c", ""),
            ("A=", ""),
            ("A=a b c", "a b c"),
            ("A='a # b' # c", "a # b"),
            ("A='a\\n'", "a\\n"),
            ("A=\"a\\nb\\\"c\\\\d\\te\\q\"", "a\nb\"c\\d\te\\q"),
            ("A=`a'\"b`", "a'\"b"),
            ("A=\"one\ntwo\"\n", "one\ntwo"),
            ("A='one\ntwo'", "one\ntwo"),
            ("A=b\r\n", "b"),
            ("A='b'\r\n", "b"),
            ("\u{feff}A=b", "b"),
            ("# A=c\n\n\r\nA=b", "b"),
            ("A=${B}/c", "${B}/c"),
            ("a.b-c=d=e", "d=e"),
            ("exported=1", "1"),
            ("A=\"\"", ""),
            ("A=b\nC\nexport D\nE # x", "b"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
        let both = read("A=1\nB=\"x\ny\" # z\nC=3").unwrap();
        assert_eq!(both.iter().map(|(n, _)| &**n).collect::<Vec<_>>(), ["A", "B", "C"]);
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        for (text, line) in [
            ("A=1\nB=\"x\n\n", 2),
            ("A=1\n\n=x", 3),
            ("A=1\n2B=x", 2),
            ("A b=c", 1),
            ("A='x'y", 1),
            ("A=\"x\\", 1),
            ("ä=1", 1),
        ] {
            assert_eq!(read(text).unwrap_err().0, line, "{text:?}");
        }
    }

    #[test]
    fn every_value_knows_where_it_stands() {
        let text = "A=one\nexport B = \"t\\\"wo\" # c\nC='three'\r\n";
        let spots: Vec<&str> =
            parse(text.as_bytes()).unwrap().iter().map(|v| &text[v.range.clone()]).collect();
        assert_eq!(spots, ["one", "t\\\"wo", "three"]);
        let lines: Vec<usize> = parse(text.as_bytes()).unwrap().iter().map(|v| v.line).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn references_are_told_apart_where_they_count() {
        for (text, is) in [
            ("A=${B}", true),
            ("A=$B", true),
            ("A=\"x$(cmd)\"", true),
            ("A='$B'", false),
            ("A=pa$$1word$", false),
            ("A=\"\\$B\"", false),
            ("A=`$B`", false),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap()[0].refers, is, "{text}");
        }
    }
}
