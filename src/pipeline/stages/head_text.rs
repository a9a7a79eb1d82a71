//! A request's head as one text, so that one scan sees what is split over its fields, and the way back from a place
//! in that text to the field it stands in.

use crate::pipeline::RequestHead;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Uri};
use std::ops::Range;

/// The field a span of the text stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Path and query.
    Target,
    /// A header's name.
    Name(HeaderName),
    /// A header's value: the name, and which of the values under it.
    Value(HeaderName, usize),
}

impl Field {
    /// How the audit and a denial call the place.
    pub(super) fn place(&self) -> &'static str {
        match self {
            Self::Target => "request url",
            Self::Name(_) => "request header name",
            Self::Value(name, _) if *name == http::header::COOKIE => "request cookie",
            Self::Value(..) => "request header",
        }
    }
}

/// A head written out: `TARGET\nname: value\n…`.
#[derive(Debug, Default)]
pub(super) struct HeadText {
    text: Vec<u8>,
    target: usize,
}

impl HeadText {
    /// Writes target and headers out into a buffer that is used again.
    pub(super) fn write(mut buffer: Vec<u8>, uri: Option<&Uri>, headers: &HeaderMap) -> Self {
        buffer.clear();
        if let Some(target) = uri.and_then(Uri::path_and_query) {
            buffer.extend_from_slice(target.as_str().as_bytes());
        }
        let target = buffer.len();
        buffer.push(b'\n');
        for (name, value) in headers {
            buffer.extend_from_slice(name.as_str().as_bytes());
            buffer.extend_from_slice(b": ");
            buffer.extend_from_slice(value.as_bytes());
            buffer.push(b'\n');
        }
        Self { text: buffer, target }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The headers alone, from after the target.
    pub(super) fn headers_at(&self) -> usize {
        self.target + 1
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.text
    }

    /// Every field that the span touches, each with the span's part in it, counted from the field's start.
    pub(super) fn fields(&self, headers: &HeaderMap, span: &Range<usize>) -> Vec<(Field, Range<usize>)> {
        let mut found = Vec::new();
        let mut push = |field: Field, at: usize, len: usize| {
            let (start, end) = (span.start.max(at), span.end.min(at + len));
            if start < end {
                found.push((field, start - at..end - at));
            }
        };
        push(Field::Target, 0, self.target);
        let mut at = self.target + 1;
        let (mut last, mut nth) = (None, 0);
        for (name, value) in headers {
            nth = if last == Some(name) { nth + 1 } else { 0 };
            last = Some(name);
            push(Field::Name(name.clone()), at, name.as_str().len());
            at += name.as_str().len() + 2;
            push(Field::Value(name.clone(), nth), at, value.len());
            at += value.len() + 1;
        }
        found
    }
}

/// Puts replacements into a head. `edits` are per field, in order, not overlapping.
///
/// # Errors
/// When what comes out is no URL or no header.
pub(super) fn apply(
    uri: Option<&mut Uri>,
    headers: &mut HeaderMap,
    edits: &[(Field, Range<usize>, &str)],
) -> Result<(), &'static str> {
    let in_target: Vec<_> = edits.iter().filter(|e| e.0 == Field::Target).collect();
    if let (Some(uri), false) = (uri, in_target.is_empty()) {
        let text = uri.path_and_query().map_or("/", |p| p.as_str());
        let text = spliced(text.as_bytes(), in_target.into_iter().map(|e| (&e.1, e.2)));
        let text = String::from_utf8(text).map_err(|_| "the URL is not text any more")?;
        *uri = crate::pipeline::slot::with_path_and_query(uri, &text)?;
    }
    let mut names: Vec<HeaderName> = Vec::new();
    for (field, ..) in edits {
        if let Field::Name(n) | Field::Value(n, _) = field
            && !names.contains(n)
        {
            names.push(n.clone());
        }
    }
    for name in names {
        rewrite(headers, &name, edits)?;
    }
    Ok(())
}

/// Rewrites all lines of one name.
fn rewrite(
    headers: &mut HeaderMap,
    name: &HeaderName,
    edits: &[(Field, Range<usize>, &str)],
) -> Result<(), &'static str> {
    let values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    let renamed = spliced(
        name.as_str().as_bytes(),
        // each value's line writes the name out again: what was replaced already is passed over by its place
        edits.iter().filter(|e| e.0 == Field::Name(name.clone())).map(|e| (&e.1, e.2)),
    );
    let renamed = HeaderName::from_bytes(&renamed).map_err(|_| "the header's name is none any more")?;
    for (i, value) in values.into_iter().enumerate() {
        let own = edits.iter().filter(|e| e.0 == Field::Value(name.clone(), i)).map(|e| (&e.1, e.2));
        let value = spliced(value.as_bytes(), own);
        headers.append(
            &renamed,
            HeaderValue::from_bytes(&value).map_err(|_| "the header's value is none any more")?,
        );
    }
    Ok(())
}

fn spliced<'a>(text: &[u8], edits: impl Iterator<Item = (&'a Range<usize>, &'a str)>) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    for (span, with) in edits {
        if span.start >= at {
            out.extend_from_slice(&text[at..span.start]);
            out.extend_from_slice(with.as_bytes());
            at = span.end;
        }
    }
    out.extend_from_slice(&text[at..]);
    out
}

thread_local! {
    static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Runs `f` over the head written out, in a buffer that the thread keeps.
pub(super) fn with_head<T>(head: &RequestHead, f: impl FnOnce(&HeadText) -> T) -> T {
    let text = HeadText::write(BUFFER.take(), Some(&head.uri), &head.headers);
    let out = f(&text);
    BUFFER.set(text.into_buffer());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lead_back_to_their_fields_and_edits_land() {
        let mut head = http::Request::builder()
            .uri("/a/SECRET?q=1")
            .header("x-one", "aSECRETb")
            .header("x-two", "k")
            .header("x-two", "SECRET")
            .header("xsecretx", "v")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let text = HeadText::write(Vec::new(), Some(&head.uri), &head.headers);
        let lower = String::from_utf8_lossy(text.text()).to_lowercase();
        let mut edits = Vec::new();
        for (at, _) in lower.match_indices("secret") {
            for (field, span) in text.fields(&head.headers, &(at..at + 6)) {
                edits.push((field, span, "ph"));
            }
        }
        assert_eq!(edits.len(), 4);
        apply(Some(&mut head.uri), &mut head.headers, &edits).unwrap();
        assert_eq!(head.uri, "/a/ph?q=1");
        assert_eq!(head.headers["x-one"], "aphb");
        assert_eq!(head.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["k", "ph"]);
        assert_eq!(head.headers["xphx"], "v");
        let across = text.fields(&HeaderMap::new(), &(0..text.text().len()));
        assert_eq!(across.len(), 1);
    }
}
