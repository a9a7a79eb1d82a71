//! The rules keep their promises, hidden or not; ordinary commands pass; hostile ones end.

use super::*;

#[test]
fn every_rule_finds_its_examples_and_nothing_else() {
    let mut faults: Vec<String> = Vec::new();
    for rule in rules().unwrap() {
        let finds = |text: &str| looked_at(text).1.iter().any(|f| f.rule == rule.id);
        faults.extend(
            rule.examples.iter().filter(|e| !finds(e)).map(|e| format!("{} does not find {e}", rule.id)),
        );
        faults.extend(
            rule.counter_examples.iter().filter(|e| finds(e)).map(|e| format!("{} finds {e}", rule.id)),
        );
    }
    assert!(faults.is_empty(), "{}\n{} faults", faults.join("\n"), faults.len());
}

#[test]
fn every_expression_compiles() {
    assert!(code::expressions_compile() && windows::expressions_compile());
}
