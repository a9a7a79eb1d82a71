//! A request in the one spelling that both sides sign: path, query and headers in canonical form.

use super::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::fmt::Write as _;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, whose slashes stay.
const PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// The canonical request, as it is hashed.
pub(super) fn request(request: &Request<'_>, service: &str, signed: &[String], payload: &str) -> String {
    let mut out = format!("{}\n{}\n{}\n", request.method, path(request.path, service), query(request.query));
    for name in signed {
        let values: Vec<String> =
            request.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| value(v)).collect();
        let _ = writeln!(out, "{name}:{}", values.join(","));
    }
    let _ = write!(out, "\n{}\n{payload}", signed.join(";"));
    out
}

/// S3 signs the path as it is sent; for every other service it is tidied and encoded once more.
fn path(path: &str, service: &str) -> String {
    let path = if path.is_empty() { "/" } else { path };
    // S3 and what speaks like it
    if matches!(service, "s3" | "s3-object-lambda" | "s3-outposts" | "s3express") {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let slash = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    let tidy = format!("/{}{slash}", kept.join("/"));
    percent_encode(tidy.as_bytes(), PATH).to_string()
}

/// Decoded, encoded strictly, and sorted; the signature itself is left out.
fn query(query: &str) -> String {
    let once = |t: &str| percent_encode(&percent_decode_str(t).collect::<Vec<u8>>(), ESCAPED).to_string();
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').unwrap_or((p, "")))
        .map(|(k, v)| (once(k), once(v)))
        .filter(|(k, _)| k != "X-Amz-Signature")
        .collect();
    pairs.sort();
    pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")
}

/// Trimmed, and runs of spaces made one.
fn value(text: &str) -> String {
    text.split(' ').filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_s3_takes_the_path_as_it_is() {
        for (service, sent, want) in [
            ("s3", "/a//b/../c%20d", "/a//b/../c%20d"),
            ("s3", "", "/"),
            ("execute-api", "/a//b/../c%20d", "/a/c%2520d"),
            ("execute-api", "/./", "/"),
            ("execute-api", "/a/b/", "/a/b/"),
            ("execute-api", "/../x", "/x"),
            ("bedrock", "/model/a%3A0/invoke", "/model/a%253A0/invoke"),
        ] {
            assert_eq!(path(sent, service), want, "{service} {sent}");
        }
    }

    #[test]
    fn queries_are_sorted_and_strictly_encoded() {
        assert_eq!(query("b=2&a=1&a=0&X-Amz-Signature=x"), "a=0&a=1&b=2");
        assert_eq!(query("prefix=a/b c~&flag&k=%7E%2f"), "flag=&k=~%2F&prefix=a%2Fb%20c~");
        assert_eq!(query(""), "");
        assert_eq!(value("  a   b  "), "a b");
    }
}
