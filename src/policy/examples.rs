//! Rules as data carry the requests they are for and those they are not for: `POST https://host/path`.

use super::Request;
use super::rule::{Rule, Seen};
use crate::base::host::Authority;

/// What does not hold of a rule's examples.
pub(super) fn check(rule: &Rule) -> Vec<String> {
    let wanted = rule.examples.iter().map(|text| (text, true));
    let all = wanted.chain(rule.counter_examples.iter().map(|text| (text, false)));
    all.filter_map(|(text, want)| complaint(rule, text, want)).collect()
}

fn complaint(rule: &Rule, text: &str, want: bool) -> Option<String> {
    let name = &rule.head.name;
    let Some((method, at, path)) = parse(text) else {
        return Some(format!("{name}: `{text}` is no example: write `POST https://host/path`"));
    };
    let header = |_: &str| None;
    let request = Request { host: &at.host, port: at.port, method, path, header: &header };
    let matches = rule.matches(&Seen::new(&request));
    (matches != want).then(|| {
        let what = if want { "does not match its example" } else { "matches its counter example" };
        format!("{name}: {what} `{text}`")
    })
}

fn parse(text: &str) -> Option<(&str, Authority, &str)> {
    let (method, url) = text.split_once(' ')?;
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let path = if end == rest.len() { "/" } else { &rest[end..] };
    Some((method, Authority::parse(&rest[..end], Some(port)).ok()?, path))
}
