//! What the model does on rows: how many it finds at the marks of 50 and 80 percent, by kind.

use std::collections::BTreeMap;

use katana::scanner::classifier::Classifier;
use katana::scanner::classifier::model::Model;

use crate::percent::Crossed;
use crate::rows::Row;

const MARKS: [u8; 2] = [50, 80];
/// Fewer rows say nothing.
const FEWEST: u32 = 15;

#[derive(Default)]
struct Tally {
    rows: u32,
    at: [u32; MARKS.len()],
}

/// The rows by weights that do not know them.
pub(crate) fn crossed(model: &Model, rows: &[Row], crossed: &[Crossed]) {
    let percents = rows.iter().zip(crossed).map(|(row, c)| (row, model.percent(c.sum)));
    print("cross-validation", percents);
}

/// The rows as the program would score them.
pub(crate) fn report(name: &str, model: &Model, rows: &[Row]) {
    let classifier = Classifier::new(model.clone());
    print(name, rows.iter().map(|row| (row, classifier.score(row.text.as_bytes()).percent)));
}

fn print<'a>(name: &str, percents: impl Iterator<Item = (&'a Row, u8)>) {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (row, percent) in percents {
        let kind = if row.is_attack { "attack" } else { "benign" };
        let lang = row.lang.as_deref().unwrap_or("unknown");
        let source = row.source.split([':', '/']).next().unwrap_or_default();
        for key in [
            format!("{kind}"),
            format!("{kind}, label {}", row.label),
            format!("{kind}, origin {}", row.origin),
            format!("{kind}, lang {lang}"),
            format!("{kind}, source {source}"),
        ] {
            let tally = tallies.entry(key).or_default();
            tally.rows += 1;
            for (count, mark) in tally.at.iter_mut().zip(MARKS) {
                *count += u32::from(percent >= mark);
            }
        }
    }
    println!("\n| {name} | rows | ≥ 50, % | ≥ 80, % |\n| --- | ---: | ---: | ---: |");
    for (key, tally) in tallies.iter().filter(|(_, tally)| tally.rows >= FEWEST) {
        let [half, most] = tally.at.map(|n| 100.0 * f64::from(n) / f64::from(tally.rows));
        println!("| {key} | {} | {half:.1} | {most:.1} |", tally.rows);
    }
}
