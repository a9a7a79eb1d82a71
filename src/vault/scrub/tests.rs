//! What must be found, what must not, and that chunk boundaries change nothing.

use super::*;
use proptest::prelude::*;

const KEY: &[u8] = b"sk-proj-4fQ9zR7tLw2XbV8nKc3Jd";
const AWS: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const HEXY: &[u8] = b"0x4c0883a69102937d6231471b5dbb6204";
const SPACED: &[u8] = b"correct horse \"battery\" <staple> & 'co'";
const ODD: &[u8] = b"p@$$-w!r#d%^&*()";
const EDGED: &[u8] = b"-----BEGIN KEY-----abcDEF123456-----END-----";
const TWIN: &[u8] = b"nnnnnnnnnnnn";
const EIGHT: &[u8] = b"Tr0ub4d&";
const SHORTY: &[u8] = b"p@ss1";
const VALUES: [&[u8]; 9] = [KEY, AWS, HEXY, SPACED, ODD, EDGED, TWIN, EIGHT, SHORTY];

fn needles<'a>(values: &[&'a [u8]]) -> Vec<Needle<'a>> {
    (0..).zip(values).map(|(secret, &value)| Needle { secret, value, placeholder: "", mark: 0 }).collect()
}

fn matcher(values: &[&[u8]]) -> Matcher {
    Matcher::compile(&needles(values)).unwrap()
}

fn hits(matcher: &Matcher, text: &[u8]) -> Vec<Hit> {
    let (mut found, mut whole) = (Vec::new(), Vec::new());
    matcher.scan(text, &mut found);
    matcher.find(text, &mut whole);
    assert_eq!(found, whole, "find and scan differ on {:?}", text.escape_ascii().to_string());
    found
}

/// Scans chunk by chunk as a stream does; hits as offsets into the whole.
fn stream(scan: &dyn Fn(&[u8], &mut Vec<Hit>) -> usize, max: usize, chunks: &[&[u8]]) -> Vec<Hit> {
    let (mut buffer, mut base, mut all) = (Vec::new(), 0, Vec::new());
    for (n, chunk) in chunks.iter().enumerate() {
        buffer.extend_from_slice(chunk);
        let mut found = Vec::new();
        let hold = scan(&buffer, &mut found);
        assert!(buffer.len() - hold <= max, "{} bytes held, {max} promised", buffer.len() - hold);
        let last = n + 1 == chunks.len();
        for hit in found {
            assert!(hit.end <= hold || hit.start >= hold, "a hit straddles the hold");
            if last || hit.end <= hold {
                all.push(Hit { start: base + hit.start, end: base + hit.end, ..hit });
            }
        }
        buffer.drain(..hold);
        base += hold;
    }
    all
}

fn streamed(matcher: &Matcher, chunks: &[&[u8]]) -> Vec<Hit> {
    stream(&|text, found| matcher.scan(text, found), matcher.max_hold(), chunks)
}

fn without(text: &[u8], found: &[Hit]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    for hit in found {
        out.extend_from_slice(&text[at..hit.start]);
        out.extend_from_slice(b"[gone]");
        at = hit.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn every_form_of_every_value_is_found_and_covered() {
    let all = matcher(&VALUES);
    for (secret, value) in (0..).zip(VALUES) {
        for (name, form) in forms(value) {
            for (before, after) in
                [("", ""), ("{\"a\": \"", "\"}"), ("x=", "&y=1"), ("%4 \\u00 &#1", " tail")]
            {
                if before.ends_with('1') && value.len() < 8 {
                    continue; // not a word of its own there
                }
                let text = [before.as_bytes(), &form, after.as_bytes()].concat();
                let found = hits(&all, &text);
                assert_eq!(found.len(), 1, "{name} of {} in {}: {found:?}", shown(value), shown(&text));
                assert_eq!((found[0].secret, found[0].kind), (secret, Kind::Value), "{name}");
                assert!(found[0].start + 8 >= before.len(), "{name}: covers too much");
                // All that may stay of it: its own punctuation at the edges, and characters it shares with neighbours.
                let covered = &text[found[0].start..found[0].end];
                let ends = form.iter().filter(|b| b.is_ascii_alphanumeric()).count();
                let kept = covered.iter().filter(|b| b.is_ascii_alphanumeric()).count();
                let mut edges = value.split(|b| b.is_ascii_alphanumeric());
                let bare = edges.next().map_or(0, <[u8]>::len) + edges.next_back().map_or(0, <[u8]>::len);
                assert!(
                    kept + 7 + 5 * bare >= ends,
                    "{name} of {}: {} of {}",
                    shown(value),
                    shown(covered),
                    shown(&form)
                );
                assert!(oracle::find(&without(&text, &found), value).is_none(), "{name} of {}", shown(value));
            }
        }
    }
}

#[test]
fn the_oracle_can_fail() {
    for value in [KEY, AWS, SPACED] {
        for (name, form) in forms(value) {
            if ["raw", "percent-triple", "json-unicode", "html-padded", "base64-after-1", "hex-colon"]
                .contains(&name)
            {
                assert!(oracle::find(&form, value).is_some(), "{name}");
            }
        }
    }
}

#[test]
fn every_split_gives_the_same_hits() {
    let all = matcher(&VALUES);
    for value in VALUES {
        for (name, form) in forms(value) {
            let text = [b"{\"q\":\"\\n%4".as_slice(), b" ", &form, b"\", \"z\": \\u00"].concat();
            let once = hits(&all, &text);
            for at in 0..=text.len() {
                let (a, b) = text.split_at(at);
                assert_eq!(streamed(&all, &[a, b]), once, "{name} split at {at} of {}", shown(&text));
            }
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(streamed(&all, &bytes), once, "{name} byte by byte: {}", shown(&text));
        }
    }
}

#[test]
fn what_stands_before_a_value_cannot_swallow_it() {
    let all = matcher(&[KEY, b"1abcdef234567890", b"b4def0123456789a", b"nsecretvalue0001"]);
    for value in [KEY, b"1abcdef234567890", b"b4def0123456789a", b"nsecretvalue0001"] {
        for before in [
            "%", "%4", "%25", "\\", "\\u", "\\u00", "\\x", "\\x4", "\\1", "&#", "&#1", "&#x", "&", "0x", "0",
            "\\u{",
        ] {
            for form in [value.to_vec(), forms(value)[1].1.clone()] {
                let text = [before.as_bytes(), &form].concat();
                let found = hits(&all, &text);
                assert_eq!(found.len(), 1, "{}", shown(&text));
                assert_eq!(found[0].end, text.len(), "{}", shown(&text));
            }
        }
    }
}

#[test]
fn escapes_may_be_nested_and_mixed_with_separators() {
    let all = matcher(&[b"abcdefgh12345678"]);
    for text in [
        "a%62\\u0063&#100;e\\146gh1234567&#x38;",
        "a%5Cu0062cdefgh12345678",
        "%26%2397%3Bbcdefgh12345678",
        "\\u00%36%31bcdefgh12345678",
        "abcd\\\" + \\\"efgh\\n12345678",
        "ab\u{200b}cd\u{feff}ef\u{2060}gh12345678",
        "abcd%E2%80%8Befgh12345678",
        "a.b.c.d.e.f.g.h.1.2.3.4.5.6.7.8",
        "61 62 63 64 65 66 67 68 31 32 33 34 35 36 37 38",
        "{0x61,0x62,0x63,0x64,0x65,0x66,0x67,0x68,0x31,0x32,0x33,0x34,0x35,0x36,0x37,0x38}",
    ] {
        let found = hits(&all, text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].end - found[0].start + 4 >= text.len(), "{text}: {found:?}");
    }
    let far = format!("abcdefgh{}12345678", " ".repeat(17));
    assert!(hits(&all, far.as_bytes()).is_empty(), "too far apart to be one value");
}

#[test]
fn placeholders_are_found_and_told_apart() {
    let needle = Needle { secret: 7, value: KEY, placeholder: "sk-katana-8fJ2mQ0sLxP4", mark: 9 };
    let all = Matcher::compile(&[needle]).unwrap();
    let text = b"Authorization: Bearer sk-katana-8fJ2mQ0sLxP4\r\n";
    let found = hits(&all, text);
    assert_eq!(found, [Hit { start: 22, end: 44, secret: 7, kind: Kind::Placeholder, mark: 9, form: "raw" }]);
    let basic = data_encoding::BASE64.encode(b"x:sk-katana-8fJ2mQ0sLxP4");
    assert_eq!(hits(&all, basic.as_bytes())[0].kind, Kind::Placeholder);
    let edge = Needle { secret: 1, value: KEY, placeholder: "AIzaSyA_1234567890-_", mark: 0 };
    let found = hits(&Matcher::compile(&[edge]).unwrap(), b"key=AIzaSyA_1234567890-_&");
    assert_eq!((found[0].start, found[0].end), (4, 24), "punctuation at its edge belongs to it");
}

#[test]
fn a_short_value_counts_only_as_a_whole_word() {
    let all = matcher(&[b"hunter2"]);
    for text in [
        "hunter2",
        "pw=hunter2&x",
        "\"hunter2\"",
        "%68unter2",
        "a%20hunter2",
        "\\nhunter2\\n",
        "\\u0020hunter2",
    ] {
        assert_eq!(hits(&all, text.as_bytes()).len(), 1, "{text}");
    }
    for text in ["hunter22", "xhunter2", "hunter", "Hunter2", "h-unter2", "%41hunter2"] {
        assert!(hits(&all, text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn the_longest_of_two_values_that_begin_alike_wins() {
    let all = matcher(&[b"abcdefgh1234", b"abcdefgh1234wxyz"]);
    let mut found = Vec::new();
    assert_eq!(all.scan(b"_abcdefgh1234", &mut found), 0, "it may go on");
    assert_eq!((found.len(), found[0].secret), (1, 0), "and is a hit if it does not");
    assert_eq!(hits(&all, b"abcdefgh1234wxyz")[0].secret, 1);
    assert_eq!(hits(&all, b"abcdefgh1234wxy!")[0].secret, 0);
}

#[test]
fn nothing_is_held_that_cannot_go_on() {
    let all = matcher(&[KEY, AWS]);
    let hold = |text: &str| text.len() - all.scan(text.as_bytes(), &mut Vec::new());
    assert_eq!(hold(""), 0);
    assert_eq!(hold("#!{}"), 0);
    assert_eq!(hold(&format!("sk-proj-4{}", " ".repeat(300))), 0, "the separation is too long already");
    assert_eq!(hold("{} %"), 1);
    assert_eq!(hold("{} %4"), 2);
    assert_eq!(hold("{} \\u00"), 4);
    assert_eq!(hold("{} &#1"), 3);
    assert_eq!(hold("{} sk-pr"), 5);
    assert_eq!(hold("{} sk-pr "), 6);
    let empty = Matcher::compile(&[]).unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.scan(b"sk-pr", &mut Vec::new()), 5);
    assert_eq!(empty.max_hold(), 0);
}

#[test]
fn an_empty_value_is_refused() {
    let refused =
        Matcher::compile(&[Needle { secret: 3, value: b"", placeholder: "", mark: 0 }]).unwrap_err();
    assert_eq!(refused.code(), "scrub.empty_value");
    assert!(!format!("{:?}", matcher(&[KEY])).contains("sk"));
}

fn hundred() -> Vec<Vec<u8>> {
    let mut dice = Dice(7);
    (0..100)
        .map(|n| {
            let body: String = (0..16 + n % 40)
                .map(|_| dice.pick(b"ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789_-"))
                .collect();
            format!("{}{body}", ["sk-", "ghp_", "AKIA", "xoxb-", ""][n % 5]).into_bytes()
        })
        .collect()
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn pick(&mut self, from: &[u8]) -> char {
        char::from(from[usize::try_from(self.roll()).unwrap() % from.len()])
    }
}

#[test]
fn honest_traffic_has_no_hits() {
    let secrets = hundred();
    let mut values: Vec<&[u8]> = secrets.iter().map(|v| &v[..]).collect();
    values.push(b"Tr0ub4d&3");
    values.push(b"12345-abcde-67890");
    let all = matcher(&values);
    let mut dice = Dice(3);
    let random: Vec<u8> = (0..1_000_000).map(|_| dice.roll().to_le_bytes()[0]).collect();
    assert!(hits(&all, &random).is_empty());
    assert!(hits(&all, data_encoding::BASE64.encode(&random).as_bytes()).is_empty());
    assert!(hits(&all, data_encoding::HEXLOWER.encode(&random).as_bytes()).is_empty());
    let lock = include_str!("../../../Cargo.lock");
    assert!(hits(&all, lock.as_bytes()).is_empty());
    let mut read = 0;
    for entry in std::fs::read_dir("/usr/share/doc").into_iter().flatten().flatten().take(200) {
        if let Ok(text) = std::fs::read(entry.path().join("copyright")) {
            read += text.len();
            assert_eq!(hits(&all, &text), [], "{}", entry.path().display());
        }
    }
    assert!(read == 0 || read > 1000, "documentation is there but unread");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_value_in_any_form_in_any_chunking(
        value in proptest::collection::vec(any::<u8>(), 1..40),
        ascii in "[ -~]{8,50}",
        which in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        before in "[ -~\\n]{0,20}",
        after in "[ -~\\n]{0,20}",
    ) {
        for value in [&value[..], ascii.as_bytes()] {
            let all = matcher(&[value, KEY]);
            let list = forms(value);
            let (name, form) = which.get(&list);
            // A word must stand alone to be one.
            let text = [before.as_bytes(), b" ", form, b" ", after.as_bytes(), &form[form.len() / 2..]].concat();
            let once = hits(&all, &text);
            prop_assert!(oracle::find(&without(&text, &once), value).is_none() || value.len() < 8, "{} {}", name, shown(&text));
            prop_assert!(!once.is_empty(), "{} of {} in {}", name, shown(value), shown(&text));
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
            at.extend([0, text.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(streamed(&all, &chunks), once, "{} of {} in {}", name, shown(value), shown(&text));
        }
    }

    #[test]
    fn escape_soup_in_any_chunking(
        parts in proptest::collection::vec(prop_oneof![
            Just("%"), Just("%25"), Just("\\"), Just("\\u00"), Just("\\x"), Just("&#"), Just("&"), Just(";"), Just("0x"),
            Just("0"), Just("4"), Just("1"), Just("6"), Just("n"), Just("ab"), Just("cd"), Just("abcdef01"), Just("\\n"), Just(" "), Just("YWJj"), Just("%61"),
            Just("{"), Just("}"), Just("amp;"), Just("x"),
        ], 0..40),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let text = parts.concat().into_bytes();
        let all = matcher(&[b"abcdef01", b"nnnnababab", b"0x416161", b"&#1%41\\n--", b"abcd"]);
        let once = hits(&all, &text);
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|w| &text[w[0]..w[1]]).collect();
        prop_assert_eq!(streamed(&all, &chunks), once, "{}", shown(&text));
    }
}

#[test]
fn an_echo_becomes_the_placeholder_in_every_form_a_server_reflects() {
    let echo = Echo::compile(&[(KEY, "PH-1"), (SPACED, "PH-2"), (b"abc", "")]);
    let scan = |text: &[u8], found: &mut Vec<Hit>| echo.scan(text, found);
    for (secret, value) in (0..).zip([KEY, SPACED]) {
        let names = [
            "raw",
            "json-escaped",
            "html-named",
            "base64",
            "base64-after-1",
            "base64-after-2",
            "hex",
            "hex-upper",
        ];
        for (name, form) in forms(value).into_iter().filter(|(name, _)| names.contains(name)) {
            let text = [b"{\"echo\": \"sk-pr", &form[..], b"\"}"].concat();
            let mut once = Vec::new();
            echo.scan(&text, &mut once);
            assert_eq!(once.len(), 1, "{name}");
            assert_eq!(once[0].secret, secret, "{name}");
            for at in 0..=text.len() {
                let (a, b) = text.split_at(at);
                assert_eq!(stream(&scan, echo.max_hold(), &[a, b]), once, "{name} split at {at}");
            }
        }
    }
    assert_eq!(echo.placeholder(1), "PH-2");
    assert_eq!(echo.placeholder(9), "");
    assert_eq!(echo.scan(b"{} sk-pr", &mut Vec::new()), 3);
    assert_eq!(echo.scan(b"{} sk-pr ", &mut Vec::new()), 9);
    assert!(Echo::compile(&[]).is_empty());
}
