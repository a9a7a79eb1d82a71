//! docs/detection.md counts the kinds of secrets; the count is the catalogue's.

use katana::scanner::{BUILTIN, Family, Scanner};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const PAGE: &str = include_str!("../../docs/detection.md");
const BEGIN: &str = "<!-- kinds -->\n";
const END: &str = "<!-- /kinds -->";

/// The table, from the rules themselves.
fn table(scanner: &Scanner) -> String {
    let mut files: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for rule in scanner.rules().iter().filter(|r| r.family == Family::Secret) {
        let (kinds, owners) = files.entry(&rule.source_name).or_default();
        *kinds += 1;
        owners.insert(rule.id.split('.').next().unwrap());
    }
    let mut text = String::from("| file | kinds | whose |\n| --- | ---: | --- |\n");
    let mut total = 0;
    for (file, (kinds, owners)) in files {
        total += kinds;
        let name = file.trim_start_matches("config/rules/secrets/");
        let owners: Vec<&str> = owners.into_iter().collect();
        writeln!(text, "| `{name}` | {kinds} | {} |", owners.join(", ")).unwrap();
    }
    writeln!(text, "| all | {total} | |").unwrap();
    text
}

#[test]
fn the_documentation_counts_the_kinds_there_are() {
    let scanner = Scanner::from_rules(BUILTIN.iter().copied()).unwrap();
    let table = table(&scanner);
    let (_, rest) = PAGE.split_once(BEGIN).unwrap();
    let (written, _) = rest.split_once(END).unwrap();
    if std::env::var_os("KATANA_WRITE_DOCS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/detection.md");
        std::fs::write(path, PAGE.replace(written, &table)).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "KATANA_WRITE_DOCS=1 cargo test --test main the_documentation_counts writes it"
    );
}

#[test]
fn there_are_kinds_enough_and_each_says_where_its_format_comes_from() {
    let scanner = Scanner::from_rules(BUILTIN.iter().copied()).unwrap();
    let secrets = scanner.rules().iter().filter(|r| r.family == Family::Secret);
    assert!(secrets.clone().count() >= 250);
    let silent = ["ai.sk_key"];
    let unsaid: Vec<&str> = secrets.filter(|r| r.references.is_empty()).map(|r| &*r.id).collect();
    assert_eq!(unsaid, silent);
}
