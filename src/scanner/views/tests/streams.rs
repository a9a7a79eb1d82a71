//! Something encoded that is cut by the border of two pieces of a stream is found as if it had come in one.

use super::*;

/// What is found, the text coming in these pieces.
fn found_in(direction: Direction, text: &str, cuts: &[usize]) -> Vec<Finding> {
    let (mut all, mut from, mut here) = (Vec::new(), 0, Vec::new());
    for to in cuts.iter().copied().filter(|c| *c < text.len()) {
        here.clear();
        let hold = SCANNER.scan(direction, Surface::Body, &text.as_bytes()[from..to], &mut here);
        assert!(to - from - hold <= SCANNER.max_hold(direction));
        all.extend(here.drain(..).filter(|f| f.start < hold));
        from += hold;
    }
    SCANNER.find(direction, Surface::Body, &text.as_bytes()[from..], &mut here);
    all.extend(here);
    all
}

#[test]
fn what_is_encoded_is_found_wherever_a_stream_is_cut() {
    let example = |id: &str| SCANNER.rule(id).unwrap().examples[0].clone();
    let (token, order) = (example("github.token"), example("override.ignore_instructions"));
    let names = [
        "percent",
        "base64",
        "base64-crlf",
        "base32",
        "base58",
        "hex",
        "hex-space",
        "hex-0x",
        "u-escapes",
        "entities",
        "decimal",
        "quoted-printable",
        "reversed",
        "gzip",
        "zero-width",
        "spaced",
    ];
    let encoder = |name: &str| ALL.iter().find(|(n, ..)| *n == name).unwrap().2;
    let ways: Vec<Vec<&str>> = names
        .iter()
        .map(|n| vec![*n])
        .chain([vec!["base64", "base64"], vec!["hex", "base64-crlf", "percent"]])
        .collect();
    let mut missed = Vec::new();
    for way in ways {
        for (direction, what, family) in
            [(Direction::Request, &token, Family::Secret), (Direction::Response, &order, Family::Injection)]
        {
            let inner = way.iter().fold(what.clone(), |t, name| encoder(name)(&t));
            // which word is the last of a phrase that is written backwards, nobody can know
            if way == ["reversed"] && direction == Direction::Response {
                continue;
            }
            let text = format!(
                "{} \"note\": \"{inner}\", and so on, as before.",
                "Nothing to see here. ".repeat(20)
            );
            let begin = text.find(&inner).unwrap();
            let step = if full() { 1 } else { inner.len() / 40 + 1 };
            for cut in (begin..begin + inner.len()).step_by(step).filter(|c| text.is_char_boundary(*c)) {
                let found = found_in(direction, &text, &[cut]);
                if !found.iter().any(|f| f.family == family && !f.path.is_plain()) {
                    missed.push(format!("{way:?} {direction:?} {}", cut - begin));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed: {}", missed.len(), missed.join("\n"));
}

#[test]
fn a_token_within_much_else_that_is_base64_is_found_wherever_it_is_cut() {
    let token = SCANNER.rule("github.token").unwrap().examples[0].clone();
    let around = "What else is in the file that is sent. ".repeat(400);
    for shift in 0..4 {
        let inner =
            data_encoding::BASE64.encode(format!("{}{around}{token} {around}", &"abcd"[..shift]).as_bytes());
        let at = (around.len() + shift) * 4 / 3;
        let text = format!("{{\"data\": \"{inner}\"}}");
        for cut in (at..at + 80).step_by(if full() { 1 } else { 9 }) {
            let found = found_in(Direction::Request, &text, &[cut]);
            assert!(found.iter().any(|f| &*f.rule == "github.token"), "{shift} {cut}");
        }
    }
}
