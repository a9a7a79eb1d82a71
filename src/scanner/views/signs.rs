//! What a sweep over a text noticed: where each view may have something to decode. Nothing noticed, nothing allocated.

use std::ops::Range;

use super::{View, Wants};

/// How far before a sign a match may begin, and after it end.
const BEFORE: usize = 192;
const AFTER: usize = 512;
/// Signs of a kind, at most; then the rest of the text is one window.
const MOST: usize = 4096;

/// The signs of one text.
#[derive(Debug)]
pub(super) struct Signs {
    wants: Wants,
    windows: [Vec<Range<usize>>; 1 + View::Image as usize],
    tokens: Vec<Range<usize>>,
    /// Where base85 begins by its mark.
    marks: Vec<usize>,
    /// Stretches that may be base85 without one.
    mixed: Vec<Range<usize>>,
    compressed: Vec<usize>,
    wide: bool,
    opaque: bool,
}

impl Signs {
    pub(super) fn wants(&self) -> Wants {
        self.wants
    }

    pub(super) fn new(wants: Wants) -> Signs {
        Signs {
            wants,
            windows: std::array::from_fn(|_| Vec::new()),
            tokens: Vec::new(),
            marks: Vec::new(),
            mixed: Vec::new(),
            compressed: Vec::new(),
            wide: false,
            opaque: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.opaque && !self.has_any()
    }

    /// Of anything but letters that make no words.
    pub(super) fn has_any(&self) -> bool {
        self.wide
            || !self.tokens.is_empty()
            || !self.marks.is_empty()
            || !self.mixed.is_empty()
            || !self.compressed.is_empty()
            || self.windows.iter().any(|w| !w.is_empty())
    }

    /// Parts of the text, in order and apart from each other.
    pub(super) fn windows(&self, view: View) -> &[Range<usize>] {
        &self.windows[view as usize]
    }

    /// Long stretches without a space.
    pub(super) fn tokens(&self) -> &[Range<usize>] {
        &self.tokens
    }

    /// Where base85 begins by its mark.
    pub(super) fn marks(&self) -> &[usize] {
        &self.marks
    }

    /// Stretches that may be base85 without one.
    pub(super) fn mixed(&self) -> &[Range<usize>] {
        &self.mixed
    }

    /// Where something compressed seems to begin.
    pub(super) fn compressed(&self) -> &[usize] {
        &self.compressed
    }

    /// Two bytes a character?
    pub(super) fn is_wide(&self) -> bool {
        self.wide
    }

    /// Nothing that can be read?
    pub(super) fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Are views wanted that only readers see through?
    pub(super) fn for_readers(&self) -> bool {
        self.wants.has(View::Leet)
    }

    /// Something for `view` stands at `span`. Spans come nearly in order.
    pub(super) fn note(&mut self, view: View, span: Range<usize>, len: usize) {
        if !self.wants.has(view) {
            return;
        }
        let windows = &mut self.windows[view as usize];
        let window = span.start.saturating_sub(BEFORE)..span.end.saturating_add(AFTER).min(len);
        let crowded = windows.len() >= MOST;
        match windows.last_mut() {
            Some(last) if crowded || window.start <= last.end => {
                last.start = last.start.min(window.start);
                last.end = last.end.max(window.end);
            }
            _ => windows.push(window),
        }
    }

    /// A word of an alphabet that may hold something.
    pub(super) fn note_token(&mut self, span: Range<usize>) {
        self.tokens.push(span);
    }

    pub(super) fn note_mark(&mut self, at: usize) {
        if self.wants.has(View::Base85) && self.marks.len() < MOST {
            self.marks.push(at);
        }
    }

    pub(super) fn note_mixed(&mut self, span: Range<usize>) {
        if self.wants.has(View::Base85) {
            self.mixed.push(span);
        }
    }

    pub(super) fn note_compressed(&mut self, at: usize) {
        if self.wants.has(View::Inflate) && self.compressed.len() < MOST {
            self.compressed.push(at);
        }
    }

    pub(super) fn note_wide(&mut self) {
        self.wide = self.wants.has(View::Utf16);
    }

    pub(super) fn note_opaque(&mut self) {
        self.opaque = true;
    }
}
