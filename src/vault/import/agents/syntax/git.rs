//! git's credential store: one URL a line, user and password in it, percent-encoded.

use super::Leaf;
use std::ops::Range;
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut at = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.trim_end();
        if let Some((host, user, range)) = userinfo(line) {
            let value =
                percent_encoding::percent_decode_str(&line[range.clone()]).decode_utf8_lossy().into_owned();
            found.push(Leaf {
                path: vec![host.to_owned(), user.to_owned()],
                value: Zeroizing::new(value),
                range: Some(at + range.start..at + range.end),
                line: number + 1,
            });
        }
        at += whole.len();
    }
    found
}

/// Host, user and the place of the password of a URL that has one.
pub(in crate::vault::import::agents) fn userinfo(url: &str) -> Option<(&str, &str, Range<usize>)> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |n| begin + n);
    let at = begin + url[begin..end].rfind('@')?;
    let colon = begin + url[begin..at].find(':')?;
    (colon + 1 < at).then(|| (&url[at + 1..end], &url[begin..colon], colon + 1..at))
}
