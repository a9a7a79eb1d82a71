//! Texts that begin by telling an assistant what it is to be: system prompts, and what people ask a chat for. To the classifier
//! they read like orders to a model, which they are; whether they may give them, it cannot know.

/// Such a text says so early on: so many bytes are read.
const HEAD: usize = 200;

/// How it does, in small letters, at the beginning of a word. Ways of speaking, not sentences.
const WAYS: &[&[u8]] = &[
    b"you are a",
    b"you are the",
    b"you are my",
    b"you are our",
    b"your role is",
    b"your task is",
    b"your job is",
    b"act as",
    b"i want you to",
    b"you will reply",
    b"you will respond",
    b"you will answer",
    b"you will act",
    b"i will give",
    b"i will provide",
    b"i will write",
    b"i will type",
    b"i will ask",
    b"i will tell",
    b"i will pass",
    b"i will start",
    b"do not write explanations",
    b"nothing else",
];

/// Does `text` begin by describing an assistant?
pub(super) fn describes_an_assistant(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD)];
    let mut plain: Vec<u8> = Vec::with_capacity(head.len());
    for byte in head {
        match byte {
            b if b.is_ascii_whitespace() => {
                if plain.last().is_some_and(|last| *last != b' ') {
                    plain.push(b' ');
                }
            }
            b => plain.push(b.to_ascii_lowercase()),
        }
    }
    let starts_a_word = |at: usize| at == 0 || !plain[at - 1].is_ascii_alphanumeric();
    WAYS.iter().any(|way| memchr::memmem::find_iter(&plain, way).any(starts_a_word))
}

#[cfg(test)]
mod tests {
    use super::describes_an_assistant;

    #[test]
    fn what_begins_with_a_part_to_play_describes_an_assistant() {
        for text in
            ["You are  a\npatient tutor of chemistry.", "Hello! I want you to act as a tea sommelier."]
        {
            assert!(describes_an_assistant(text.as_bytes()), "{text}");
        }
        let late = format!("{} You are a tutor.", "The weather was fine. ".repeat(20));
        for text in ["Bayou are a kind of swamp.", "Minutes of the meeting.", "", &late] {
            assert!(!describes_an_assistant(text.as_bytes()), "{text}");
        }
    }
}
