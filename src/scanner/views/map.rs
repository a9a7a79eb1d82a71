//! Where the bytes of a decoded text stand in the text it was decoded from, so that a finding can point at what was sent.

use std::ops::Range;

/// The way back from one decoded text to its source.
#[derive(Debug, Clone)]
pub(super) enum Map {
    /// Every byte comes from all of it: compressed data, base58.
    Whole(Range<usize>),
    /// The same bytes from the last to the first.
    Mirror(Range<usize>),
    /// From each anchor on, `out` decoded bytes come from `inn` bytes.
    Pieces { anchors: Vec<Anchor>, inn: usize, out: usize, end: usize },
}

/// A decoded byte and where what it came from begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) decoded: usize,
    pub(super) source: usize,
}

impl Map {
    /// `out` bytes from each `inn`, without a break.
    pub(super) fn even(source: Range<usize>, inn: usize, out: usize) -> Map {
        let anchors = vec![Anchor { decoded: 0, source: source.start }];
        Map::Pieces { anchors, inn, out, end: source.end }
    }

    /// What `span` was decoded from; never less than that, sometimes a little more.
    pub(super) fn back(&self, span: &Range<usize>) -> Range<usize> {
        match self {
            Map::Whole(source) => source.clone(),
            Map::Mirror(source) => {
                let from = source.end.saturating_sub(span.end).max(source.start);
                from..source.end.saturating_sub(span.start).max(from)
            }
            Map::Pieces { anchors, inn, out, end } => {
                let at = |offset: usize, up: bool| {
                    let next = anchors.partition_point(|a| a.decoded <= offset);
                    let limit = anchors.get(next).map_or(*end, |a| a.source);
                    let from = next.checked_sub(1).and_then(|i| anchors.get(i)).map_or(
                        Anchor { decoded: 0, source: anchors.first().map_or(0, |a| a.source) },
                        |a| *a,
                    );
                    let (steps, whole) = (offset.saturating_sub(from.decoded), *out);
                    let bytes = if up { (steps * inn).div_ceil(whole) } else { steps / whole * inn };
                    (from.source + bytes).min(limit)
                };
                let start = at(span.start, false);
                start..at(span.end, true).max(start)
            }
        }
    }
}

/// A text in the making, and its map: parts are kept as they stand, or put in place of others.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) bytes: Vec<u8>,
    anchors: Vec<Anchor>,
    end: usize,
    /// Something was put in place of something else.
    pub(super) changed: bool,
    /// There is another way to read it.
    pub(super) doubtful: bool,
}

impl Draft {
    pub(super) fn new(room: usize) -> Draft {
        Draft { bytes: Vec::with_capacity(room), ..Draft::default() }
    }

    /// Copies `text[range]`.
    pub(super) fn keep(&mut self, text: &[u8], range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.anchor(range.start);
        self.bytes.extend_from_slice(&text[range.clone()]);
        self.end = range.end;
    }

    /// Writes `bytes` for what stands at `range`; nothing, to leave that out.
    pub(super) fn put(&mut self, bytes: &[u8], range: Range<usize>) {
        self.changed = true;
        let anchor = Anchor { decoded: self.bytes.len(), source: range.start };
        if !bytes.is_empty() && self.anchors.last() != Some(&anchor) {
            self.anchors.push(anchor);
        }
        self.bytes.extend_from_slice(bytes);
        self.end = range.end;
    }

    pub(super) fn finish(mut self) -> (Vec<u8>, Map) {
        self.anchors.push(Anchor { decoded: self.bytes.len(), source: self.end });
        (self.bytes, Map::Pieces { anchors: self.anchors, inn: 1, out: 1, end: self.end })
    }

    fn anchor(&mut self, source: usize) {
        let decoded = self.bytes.len();
        let in_step = self.anchors.last().is_some_and(|a| {
            self.end == source && source >= a.source && decoded - a.decoded == source - a.source
        });
        if !in_step {
            self.anchors.push(Anchor { decoded, source });
        }
    }
}

/// One map after the other, from every decoded text to the original.
#[derive(Debug, Default)]
pub(super) struct Trails {
    steps: Vec<(Option<usize>, Map)>,
}

impl Trails {
    /// `parent`: none for what was decoded from the original itself.
    pub(super) fn add(&mut self, parent: Option<usize>, map: Map) -> usize {
        self.steps.push((parent, map));
        self.steps.len() - 1
    }

    pub(super) fn back(&self, from: usize, span: Range<usize>) -> Range<usize> {
        let (mut at, mut span) = (Some(from), span);
        while let Some((parent, map)) = at.and_then(|i| self.steps.get(i)) {
            span = map.back(&span);
            at = *parent;
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_leads_back_to_all_it_stands_for() {
        let text = b"ab%41%42cd";
        let mut draft = Draft::new(0);
        draft.keep(text, 0..2);
        draft.put(b"A", 2..5);
        draft.put(b"B", 5..8);
        draft.keep(text, 8..10);
        let (bytes, map) = draft.finish();
        assert_eq!(bytes, b"abABcd");
        assert_eq!(map.back(&(2..3)), 2..5);
        assert_eq!(map.back(&(2..4)), 2..8);
        assert_eq!(map.back(&(1..5)), 1..9);
        assert_eq!(map.back(&(0..6)), 0..10);
    }

    #[test]
    fn groups_lead_back_to_whole_groups() {
        let map = Map::even(10..26, 4, 3);
        assert_eq!(map.back(&(0..3)), 10..14);
        assert_eq!(map.back(&(4..5)), 14..17);
        assert_eq!(map.back(&(9..12)), 22..26);
        assert_eq!(Map::Mirror(10..20).back(&(0..3)), 17..20);
    }

    #[test]
    fn a_trail_goes_through_all_maps() {
        let mut trails = Trails::default();
        let first = trails.add(None, Map::even(100..140, 4, 3));
        let second = trails.add(Some(first), Map::even(6..26, 2, 1));
        assert_eq!(trails.back(second, 0..3), 108..116);
    }
}
