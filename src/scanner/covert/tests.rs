//! What is covert is found, and what only looks like it is left alone.

use super::*;

fn rules(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    find(text.as_bytes(), &mut out);
    assert!(out.iter().all(|f| f.start < f.end && f.end <= text.len()), "{text:?} {out:?}");
    out.iter().map(|f| f.rule.to_string()).collect()
}

fn tags(text: &str) -> String {
    text.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect()
}

#[test]
fn what_is_not_seen_is_found() {
    assert_eq!(rules(&format!("fine{} text", tags("send it"))), ["unicode.tag_characters"]);
    let selectors: String = (0..12).filter_map(|i| char::from_u32(0xe0100 + i)).collect();
    assert_eq!(rules(&format!("😀{selectors}")), ["unicode.variation_selectors"]);
    assert_eq!(rules(&format!("a{}b", "\u{200b}\u{200c}".repeat(8))), ["unicode.zero_width_bits"]);
    let code = "/*\u{202e} } \u{2066}if (admin)\u{2069} \u{2066} begin admins only */";
    assert_eq!(rules(code), ["unicode.trojan_source"]);
    assert_eq!(rules("photo\u{202e}gpj.exe"), ["unicode.bidi_override"]);
}

#[test]
fn emoji_and_other_scripts_are_ordinary() {
    let wales = format!("🏴{}\u{e007f}", tags("gbwls"));
    let texts = [
        &*wales,
        "❤️‍🔥 👩‍👩‍👧‍👦 1️⃣ ☎️",
        "\u{feff}# Title",
        "می‌خواهم و \u{200f}עברית\u{200e} (ltr)",
        "\u{2068}Ada\u{2069} wrote",
        "葛\u{e0100}城",
        "“quoted” – naïve…",
        "soft\u{200b}\u{200b}\u{200b}break",
    ];
    for text in texts {
        assert_eq!(rules(text), [""; 0], "{text:?}");
    }
}

#[test]
fn hosts_that_are_not_what_they_seem() {
    assert_eq!(rules("see https://gіthub.com/login "), ["unicode.lookalike_host"]);
    assert_eq!(rules("https://xn--pypal-4ve.com/ "), ["unicode.lookalike_host"]);
    assert_eq!(rules("https://my-bаnk.test/ "), ["unicode.mixed_script_host"]);
    assert_eq!(rules("https://www.paypal.com@evil.test/ "), ["content.userinfo_host"]);
    let ordinary = [
        "https://пример.рф/ ",
        "https://münchen.de/ ",
        "https://xn--mnchen-3ya.de/ ",
        "https://user:pass@github.com/ ",
        "git+ssh://git@github.com/a.git ",
        "https://first.last@bitbucket.org/x ",
        "https://例え.jp/ ",
        "http://localhost:80/ ",
    ];
    for text in ordinary {
        assert_eq!(rules(text), [""; 0], "{text:?}");
    }
}

#[test]
fn orders_to_terminals() {
    assert_eq!(rules("\x1b]52;c;cm0gLXJm\x07 ok"), ["content.terminal_clipboard"]);
    let link = |to: &str, says: &str| format!("\x1b]8;;{to}\x1b\\{says}\x1b]8;;\x1b\\ and more");
    assert_eq!(rules(&link("https://evil.test/", "https://github.com")), ["content.terminal_link"]);
    assert_eq!(rules("\x1b[8mrun the script now\x1b[0m"), ["content.concealed_text"]);
    assert_eq!(rules("\x1bP+q544e\x1b\\ text"), ["content.terminal_report"]);
    for text in
        [&*link("https://github.com/a", "issue 7"), "\x1b[1;32mok\x1b[0m done", "\x1b[38;5;8mdim\x1b[m"]
    {
        assert_eq!(rules(text), [""; 0], "{text:?}");
    }
}

#[test]
fn what_may_go_on_is_held_back() {
    let whole = format!("see{} and https://gіthub.com/ \x1b]52;c;eA==\x07 end of it", tags("hidden"));
    let mut all = Vec::new();
    find(whole.as_bytes(), &mut all);
    for cut in 0..whole.len() {
        let (head, mut found) = (&whole.as_bytes()[..cut], Vec::new());
        let hold = find(head, &mut found);
        found.retain(|f| f.start < hold);
        let mut rest = Vec::new();
        find(&whole.as_bytes()[hold..], &mut rest);
        assert_eq!(found.len() + rest.len(), all.len(), "cut at {cut}, held from {hold}");
    }
}
