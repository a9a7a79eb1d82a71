//! Puts a text before the engines, part by part: which engine looks at which part, and whose finding it is.

use std::ops::Range;
use std::sync::Arc;

use super::describes::describes_an_assistant;
use super::known::Role;
use super::opinion::{CLASSIFIER, classified};
use super::quoted::is_quoted;
use super::{Judge, Subject};
use crate::scanner::parts::{self, Part};
use crate::scanner::views::Purse;
use crate::scanner::{Direction, Finding, Surface};

/// More findings than this say nothing new.
const MOST: usize = 256;

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
    let (mut here, mut purse) = (Vec::new(), Purse::default());
    judge.scanner.find_within((subject.direction, subject.surface), text, &mut purse, &mut here);
    if subject.direction == Direction::Response && subject.surface.is_body() {
        classified(judge, text, &mut here);
    }
    take(subject, text, here, out);
    match subject.surface {
        Surface::Body => in_parts(judge, subject.direction, text, &mut purse, all),
        // a part that was handed in by itself
        surface if subject.direction == Direction::Request && is_foreign(surface) => {
            let mut here = Vec::new();
            foreign(judge, surface, text, &mut purse, &mut here);
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

/// Words that are not the agent's own, even in what it sends: what it has read goes to its model with every request.
fn is_foreign(surface: Surface) -> bool {
    matches!(surface, Surface::ToolResult | Surface::ToolDescription | Surface::UserTurn)
}

fn in_parts(judge: &Judge, direction: Direction, text: &[u8], purse: &mut Purse, all: &mut Examined) {
    let Examined { noted: out, listed } = all;
    let mut group = 0;
    let mut here = Vec::new();
    parts::each(direction, text, &mut |part| {
        group += 1;
        here.clear();
        if part.entry {
            return list(part, listed);
        }
        part_of(judge, part, purse, &mut here);
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

/// What the engines find in one part. Nothing was, once, if it is known; but where the views had less to spend than they might
/// have another time, that is not said of it.
pub(super) fn part_of(judge: &Judge, part: &Part<'_>, purse: &mut Purse, here: &mut Vec<Finding>) {
    let role = match part.surface {
        Surface::ToolCall if parts::command_like(part) => Role::Command,
        surface if surface == Surface::Body || is_foreign(surface) => Role::Part(surface),
        _ => return,
    };
    let (mark, refused) = (judge.mark(role, part.text), purse.refused());
    if judge.knows(mark) {
        return;
    }
    match part.surface {
        Surface::ToolCall => judge.commands.find(part.text, here),
        Surface::Body => {
            judge.scanner.find_within((Direction::Response, Surface::Body), part.text, purse, here);
        }
        surface => foreign(judge, surface, part.text, purse, here),
    }
    if here.is_empty() && purse.refused() == refused {
        judge.remember(mark);
    }
}

/// What the engines find in words that are not the agent's own. A person's are only noted, whatever they say: what is noted of them is
/// what the rules see in them as they stand.
fn foreign(judge: &Judge, surface: Surface, text: &[u8], purse: &mut Purse, here: &mut Vec<Finding>) {
    if surface == Surface::UserTurn {
        return judge.scanner.plain(Direction::Response, surface, text, here);
    }
    judge.scanner.find_within((Direction::Response, surface), text, purse, here);
    classified(judge, text, here);
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
