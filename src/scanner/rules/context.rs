//! Values without a look of their own (32 hex digits) beside a name that tells (`DATADOG_API_KEY`): how what stands between
//! the two reads. The name is the rule's keyword, so all of it lies behind the keyword's beginning.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// So many bytes may stand between the end of a name and a value.
pub(in crate::scanner) const WITHIN: usize = 48;
/// Confidence of what is called a secret but not assigned, as in prose.
const SAID: u8 = 65;

/// A field's name, what separates it from a value, and what may stand before the value itself; or a name that is a secret's,
/// and blanks.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"[a-z0-9_.\-]{1,80}";
    let quote = r#"(?:["'`\\\])\s*]|%22|\\u0022|&quot;)*"#;
    let is = r"(?:=>|:=|={1,3}|\|\||\?=|:{1,3}|>|,|\(|%3d|%3a|\\u003d|\\u003a|&#61;)";
    let opens = r#"(?:["'`\\(\[{\s]|%22|%20|\\u0022|&quot;|\\[nrt])*"#;
    let scheme =
        r"(?:(?:bearer|basic|token|ssws|apikey|api[-_]key|key|bot|geniekey|sso-key|secret)(?:\s|%20|=|:)+)?";
    let plain = r#"[a-z0-9_.\-]*(?:key|token|secret|password|passwd|pwd|credential|auth)["'`\\]*\s+["'`\\]*"#;
    Regex::new(&format!("(?is-u)(?:{name}{quote}{is}{opens}{scheme}|{plain})$")).ok()
});
/// Anywhere before a value: it is a digest.
static DIGEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        "(?i-u)sha-?(?:1|2|224|256|384|512)|md5|checksum|digest|integrity|commit|etag|fingerprint|revision",
    )
    .ok()
});
/// At the end of a field's name: its value is no secret.
static HARMLESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        "(?i-u)(?:[_.-]|^)(?:ids?|sid|sha|sum|ref|rev|tag|ver)$|[a-z](?:Id|ID)$|(?:uuid|guid|hash|version|name|url|uri|host|endpoint|\
         region|size|length|path|file|email|user|licen[cs]e|image|link|badge|icon|logo|src|href|(?:public|pub|publishable)[_.-]?key)$",
    )
    .ok()
});
/// Somewhere in name and between: the value is a secret.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("(?i-u)key|token|secret|pass|pwd|auth|cred|api|sign|private|bearer|dsn|webhook|jwt|[_-]pat")
        .ok()
});
/// Providers whose own names hold a word for a secret.
const OUTSPOKEN: &[&[u8]] = &[b"auth0", b"rapidapi", b"newsapi", b"weatherapi"];

/// What a value beside a name looks like.
#[derive(Debug)]
pub(in crate::scanner) struct Context {
    /// Percent, where nothing but the name says that it is a secret; 0: not found at all.
    pub(in crate::scanner) nearby: u8,
}

impl Context {
    /// The places where a value may begin, `named` bytes being the name.
    pub(in crate::scanner) fn places(text: &[u8], named: usize) -> impl Iterator<Item = usize> {
        let end = text.len().min(named + WITHIN + 1);
        (named + 1..end).filter(move |at| begins(&text[named..*at], text[*at]))
    }

    /// The confidence in a value, given everything from the name's beginning to the value's; `None`: no secret.
    pub(in crate::scanner) fn confidence(&self, before: &[u8], confidence: u8) -> Option<u8> {
        let is =
            |regex: &LazyLock<Option<Regex>>, text: &[u8]| regex.as_ref().is_some_and(|r| r.is_match(text));
        if is(&DIGEST, before) {
            return None;
        }
        // only where a match begins and ends: what its parts are would cost a hundred times as much
        let outspoken =
            OUTSPOKEN.iter().find(|p| before.len() > p.len() && before[..p.len()].eq_ignore_ascii_case(p));
        let told = &before[outspoken.map_or(0, |p| p.len())..];
        let (field, secret) = (FIELD.as_ref()?.find(before), is(&SECRET, told));
        if let Some(field) = field {
            let field = field.as_bytes();
            let name = field.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)).count();
            if is(&HARMLESS, &field[..name]) {
                return None;
            }
            if secret && !is_closed(before) {
                return Some(confidence);
            }
        }
        let nearby = if secret && self.nearby > 0 { SAID.min(confidence) } else { self.nearby };
        (nearby > 0).then_some(nearby)
    }
}

/// Is the name shut off from the value, as in `names = ['a', 'datadog_key']; other = `?
fn is_closed(before: &[u8]) -> bool {
    let Some(closer) = before.iter().rposition(|b| b"])}".contains(b)) else { return false };
    let after = before[closer + 1..].trim_ascii_start();
    !after.first().is_none_or(|b| b"=:,.|>\"'`\\".contains(b))
}

/// May a value begin with `first`, given what stands between the name and it?
fn begins(between: &[u8], first: u8) -> bool {
    let Some(last) = between.last() else { return false };
    match BEFORE[usize::from(*last)] {
        _ if !FIRST[usize::from(first)] => false,
        Before::Never => false,
        Before::Always => true,
        Before::Escaped => {
            let escaped: [&[u8]; 11] = [
                b"\\n", b"\\t", b"\\r", b"%3D", b"%3d", b"%3A", b"%3a", b"%20", b"%22", b"\\u0022",
                b"\\u003d",
            ];
            escaped.iter().any(|e| between.ends_with(e))
        }
    }
}

/// What a value may begin with: anything that is seen and does not set it apart.
static FIRST: [bool; 256] = {
    let (mut all, mut b) = ([false; 256], 0);
    while b < 256 {
        let c = b as u8;
        let apart = matches!(
            c,
            b'"' | b'\''
                | b'`'
                | b'='
                | b':'
                | b'>'
                | b'('
                | b','
                | b'['
                | b'{'
                | b';'
                | b'|'
                | b'\\'
                | b'<'
                | b'%'
                | b'&'
        );
        all[b] = c.is_ascii_graphic() && !apart;
        b += 1;
    }
    all
};

/// May a byte stand before a value?
#[derive(Clone, Copy)]
enum Before {
    Never,
    Always,
    /// As the last one of an escape.
    Escaped,
}

static BEFORE: [Before; 256] = {
    let (mut all, mut b) = ([Before::Never; 256], 0);
    while b < 256 {
        let c = b as u8;
        all[b] = match c {
            b'"' | b'\'' | b'`' | b'=' | b':' | b'>' | b'(' | b',' | b'[' | b'{' | b';' | b'|' => {
                Before::Always
            }
            b'n' | b't' | b'r' | b'D' | b'd' | b'A' | b'a' | b'0' | b'2' => Before::Escaped,
            _ if c.is_ascii_whitespace() => Before::Always,
            _ => Before::Never,
        };
        b += 1;
    }
    all
};

/// Does a value end here? What goes on is a longer one, and none of this kind.
pub(in crate::scanner) fn ends(after: &[u8]) -> bool {
    match after {
        // before a bracket it is a function's name
        [b, ..] if b.is_ascii_alphanumeric() || b"_(".contains(b) => false,
        [b'-' | b'+' | b'/' | b'.' | b'=', b, ..] => !b.is_ascii_alphanumeric(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_value_decides() {
        let context = Context { nearby: 45 };
        for (before, expected) in [
            ("DATADOG_API_KEY=", Some(90)),
            ("datadog:\n  api_key: \"", Some(90)),
            ("{\\\"datadogKey\\\": \\\"", Some(90)),
            ("datadog-api-key>", Some(90)),
            ("datadog --api-key ", Some(90)),
            ("datadog.init(api_key='", Some(90)),
            ("datadog_key%3D", Some(90)),
            ("datadog authorization: Bearer ", Some(90)),
            ("datadog key is ", Some(65)),
            ("datadog ", Some(45)),
            ("os.environ['DATADOG_KEY'] = '", Some(90)),
            ("['datadog_key']\n  other: '", Some(65)),
            ("datadog_id=", None),
            ("datadog_sha256: ", None),
            ("datadog commit ", None),
            ("datadog_public_key=", None),
            ("datadog/x\"\nlicense = \"", None),
            ("datadog.io/gh\n[license-image]: ", None),
        ] {
            assert_eq!(context.confidence(before.as_bytes(), 90), expected, "{before}");
        }
    }

    #[test]
    fn a_value_stands_alone() {
        assert!(ends(b"") && ends(b"\"") && ends(b". Then") && ends(b"-"));
        assert!(!ends(b"a") && !ends(b"-a") && !ends(b".a") && !ends(b"_"));
    }
}
