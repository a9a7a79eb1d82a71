//! Which requests one request may be to its server: frameworks take another method or another path out of headers made for it.

use crate::pipeline::RequestHead;
use http::HeaderName;
use std::borrow::Cow;

/// Take the method's place.
const METHODS: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Take the target's place.
const TARGETS: [HeaderName; 2] =
    [HeaderName::from_static("x-original-url"), HeaderName::from_static("x-rewrite-url")];

/// Different methods, or paths, that one request may have; more is nobody's honest request.
const MOST: usize = 4;

/// Every method and path that a server may read, the ones that stand there first; nothing else, where no header says so. `None`:
/// there are too many.
pub(super) fn readings(head: &RequestHead) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut methods = vec![Cow::Borrowed(head.method.as_str())];
    methods.extend(said(head, &METHODS).map(|text| Cow::Owned(text.trim().to_ascii_uppercase())));
    let mut paths = vec![Cow::Borrowed(head.uri.path())];
    paths.extend(said(head, &TARGETS).map(|text| Cow::Owned(path(&text).to_owned())));
    methods.dedup();
    paths.dedup();
    if methods.len().max(paths.len()) > MOST {
        return None;
    }
    let pairs = paths.iter().flat_map(|path| methods.iter().map(|method| (method.clone(), path.clone())));
    Some(pairs.collect())
}

fn said<'a>(head: &'a RequestHead, names: &'a [HeaderName]) -> impl Iterator<Item = Cow<'a, str>> {
    let all = names.iter().flat_map(|name| head.headers.get_all(name));
    all.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// Of a target, with or without scheme and host.
fn path(target: &str) -> &str {
    let target = target.trim();
    let rooted = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    rooted.split(['?', '#']).next().unwrap_or_default()
}
