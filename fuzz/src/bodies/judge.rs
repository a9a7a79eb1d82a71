//! The judge: what its verdicts promise, and that a text in pieces passes nothing that the whole is refused for.

use super::expand::expand;
use super::input::Input;
use super::scan::in_order;
use katana::scanner::{Judge, Piece, Stream, Subject, Verdict, excerpt};
use std::sync::LazyLock;

/// More pieces would take long.
const PIECES: usize = 40;

static JUDGE: LazyLock<Judge> = LazyLock::new(|| Judge::builtin().expect("it is tested"));

fn subject(input: &mut Input<'_>) -> Subject<'static> {
    let (direction, surface) = input.place();
    let how = input.byte();
    Subject {
        host: [None, Some("api.openai.com"), Some("pages.test"), Some("not a host")][usize::from(how & 3)],
        tool: [None, Some("shell")][usize::from(how >> 2 & 1)],
        ..Subject::new(direction, surface)
    }
}

/// A verdict holds together.
pub(super) fn judge(data: &[u8]) {
    let mut input = Input(data);
    let subject = subject(&mut input);
    let text = expand(input.0);
    let verdict = JUDGE.verdict(&subject, &text);
    sound(&verdict, &text);
    let mut found = Vec::new();
    let hold = JUDGE.scan(&subject, &text, &mut found);
    assert!(hold <= text.len());
    in_order(&found, text.len());
}

fn sound(verdict: &Verdict, text: &[u8]) {
    let Verdict { findings, places, score, joined, blocking, steps, .. } = verdict;
    assert_eq!(findings.len(), places.len());
    assert!(findings.is_sorted_by_key(|f| f.start));
    for finding in findings {
        assert!(finding.start <= finding.end && finding.end <= text.len(), "{finding:?} in {}", text.len());
        assert!(finding.confidence <= *score && *score <= 100 && *joined <= 100, "{verdict:?}");
        let _shown = excerpt(text, finding);
    }
    assert_eq!(*blocking, !steps.is_empty() && JUDGE.threshold().is_some_and(|t| *score >= t));
    steps.iter().map(ToString::to_string).for_each(|said| assert!(!said.is_empty()));
    places.iter().map(ToString::to_string).for_each(|said| assert!(!said.is_empty()));
}

/// As the proxy does it: a piece is judged with what was held of those before, and what may move on moves on.
pub(super) fn stream(data: &[u8]) {
    let mut input = Input(data);
    let byte = input.byte();
    let direction = Input(&[byte]).place().0;
    let subject = Subject::new(direction, katana::scanner::Surface::Body);
    let cuts = input.cuts();
    let text = expand(input.0);
    let whole = JUDGE.verdict(&subject, &text);
    let mut plain = Vec::new();
    JUDGE.scanner().plain(direction, subject.surface, &text, &mut plain);
    // what is sure by itself, and stands there as it is: the rest may need more than a piece to be seen
    let mut refused = whole.findings.iter().zip(&whole.places).filter(|(f, p)| {
        f.path.is_plain()
            && JUDGE.threshold().is_some_and(|t| f.confidence >= t)
            && p.surface == subject.surface
            && plain.iter().any(|o| (&o.rule, o.start, o.end) == (&f.rule, f.start, f.end))
            && !f.rule.starts_with("engine.")
    });
    let first = refused.next();
    let mut stream = match byte >> 1 & 3 {
        0 => Stream::of_events(),
        1 => Stream::of_lines(),
        _ => Stream::default(),
    };
    let (mut held, mut passed, mut seen) = (Vec::new(), 0, 0);
    let mut chunks = cuts.of(&text, PIECES).peekable();
    let mut stopped = false;
    while let Some(chunk) = chunks.next() {
        held.extend_from_slice(chunk);
        let end = chunks.peek().is_none();
        let (verdict, hold) = JUDGE.pass(&subject, &mut stream, Piece { text: &held, seen, end });
        assert!(hold <= held.len());
        assert!(verdict.findings.iter().all(|f| f.start <= f.end && f.end <= held.len()), "{verdict:?}");
        if verdict.blocking {
            stopped = true;
            break;
        }
        held.drain(..hold);
        (passed, seen) = (passed + hold, held.len());
    }
    if let Some((finding, _)) = first {
        assert!(stopped && passed <= finding.start, "{finding:?}: {passed} bytes passed, stopped: {stopped}");
    }
}
