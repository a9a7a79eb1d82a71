//! Scans texts, commands and files for a person who asks: the same judge as on the proxy's path, with places a person can find
//! (line and column) and nothing of a secret's value.

mod lines;
mod sources;
mod unpack;

pub use sources::{Source, sources};

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use crate::base::paths::Paths;
use crate::config::{Config, Mode};
use crate::scanner::{self, Direction, Family, Finding, Judge, Subject, Surface, commands};
use lines::Lines;

/// A text up to so long is looked at whole, part by part; a longer one in pieces of this size, as they come.
const WHOLE: usize = 1 << 20;
/// Pieces overlap by so much, so that what lies encoded across two is seen.
const OVERLAP: usize = 8 << 10;
/// A finding's place and excerpt are kept for so many of one text; the rest are counted.
const MOST: usize = 1_000;
/// A script up to so long is read as a shell would.
const SCRIPT: usize = 4 << 20;

/// What a text is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// Not known: secrets and instructions are both looked for.
    Anything,
    /// One part of one message.
    Part(Direction, Surface),
    /// A shell command.
    Command,
}

/// How to scan.
#[derive(Debug)]
pub struct Asked {
    /// The engines and the operator's rules.
    pub judge: Judge,
    /// The mode whose threshold counts.
    pub mode: Mode,
    /// What the texts are.
    pub taken: As,
}

impl Asked {
    /// The judge with the operator's rules, and the mode that was asked for or that of the configuration.
    ///
    /// # Errors
    /// A configuration or rules that cannot be used.
    pub fn new(
        config: Option<&Path>,
        paths: &Paths,
        mode: Option<Mode>,
        taken: As,
    ) -> Result<Asked, super::service::Error> {
        let judge = if paths.homeless {
            Judge::builtin().map_err(|e| unusable(&e))?
        } else {
            super::assemble::judge(&paths.rules)?
        };
        let config: Config = match paths.homeless && config.is_none() {
            true => Config::default(),
            false => super::build::load_config(config, paths)?,
        };
        let mode = mode.unwrap_or(config.proxy.mode);
        let policy = super::assemble::policy(&config)?;
        let judge = judge.with_threshold(super::assemble::threshold(mode, policy.refuse_at()));
        Ok(Asked { judge, mode, taken })
    }
}

fn unusable(e: &scanner::Error) -> super::service::Error {
    super::service::Error::new(e.code(), "the rules cannot be used", e.to_string(), "install katana again")
}

/// What was found in one text.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// The file, or what the text is.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Percent.
    pub score: u8,
    /// Does the score reach the threshold?
    pub blocking: bool,
    /// What counts, by place.
    pub findings: Vec<Found>,
    /// So many more were found and not kept.
    pub more: usize,
    /// How it came about.
    pub steps: Vec<String>,
    /// The commands it comes down to, where it is one.
    pub commands: Vec<String>,
}

/// A finding, told to a person.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rule's id.
    pub rule: String,
    /// The rule's family.
    pub family: &'static str,
    /// Percent.
    pub confidence: u8,
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Of the first byte, from 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// Of the last byte.
    pub end_line: u64,
    /// One past the last character.
    pub end_column: u64,
    /// Enough to recognise it, too little to use it.
    pub excerpt: String,
    /// The views through which it was found; empty: as it stands.
    pub path: String,
    /// In which part of a message.
    pub place: String,
    /// Which of a command's rules found it, and what they say is wrong.
    pub because: String,
    /// SHA-256 over rule and place, for tools that compare runs; says nothing of the value.
    pub fingerprint: String,
}

/// Something that could not be looked at.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Which.
    pub name: String,
    /// Why.
    pub why: String,
}

/// All that was scanned.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Texts in which something was found.
    pub items: Vec<Item>,
    /// What could not be looked at.
    pub unread: Vec<Unread>,
    /// How many texts were looked at.
    pub texts: usize,
    /// How many bytes.
    pub bytes: u64,
}

impl Report {
    /// Does anything block?
    #[must_use]
    pub fn blocking(&self) -> bool {
        self.items.iter().any(|i| i.blocking)
    }

    /// The highest score.
    #[must_use]
    pub fn score(&self) -> u8 {
        self.items.iter().map(|i| i.score).max().unwrap_or(0)
    }

    fn add(&mut self, item: Item) {
        self.texts += 1;
        self.bytes += item.bytes;
        if !item.findings.is_empty() || item.score > 0 || !item.steps.is_empty() {
            self.items.push(item);
        }
    }
}

/// Scans one text that is there whole.
#[must_use]
pub fn text(asked: &Asked, name: &str, text: &[u8]) -> Report {
    let mut report = Report::default();
    report.add(whole(asked, name, text));
    report
}

/// Scans files, folders and archives; `-` is stdin. `seen` is told of each piece of work done: how many bytes.
pub fn files(asked: &Asked, all: &[Source], seen: &mut dyn FnMut(&str, u64)) -> Report {
    let mut report = Report::default();
    for source in all {
        let name = source.name();
        match source.open() {
            Ok(reader) => unpacked(asked, &name, reader, seen, &mut report),
            Err(why) => report.unread.push(Unread { name, why }),
        }
    }
    report
}

/// Scans what a reader gives, and what is packed in it.
#[must_use]
pub fn reader(asked: &Asked, name: &str, reader: Box<dyn Read>) -> Report {
    let mut report = Report::default();
    unpacked(asked, name, reader, &mut |_, _| (), &mut report);
    report
}

fn unpacked(
    asked: &Asked,
    name: &str,
    reader: Box<dyn Read>,
    seen: &mut dyn FnMut(&str, u64),
    report: &mut Report,
) {
    unpack::each(reader, name, report, &mut |name, reader, report| {
        let mut told = Told { reader, seen, name };
        stream(asked, name, &mut told, report);
    });
}

/// Says how far reading has come.
struct Told<'a> {
    reader: &'a mut dyn Read,
    seen: &'a mut dyn FnMut(&str, u64),
    name: &'a str,
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        (self.seen)(self.name, n as u64);
        Ok(n)
    }
}

/// Scans what a reader gives, in flat memory.
fn stream(asked: &Asked, name: &str, reader: &mut dyn Read, report: &mut Report) {
    let mut held = Vec::new();
    let limit = if is_script(name, &[]) { SCRIPT } else { WHOLE };
    let mut rest = reader.take(limit as u64);
    if let Err(why) = rest.read_to_end(&mut held) {
        report.unread.push(Unread { name: name.to_owned(), why: why.to_string() });
    }
    let reader = rest.into_inner();
    if held.len() < limit {
        return report.add(whole(asked, name, &held));
    }
    let mut lines = Lines::default();
    let mut item = Item { name: name.to_owned(), ..Item::default() };
    let mut known = HashSet::new();
    loop {
        let (found, score, _) = asked.look(&held, true);
        item.score = item.score.max(score);
        let before = held.len();
        let ended = match reader.take(WHOLE as u64).read_to_end(&mut held) {
            Ok(n) => n == 0,
            Err(why) => {
                report.unread.push(Unread { name: name.to_owned(), why: why.to_string() });
                true
            }
        };
        for one in found {
            if known.insert((one.finding.rule.clone(), lines.offset() + one.finding.start as u64)) {
                keep(&mut item, &one, &held[..before], &lines);
            }
        }
        if ended {
            break;
        }
        let keep_from = before - OVERLAP.min(before);
        lines.pass(&held[..keep_from]);
        held.drain(..keep_from);
        known.retain(|(_, start)| *start >= lines.offset());
    }
    item.bytes = lines.offset() + held.len() as u64;
    item.blocking = asked.judge.threshold().is_some_and(|t| item.score >= t);
    report.add(item);
}

/// A finding and where in a message it stands.
struct Placed {
    finding: Finding,
    place: String,
}

fn whole(asked: &Asked, name: &str, text: &[u8]) -> Item {
    let script = asked.taken == As::Command || asked.taken == As::Anything && is_script(name, text);
    let (mut found, mut score, steps) = asked.look(text, false);
    let mut item = Item { name: name.to_owned(), bytes: text.len() as u64, ..Item::default() };
    if script {
        let mut more = Vec::new();
        if asked.taken != As::Command {
            asked.judge.commands().find(text, &mut more);
            let allowed = |f: &Finding| asked.judge.allows(&f.rule, None, "shell").is_some();
            more.retain(|f| !allowed(f));
        }
        score = more.iter().map(|f| f.confidence).max().unwrap_or(0).max(score);
        found.extend(more.into_iter().map(|finding| Placed { finding, place: "command".to_owned() }));
    }
    item.score = score;
    item.blocking = asked.judge.threshold().is_some_and(|t| score >= t);
    let masked = masked(&asked.judge, text);
    let explained = if script
        && (asked.taken == As::Command || found.iter().any(|f| f.finding.family == Family::Command))
    {
        asked.judge.commands().explain(text)
    } else {
        Vec::new()
    };
    let lines = Lines::default();
    for one in &found {
        keep(&mut item, one, if one.finding.family == Family::Secret { text } else { &masked }, &lines);
    }
    for found in item.findings.iter_mut().filter(|f| f.family == "command") {
        found.because = because(&explained, found);
    }
    item.steps = steps;
    item.commands = explained.iter().map(|c| said(&asked.judge, &c.text)).collect();
    item
}

impl Asked {
    /// What is found in a text, the score, and the steps to it.
    fn look(&self, text: &[u8], part: bool) -> (Vec<Placed>, u8, Vec<String>) {
        let subjects: &[(Direction, Surface)] = match self.taken {
            As::Anything => &[(Direction::Request, Surface::Body), (Direction::Response, Surface::Body)],
            As::Part(direction, surface) => &[(direction, surface)],
            As::Command => &[(Direction::Request, Surface::ToolCall)],
        };
        let (mut all, mut score, mut steps) = (Vec::<Placed>::new(), 0, Vec::new());
        for (direction, surface) in subjects {
            let subject = Subject::new(*direction, *surface);
            if part {
                let mut found = Vec::new();
                let _hold = self.judge.scan(&subject, text, &mut found);
                score = found.iter().map(|f| f.confidence).max().unwrap_or(0).max(score);
                all.extend(found.into_iter().map(|finding| Placed { finding, place: surface.to_string() }));
                continue;
            }
            let verdict = self.judge.verdict(&subject, text);
            score = score.max(verdict.score);
            steps.extend(verdict.steps.iter().map(ToString::to_string));
            let places =
                verdict.places.iter().map(ToString::to_string).chain(std::iter::repeat(surface.to_string()));
            all.extend(
                verdict.findings.into_iter().zip(places).map(|(finding, place)| Placed { finding, place }),
            );
        }
        let mut known = HashSet::new();
        all.retain(|p| known.insert((p.finding.rule.clone(), p.finding.start, p.finding.end)));
        all.sort_by(|a, b| (a.finding.start, &a.finding.rule).cmp(&(b.finding.start, &b.finding.rule)));
        (all, score, steps)
    }
}

fn keep(item: &mut Item, one: &Placed, text: &[u8], lines: &Lines) {
    if item.findings.len() >= MOST {
        item.more += 1;
        return;
    }
    let finding = &one.finding;
    let (start, end) = (finding.start.min(text.len()), finding.end.min(text.len()));
    let (line, column) = lines.place(&text[..start]);
    let (end_line, end_column) = lines.place(&text[..end]);
    let path = if finding.path.is_plain() { String::new() } else { finding.path.to_string() };
    let at = lines.offset() + start as u64;
    item.findings.push(Found {
        rule: finding.rule.to_string(),
        family: finding.family.as_str(),
        confidence: finding.confidence,
        start: at,
        end: lines.offset() + end as u64,
        line,
        column,
        end_line,
        end_column,
        excerpt: scanner::excerpt(text, finding),
        path,
        place: one.place.clone(),
        because: String::new(),
        fingerprint: lines::fingerprint(&finding.rule, &item.name, line, column),
    });
}

/// Which of the commands' rules stand behind a finding.
fn because(explained: &[commands::Command], found: &Found) -> String {
    let at = |c: &&commands::Command| c.start as u64 == found.start && c.end as u64 == found.end;
    let mut rules: Vec<&str> = Vec::new();
    for command in explained.iter().filter(at) {
        rules.extend(
            command
                .found
                .iter()
                .filter(|(_, sure)| *sure <= found.confidence.saturating_add(5))
                .map(|(rule, _)| rule.as_str()),
        );
    }
    rules.dedup();
    let class = found.rule.trim_start_matches("command.");
    rules.retain(|r| r.starts_with(class) || class == "obfuscated");
    rules.join(", ")
}

/// The text with each secret in it blotted out beyond its first letters, byte for byte.
fn masked(judge: &Judge, text: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    judge.scanner().find(Direction::Request, Surface::Body, text, &mut found);
    let mut masked = text.to_vec();
    for secret in found.iter().filter(|f| f.family == Family::Secret) {
        let end = secret.end.min(masked.len());
        let from = (secret.start + 4.min((end - secret.start.min(end)) / 4)).min(end);
        masked[from..end].fill(b'*');
    }
    masked
}

/// A command that was worked out, without secrets and without what would act on a terminal.
fn said(judge: &Judge, text: &str) -> String {
    let masked = masked(judge, text.as_bytes());
    let text = String::from_utf8_lossy(&masked);
    let mut short: String = text.chars().take(400).flat_map(char::escape_debug).collect();
    short = short.replace("\\'", "'").replace("\\\"", "\"");
    if text.chars().count() > 400 { short + "…" } else { short }
}

/// Is it a script that a shell runs?
fn is_script(name: &str, text: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = |x: &str| lower.ends_with(x);
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let shell = || {
        ["sh", "bash", "zsh", "ksh", "dash"].iter().any(|s| {
            first.trim_ascii_end().ends_with(s.as_bytes())
                || memchr::memmem::find(first, format!("/{s} ").as_bytes()).is_some()
        })
    };
    [".sh", ".bash", ".zsh", ".ksh", ".ps1", ".bat", ".cmd"].iter().any(|x| ends(x))
        || first.starts_with(b"#!") && shell()
}

impl fmt::Display for As {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            As::Anything => f.write_str("anything"),
            As::Command => f.write_str("command"),
            As::Part(_, surface) => surface.fmt(f),
        }
    }
}
