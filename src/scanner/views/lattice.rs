//! The work list: a text's signs give decoded texts, whose signs give more, in the order of their depth, until the budget is
//! used up. No text is looked at twice.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::budget::{Budget, Purse, Spent, Turn};
use super::map::{Draft, Map, Trails};
use super::plausible::{Kind, is_noise, plausible};
use super::signs::Signs;
use super::{DEPTH, Path, Seen, View, Wants};
use super::{base85, hex, images, inflate, numbers, pdf, utf16};
use super::{
    entities, escapes, leet, markup, percent, quoted, run, shift, spaced, sweep, unicode, whitespace,
};

/// Longer texts are not guessed at.
const GUESSED: usize = 16 * 1024;
/// In longer texts, the views take turns.
const SUBSETS: usize = 4096;
/// A window begins no farther ahead of what it would.
const WORD: usize = 4096;
/// How much behind a token tells it from another that begins alike.
const FOLLOWS: usize = 256;
/// So many texts wait to be guessed at.
const DEAD_ENDS: usize = 64;

/// A decoded text that waits for its turn.
struct Node {
    bytes: Vec<u8>,
    kind: Kind,
    path: Path,
    /// None: the original.
    trail: Option<usize>,
}

/// Where views put what they decode: keeps the budget, and drops what was seen before.
pub(super) struct Sink {
    pub(super) wants: Wants,
    queue: VecDeque<Node>,
    trails: Trails,
    seen: HashSet<u64>,
    tokens: HashSet<u64>,
    /// Nobody can make two texts look the same to it.
    hasher: RandomState,
    budget: Budget,
    /// Of the text that is being looked at.
    path: Path,
    kind: Kind,
    trail: Option<usize>,
}

impl Sink {
    /// To how many bytes something compressed may still grow.
    pub(super) fn grows(&self) -> usize {
        self.budget.grows()
    }

    /// Something grew to `len` bytes, which took as much as reading `work`.
    pub(super) fn grown(&mut self, work: usize, len: usize) {
        self.budget.grown(work, len);
    }

    /// May so many bytes be decoded still? If not, what stands at `source` is left out.
    pub(super) fn affords(&mut self, bytes: usize, source: &Range<usize>) -> bool {
        let enough = bytes <= self.budget.room();
        if !enough {
            self.leave_out(source);
        }
        enough
    }

    /// What stands at `source` in the text that is being looked at is not decoded.
    pub(super) fn leave_out(&mut self, source: &Range<usize>) {
        let span = self.trail.map_or(source.clone(), |trail| self.trails.back(trail, source.clone()));
        self.budget.leave_out(span);
    }

    /// Is the text one that was decoded already?
    pub(super) fn is_deep(&self) -> bool {
        !self.path.is_plain()
    }

    /// How the text that is being looked at was come by.
    pub(super) fn last(&self) -> Option<View> {
        self.path.last()
    }

    /// Was the token, with what follows it, not tried before? The same one stands in every text that replaces other parts.
    fn is_new(&mut self, text: &[u8], token: &Range<usize>) -> bool {
        let end = text.len().min(token.end + FOLLOWS);
        self.tokens.insert(self.hasher.hash_one(&text[token.start..end])) || !self.is_deep()
    }

    /// Adds what `view` made of `cost` bytes.
    pub(super) fn add(&mut self, view: View, (bytes, map): (Vec<u8>, Map), kind: Kind, cost: usize) {
        self.add_by(&[view], (bytes, map), kind, cost);
    }

    /// The same, for a decoding in several steps.
    pub(super) fn add_by(&mut self, views: &[View], (bytes, map): (Vec<u8>, Map), kind: Kind, cost: usize) {
        let cost = cost.max(bytes.len());
        if bytes.is_empty() || !views.iter().all(|v| self.wants.has(*v)) {
            return;
        }
        let path = views.iter().try_fold(self.path, |path, view| path.then(*view));
        let Some(path) = path.filter(|_| self.budget.pay(cost)) else {
            return self.leave_out(&map.back(&(0..bytes.len())));
        };
        if !self.seen.insert(self.hasher.hash_one(&bytes)) {
            return;
        }
        let trail = self.trails.add(self.trail, map);
        self.queue.push_back(Node { bytes, kind, path, trail: Some(trail) });
    }

    fn look_at(&mut self, node: &Node, turn: Turn) {
        self.budget.turn(turn);
        (self.path, self.kind, self.trail) = (node.path, node.kind, node.trail);
    }

    /// Adds text in which parts were replaced; nothing was, nothing is added.
    pub(super) fn add_draft(&mut self, view: View, draft: Draft, cost: usize) {
        if draft.changed {
            self.add(view, draft.finish(), self.kind, cost);
        }
    }
}

pub(super) fn run(
    text: &[u8],
    wants: Wants,
    purse: &mut Purse,
    visit: &mut dyn FnMut(&Seen<'_>) -> bool,
) -> Spent {
    let signs = sweep::signs(text, wants);
    if signs.is_empty() {
        return Spent::default();
    }
    let hasher = RandomState::new();
    let mut sink = Sink {
        wants,
        queue: VecDeque::new(),
        trails: Trails::default(),
        // what a long text gives is hardly that text again: to know it for sure costs more than to look
        seen: if text.len() <= GUESSED { HashSet::from([hasher.hash_one(text)]) } else { HashSet::new() },
        tokens: HashSet::new(),
        hasher,
        budget: Budget::of(text.len(), purse),
        path: Path::PLAIN,
        kind: Kind::Text,
        trail: None,
    };
    if !images::decode(text, &mut sink) {
        expand(text, &signs, &mut sink);
    }
    let mut dead_ends = Vec::new();
    if signs.is_opaque() {
        dead_ends.push(Node { bytes: text.to_vec(), kind: Kind::Text, path: Path::PLAIN, trail: None });
    }
    let (mut found, mut last) = (false, VecDeque::new());
    loop {
        if let Some(node) = sink.queue.pop_front() {
            found |= visit_one(&node, &mut sink, visit);
            if !found && dead_ends.len() < DEAD_ENDS && is_guessed_at(&node) {
                dead_ends.push(node);
            }
        } else if found {
            break;
        } else if let Some(node) = most_promising(&mut dead_ends) {
            sink.look_at(&node, Turn::Guesses);
            shift::guess(&node.bytes, &mut sink);
            last.push_back(node);
        } else if let Some(node) = last.pop_front() {
            sink.look_at(&node, Turn::Last);
            shift::guess_any(&node.bytes, &mut sink);
        } else {
            break;
        }
    }
    sink.budget.spent(text.len(), purse)
}

/// Shows a text, and adds what it holds; whether it is what was looked for.
fn visit_one(node: &Node, sink: &mut Sink, visit: &mut dyn FnMut(&Seen<'_>) -> bool) -> bool {
    let seen = Seen {
        bytes: &node.bytes,
        kind: node.kind,
        path: node.path,
        trails: &sink.trails,
        trail: node.trail.unwrap_or_default(),
    };
    let found = visit(&seen);
    (sink.path, sink.kind, sink.trail) = (node.path, node.kind, node.trail);
    if !images::decode(&node.bytes, sink) {
        let signs = sweep::signs(&node.bytes, sink.wants);
        if node.path.depth() < DEPTH {
            expand(&node.bytes, &signs, sink);
        } else if signs.has_any() && plausible(&node.bytes, true) == Some(Kind::Text) {
            sink.leave_out(&(0..node.bytes.len()));
        }
    }
    found
}

/// Least was guessed on the way to it, and most was known; but the text itself, of which nothing was, comes first.
fn most_promising(dead_ends: &mut Vec<Node>) -> Option<Node> {
    let guesses = |n: &Node| {
        n.path.views().filter(|v| matches!(v, View::Rot13 | View::Caesar | View::Reversed)).count()
    };
    let best = (0..dead_ends.len()).min_by_key(|i| {
        (guesses(&dead_ends[*i]), !dead_ends[*i].path.is_plain(), DEPTH - dead_ends[*i].path.depth())
    })?;
    Some(dead_ends.swap_remove(best))
}

fn is_guessed_at(node: &Node) -> bool {
    let guessed = matches!(node.path.last(), Some(View::Rot13 | View::Caesar));
    let bytes = &node.bytes;
    let long = bytes.len() > GUESSED;
    let wordless = || shift::is_opaque(bytes) || !shift::has_words(bytes) && !shift::fits(bytes);
    !guessed && node.kind == Kind::Text && !long && wordless()
}

type Decode = fn(&[u8], Range<usize>, &mut Draft);

/// A part of a text, and the views that have signs in it.
type Part = (Range<usize>, Vec<(View, Decode)>);

/// Views that replace characters and leave the rest, those that change least first.
const IN_PLACE: [(View, Decode); 9] = [
    (View::Unicode, unicode::decode),
    (View::Escapes, escapes::decode),
    (View::Percent, percent::decode),
    (View::Entities, entities::decode),
    (View::Markup, markup::decode),
    (View::Spaced, spaced::decode),
    (View::Whitespace, whitespace::decode),
    (View::Quoted, quoted::decode),
    (View::Leet, leet::decode),
];

/// Where the word that is cut at `at` begins, if that is not far: a run of base64 is of use only from its beginning.
fn from_word(text: &[u8], at: usize) -> usize {
    let before = text[at.saturating_sub(WORD)..at].iter().rev();
    let cut = text.get(at).is_some_and(|b| sweep::in_word(*b) != 0);
    let len = if cut { before.take_while(|b| sweep::in_word(**b) != 0).count() } else { 0 };
    at - len
}

/// Ordinary text has signs of several views all over. There, one view is taken for each part, and the next one sees what it
/// leaves; else every subset of the views would be tried, which only short texts can afford.
fn replace(text: &[u8], signs: &Signs, sink: &mut Sink) {
    let parts = |(view, decode): &(View, Decode)| {
        let whole = |w: &Range<usize>| from_word(text, w.start)..w.end;
        signs.windows(*view).iter().map(|w| (whole(w), vec![(*view, *decode)])).collect::<Vec<_>>()
    };
    let mut all: Vec<Part> = IN_PLACE.iter().flat_map(parts).collect();
    // who makes noise can as well encrypt
    all.retain(|(window, _)| !is_noise(&text[window.clone()]));
    if text.len() > SUBSETS || shift::has_words(text) {
        all.sort_by_key(|(window, _)| window.start);
        let mut merged: Vec<Part> = Vec::new();
        for (window, views) in all {
            match merged.last_mut().filter(|(last, _)| window.start <= last.end) {
                Some((last, known)) => {
                    last.end = last.end.max(window.end);
                    known.extend(views);
                }
                None => merged.push((window, views)),
            }
        }
        for (_, views) in &mut merged {
            views.sort_by_key(|(view, _)| IN_PLACE.iter().position(|(v, _)| v == view));
            views.dedup_by_key(|(view, _)| *view);
        }
        all = merged;
    }
    for (window, views) in all {
        for (view, decode) in views {
            // once is enough, and in noise there is always something left
            if view == View::Unicode && sink.path.last() == Some(view) {
                continue;
            }
            if !sink.affords(window.len(), &window) {
                break;
            }
            let mut draft = Draft::new(window.len());
            decode(text, window.clone(), &mut draft);
            if draft.changed {
                let other = draft.doubtful.then(|| foreign(text, &window));
                // deeper down, once is enough
                let deep = sink.path.views().any(|v| v == view);
                let drafts = if deep && other.is_some() { [None, other] } else { [Some(draft), other] };
                for draft in drafts.into_iter().flatten() {
                    sink.add_draft(view, draft, window.len());
                }
                break;
            }
        }
    }
}

/// The other reading of a text that may be of another script.
fn foreign(text: &[u8], window: &Range<usize>) -> Draft {
    let mut draft = Draft::new(window.len());
    unicode::decode_foreign(text, window.clone(), &mut draft);
    draft
}

/// Adds all that the signs speak for.
fn expand(text: &[u8], signs: &Signs, sink: &mut Sink) {
    replace(text, signs, sink);
    let mut done = 0;
    for token in signs.tokens() {
        let rest = token.start.max(done)..token.end;
        if !rest.is_empty() && sink.is_new(text, &rest) {
            done = run::decode(text, rest, sink);
        }
    }
    let mut done = 0;
    for at in signs.marks() {
        if *at >= done {
            done = base85::decode_marked(text, *at, sink);
        }
    }
    for token in signs.mixed() {
        if sink.is_new(text, token) {
            base85::decode(text, token.clone(), sink);
        }
    }
    for window in signs.windows(View::Hex) {
        hex::decode_spread(text, window.clone(), sink);
    }
    for window in signs.windows(View::Numbers) {
        numbers::decode(text, window.clone(), sink);
    }
    for (view, window) in
        [View::Rot13, View::Reversed].iter().flat_map(|v| signs.windows(*v).iter().map(move |w| (*v, w)))
    {
        shift::decode(view, text, window.clone(), sink);
    }
    for at in signs.compressed() {
        inflate::decode(text, *at, sink);
    }
    if signs.is_wide() {
        utf16::decode(text, sink);
    }
    if !signs.windows(View::Pdf).is_empty() {
        pdf::decode(text, sink);
    }
    if (sink.path.last() == Some(View::Inflate) || !signs.windows(View::Pdf).is_empty()) && pdf::shows(text) {
        pdf::decode_page(text, sink);
    }
}

/// Adds `bytes` if they are worth a look.
pub(super) fn add_plausible(sink: &mut Sink, views: &[View], bytes: Vec<u8>, map: Map, cost: usize) -> bool {
    let kind = plausible(&bytes, true);
    if let Some(kind) = kind {
        sink.add_by(views, (bytes, map), kind, cost);
    }
    kind.is_some()
}
