//! The path as the most eager server would read it: escapes undone until none is left, backslashes turned, parameters and
//! dot segments taken out. A rule is held against this reading and against the path as it stands.

use std::borrow::Cow;

/// Normalises a path (no query). Borrowed where there is nothing to do. Begins with `/` always.
#[must_use]
pub fn normalise_path(path: &str) -> Cow<'_, str> {
    if is_plain(path.as_bytes()) {
        return Cow::Borrowed(path);
    }
    let text = without_escapes(path);
    let text = text.replace('\\', "/");
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = false;
    for segment in text.split('/') {
        let name = segment.split(';').next().unwrap_or_default();
        directory = matches!(name, "" | "." | "..");
        match name {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    let mut out = String::with_capacity(text.len() + 1);
    for name in &kept {
        out.push('/');
        out.push_str(name);
    }
    if directory {
        out.push('/');
    }
    Cow::Owned(out)
}

/// Without escapes, however deep: what one leaves may complete another, and a server that decodes twice reads that.
fn without_escapes(path: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let digit = |b: u8| char::from(b).to_digit(16);
    for b in path.bytes() {
        out.push(b);
        while let [rest @ .., b'%', high, low] = out.as_slice()
            && let Some(byte) = digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low) as u8)
        {
            out.truncate(rest.len());
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Starts with `/`, and has no escape, backslash, parameter, empty or dot segment.
fn is_plain(path: &[u8]) -> bool {
    let mut before = 0;
    for b in path {
        match b {
            b'%' | b'\\' | b';' => return false,
            b'/' | b'.' if before == b'/' => return false,
            _ => before = *b,
        }
    }
    path.first() == Some(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_reading_comes_to_one() {
        for (given, want) in [
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/", "/"),
            ("", "/"),
            ("*", "/*"),
            ("/public/../admin", "/admin"),
            ("/public/%2e%2E/admin", "/admin"),
            ("/public%2f..%2fadmin", "/admin"),
            ("/public/%252e%252e/admin", "/admin"),
            ("/public/..;/admin", "/admin"),
            ("/public/..;a=b/admin;x", "/admin"),
            ("/public/..\\admin", "/admin"),
            ("/public/..%5cadmin", "/admin"),
            ("//admin", "/admin"),
            ("/./admin/.", "/admin/"),
            ("/a/b/..", "/a/"),
            ("/../../etc", "/etc"),
            ("/%61dmin", "/admin"),
            ("/public/%25252525252e%2525252525252e/admin", "/admin"),
            ("/%%36%31dmin", "/admin"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/...", "/a/..."),
            ("/100%", "/100%"),
        ] {
            assert_eq!(normalise_path(given), want, "{given}");
        }
        assert!(matches!(normalise_path("/v1/chat.json"), Cow::Borrowed(_)), "a clean path costs nothing");
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_climb(path in "(/|%2[fF]|\\.|%2e|\\\\|;|a|%25|%){0,24}") {
            let out = normalise_path(&path);
            prop_assert!(out.starts_with('/'));
            prop_assert!(out.split('/').all(|s| s != ".." && s != "."), "{path} → {out}");
            prop_assert!(!out.contains("//") && !out.contains('\\') && !out.contains(';'));
        }
    }
}
