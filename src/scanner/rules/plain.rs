//! The little of YAML that the program's own rule files are written in, read without its grammar: a tenth of the time, at
//! each start of the program. What it does not know goes to the real reader, and its tests hold the two against each other.

use serde::de::DeserializeOwned;

use crate::config::yaml::{self, YamlError};

/// Of use to the tests alone, and most of a file.
const DROPPED: &[&str] = &["examples", "counter_examples", "references"];

/// Reads a rule file without its examples and references.
///
/// # Errors
/// As the real reader's, of a file that only that can read.
pub(in crate::scanner) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, YamlError> {
    let read = json(text).and_then(|json| serde_json::from_str(&json).ok());
    read.map_or_else(|| yaml::parse(text, name), Ok)
}

/// The file as JSON; none: it is written in more than we know of YAML.
fn json(text: &str) -> Option<String> {
    let mut writer = Writer { json: String::with_capacity(text.len() / 2), open: Vec::new(), awaits: true };
    let mut dropping = usize::MAX;
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') || indent > dropping {
            continue;
        }
        dropping = usize::MAX;
        let (indent, content) = match content.strip_prefix("- ") {
            Some(item) => {
                writer.item(indent)?;
                (indent + 2, item)
            }
            None => (indent, content),
        };
        match key(content) {
            Some((key, _)) if DROPPED.contains(&key) => dropping = indent,
            Some((key, value)) => writer.pair(indent, key, value)?,
            None => writer.value(content)?,
        }
    }
    writer.finish()
}

/// A name before a colon, and what stands behind that.
fn key(content: &str) -> Option<(&str, &str)> {
    let (key, value) = content.split_once(':')?;
    let is_name =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let value = if value.is_empty() { value } else { value.strip_prefix(' ')? };
    is_name.then_some((key, value))
}

struct Writer {
    json: String,
    /// The indent of what is open, and what closes it.
    open: Vec<(usize, char)>,
    /// Nothing was written yet for the last key, item or file.
    awaits: bool,
}

impl Writer {
    /// Goes on in what is open at `indent`, or opens it.
    fn enter(&mut self, indent: usize, opener: char, closer: char) -> Option<()> {
        if self.awaits && self.open.last().is_none_or(|(at, _)| *at < indent) {
            self.json.push(opener);
            self.open.push((indent, closer));
            self.awaits = false;
            return Some(());
        }
        self.close(indent);
        self.json.push(',');
        (!self.awaits && self.open.last() == Some(&(indent, closer))).then_some(())
    }

    /// Closes what stands farther in.
    fn close(&mut self, indent: usize) {
        while let Some((_, closer)) = self.open.pop_if(|(at, _)| *at > indent) {
            self.json.push(closer);
        }
    }

    fn finish(mut self) -> Option<String> {
        self.close(0);
        self.json.extend(self.open.pop().map(|(_, closer)| closer));
        (!self.awaits && self.open.is_empty()).then_some(self.json)
    }

    fn item(&mut self, indent: usize) -> Option<()> {
        self.enter(indent, '[', ']')?;
        self.awaits = true;
        Some(())
    }

    fn pair(&mut self, indent: usize, key: &str, value: &str) -> Option<()> {
        self.enter(indent, '{', '}')?;
        self.json.extend(["\"", key, "\":"]);
        self.awaits = true;
        if value.is_empty() { Some(()) } else { self.value(value) }
    }

    /// A scalar, or a list of scalars in one line.
    fn value(&mut self, value: &str) -> Option<()> {
        if !std::mem::take(&mut self.awaits) {
            return None;
        }
        let Some(mut items) = value.strip_prefix('[') else {
            return self.scalar(value, "").filter(|rest| rest.is_empty()).map(drop);
        };
        self.json.push('[');
        while let Some(rest) = self.scalar(items, ",]") {
            items = rest.strip_prefix(',').map_or(rest, str::trim_start);
            if rest.starts_with(']') {
                break;
            }
            self.json.push(',');
        }
        self.json.push(']');
        (items == "]").then_some(())
    }

    /// One scalar at the beginning of `text`, up to one of `ends`; returns what follows.
    fn scalar<'t>(&mut self, text: &'t str, ends: &str) -> Option<&'t str> {
        if let Some(quoted) = text.strip_prefix('\'') {
            let (mut end, mut doubled) = (quoted.find('\'')?, false);
            while quoted[end + 1..].starts_with('\'') {
                end += 2 + quoted[end + 2..].find('\'')?;
                doubled = true;
            }
            let text = &quoted[..end];
            if doubled { self.string(&text.replace("''", "'")) } else { self.string(text) }?;
            return Some(&quoted[end + 1..]);
        }
        let end = text.find(|c| ends.contains(c)).unwrap_or(text.len());
        let plain = text[..end].trim_end();
        if is_number(plain) || matches!(plain, "true" | "false") {
            self.json.push_str(plain);
        } else {
            is_words(plain, !ends.is_empty()).then_some(())?;
            self.string(plain)?;
        }
        Some(&text[end..])
    }

    fn string(&mut self, text: &str) -> Option<()> {
        self.json.push('"');
        let mut rest = text;
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) {
            self.json.extend([&rest[..at], "\\", &rest[at..=at]]);
            rest = &rest[at + 1..];
        }
        self.json.extend([rest, "\""]);
        (!text.bytes().any(|b| b.is_ascii_control())).then_some(())
    }
}

fn is_number(plain: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = plain.split_once('.').unwrap_or((plain, "0"));
    digits(whole) && digits(rest) && (whole == "0" || !whole.starts_with('0'))
}

/// Is it text beyond doubt, also within a list?
fn is_words(plain: &str, listed: bool) -> bool {
    let letter = plain.starts_with(|c: char| c.is_alphabetic());
    let digit = plain.starts_with(|c: char| c.is_ascii_digit())
        && !["0x", "0X", "0o", "0b"].iter().any(|base| plain.starts_with(base))
        && plain.bytes().any(|b| b.is_ascii_alphabetic() && b | 0x20 != b'e');
    let a_word = ["null", "true", "false"].iter().any(|word| plain.eq_ignore_ascii_case(word));
    let more = [": ", " #"].iter().any(|mark| plain.contains(mark)) || plain.ends_with(':');
    let nested = listed && plain.contains(['[', ']', '{', '}']);
    (letter || digit) && !(a_word || more || nested)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::scanner::{BUILTIN, commands};

    fn without_dropped(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter(|(k, _)| !DROPPED.contains(&&**k))
                .map(|(k, v)| (k, without_dropped(v)))
                .collect(),
            Value::Array(all) => all.into_iter().map(without_dropped).collect(),
            other => other,
        }
    }

    #[test]
    fn every_file_of_ours_is_read_as_yaml_reads_it() {
        for (name, text) in BUILTIN.iter().chain(commands::CATALOGUE) {
            let quick =
                json(text).unwrap_or_else(|| panic!("{name} is written in more than this reader knows"));
            let quick: Value = serde_json::from_str(&quick).unwrap();
            let real: Value = yaml::parse(text, name).unwrap();
            assert_eq!(quick, without_dropped(real), "{name}");
        }
    }

    #[test]
    fn what_is_known_is_read_right_and_the_rest_is_left_to_yaml() {
        for text in [
            "a: 1\nb: [x, 'it''s', 2.5, true]\n",
            "# c\na:\n  - b: 'q\\\"'\n    c: some words, and more\n\n  - b: x y\nd: [e|f, g.h]\n",
            "rules:\n  - id: a\n    examples:\n      - 'x'\n    n: 3\n  - id: b\n",
        ] {
            let quick: Value = serde_json::from_str(&json(text).unwrap()).unwrap();
            assert_eq!(quick, without_dropped(yaml::parse(text, "").unwrap()), "{text}");
        }
        for text in [
            "a: |\n  x\n",
            "a: >-\n  x\n",
            "a: *b\n",
            "a: &b c\n",
            "a: \"x\"\n",
            "a: {b: c}\n",
            "a: 'x\n  y'\n",
            "a: x: y\n",
            "a: x # y\n",
            "a: 'x' # y\n",
            "a: 017\n",
            "a: -1\n",
            "a: 1e3\n",
            "a: .inf\n",
            "a: ~\n",
            "a: null\n",
            "a: True\n",
            "a:\n",
            "a:\nb: c\n",
            "a: [b, c\n",
            "a: [[b]]\n",
            "a: [b: c]\n",
            "a: [b,, c]\n",
            "a: b\n  c\n",
            "\ta: b\n",
            "A B: c\n",
            "a:\n- b\n",
            "",
            "? a\n",
            "--- a\n",
            "a: b\n---\na: c\n",
            "a: b\n  c: d\n",
            "a: [b] c\n",
            "a: !x b\n",
            "a: %b\n",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
    }
}
