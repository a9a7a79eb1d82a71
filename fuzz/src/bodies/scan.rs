//! The engine and what it is made of: rules over a text and over its pieces, views, covert signs, the classifier and its file.

use super::expand::expand;
use super::input::{Cuts, Input};
use katana::scanner::classifier::Classifier;
use katana::scanner::classifier::model::Model;
use katana::scanner::views::{self, DEPTH, Path, Spent, View, Wants};
use katana::scanner::{Direction, Family, Finding, Scanner, Surface, coded};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// More pieces would take long: each is looked at with what was held.
const PIECES: usize = 20;

pub(super) static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::builtin().expect("it is tested"));
static NO_RULES: LazyLock<Scanner> =
    LazyLock::new(|| Scanner::from_rules([]).expect("no rules are good ones"));
static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| Classifier::builtin().expect("it is tested"));

/// What says that not all was looked at.
const DENSE: &str = "engine.too_dense";
/// Of an injection rule, a call reports so many.
const REPORTED: usize = 64;

/// Findings lie in the text, in order; a text in pieces has the same.
pub(super) fn engine(data: &[u8]) {
    let mut input = Input(data);
    let (direction, surface) = input.place();
    let cuts = input.cuts();
    let text = expand(input.0);
    let mut found = Vec::new();
    SCANNER.find(direction, surface, &text, &mut found);
    in_order(&found, text.len());
    same_in_pieces(&SCANNER, (direction, surface), &text, cuts);
}

/// The same of what no rule says.
pub(super) fn covert_signs(data: &[u8]) {
    let mut input = Input(data);
    let cuts = input.cuts();
    let mut found = Vec::new();
    NO_RULES.find(Direction::Response, Surface::Body, input.0, &mut found);
    in_order(&found, input.0.len());
    same_in_pieces(&NO_RULES, (Direction::Response, Surface::Body), input.0, cuts);
}

/// Findings lie in the text, by place.
pub(super) fn in_order(found: &[Finding], len: usize) {
    for finding in found {
        assert!(finding.start < finding.end && finding.end <= len, "{finding:?} in {len} bytes");
        assert!(finding.confidence <= 100, "{finding:?}");
        assert!(finding.path.depth() <= DEPTH, "{finding:?}");
    }
    assert!(found.is_sorted_by_key(|f| f.start), "{found:?}");
}

/// Rule, first byte, one past the last.
type One = (Arc<str>, usize, usize);
type Found = BTreeSet<One>;

fn is_covert(rule: &str) -> bool {
    coded(rule).is_some_and(|c| matches!(c.family, Family::Unicode | Family::Content))
}

/// What stands in the text as it is: through views, what is found depends on the pieces.
fn plain(found: Vec<Finding>, base: usize, all: &mut Found) {
    let plain = found.into_iter().filter(|f| f.path.is_plain());
    all.extend(plain.map(|f| (f.rule, f.start + base, f.end + base)));
}

fn same_in_pieces(scanner: &Scanner, (direction, surface): (Direction, Surface), text: &[u8], cuts: Cuts) {
    let mut found = Vec::new();
    scanner.find(direction, surface, text, &mut found);
    let mut whole = Found::new();
    plain(found, 0, &mut whole);
    let (mut kept, mut passed, mut pieces) = (Vec::new(), 0, Found::new());
    let mut chunks = cuts.of(text, PIECES).peekable();
    while let Some(chunk) = chunks.next() {
        kept.extend_from_slice(chunk);
        let mut found = Vec::new();
        let hold = scanner.scan(direction, surface, &kept, &mut found);
        in_order(&found, kept.len());
        assert!(hold <= kept.len());
        // what covert signs wait for
        let most = scanner.max_hold(direction).max(512);
        assert!(kept.len() - hold <= most, "holds {} of at most {most}", kept.len() - hold);
        let last = chunks.peek().is_none();
        found.retain(|f| last || f.start < hold);
        plain(found, passed, &mut pieces);
        kept.drain(..hold);
        passed += hold;
    }
    // that there was too much to look at depends on how much there was
    let (by_rules, covert) =
        (|f: &&One| !is_covert(&f.0) && !f.0.starts_with("engine."), |f: &&One| is_covert(&f.0));
    let crowded =
        |(rule, ..): &One| &**rule == DENSE || whole.iter().filter(|(r, ..)| r == rule).count() >= REPORTED;
    if !whole.iter().chain(&pieces).any(crowded) {
        let [pieces, whole] = [&pieces, &whole].map(|all| all.iter().filter(by_rules).collect::<Vec<_>>());
        assert_eq!(pieces, whole, "in pieces, and whole");
    }
    // a piece may have more of what a text has once, and the first half of what is long
    for (rule, start, _) in whole.iter().filter(covert) {
        let same = |(r, s, _): &One| (r, s) == (rule, start);
        assert!(pieces.iter().any(same), "{rule} at {start} in pieces: {pieces:?}");
    }
}

/// Decoded texts lead back into the text; the work and the depth are bounded.
pub(super) fn views(data: &[u8]) {
    let mut input = Input(data);
    let which = usize::from(input.byte());
    // one view, or one of the surfaces' sets
    let (wants, text) = match View::ALL.get(which) {
        Some(view) => (Wants::only(&[*view]), input.0.to_vec()),
        None => match which % 4 {
            0 => (Wants::ALL, input.0.to_vec()),
            1 => (Wants::on(Direction::Request, Surface::Body), input.0.to_vec()),
            2 => (Wants::on(Direction::Response, Surface::Header), input.0.to_vec()),
            _ => (Wants::ALL, expand(input.0)),
        },
    };
    let (mut shown, mut bytes) = (0, 0);
    let spent = views::each(&text, wants, &mut |seen| {
        let len = seen.bytes.len();
        for span in [0..len, 0..len.min(1), len / 3..len - len / 3, len - len.min(1)..len] {
            let back = seen.original(span.clone());
            assert!(
                back.start <= back.end && back.end <= text.len(),
                "{:?}: {span:?} is {back:?}",
                seen.path
            );
        }
        let depth = seen.path.depth();
        assert!((1..=DEPTH).contains(&depth), "{:?}", seen.path);
        (shown, bytes) = (shown + 1, bytes + len);
        false
    });
    let limit = Spent::limit(text.len());
    assert!(spent.bytes <= limit.bytes && spent.texts <= limit.texts, "{spent:?} of {limit:?}");
    assert!(shown <= spent.texts && bytes <= spent.bytes, "{shown} texts of {bytes} bytes: {spent:?}");
}

/// The worst part lies in the text; where the gate stays shut, there is none.
pub(super) fn classifier(data: &[u8]) {
    let score = CLASSIFIER.score(data);
    assert!(score.percent <= 100 && score.start <= score.end && score.end <= data.len(), "{score:?}");
    assert!(CLASSIFIER.gate(data) || score.percent == 0, "{score:?}");
    let _sums = (CLASSIFIER.sum(data), CLASSIFIER.gate_sum(data));
    assert_eq!(score, CLASSIFIER.score(data));
}

/// A model that is taken is written as it was read, and can be used. The checksum is mended: none would guess it.
pub(super) fn model(data: &[u8]) {
    let (file, text) = data.split_at(data.len() - data.len() / 8);
    let mut mended = file.to_vec();
    if let [sign, rest @ ..] = &mut mended[..]
        && *sign == b'!'
        && let Some((body, sum)) = rest.split_last_chunk_mut::<4>()
    {
        let mut crc = flate2::Crc::new();
        crc.update(body);
        *sum = crc.sum().to_le_bytes();
        mended.remove(0);
    }
    if let Ok(model) = Model::read(mended.clone()) {
        let again = Model::read(model.write()).expect("what was written can be read");
        assert_eq!(again, model);
        for sum in [i32::MIN, -1, 0, 1, i32::MAX] {
            assert!(model.percent(sum) <= 100);
        }
        let score = Classifier::new(model).score(text);
        assert!(score.percent <= 100 && score.end <= text.len());
    }
}

/// An excerpt of anything, as of any place, is short and shows little.
pub(super) fn excerpt(data: &[u8]) {
    let mut input = Input(data);
    let mut found = Vec::new();
    for _ in 0..input.byte() % 16 {
        let family = match input.byte() % 4 {
            0 => Family::Secret,
            1 => Family::Injection,
            2 => Family::Mcp,
            _ => Family::Content,
        };
        let number = |input: &mut Input<'_>| usize::from(input.byte()) * 7 + usize::from(input.byte());
        let (start, len, confidence) = (number(&mut input), number(&mut input), input.byte() % 101);
        let rule = ["a.one", "a.two", "b.one", "c.one"][usize::from(input.byte()) % 4].into();
        found.push(Finding { rule, family, confidence, start, end: start + len, path: Path::PLAIN });
    }
    found.sort_by_key(|f| f.start);
    if let Some((sure, span)) = katana::scanner::together(&found) {
        assert!(sure <= 100 && span.start <= span.end, "{sure} at {span:?}");
    }
    for finding in &found {
        let shown = katana::scanner::excerpt(input.0, finding);
        assert!(shown.len() <= 700 && !shown.chars().any(char::is_control), "{shown:?}");
    }
}
