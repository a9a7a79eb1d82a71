//! What a text does that its reader does not see: characters without a look, direction overrides, hosts that are not what they
//! seem, orders to a terminal. Code and not rules, since no pattern says it. What it is worth where it stands is the judge's
//! business.

mod hosts;
mod terminal;
mod unseen;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::views::Path;
use super::{Family, Finding};

/// The ids of its findings, and how sure they are.
pub const RULES: &[(&str, u8)] = &[
    ("unicode.tag_characters", 90),
    ("unicode.variation_selectors", 88),
    ("unicode.zero_width_bits", 82),
    ("unicode.trojan_source", 85),
    ("unicode.bidi_override", 60),
    ("unicode.mixed_script_host", 84),
    ("unicode.lookalike_host", 88),
    ("content.userinfo_host", 72),
    ("content.terminal_clipboard", 85),
    ("content.terminal_link", 72),
    ("content.terminal_title", 35),
    ("content.terminal_report", 60),
    ("content.terminal_rewrite", 30),
    ("content.concealed_text", 80),
];

/// More findings than this in one text say nothing new.
const MOST: usize = 64;
/// No further from the end does anything wait for more bytes.
const WAIT: usize = 512;

/// Appends what is found; returns the offset from which that may change when more bytes follow.
pub(super) fn find(text: &[u8], out: &mut Vec<Finding>) -> usize {
    let mut found = Found { out, left: MOST };
    let hold = unseen::find(text, &mut found);
    let hold = hold.min(terminal::find(text, &mut found)).min(hosts::find(text, &mut found));
    hold.max(text.len().saturating_sub(WAIT))
}

/// Where findings go.
struct Found<'o> {
    out: &'o mut Vec<Finding>,
    left: usize,
}

impl Found<'_> {
    fn add(&mut self, rule: &str, span: Range<usize>) {
        let Some((id, confidence)) = RULES.iter().find(|(id, _)| *id == rule) else { return };
        if self.left > 0 {
            self.left -= 1;
            let family = if id.starts_with("unicode") { Family::Unicode } else { Family::Content };
            let (rule, confidence) = ((*id).into(), *confidence);
            self.out.push(Finding {
                rule,
                family,
                confidence,
                start: span.start,
                end: span.end,
                path: Path::PLAIN,
            });
        }
    }
}
