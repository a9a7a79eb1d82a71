//! Sentences from the grammar in `phrases.txt`: alone, and put into benign rows.

use std::collections::BTreeMap;

use crate::rows::Row;

const GRAMMAR: &str = include_str!("phrases.txt");
/// Sentences made of a line: more of one that can say more.
const MOST: usize = 90;
const FEWEST: usize = 12;
/// Of what is ordinary so many times as many: it has to outweigh the words that it shares with orders.
pub(crate) const ORDINARY: usize = 2;

/// Numbers that look random and are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit.max(1)
    }

    /// From 0 to 1.
    pub(crate) fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// The grammar's sentences as rows, some of them inside `hosts`. Of ordinary ones `ordinary` times as many.
pub(crate) fn rows(hosts: &[&Row], ordinary: usize) -> Vec<Row> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lang = "en";
    let mut made: BTreeMap<String, Row> = BTreeMap::new();
    for line in GRAMMAR.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(code) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            lang = code;
        } else if let Some((is_attack, phrase)) = signed(line) {
            let count = (line.matches('|').count() * 2 + line.matches('@').count() * 8).clamp(FEWEST, MOST);
            for _ in 0..if is_attack { count } else { count * ordinary } {
                let mut text = String::new();
                expand(phrase, &names, &mut dice, &mut text);
                made.entry(text.trim().to_owned()).or_insert_with(|| row(text.trim(), is_attack, lang));
            }
        } else if let Some((name, phrase)) = line.split_once(" = ") {
            names.insert(name, phrase);
        }
    }
    let alone: Vec<Row> = made.into_values().collect();
    let mut all = alone.clone();
    all.extend(alone.iter().filter_map(|row| hosted(row, hosts, &mut dice)));
    all
}

fn signed(line: &str) -> Option<(bool, &str)> {
    line.strip_prefix("+ ").map(|l| (true, l)).or_else(|| line.strip_prefix("- ").map(|l| (false, l)))
}

fn row(text: &str, is_attack: bool, lang: &str) -> Row {
    let label = if is_attack { "phrase" } else { "clean" };
    Row {
        text: text.to_owned(),
        is_attack,
        source: "phrases".to_owned(),
        origin: "unknown".to_owned(),
        label: label.to_owned(),
        lang: Some(lang.to_owned()),
    }
}

/// The sentence between two lines of a benign row.
fn hosted(row: &Row, hosts: &[&Row], dice: &mut Dice) -> Option<Row> {
    let host = hosts.get(dice.below(hosts.len()))?;
    let lines: Vec<&str> = host.text.split_inclusive('\n').collect();
    let at = dice.below(lines.len() + 1);
    let (before, after) = lines.split_at(at);
    let text = format!("{}{}\n{}", before.concat(), row.text, after.concat());
    Some(Row { text, source: "phrases:hosted".to_owned(), origin: host.origin.clone(), ..row.clone() })
}

/// Appends one of the sentences that `phrase` stands for.
fn expand(phrase: &str, names: &BTreeMap<&str, &str>, dice: &mut Dice, text: &mut String) {
    let mut rest = phrase;
    while let Some(at) = rest.find(['{', '@']) {
        text.push_str(&rest[..at]);
        if rest[at..].starts_with('{') {
            let (parts, after) = alternatives(&rest[at + 1..]);
            expand(parts[dice.below(parts.len())], names, dice, text);
            rest = after;
        } else {
            let name = &rest[at + 1..];
            let end = name.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(name.len());
            match names.get(&name[..end]) {
                Some(phrase) => expand(phrase, names, dice, text),
                // an address
                None => text.push_str(&rest[at..=at + end]),
            }
            rest = &name[end..];
        }
    }
    text.push_str(rest);
}

/// What stands between `{` and its `}`, at the `|`s of this level, and what follows.
fn alternatives(text: &str) -> (Vec<&str>, &str) {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&text[from..at]);
                return (parts, &text[at + 1..]);
            }
            '}' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    (vec![""], "")
}
