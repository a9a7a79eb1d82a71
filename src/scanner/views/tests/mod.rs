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

/// All, not a sample: `KATANA_VIEWS=all cargo test --release views`.
fn full() -> bool {
    std::env::var_os("KATANA_VIEWS").is_some()
}

/// Does the example survive it? Shell, markup and tokens are no words: in leetspeak they are not read.
fn fits(rule: &Rule, (name, keeps, _): &Encoder) -> bool {
    let words = !["exfiltration.run_and_send", "role.chat_template"].contains(&&*rule.id);
    *keeps == Keeps::Bytes || rule.family == Family::Injection && (words || *name != "leet")
}

/// None, or what was not found.
fn missed(rule: &Rule, chain: &[&Encoder]) -> Option<String> {
    let mut text = rule.examples[0].clone();
    for (name, _, encode) in chain {
        // one number of more digits is left alone
        if *name == "base58" && text.len() > 1400 {
            continue;
        }
        text = encode(&text);
    }
    let found = find(way(rule), text.as_bytes());
    let names = || chain.iter().rev().map(|(name, ..)| *name).collect::<Vec<_>>().join(" > ");
    let hit = found.iter().any(|f| f.rule == rule.id && f.end <= text.len() && f.start < f.end);
    (!hit).then(|| format!("{}: {}: {text:.300?}", names(), rule.id))
}

/// The same numbers on each run.
fn lots(seed: &mut u64, of: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % of
}

#[test]
fn every_encoding_of_every_rules_first_example_is_found() {
    let (mut all, mut seed) = (Vec::new(), 1);
    for rule in SCANNER.rules() {
        let chosen = ALL.iter().filter(|e| fits(rule, e)).filter(|_| full() || lots(&mut seed, 6) == 0);
        all.extend(chosen.filter_map(|e| missed(rule, &[e])));
    }
    assert!(all.is_empty(), "{} missed\n{}", all.len(), all.join("\n"));
}

#[test]
fn encodings_in_encodings_are_found_five_deep() {
    let (mut all, mut seed, mut tried) = (Vec::new(), 2, 0);
    for rule in SCANNER.rules() {
        for deep in 2..=5 {
            for _ in 0..if full() { 40 } else { 1 } {
                let mut chain: Vec<&Encoder> = ALL.iter().filter(|e| fits(rule, e)).collect();
                chain = vec![chain[lots(&mut seed, chain.len())]];
                while chain.len() < deep {
                    let next = &ALL[lots(&mut seed, ALL.len())];
                    if next.1 == Keeps::Bytes {
                        chain.push(next);
                    }
                }
                tried += 1;
                all.extend(missed(rule, &chain));
            }
        }
    }
    assert!(all.is_empty(), "{} of {tried} missed\n{}", all.len(), all.join("\n"));
}

#[test]
#[ignore = "a look inside"]
fn debug() {
    let chain = std::env::var("CHAIN").unwrap();
    let id = std::env::var("RULE").unwrap();
    let rule = SCANNER.rules().iter().find(|r| *r.id == *id).unwrap();
    let mut text = rule.examples[0].clone();
    for name in chain.split(" > ").collect::<Vec<_>>().into_iter().rev() {
        text = (ALL.iter().find(|e| e.0 == name).unwrap().2)(&text);
    }
    eprintln!("TEXT {} {text:.200}", text.len());
    let spent = each(text.as_bytes(), Wants::on(way(rule), Surface::Body), &mut |s| {
        let shown = String::from_utf8_lossy(s.bytes);
        eprintln!("{} {:?} {} {:.100?}", s.path, s.kind, s.bytes.len(), shown);
        false
    });
    eprintln!("{spent:?} of {:?}", Spent::limit(text.len()));
}
