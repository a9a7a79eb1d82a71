//! Whatever a rule's example is wrapped in, it is found; whatever the text, the work is bounded.

mod encode;

use std::sync::LazyLock;

use encode::{ALL, Encoder, Keeps};

use super::*;
use crate::scanner::{Family, Finding, Rule, Scanner};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::builtin().unwrap());

fn find(direction: Direction, text: &[u8]) -> Vec<Finding> {
    let mut found = Vec::new();
    SCANNER.find(direction, Surface::Body, text, &mut found);
    found
}

fn way(rule: &Rule) -> Direction {
    if rule.family == Family::Secret { Direction::Request } else { Direction::Response }
}

/// Encodings that a rule's example survives.
fn fit(rule: &Rule) -> Vec<&'static Encoder> {
    ALL.iter().filter(|(_, keeps, _)| rule.family == Family::Injection || *keeps == Keeps::Bytes).collect()
}

/// None, or what was not found.
fn missed(rule: &Rule, chain: &[&Encoder]) -> Option<String> {
    let text = chain.iter().fold(rule.examples[0].clone(), |text, (_, _, encode)| encode(&text));
    let found = find(way(rule), text.as_bytes());
    let names = || chain.iter().rev().map(|(name, ..)| *name).collect::<Vec<_>>().join(" > ");
    let hit = found.iter().any(|f| f.rule == rule.id && f.end <= text.len() && f.start < f.end);
    (!hit).then(|| format!("{}: {}: {text:.300?}", names(), rule.id))
}

#[test]
fn every_encoding_of_every_rules_first_example_is_found() {
    let mut all = Vec::new();
    for rule in SCANNER.rules() {
        all.extend(fit(rule).iter().filter_map(|e| missed(rule, &[e])));
    }
    all.sort();
    assert!(all.is_empty(), "{} missed\n{}", all.len(), all.join("\n"));
}
