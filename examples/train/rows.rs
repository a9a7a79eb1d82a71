//! The rows: read, chosen by source, put into groups that have wording in common.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

/// So many words in a row that two rows share are no chance.
const SHINGLE: usize = 8;

/// One text.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) is_attack: bool,
    pub(crate) source: String,
    pub(crate) origin: String,
    pub(crate) label: String,
    pub(crate) lang: Option<String>,
}

/// What is not to be trained on, by parts of `source`.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) sources: Vec<String>,
    pub(crate) attacks: Vec<String>,
}

impl Selection {
    /// The rows that remain. A row that shares eight words with one whose source is left out goes with it, unless the words
    /// are found in many: composed rows hold pieces of others and do not always say of which.
    pub(crate) fn apply(&self, rows: Vec<Row>) -> Vec<Row> {
        let named = |row: &Row| self.sources.iter().any(|part| row.source.contains(part.as_str()));
        let (out, mut kept): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(named);
        kept.retain(|row| {
            !row.is_attack || !self.attacks.iter().any(|part| row.source.contains(part.as_str()))
        });
        let plain: BTreeSet<u64> = kept
            .iter()
            .filter(|row| !row.source.starts_with("composed"))
            .flat_map(|row| shingles(&row.text))
            .collect();
        let foreign: BTreeSet<u64> =
            out.iter().flat_map(|row| shingles(&row.text)).filter(|s| !plain.contains(s)).collect();
        /*KINDS*/
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for r in kept.iter().filter(|row| shingles(&row.text).iter().any(|s| foreign.contains(s))) {
            *kinds
                .entry(format!("{} {}", r.is_attack, r.source.split(['/']).take(2).collect::<String>()))
                .or_default() += 1;
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|k| std::cmp::Reverse(k.1));
        println!("{:?}", &kinds[..kinds.len().min(14)]);
        let before = kept.len();
        kept.retain(|row| !shingles(&row.text).iter().any(|s| foreign.contains(s)));
        println!("left out: {} by source, {} that quote them", out.len(), before - kept.len());
        kept
    }
}

/// All rows of these files.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for path in paths {
        let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let file = std::fs::read(path).map_err(|e| failed(&e))?;
        let mut text = String::new();
        let read = if path.extension().is_some_and(|x| x == "gz") {
            flate2::read::MultiGzDecoder::new(&file[..]).read_to_string(&mut text)
        } else {
            (&file[..]).read_to_string(&mut text)
        };
        read.map_err(|e| failed(&e))?;
        for (line, row) in text.lines().enumerate() {
            rows.push(serde_json::from_str(row).map_err(|e| failed(&format!("line {}: {e}", line + 1)))?);
        }
    }
    Ok(rows)
}

/// A number for each row. Attacks that have eight words in common, which no benign text has, get the same: they are one payload,
/// or one template.
pub(crate) fn groups(rows: &[Row]) -> Vec<u32> {
    fn root(parents: &mut [u32], mut at: u32) -> u32 {
        while parents[at as usize] != at {
            parents[at as usize] = parents[parents[at as usize] as usize];
            at = parents[at as usize];
        }
        at
    }
    let benign: BTreeSet<u64> =
        rows.iter().filter(|r| !r.is_attack).flat_map(|r| shingles(&r.text)).collect();
    let mut parents: Vec<u32> = (0..rows.len() as u32).collect();
    let mut first: BTreeMap<u64, u32> = BTreeMap::new();
    for (at, row) in (0..).zip(rows).filter(|(_, row)| row.is_attack) {
        for shingle in shingles(&row.text).into_iter().filter(|s| !benign.contains(s)) {
            let other = *first.entry(shingle).or_insert(at);
            let (a, b) = (root(&mut parents, at), root(&mut parents, other));
            parents[a as usize] = b;
        }
    }
    (0..rows.len() as u32).map(|at| root(&mut parents, at)).collect()
}

/// Hashes of every eight words in a row; of all words if there are fewer.
fn shingles(text: &str) -> Vec<u64> {
    let words: Vec<u64> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| fnv(word.chars().flat_map(char::to_lowercase).map(u64::from)))
        .collect();
    if words.len() < SHINGLE {
        return vec![fnv(words.into_iter())];
    }
    words.windows(SHINGLE).map(|w| fnv(w.iter().copied())).collect()
}

fn fnv(parts: impl Iterator<Item = u64>) -> u64 {
    parts.fold(0xcbf2_9ce4_8422_2325, |hash, part| {
        (hash ^ part).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
    })
}
