//! Here-documents: their texts stand below the line that asks for them.

use super::parse::Parser;
use super::tree::{How, Redirect, Word};
use super::words::heredoc;

/// More here-documents on one line are not read.
const MOST_PENDING: usize = 16;

/// One whose text comes after this line.
pub(super) struct Pending {
    mark: String,
    tabs: bool,
    expands: bool,
    /// Number of the here-document in this text.
    slot: usize,
}

impl Parser<'_> {
    /// What stands behind `<<`.
    pub(super) fn here_document(&mut self, tabs: bool) -> Redirect {
        let from = self.at;
        drop(self.word());
        let written = &self.text[from..self.at];
        let expands = !written.contains(['\'', '"', '\\']);
        let mark: String = written.chars().filter(|c| !"'\"\\".contains(*c)).collect();
        let slot = self.pending.len();
        if slot >= MOST_PENDING {
            self.doubt = true;
            return Redirect { how: How::Text, target: Word::new() };
        }
        self.pending.push(Pending { mark, tabs, expands, slot });
        // the text is not here yet: it is taken from where it will stand
        let body = self.body_of(slot);
        Redirect { how: How::Text, target: body }
    }

    /// The text of a here-document that is still to come, after those before it.
    fn body_of(&mut self, slot: usize) -> Word {
        let line = self.rest().find('\n').map_or(self.text.len(), |n| self.at + n + 1);
        let mut at = line;
        let mut body = "";
        for pending in &self.pending {
            let (text, end) = until_mark(&self.text[at.min(self.text.len())..], &pending.mark, pending.tabs);
            body = text;
            at += end;
        }
        let expands = self.pending.iter().find(|p| p.slot == slot).is_some_and(|p| p.expands);
        let base = self.base
            + (body.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        heredoc(body, expands, base, self.depth)
    }

    /// Steps over the texts of the here-documents of the line that has ended.
    pub(super) fn bodies(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let (_, end) = until_mark(self.rest(), &pending.mark, pending.tabs);
            self.at += end;
        }
    }
}

/// The lines up to the mark's, and where the text goes on behind it.
fn until_mark<'t>(text: &'t str, mark: &str, tabs: bool) -> (&'t str, usize) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let bare = if tabs { bare.trim_start_matches('\t') } else { bare };
        if bare == mark {
            return (&text[..at], at + line.len());
        }
        at += line.len();
    }
    (text, text.len())
}
