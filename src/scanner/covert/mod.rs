//! What a text does that its reader does not see: characters without a look, direction overrides, hosts that are not what they
//! seem, orders to a terminal. Code and not rules, since no pattern says it. What it is worth where it stands is the judge's
//! business.

mod hosts;
mod terminal;
mod unseen;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::Finding;
use super::coded::{Coded, coded};
use super::views::Path;

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
        let Some(Coded { id, family, confidence: Some(confidence), .. }) = coded(rule) else { return };
        if self.left > 0 {
            self.left -= 1;
            self.out.push(Finding {
                rule: (*id).into(),
                family: *family,
                confidence: *confidence,
                start: span.start,
                end: span.end,
                path: Path::PLAIN,
            });
        }
    }
}
