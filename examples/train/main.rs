//! Trains the scanner's classifier: `cargo run --release --example train -- --rows FILE… --out config/models/injection.bin`.
//! Rows are JSON lines, gzipped or not: `{text, is_attack, source, origin, label, lang}`. The same rows and options give the same bytes.
//! docs/model-card.md tells which rows the model that ships was trained on.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that reports to who runs it")]

mod learn;
mod measure;
mod percent;
mod phrases;
mod rows;

use std::path::PathBuf;
use std::process::ExitCode;

use learn::{Settings, train};
use rows::{Row, Selection};

const USAGE: &str = "usage: train --rows FILE… [--leave-out PART-OF-SOURCE…] [--leave-out-attacks PART…]
             [--orders-only PART…] [--percent-rows FILE…] [--plain]
             [--measure FILE…] [--hold PART-OF-SOURCE] [--folds N] [--by-row] [--bits N] [--ordinary N] [--dropped N]
             [--rounds N] [--out FILE]
  --rows               what to train on
  --leave-out          rows whose source has one of these in it are not used, nor what they share with others
  --leave-out-attacks  the same for attacks only
  --orders-only        of attacks whose source has one of these in it, only the lines that no other kind has
  --percent-rows       rows that help to set the percentages and nothing else
  --plain              without the sentences of phrases.txt
  --measure            rows to measure the result on
  --hold               attacks whose source has this in it are kept out of training and measured
  --folds              cross-validate over so many parts
  --by-row             rows that have wording in common may be in different parts
  --ordinary           how many ordinary sentences are made for one that is an order
  --dropped            of a hundred features so many are not seen at each step
  --rounds             how often all rows are gone through
  --out                where the model goes";

/// What the command line says.
#[derive(Debug, Default)]
struct Options {
    rows: Vec<PathBuf>,
    selection: Selection,
    percent_rows: Vec<PathBuf>,
    measure: Vec<PathBuf>,
    hold: Option<String>,
    folds: u32,
    settings: Settings,
    out: Option<PathBuf>,
    plain: bool,
    by_row: bool,
    ordinary: usize,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn options(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { folds: 4, ordinary: phrases::ORDINARY, ..Options::default() };
    let mut flag = String::new();
    for arg in args {
        if arg.starts_with("--") {
            options.plain |= arg == "--plain";
            options.by_row |= arg == "--by-row";
            flag = arg;
            continue;
        }
        let number = || arg.parse::<u32>().map_err(|e| format!("{flag} {arg}: {e}"));
        match flag.as_str() {
            "--rows" => options.rows.push(arg.into()),
            "--leave-out" => options.selection.sources.push(arg),
            "--leave-out-attacks" => options.selection.attacks.push(arg),
            "--orders-only" => options.selection.payloads.push(arg),
            "--percent-rows" => options.percent_rows.push(arg.into()),
            "--measure" => options.measure.push(arg.into()),
            "--hold" => options.hold = Some(arg),
            "--folds" => options.folds = number()?,
            "--bits" => options.settings.bits = number()? as u8,
            "--ordinary" => options.ordinary = number()? as usize,
            "--dropped" => options.settings.dropped = number()? as f32 / 100.0,
            "--rounds" => options.settings.epochs = number()?,
            "--out" => options.out = Some(arg.into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if options.rows.is_empty() { Err(USAGE.to_owned()) } else { Ok(options) }
}

fn run(options: &Options) -> Result<(), String> {
    let rows = options.selection.apply(rows::read(&options.rows)?);
    let hold =
        |row: &Row| options.hold.as_ref().is_some_and(|part| row.is_attack && row.source.contains(part));
    let (held, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(hold);
    let mut rows = rows;
    if !options.plain {
        let is_host = |r: &&Row| !r.is_attack && r.origin != "user_input" && r.text.contains('\n');
        let made = phrases::rows(&rows.iter().filter(is_host).collect::<Vec<_>>(), options.ordinary);
        rows.extend(made);
    }
    println!(
        "{} rows to train on, {} of them attacks",
        rows.len(),
        rows.iter().filter(|r| r.is_attack).count()
    );
    let mut extra = rows::read(&options.percent_rows)?;
    // of prompts only what is no prompt: those are not what this is for
    extra.retain(|row| {
        !["quotes_attack", "chat_request", "system_prompt"].iter().any(|kind| row.label.ends_with(kind))
            && !row.source.contains("hackaprompt")
    });
    let crossed = percent::crossed(&rows, options.folds, options.by_row, &options.settings);
    let mut model = train(&rows, &options.settings);
    percent::set(&mut model, &crossed, &extra);
    println!("{}", percent::table(&model, &crossed, &extra));
    learn::set_gate(&mut model, &rows);
    measure::crossed(&model, &rows, &crossed);
    if !held.is_empty() {
        measure::report("held", &model, &held);
    }
    for path in &options.measure {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        measure::report(&name, &model, &rows::read(std::slice::from_ref(path))?);
    }
    match &options.out {
        Some(out) => std::fs::write(out, model.write()).map_err(|e| format!("{}: {e}", out.display())),
        None => Ok(()),
    }
}
