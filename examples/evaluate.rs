//! How well attacks on a model are told from ordinary text: recall and false alarms over labelled rows, in all and by label,
//! origin, language and source. `cargo run --release --example evaluate -- [options] FILE…`; a file is JSON lines (plain or
//! `.gz`) of `{text, is_attack, source, origin, label, lang}`. Owns the counting; where rows lie is the caller's business.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tables are what this program is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use katana::scanner::{Direction, Family, Finding, Judge, Subject, Surface, together};

const USAGE: &str = "\
evaluate [options] FILE...
  --part look|kept    one half of the rows, chosen by what they say (default: all)
  --only WORD         rows whose source, label, origin or language holds WORD
  --without WORD      rows that do not
  --by COLUMN         only this table: label, origin, lang, source
  --missed N          print N attacks that were not found, to stderr
  --alarms N          print N ordinary texts that were taken for attacks, to stderr
  --judge             the whole judgement: parts of bodies, and the classifier too (default: rules alone)
  --request           the whole judgement, each row as what an agent sends
  --rules             by rule: how many attacks and how many ordinary texts it speaks up in
  --markdown          tables for docs/detection.md";

/// The confidences at which something is refused.
const STRICT: u8 = 80;
const MAX: u8 = 50;

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    is_attack: bool,
    #[serde(default)]
    source: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    label: String,
    lang: Option<String>,
}

#[derive(Default)]
struct Options {
    files: Vec<String>,
    part: Option<String>,
    only: Vec<String>,
    without: Vec<String>,
    by: Option<String>,
    missed: usize,
    alarms: usize,
    judge: bool,
    request: bool,
    rules: bool,
    markdown: bool,
}

/// What was found in a row.
struct Outcome {
    row: Row,
    sure: u8,
    findings: Vec<Finding>,
}

/// Rows of one kind.
#[derive(Default, Clone)]
struct Tally {
    attacks: [usize; 3],
    benign: [usize; 3],
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(std::env::args().skip(1))?;
    let mut rows = Vec::new();
    for file in &options.files {
        read(file, &mut rows).map_err(|e| format!("{file}: {e}"))?;
    }
    rows.retain(|row| options.wants(row));
    let outcomes = look(rows, &options)?;
    for column in ["label", "origin", "lang", "source"] {
        if options.by.as_deref().is_none_or(|by| by == column) {
            table(&outcomes, column, options.markdown);
        }
    }
    if options.rules {
        by_rule(&outcomes);
    }
    samples("missed", options.missed, outcomes.iter().filter(|o| o.row.is_attack && o.sure < STRICT));
    samples("alarm", options.alarms, outcomes.iter().filter(|o| !o.row.is_attack && o.sure >= STRICT));
    Ok(())
}

impl Options {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value\n{USAGE}"));
            match arg.as_str() {
                "--part" => options.part = Some(value()?),
                "--only" => options.only.push(value()?),
                "--without" => options.without.push(value()?),
                "--by" => options.by = Some(value()?),
                "--missed" => options.missed = value()?.parse()?,
                "--alarms" => options.alarms = value()?.parse()?,
                "--judge" => options.judge = true,
                "--request" => options.request = true,
                "--rules" => options.rules = true,
                "--markdown" => options.markdown = true,
                option if option.starts_with("--") => return Err(USAGE.into()),
                _ => options.files.push(arg),
            }
        }
        if options.files.is_empty() { Err(USAGE.into()) } else { Ok(options) }
    }

    fn wants(&self, row: &Row) -> bool {
        let holds = |word: &String| {
            ["label", "origin", "lang", "source"].iter().any(|column| row.is(column).contains(word.as_str()))
        };
        let part = match self.part.as_deref() {
            Some("look") => row.is_for_looking(),
            Some(_) => !row.is_for_looking(),
            None => true,
        };
        part && self.only.iter().all(holds) && !self.without.iter().any(holds)
    }
}

impl Row {
    fn is(&self, column: &str) -> &str {
        match column {
            "label" => &self.label,
            "origin" => &self.origin,
            "lang" => self.lang.as_deref().unwrap_or("unknown"),
            _ => &self.source,
        }
    }

    /// Half of the rows, by the least hash of any five words in them: rows that say nearly the same are mostly on one side.
    fn is_for_looking(&self) -> bool {
        let words: Vec<u64> = self.text.split_whitespace().map(|w| hash(w.to_lowercase().bytes())).collect();
        let least = words.windows(5).map(|w| hash(w.iter().flat_map(|h| h.to_le_bytes()))).min();
        least.unwrap_or_else(|| hash(self.text.bytes())) / 64 % 2 == 0
    }
}

fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn read(path: &str, rows: &mut Vec<Row>) -> Result<(), Box<dyn Error>> {
    let file = File::open(path)?;
    let plain: Box<dyn Read> = if path.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    for line in BufReader::new(plain).lines() {
        let line = line?;
        if !line.trim().is_empty() {
            rows.push(serde_json::from_str(&line)?);
        }
    }
    Ok(())
}

/// Every row, on all cores, in order.
fn look(rows: Vec<Row>, options: &Options) -> Result<Vec<Outcome>, Box<dyn Error>> {
    const BATCH: usize = 64;
    let judge = Judge::builtin()?;
    let decide = match options {
        Options { request: true, .. } => |judge: &Judge, row: &Row| by_judge(judge, Direction::Request, row),
        Options { judge: true, .. } => |judge: &Judge, row: &Row| by_judge(judge, Direction::Response, row),
        _ => by_rules,
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = rows.get(first..rows.len().min(first + BATCH)).filter(|b| !b.is_empty()) else {
                return done;
            };
            done.extend(batch.iter().enumerate().map(|(i, row)| (first + i, decide(&judge, row))));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<(usize, (u8, Vec<Finding>))> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    found.sort_by_key(|(i, _)| *i);
    let outcome = |(row, (_, (sure, findings)))| Outcome { row, sure, findings };
    Ok(rows.into_iter().zip(found).map(outcome).collect())
}

/// As a message's body, as the pipeline sees it.
fn by_judge(judge: &Judge, direction: Direction, row: &Row) -> (u8, Vec<Finding>) {
    let verdict = judge.verdict(&Subject::new(direction, Surface::Body), row.text.as_bytes());
    let mut findings = verdict.findings;
    findings.retain(|f| f.family != Family::Secret);
    let most = findings.iter().map(|f| f.confidence).max().unwrap_or(0);
    (most.max(verdict.joined), findings)
}

/// As a response's body, by rules alone.
fn by_rules(judge: &Judge, row: &Row) -> (u8, Vec<Finding>) {
    let mut findings = Vec::new();
    judge.scanner().find(Direction::Response, Surface::Body, row.text.as_bytes(), &mut findings);
    findings.retain(|f| f.family != Family::Secret);
    let most = findings.iter().map(|f| f.confidence).max().unwrap_or(0);
    (together(&findings).map_or(most, |(sum, _)| sum.max(most)), findings)
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        let side = if outcome.row.is_attack { &mut self.attacks } else { &mut self.benign };
        side[0] += 1;
        side[1] += usize::from(outcome.sure >= STRICT);
        side[2] += usize::from(outcome.sure >= MAX);
    }

    fn cells(&self) -> [String; 6] {
        let share = |n: usize, all: usize| {
            if all == 0 { "–".to_owned() } else { format!("{:.1}", 100.0 * n as f64 / all as f64) }
        };
        let (a, b) = (self.attacks, self.benign);
        [
            a[0].to_string(),
            share(a[1], a[0]),
            share(a[2], a[0]),
            b[0].to_string(),
            share(b[1], b[0]),
            share(b[2], b[0]),
        ]
    }
}

/// All rows, and then by a column.
fn table(outcomes: &[Outcome], column: &str, markdown: bool) {
    let mut all = Tally::default();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for outcome in outcomes {
        all.add(outcome);
        // a source's first part says whose it is
        let key = outcome.row.is(column);
        let key = if column == "source" { key.split([':', '+']).next().unwrap_or(key) } else { key };
        tallies.entry(key).or_default().add(outcome);
    }
    let mut lines: Vec<(&str, Tally)> = tallies.into_iter().collect();
    lines.sort_by_key(|(_, t)| std::cmp::Reverse(t.attacks[0] + t.benign[0]));
    let head = ["attacks", "found, strict %", "max %", "ordinary", "refused, strict %", "max %"];
    if markdown {
        println!("| {column} | {} |\n| --- |{}", head.join(" | "), " ---: |".repeat(head.len()));
    } else {
        println!("{column:44}{}", head.map(|h| format!("{h:>18}")).concat());
    }
    for (name, tally) in std::iter::once(("all", all)).chain(lines) {
        let cells = tally.cells();
        if markdown {
            println!("| {name} | {} |", cells.join(" | "));
        } else {
            println!("{name:44}{}", cells.map(|c| format!("{c:>18}")).concat());
        }
    }
    println!();
}

/// Which rules earn their keep.
fn by_rule(outcomes: &[Outcome]) {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for outcome in outcomes {
        let rules: std::collections::BTreeSet<&str> = outcome.findings.iter().map(|f| &*f.rule).collect();
        for rule in &rules {
            let count = counts.entry(rule).or_default();
            count[usize::from(!outcome.row.is_attack)] += 1;
            count[2] += usize::from(outcome.row.is_attack && rules.len() == 1);
        }
    }
    println!("{:44}{:>10}{:>10}{:>10}", "rule", "attacks", "alone", "ordinary");
    for (rule, [attacks, benign, alone]) in counts {
        println!("{rule:44}{attacks:>10}{alone:>10}{benign:>10}");
    }
}

/// Some of them, from all over.
fn samples<'o>(what: &str, count: usize, outcomes: impl Iterator<Item = &'o Outcome>) {
    let mut outcomes: Vec<&Outcome> = outcomes.collect();
    outcomes.sort_by_key(|o| hash(o.row.text.bytes()).rotate_left(32));
    for o in outcomes.into_iter().take(count) {
        let Row { text, source, origin, label, lang, .. } = &o.row;
        let lang = lang.as_deref().unwrap_or("unknown");
        eprintln!("--- {what} {} · {source} · {origin} · {label} · {lang}", o.sure);
        for f in o.findings.iter().filter(|f| f.confidence == o.sure).take(2) {
            let cut = String::from_utf8_lossy(&text.as_bytes()[f.start..f.end.min(f.start + 160)]);
            eprintln!("    {} {} {}: {}", f.rule, f.confidence, f.path, cut.escape_debug());
        }
        eprintln!("{}", text.chars().take(700).collect::<String>());
    }
}
