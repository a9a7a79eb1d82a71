//! The reader of shell commands, and the walk through what they do.

use super::expand::expand;
use super::input::Input;
use super::scan::in_order;
use katana::scanner::commands::{Command, Rules};

/// Findings and commands lie in the text; the same text gives the same.
pub(super) fn commands(data: &[u8]) {
    let mut input = Input(data);
    let text = if input.byte() & 1 == 0 { input.0.to_vec() } else { expand(input.0) };
    let (rules, mut found, mut again) = (Rules::default(), Vec::new(), Vec::new());
    rules.find(&text, &mut found);
    in_order(&found, text.len());
    for command in rules.explain(&text) {
        let Command { start, end, .. } = command;
        assert!(start <= end && end <= text.len(), "{command:?}");
    }
    rules.find(&text, &mut again);
    assert_eq!(found, again);
}
