//! Puts a text before the engines, part by part: which engine looks at which part, and whose finding it is.

use std::ops::Range;
use std::sync::Arc;

use super::describes::describes_an_assistant;
use super::quoted::is_quoted;
use super::{Judge, Subject};
use crate::scanner::classifier::Score;

use crate::scanner::parts::{self, Part};
use crate::scanner::views::Path;
use crate::scanner::{Direction, Family, Finding, Surface};

/// More findings than this say nothing new.
const MOST: usize = 256;

/// The rule of the classifier's findings.
pub(super) const CLASSIFIER: &str = "injection.classifier";

/// Texts up to so many bytes are put before the classifier though no rule found a sign in them.
const SHORT: usize = 512;

/// Longer ones are too, up to so many bytes, if they are prose.
const UNSIGNED: usize = 4096;

/// In longer ones a rule less sure than this found what stands in any licence and manual. Then the model has to be as sure as that,
/// or is no surer than this, which is noted and joins no such rule.
const TELLING: u8 = 20;
const SURE: u8 = 98;
const UNSURE: u8 = 74;

/// So many bytes are one place where an order may stand. A longer text has more of them, and in each the model may be mistaken.
const PLACE: usize = 4096;

/// Of texts longer than this, the classifier is shown so much on either side of each sign: what is farther off is judged as
/// little as a long text without a sign.
const LONG: usize = 16 * 1024;
const AROUND: usize = 4 * 1024;

/// What the classifier is less sure of is not noted.
const LEAST: u8 = 30;

/// A finding, and where in the message it stands.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) finding: Finding,
    pub(super) surface: Surface,
    pub(super) tool: Option<Arc<str>>,
    /// Signs of one group may add up: 0 is the text as a whole.
    pub(super) group: usize,
    /// What stands there is spoken of, not said.
    pub(super) quoted: bool,
    /// The text around it begins by describing an assistant. Only looked at for the classifier's findings.
    pub(super) describes: bool,
}

/// What the engines make of a text.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) noted: Vec<Noted>,
    /// The tools that a server lists in it.
    pub(super) listed: Vec<Listed>,
}

/// A tool as a server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: Arc<str>,
    /// Of all that the server says of it, in no order.
    pub digest: [u8; 32],
}

/// What the engines find in a complete text, and in its parts.
pub(super) fn whole(judge: &Judge, subject: &Subject<'_>, text: &[u8], all: &mut Examined) {
    let out = &mut all.noted;
    let mut here = Vec::new();
    judge.scanner.find(subject.direction, subject.surface, text, &mut here);
    if subject.direction == Direction::Response && subject.surface.is_body() && !is_json(text) {
        classified(judge, text, &mut here);
    }
    take(subject, text, here, out);
    match subject.surface {
        Surface::Body => in_parts(judge, subject.direction, text, all),
        // a part that was handed in by itself
        surface if subject.direction == Direction::Request && is_foreign(surface) => {
            let mut here = Vec::new();
            judge.scanner.find(Direction::Response, surface, text, &mut here);
            classified(judge, text, &mut here);
            take(subject, text, here, out);
        }
        Surface::ToolCall => {
            let mut here = Vec::new();
            judge.commands.find(text, &mut here);
            take(subject, text, here, out);
        }
        _ => {}
    }
}

/// What was found in the text as a whole.
pub(super) fn take(subject: &Subject<'_>, text: &[u8], found: Vec<Finding>, out: &mut Vec<Noted>) {
    take_as(subject, text, !is_json(text), found, out);
}

/// The same. In what is no `speech`, nothing is quoted.
pub(super) fn take_as(
    subject: &Subject<'_>,
    text: &[u8],
    speech: bool,
    found: Vec<Finding>,
    out: &mut Vec<Noted>,
) {
    for finding in found {
        let quoted = speech && is_quoted(text, &finding);
        let tool = subject.tool.map(Into::into);
        let describes = &*finding.rule == CLASSIFIER && describes_an_assistant(text);
        out.push(Noted { surface: subject.surface, tool, group: 0, quoted, describes, finding });
    }
}

pub(super) fn is_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// What the model that was trained on such texts says of it. Long texts without any sign are not worth the time: the model was
/// trained on what people write, and a long text of another kind may sum up to anything. Of very long ones, what stands around
/// the signs is.
fn classified(judge: &Judge, text: &[u8], here: &mut Vec<Finding>) {
    let strongest = here.iter().filter(|f| f.family.is_phrase()).map(|f| f.confidence).max();
    if text.len() > SHORT && strongest.is_none() && (text.len() > UNSIGNED || !is_prose(text)) {
        return;
    }
    let mut worst = Score::default();
    let mut look = |part: Range<usize>| {
        let Score { percent, start, end } = judge.classifier.score(&text[part.clone()]);
        if percent > worst.percent {
            worst = Score { percent, start: part.start + start, end: part.start + end };
        }
    };
    if text.len() <= LONG {
        look(0..text.len());
    } else {
        let around = |f: &Finding| f.start.saturating_sub(AROUND)..text.len().min(f.end + AROUND);
        let mut parts = here.iter().filter(|f| f.family.is_phrase()).map(around);
        let last = parts.by_ref().reduce(|part, next| {
            if next.start <= part.end {
                return part.start.min(next.start)..part.end.max(next.end);
            }
            look(part);
            next
        });
        last.into_iter().for_each(look);
    }
    worst.percent = of_many(worst.percent, text.len());
    let faint = strongest.is_none_or(|sign| sign < TELLING);
    if text.len() > SHORT && faint && worst.percent < SURE {
        worst.percent = worst.percent.min(UNSURE);
    }
    if worst.percent >= LEAST {
        let (rule, family, path) = (Arc::clone(&judge.classifier_rule), Family::Injection, Path::PLAIN);
        let Score { percent: confidence, start, end } = worst;
        here.push(Finding { rule, family, confidence, start, end, path });
        here.sort_by_key(|f| f.start);
    }
}

/// Is it sentences, as in a mail or on a page? In tables, listings and programs the model has nothing to go by.
fn is_prose(text: &[u8]) -> bool {
    let (mut digits, mut marks) = (0, 0);
    for b in text {
        digits += usize::from(b.is_ascii_digit());
        marks += usize::from(b.is_ascii_punctuation());
    }
    digits * 20 <= text.len() && marks * 13 <= text.len()
}

/// A percentage that was learnt on texts of one place, in a text of so many bytes: the odds are shared among its places.
fn of_many(percent: u8, len: usize) -> u8 {
    let places = (len as f32 / PLACE as f32).max(1.0);
    let odds = f32::from(percent) / f32::from(100 - percent.min(99)) / places;
    (100.0 * odds / (1.0 + odds)).round() as u8
}

/// Words that are not the agent's own, even in what it sends: what it has read goes to its model with every request.
fn is_foreign(surface: Surface) -> bool {
    matches!(surface, Surface::ToolResult | Surface::ToolDescription | Surface::UserTurn)
}

fn in_parts(judge: &Judge, direction: Direction, text: &[u8], all: &mut Examined) {
    let Examined { noted: out, listed } = all;
    let mut group = 0;
    let mut here = Vec::new();
    parts::each(direction, text, &mut |part| {
        group += 1;
        here.clear();
        if part.entry {
            return list(part, listed);
        }
        part_of(judge, part, &mut here);
        if !out.is_empty() {
            let span = part.original(0..part.text.len());
            out.iter_mut().filter(|n| n.group == 0).for_each(|n| belongs(n, part, &span));
        }
        for finding in here.drain(..) {
            let span = part.original(finding.start..finding.end);
            note(part, group, finding, span, out);
        }
    });
    if group > 0 && !out.is_empty() {
        once(out);
    }
}

/// Takes a server's tool down.
pub(super) fn list(part: &Part<'_>, listed: &mut Vec<Listed>) {
    let name = String::from_utf8_lossy(part.tool.unwrap_or_default()).into();
    listed.push(Listed { name, digest: parts::digest(part.text) });
}

/// What the engines find in one part.
pub(super) fn part_of(judge: &Judge, part: &Part<'_>, here: &mut Vec<Finding>) {
    match part.surface {
        Surface::ToolCall if parts::command_like(part) => judge.commands.find(part.text, here),
        surface if is_foreign(surface) || surface == Surface::Body => {
            judge.scanner.find(Direction::Response, surface, part.text, here);
            if surface != Surface::Body {
                classified(judge, part.text, here);
            }
        }
        _ => {}
    }
}

/// A finding of a part, at its place in the body.
pub(super) fn note(
    part: &Part<'_>,
    group: usize,
    mut finding: Finding,
    span: Range<usize>,
    out: &mut Vec<Noted>,
) {
    if out.len() < MOST {
        let quoted = is_quoted(part.text, &finding);
        let describes = &*finding.rule == CLASSIFIER && describes_an_assistant(part.text);
        (finding.start, finding.end) = (span.start, span.end);
        out.push(Noted { surface: part.surface, tool: tool(part), group, quoted, describes, finding });
    }
}

/// What was found in the body as a whole stands in a part.
fn belongs(noted: &mut Noted, part: &Part<'_>, all: &Range<usize>) {
    if all.start <= noted.finding.start && noted.finding.end <= all.end {
        noted.surface = part.surface;
        noted.tool = tool(part);
    }
}

fn tool(part: &Part<'_>) -> Option<Arc<str>> {
    let name = part.tool.or(part.field.filter(|_| part.surface == Surface::ToolCall))?;
    Some(String::from_utf8_lossy(&name[..name.len().min(64)]).into())
}

/// Of what a part's own look and the look at the whole body both gave, the part's counts.
fn once(out: &mut Vec<Noted>) {
    let all: Vec<(Arc<str>, Range<usize>)> = out
        .iter()
        .filter(|n| n.group > 0)
        .map(|n| (Arc::clone(&n.finding.rule), n.finding.start..n.finding.end))
        .collect();
    out.retain(|n| {
        let twin = |(rule, span): &(Arc<str>, Range<usize>)| {
            *rule == n.finding.rule && span.start < n.finding.end && n.finding.start < span.end
        };
        n.group > 0 || !all.iter().any(twin)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_from_programs_and_tables() {
        assert!(is_prose(
            b"Dear Anna,\nthe parcel came on Monday, thank you. We open it together when you are here.\n"
        ));
        for other in [
            "\tmulq\t%r15\n\taddq\t%rax, %r10\n",
            "0x1F, 0x20, 0x7F,\n",
            "fn is_prose(text: &[u8]) -> bool {",
        ] {
            assert!(!is_prose(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_longer_a_text_the_less_its_one_suspicious_place_says() {
        for (percent, len, says) in
            [(99, 100, 99), (90, 4096, 90), (50, 8192, 33), (99, 40_960, 91), (99, 1 << 20, 28), (0, 9, 0)]
        {
            assert_eq!(of_many(percent, len), says, "{percent} in {len}");
        }
    }
}
