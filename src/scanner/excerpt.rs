//! What may be shown of a finding: enough to recognise it, too little to use it.

use super::{Family, Finding};

const SECRET_SHOWN: usize = 4;
const PHRASE_SHOWN: usize = 60;

/// A secret's first four characters at most and its length in bytes; a phrase's first sixty characters. Control characters
/// and what is not UTF-8 are escaped.
#[must_use]
pub fn excerpt(text: &[u8], finding: &Finding) -> String {
    let matched = text.get(finding.start..finding.end.min(text.len())).unwrap_or_default();
    let readable = String::from_utf8_lossy(matched);
    let shown = |limit: usize| readable.chars().take(limit).flat_map(printable).collect::<String>();
    match finding.family {
        // of a short one, less: never a third of it
        Family::Secret => {
            format!("{}… ({} bytes)", shown(SECRET_SHOWN.min(matched.len() / 4)), matched.len())
        }
        _ if readable.chars().count() > PHRASE_SHOWN => format!("{}…", shown(PHRASE_SHOWN)),
        _ => shown(PHRASE_SHOWN),
    }
}

/// The character, or its escape if it could act on a terminal or hide.
fn printable(c: char) -> Vec<char> {
    let hidden = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    if c.is_control() || hidden { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::views::Path;

    fn of(family: Family, text: &[u8]) -> String {
        excerpt(
            text,
            &Finding {
                rule: "r".into(),
                family,
                confidence: 90,
                start: 0,
                end: text.len(),
                path: Path::PLAIN,
            },
        )
    }

    #[test]
    fn a_secret_shows_four_characters_and_its_length() {
        assert_eq!(of(Family::Secret, b"ghp_0123456789abcdef"), "ghp_… (20 bytes)");
        assert_eq!(of(Family::Secret, b"hunter2"), "h… (7 bytes)");
    }

    #[test]
    fn a_phrase_is_cut_and_escaped() {
        assert_eq!(of(Family::Injection, b"ignore\x1b[31m all\n"), "ignore\\u{1b}[31m all\\n");
        assert_eq!(of(Family::Injection, "é".repeat(80).as_bytes()), format!("{}…", "é".repeat(60)));
        assert_eq!(of(Family::Injection, "a\u{200b}b".as_bytes()), "a\\u{200b}b");
    }

    #[test]
    fn a_finding_outside_the_text_shows_nothing() {
        let finding = Finding {
            rule: "r".into(),
            family: Family::Injection,
            confidence: 90,
            start: 9,
            end: 12,
            path: Path::PLAIN,
        };
        assert_eq!(excerpt(b"short", &finding), "");
    }
}
