//! What developers send all day must pass: sources, documentation and packages that lie on this machine, scanned as request
//! bodies. A sample by default; `KATANA_ORDINARY=all` reads everything.

use katana::scanner::{Direction, Scanner, Surface};
use std::path::{Path, PathBuf};

/// Where honest text lies; a folder that is not there is passed over.
const FOLDERS: &[&str] = &[
    "~/.cargo/registry/src",
    "/usr/lib/python3",
    "/usr/lib/python3.11",
    "/usr/lib/python3.12",
    "/usr/lib/python3.13",
    "/usr/share/doc",
    "/usr/lib/node_modules",
    "/usr/share/nodejs",
    ".",
];
/// Denied from here on in strict mode.
const STRICT: u8 = 80;
/// A sample holds so many files, and so many bytes of each.
const SAMPLE: usize = 2_000;
const MOST: usize = 64 * 1024;
/// Our own, where keys and attacks stand on purpose: rules with their examples, what is tested against them, what tells of them.
const OUR_EXAMPLES: &[&str] = &[
    "./config/rules/",
    "./src/scanner/",
    "./src/vault/",
    "./src/app/demo/",
    "./tests/",
    "./benches/",
    "./examples/",
    "./fuzz/",
    "./docs/",
];
/// These stand in source trees as what they are: keys made for tests. Whoever sends one sends a key.
pub(super) const REAL: &[&str] = &["private_key"];

/// Every file below, sorted, but links and what builds leave behind.
fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() || name == ".git" || name == "target" {
            continue;
        }
        if path.is_dir() {
            below(&path, found);
        } else if path.is_file() && !OUR_EXAMPLES.iter().any(|own| path.starts_with(own)) {
            found.push(path);
        }
    }
}

/// All honest files of this machine.
pub(super) fn files() -> Vec<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut all = Vec::new();
    for folder in FOLDERS {
        below(Path::new(&folder.replace('~', &home)), &mut all);
    }
    all
}

/// Which files are looked at: the same ones each time, spread over all.
fn sample() -> (Vec<PathBuf>, usize) {
    let all = files();
    if std::env::var("KATANA_ORDINARY").is_ok_and(|v| v == "all") {
        return (all, usize::MAX);
    }
    let step = all.len().div_ceil(SAMPLE).max(1);
    (all.into_iter().step_by(step).collect(), MOST)
}

#[test]
fn what_lies_on_this_machine_is_not_refused() {
    let scanner = Scanner::builtin().unwrap();
    let (sample, most) = sample();
    let (mut bytes, mut keys, mut wrong, mut found) = (0, 0, Vec::new(), Vec::new());
    for path in &sample {
        let Ok(text) = std::fs::read(path) else { continue };
        let text = &text[..text.len().min(most)];
        bytes += text.len();
        found.clear();
        scanner.find(Direction::Request, Surface::Body, text, &mut found);
        found.retain(|f| f.confidence >= STRICT);
        keys += found.iter().filter(|f| REAL.contains(&&*f.rule)).count();
        for f in found.iter().filter(|f| !REAL.contains(&&*f.rule)) {
            let line = text[..f.start].iter().filter(|b| **b == b'\n').count() + 1;
            wrong.push(format!("{}:{line}: {} ({})", path.display(), f.rule, f.confidence));
        }
    }
    eprintln!(
        "{} files, {bytes} bytes: {} refused, {keys} private keys in test data",
        sample.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
