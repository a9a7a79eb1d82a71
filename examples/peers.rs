//! The judge beside others that do some of its work, in one run over the same files: `cargo run --release --example peers -- FILE…`.
//! A `RegexSet` of the same patterns, and `detect-secrets` where `python3` (or what `PYTHON` names) has it. Owns the timing alone.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table is what this program is for")]

use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use katana::scanner::{Direction, Judge, Scanner, Subject, Surface};
use regex::bytes::RegexSetBuilder;

/// Each is run so often, and its best time counts.
const ROUNDS: usize = 5;
/// For a set whose automaton does not fit is a hundred times slower.
const ROOM: usize = 1 << 30;
/// Reads a file line by line, as its own command does, in a process that is warm.
const DETECT: &str = "
import sys, time
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
lines = open(sys.argv[1], encoding='utf-8', errors='replace').read().splitlines()
best = 1e9
with default_settings():
    for _ in range(2):
        start = time.perf_counter()
        for line in lines:
            for _found in scan_line(line):
                pass
        best = min(best, time.perf_counter() - start)
print(best)
";

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        return Err("peers FILE...".into());
    }
    let judge = Judge::builtin()?;
    let own: Vec<String> = Scanner::catalogue()?
        .iter()
        .map(katana::scanner::Rule::facts)
        .filter(|facts| !facts.beside && facts.directions.iter().any(|d| d == "request"))
        .map(|facts| facts.pattern)
        .collect();
    let set = RegexSetBuilder::new(&own).unicode(false).size_limit(ROOM).dfa_size_limit(ROOM).build()?;
    println!("{:30}{:>12}{:>12}{:>12}{:>16}", "MB/s", "judge", "rules", "RegexSet", "detect-secrets");
    for file in &files {
        let text = std::fs::read(file)?;
        let subject = Subject::new(Direction::Request, Surface::Body);
        let judged = best(&text, || drop(black_box(judge.verdict(&subject, &text))));
        let mut found = Vec::new();
        let plain = best(&text, || {
            found.clear();
            judge.scanner().plain(Direction::Request, Surface::Body, &text, &mut found);
        });
        let matched = best(&text, || drop(black_box(set.matches(&text))));
        let python = detect_secrets(file, text.len());
        let python = python.map_or_else(|| "absent".to_owned(), |speed| format!("{speed:.2}"));
        println!(
            "{:30}{judged:>12.0}{plain:>12.0}{matched:>12.1}{python:>16}",
            file.rsplit('/').next().unwrap_or(file)
        );
    }
    println!(
        "RegexSet: {} patterns with a look of their own, of {} rules",
        own.len(),
        judge.scanner().rules().len()
    );
    Ok(())
}

/// Megabytes a second.
fn best(text: &[u8], mut run: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    text.len() as f64 / times.fold(f64::MAX, f64::min) / 1e6
}

fn detect_secrets(file: &str, len: usize) -> Option<f64> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", DETECT, file]).output().ok()?;
    if !output.status.success() {
        eprintln!("detect-secrets is not there: that column is skipped");
        return None;
    }
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(len as f64 / seconds / 1e6)
}
