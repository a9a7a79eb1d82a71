//! The catalogue keeps its promises, and what is found does not depend on how the text was cut.

use super::*;

#[test]
fn every_builtin_rule_does_what_its_examples_say() {
    let scanner = Scanner::builtin().unwrap();
    let faults: Vec<String> =
        scanner.rules().iter().filter_map(|r| r.check_examples().err()).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
