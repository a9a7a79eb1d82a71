//! Every kept input through the body it was kept for: seeds, what fuzzing has found worth keeping, and what once went wrong.

#[path = "../fuzz/src/bodies/mod.rs"]
mod bodies;

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The kept inputs of a target, by name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folders = ["corpus", "regressions"].map(|f| root().join(f).join(target));
    let inputs = folders.iter().flat_map(|folder| {
        names(folder).into_iter().map(|name| {
            let data = fs::read(folder.join(&name)).unwrap();
            (name, data)
        })
    });
    inputs.collect()
}

#[test]
fn every_kept_input_keeps_its_promises() {
    let mut broken = Vec::new();
    for (target, body) in bodies::TARGETS {
        let kept = kept(target);
        assert!(!kept.is_empty(), "fuzz/corpus/{target} has no input");
        for (name, data) in kept {
            // the message of what went wrong is on stderr
            if panic::catch_unwind(|| body(&data)).is_err() {
                broken.push(format!("{target}: {name}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Blindly, and the same changes each time. More of them, of one target: `KATANA_FUZZ=10000:decode cargo test fuzz`.
#[test]
fn kept_inputs_that_were_changed_keep_their_promises_too() {
    let asked = std::env::var("KATANA_FUZZ").unwrap_or_default();
    let (rounds, only) = asked.split_once(':').unwrap_or((&asked, ""));
    let rounds = rounds.parse().unwrap_or(6);
    let mut broken = Vec::new();
    for (target, body) in bodies::TARGETS.iter().filter(|(name, _)| only.is_empty() || *name == only) {
        let (kept, mut dice) = (kept(target), Dice(1));
        for _ in 0..rounds {
            let data = dice.changed(&kept);
            if panic::catch_unwind(|| body(&data)).is_err() {
                broken.push(format!("{target}: {}", data.escape_ascii()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Numbers without an order, the same on each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }

    fn span(&mut self, data: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(data.len());
        start..data.len().min(start + 1 + self.below(24))
    }

    /// One of the inputs, with a few bytes of it changed, left out, repeated, or taken from another.
    fn changed(&mut self, kept: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut data = kept[self.below(kept.len())].1.clone();
        for _ in 0..=self.below(5) {
            let (at, span) = (self.below(data.len()), self.span(&data));
            match self.below(6) {
                0 if !data.is_empty() => data[at] ^= 1 << self.below(8),
                1 if !data.is_empty() => data[at] = [0, b'"', b'\\', b'\n', 0x7f, 0xff][self.below(6)],
                2 => drop(data.drain(span)),
                3 => {
                    let again = data[span].to_vec();
                    data.splice(at..at, again);
                }
                4 => {
                    let other = &kept[self.below(kept.len())].1;
                    let piece = other[self.span(other)].to_vec();
                    data.splice(at..at, piece);
                }
                _ => data.truncate(at),
            }
        }
        data
    }
}

#[test]
fn every_body_has_a_program_and_every_folder_a_body() {
    let targets: BTreeSet<String> = bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let programs = names(&root().join("fuzz_targets"));
    let programs: BTreeSet<String> = programs.iter().map(|p| p.trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(programs, targets);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for target in &targets {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")),
            "{target}: in no [[bin]]"
        );
        let program = fs::read_to_string(root().join("fuzz_targets").join(format!("{target}.rs"))).unwrap();
        assert!(program.contains(&format!("katana_fuzz::run(\"{target}\", data)")), "{target}: runs another");
    }
    for folder in ["corpus", "regressions"] {
        let strays: Vec<String> =
            names(&root().join(folder)).into_iter().filter(|n| !targets.contains(n)).collect();
        assert!(strays.is_empty(), "fuzz/{folder}: {strays:?} have no body");
    }
}
