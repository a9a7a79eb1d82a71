//! What is found by code and not by a rule's pattern: one table of ids, how sure each is, and what it means. `katana rules` lists
//! them beside the rules; the allow-list takes their ids like any other's.

use super::Family;

/// A finding that code makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coded {
    /// As a rule's.
    pub id: &'static str,
    /// As a rule's.
    pub family: Family,
    /// Percent. None: as the text has it.
    pub confidence: Option<u8>,
    /// What it means, in a few words.
    pub what: &'static str,
}

/// All of them.
pub const CODED: &[Coded] = &[
    of(
        Family::Unicode,
        "unicode.tag_characters",
        90,
        "letters of the tag block, which nobody sees, spell something",
    ),
    of(Family::Unicode, "unicode.variation_selectors", 88, "variation selectors in a row carry bytes"),
    of(Family::Unicode, "unicode.zero_width_bits", 82, "zero-width characters in a row carry bits"),
    of(
        Family::Unicode,
        "unicode.trojan_source",
        85,
        "direction overrides show code in another order than it runs",
    ),
    of(Family::Unicode, "unicode.bidi_override", 60, "a direction override that is not closed on its line"),
    of(Family::Unicode, "unicode.mixed_script_host", 84, "a host's name mixes letters of several scripts"),
    of(Family::Unicode, "unicode.lookalike_host", 88, "a host's name looks like a well-known one"),
    of(Family::Content, "content.userinfo_host", 72, "a user name in a link looks like its host"),
    of(Family::Content, "content.terminal_clipboard", 85, "an order to the terminal to fill the clipboard"),
    of(
        Family::Content,
        "content.terminal_link",
        72,
        "an order to the terminal to show another link than it opens",
    ),
    of(Family::Content, "content.terminal_title", 35, "an order to the terminal to change its title"),
    of(Family::Content, "content.terminal_report", 60, "an order to the terminal to type something"),
    of(
        Family::Content,
        "content.terminal_rewrite",
        30,
        "an order to the terminal to go back over what it showed",
    ),
    of(Family::Content, "content.concealed_text", 80, "an order to the terminal to hide what follows"),
    of(Family::Mcp, "mcp.rug_pull", 90, "a tool is described otherwise than when it was first seen"),
    of(Family::Mcp, "mcp.shadowed_tool", 40, "a tool has the name of another server's"),
    of(Family::Command, "command.unread", 60, "a command too deep or too long to be looked at whole"),
    of(
        Family::Command,
        "command.obfuscated",
        90,
        "a harmful command is written so that a reader does not see it",
    ),
    Coded {
        id: "injection.classifier",
        family: Family::Injection,
        confidence: None,
        what: "words in a row that read like an order to a model",
    },
    of(
        Family::Secret,
        "engine.too_dense",
        85,
        "more keywords than can be tried; of the family of the rules that gave up",
    ),
    of(
        Family::Secret,
        "engine.too_many_encodings",
        85,
        "more is encoded than is looked through; of the family of the rules that were to look",
    ),
];

const fn of(family: Family, id: &'static str, confidence: u8, what: &'static str) -> Coded {
    Coded { id, family, confidence: Some(confidence), what }
}

/// The one of this id.
#[must_use]
pub fn coded(id: &str) -> Option<&'static Coded> {
    CODED.iter().find(|c| c.id == id)
}

/// How sure the one of this id is; sure, if there is none: whoever asks has misspelt it.
pub(super) fn confidence(id: &str) -> u8 {
    coded(id).and_then(|c| c.confidence).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_begin_with_a_word_for_their_family() {
        for (i, one) in CODED.iter().enumerate() {
            assert!(CODED[..i].iter().all(|other| other.id != one.id), "{}", one.id);
            let first = one.id.split('.').next().unwrap();
            assert!(first == one.family.as_str() || first == "engine", "{}", one.id);
        }
    }
}
