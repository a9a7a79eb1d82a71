//! Asks the rules of each program that would run, in order, so that a rule may ask what an earlier one found.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::Regex;

use super::act::{Act, Tricks};
use super::read::{Book, CommandRule};
use crate::scanner::coded;

/// A word longer than this is looked at as far as that.
const LONGEST: usize = 8 << 10;
/// What is harmful was hidden on purpose.
const HIDDEN: &str = "command.obfuscated";
/// A finding as sure as this makes its disguise one too.
const HARMFUL: u8 = 80;

/// What a rule found.
#[derive(Clone, Debug)]
pub(super) struct Found<'b> {
    pub(super) rule: &'b str,
    /// `command.<class>`.
    pub(super) class: &'b str,
    pub(super) confidence: u8,
    pub(super) span: Range<usize>,
    /// The act's number.
    pub(super) act: Option<usize>,
}

/// What all rules find in all acts of a text.
pub(super) fn all<'b>(book: &'b Book, acts: &[Act], text: &str) -> Vec<Found<'b>> {
    let mut found: Vec<Found<'b>> = Vec::new();
    for rule in book.rules.iter().filter(|r| r.is_about_text()) {
        if let Some(m) = compiled(&rule.compiled.text, &rule.text).and_then(|r| r.find(text.as_bytes())) {
            found.push(Found {
                rule: &rule.id,
                class: &rule.finding,
                confidence: rule.confidence,
                span: m.range(),
                act: None,
            });
        }
    }
    let mut marks: Vec<Vec<&'b str>> = Vec::with_capacity(acts.len());
    for (id, act) in acts.iter().enumerate() {
        let asked = Asked::new(act);
        let first = found.len();
        let mut own: Vec<&'b str> = Vec::new();
        for number in book.about(&act.program) {
            let rule = &book.rules[number];
            if !asked.fits(rule, &marks) {
                continue;
            }
            own.extend(rule.marks.iter().map(String::as_str));
            if !rule.class.is_empty() {
                own.push(&rule.class);
                found.push(Found {
                    rule: &rule.id,
                    class: &rule.finding,
                    confidence: rule.confidence,
                    span: act.span.clone(),
                    act: Some(id),
                });
            }
        }
        let harmful = found[first..].iter().any(|f| f.confidence >= HARMFUL);
        if harmful && hides(act) {
            found.push(Found {
                rule: "obfuscated.hidden",
                class: HIDDEN,
                confidence: coded::confidence(HIDDEN),
                span: act.span.clone(),
                act: Some(id),
            });
        }
        marks.push(own);
    }
    found
}

/// Was the program's name, or all of it, written so that a reader would not see it?
fn hides(act: &Act) -> bool {
    let always = [
        Tricks::ESCAPE,
        Tricks::GLOB,
        Tricks::ALIKE,
        Tricks::DECODED,
        Tricks::WINDOWS,
        Tricks::BRACE,
        Tricks::IFS,
        Tricks::OUTPUT,
        Tricks::SPLIT,
    ];
    always.iter().any(|t| act.tricks.has(*t)) || act.args.iter().any(|a| a.tricks.has(Tricks::IFS))
}

/// An act as rules ask about it.
struct Asked<'a> {
    act: &'a Act,
    line: String,
    operands: Vec<Cow<'a, str>>,
    flags: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    fn new(act: &'a Act) -> Asked<'a> {
        let mut line = String::new();
        let (mut operands, mut flags, mut ended) = (Vec::new(), Vec::new(), false);
        for arg in &act.args {
            let text = clipped(&arg.text);
            if line.len() < LONGEST {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(text);
            }
            if text == "--" && !ended {
                ended = true;
            } else if !ended && text.len() > 1 && text.starts_with('-') {
                flags.push(text);
            } else {
                operands.push(path(text));
            }
        }
        Asked { act, line, operands, flags }
    }

    fn fits(&self, rule: &CommandRule, marks: &[Vec<&str>]) -> bool {
        let act = self.act;
        let marked = |from: &[usize], any: &[String]| {
            from.iter().filter_map(|id| marks.get(*id)).flatten().any(|m| any.iter().any(|a| a == m))
        };
        let c = &rule.compiled;
        let is = |regex: &OnceLock<Option<Regex>>, pattern: &str, text: &str| {
            compiled(regex, pattern).is_some_and(|r| r.is_match(clipped(text).as_bytes()))
        };
        rule.flags.iter().all(|f| self.has(f))
            && !rule.not_flags.iter().any(|f| self.has(f))
            && (rule.feeds.is_empty() || marked(&act.feeds, &rule.feeds))
            && (rule.runs.is_empty() || marked(&act.runs, &rule.runs))
            && (rule.operand.is_empty() || self.operands.iter().any(|o| is(&c.operand, &rule.operand, o)))
            && (rule.line.is_empty() || is(&c.line, &rule.line, &self.line))
            && (rule.not_line.is_empty() || !is(&c.not_line, &rule.not_line, &self.line))
            && (rule.writes.is_empty() || act.writes.iter().any(|w| is(&c.writes, &rule.writes, &path(w))))
            && (rule.reads.is_empty() || self.named().any(|r| is(&c.reads, &rule.reads, &r)))
            && (rule.env.is_empty()
                || act.env.iter().any(|(n, v)| is(&c.env, &rule.env, &format!("{n}={v}"))))
            && (rule.code.is_empty() || is(&c.code, &rule.code, &act.code))
            && (rule.input.is_empty() || act.input.as_deref().is_some_and(|i| is(&c.input, &rule.input, i)))
    }

    /// Paths that it reads, or that its words name.
    fn named(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let redirected = self.act.reads.iter().map(|r| path(r));
        let within = self.act.args.iter().filter_map(|a| {
            let text = clipped(&a.text);
            let file = text
                .split_once("=@")
                .or_else(|| text.split_once("file://"))
                .or_else(|| text.split_once("if="))
                .map(|(_, f)| f);
            file.or_else(|| text.strip_prefix('@'))
                .or_else(|| text.strip_prefix("-T"))
                .or_else(|| text.split_once('=').map(|(_, f)| f))
                .map(path)
        });
        self.operands.iter().cloned().chain(redirected).chain(within)
    }

    /// `r|recursive`: is either among the flags?
    fn has(&self, either: &str) -> bool {
        either.split('|').any(|flag| self.flags.iter().any(|f| is_flag(f, flag)))
    }
}

/// Is `given` the flag, by itself, among letters, or cut short?
fn is_flag(given: &str, flag: &str) -> bool {
    if let Some(long) = given.strip_prefix("--") {
        let long = long.split('=').next().unwrap_or(long);
        return flag.len() > 1 && (long == flag || long.len() > 4 && flag.starts_with(long));
    }
    let letters = &given[1..];
    if flag.len() > 1 {
        return letters == flag || letters.split(['=', ':']).next() == Some(flag);
    }
    letters.len() < 8 && letters.contains(flag) && letters.chars().all(char::is_alphanumeric)
}

fn compiled<'r>(cell: &'r OnceLock<Option<Regex>>, pattern: &str) -> Option<&'r Regex> {
    cell.get_or_init(|| super::read::expression(pattern).ok()).as_ref()
}

fn clipped(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A path without what means nothing: `//`, `/./`, `x/..`, a slash at the end; `~` is a home directory.
fn path(text: &str) -> Cow<'_, str> {
    let text = clipped(text);
    let homely = text == "~" || text.starts_with("~/");
    let loose = homely || text.contains("//") || text.contains("/.") || text.len() > 1 && text.ends_with('/');
    if !loose || text.contains("://") {
        return text.into();
    }
    let whole = if homely { format!("/home/user{}", &text[1..]) } else { text.to_owned() };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => drop(parts.pop()),
            ".." if whole.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if whole.starts_with('/') {
        format!("/{joined}").into()
    } else if joined.is_empty() {
        ".".into()
    } else {
        joined.into()
    }
}
