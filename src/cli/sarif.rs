//! Reports as SARIF 2.1.0. Nothing of a secret's value is in it.

use super::scanned::{WEAK, level};
use crate::app::scan::{Asked, Found, Item, Report};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The document.
pub(super) fn document(report: &Report, asked: &Asked) -> Value {
    let mut rules: BTreeMap<&str, &Found> = BTreeMap::new();
    for found in report.items.iter().flat_map(|i| &i.findings).filter(|f| f.confidence >= WEAK) {
        rules.entry(&found.rule).or_insert(found);
    }
    let numbers: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(n, id)| (*id, n)).collect();
    let threshold = asked.judge.threshold();
    let results: Vec<Value> = report
        .items
        .iter()
        .flat_map(|i| {
            i.findings
                .iter()
                .filter(|f| f.confidence >= WEAK)
                .map(|f| result(i, f, numbers[f.rule.as_str()], threshold))
        })
        .collect();
    let unread: Vec<Value> = report
        .unread
        .iter()
        .map(|u| json!({ "level": "error", "message": { "text": format!("{}: {}", u.name, u.why) }, "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&u.name) } } }] }))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "katana",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|f| rule(f)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": unread.is_empty(), "toolExecutionNotifications": unread }],
            "results": results,
        }],
    })
}

fn rule(found: &Found) -> Value {
    json!({
        "id": found.rule,
        "name": found.rule,
        "shortDescription": { "text": format!("{}: {}", found.family, found.rule) },
        "help": { "text": format!("katana rules show {}", found.rule) },
        "properties": { "tags": ["security", found.family] },
    })
}

fn result(item: &Item, found: &Found, number: usize, threshold: Option<u8>) -> Value {
    let via = if found.path.is_empty() { String::new() } else { format!(", through {}", found.path) };
    let because = if found.because.is_empty() { String::new() } else { format!(" ({})", found.because) };
    let text = format!("{}{because}, {} % sure{via}: {}", found.rule, found.confidence, found.excerpt);
    let mut properties = Map::new();
    properties.insert("confidence".into(), json!(found.confidence));
    properties.insert("score".into(), json!(item.score));
    if !found.path.is_empty() {
        properties.insert("path".into(), json!(found.path));
    }
    json!({
        "ruleId": found.rule,
        "ruleIndex": number,
        "level": level(found.confidence, threshold),
        "kind": "fail",
        "rank": found.confidence,
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&item.name) },
            "region": {
                "startLine": found.line, "startColumn": found.column, "endLine": found.end_line, "endColumn": found.end_column,
                "byteOffset": found.start, "byteLength": found.end.saturating_sub(found.start),
            },
        } }],
        "partialFingerprints": { "katana/v1": found.fingerprint },
        "properties": properties,
    })
}

/// A name as a URI reference: what may not stand in one is percent-encoded.
fn uri(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    let absolute = name.starts_with('/');
    if absolute {
        uri.push_str("file://");
    }
    for b in name.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b'!' => {
                uri.push(char::from(b));
            }
            _ => uri.push_str(&format!("%{b:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_uri() {
        assert_eq!(uri("/tmp/a b%.txt"), "file:///tmp/a%20b%25.txt");
        assert_eq!(uri("src/x.zip!a:b"), "src/x.zip!a%3Ab");
    }
}
