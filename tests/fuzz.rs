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

#[test]
fn every_kept_input_keeps_its_promises() {
    let mut broken = Vec::new();
    for (target, body) in bodies::TARGETS {
        let mut replayed = 0;
        for folder in ["corpus", "regressions"].map(|f| root().join(f).join(target)) {
            for name in names(&folder) {
                let data = fs::read(folder.join(&name)).unwrap();
                // the message of what went wrong is on stderr
                if panic::catch_unwind(|| body(&data)).is_err() {
                    broken.push(format!("{target}: {name}"));
                }
                replayed += 1;
            }
        }
        assert!(replayed > 0, "fuzz/corpus/{target} has no input");
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
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
