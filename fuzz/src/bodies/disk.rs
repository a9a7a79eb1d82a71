//! Files that somebody else may have written: settings with secrets in them, vaults of another program, the audit's trail, the
//! tools that were seen.

use super::input::Input;
use katana::audit::{query, verify};
use katana::pipeline::seen_tools::SeenTools;
use katana::vault::Providers;
use katana::vault::import::{self, AncestorKey, Places, Reading};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers::builtin().expect("they are tested"));

/// A file of these bytes in a folder of this thread's own, removed when it is dropped.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, bytes: &[u8]) -> Written {
        let own = format!("katana-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let written = Written(std::env::temp_dir().join(own));
        let path = written.0.join(name);
        let _old = fs::remove_dir_all(&written.0);
        let folder = path.parent().expect("a folder");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).expect("a folder");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path).expect("a file");
        std::io::Write::write_all(&mut file, bytes).expect("a file");
        written
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// What is found stands in the file where it is said to stand.
fn sound(reading: &Reading) {
    let len = reading.origin.file().map_or(0, |f| f.bytes().len());
    for find in &reading.finds {
        if let Some(spot) = &find.spot {
            assert!(spot.range.start <= spot.range.end && spot.range.end <= len && spot.line > 0, "{spot:?}");
        }
    }
}

/// Settings of agents and their tools: one file for each way of writing them.
pub(super) fn import(data: &[u8]) {
    const FILES: [&str; 8] = [
        ".claude.json",
        ".codex/config.toml",
        ".aws/credentials",
        ".netrc",
        ".git-credentials",
        ".gemini/.env",
        ".config/gh/hosts.yml",
        ".continue/config.yaml",
    ];
    let mut input = Input(data);
    let file = FILES[usize::from(input.byte()) % FILES.len()];
    let home = Written::new(file, input.0);
    let places = Places { home: home.0.clone(), variable: &|_| None };
    let (readings, wrong) = import::agents(&places, &PROVIDERS);
    readings.iter().for_each(sound);
    wrong.iter().for_each(|w| assert!(!w.to_string().is_empty() && !w.code().is_empty()));
    if let Ok(reading) = import::env_file(&home.0.join(file), ".env", &PROVIDERS) {
        sound(&reading);
    }
}

/// A vault of another program.
pub(super) fn ancestor(data: &[u8]) {
    let vault = Written::new("vault.json", data);
    let path = vault.0.join("vault.json");
    let key = AncestorKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "here").expect("a key");
    let _is = import::is_ancestors(&path);
    match import::ancestor(&path, &key) {
        Ok(reading) => sound(&reading),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// A trail is whole or broken somewhere, and can be read as far as it can.
pub(super) fn trail(data: &[u8]) {
    let trail = Written::new("audit.jsonl", data);
    let path: &Path = &trail.0.join("audit.jsonl");
    if let Err(broken) = verify(path) {
        assert!(!broken.to_string().is_empty());
    }
    let lines = data.iter().filter(|b| **b == b'\n').count() + 1;
    let newest = query::newest(path, &query::Filter::default(), 10).expect("a file that can be read");
    assert!(newest.len() <= lines.min(10));
    let stats = query::stats(path).expect("a file that can be read");
    assert!(stats.records + stats.unreadable <= lines as u64, "{stats:?}");
}

/// Tools that were seen, as they are remembered.
pub(super) fn seen_tools(data: &[u8]) {
    let seen = Written::new("tools.json", data);
    let (_tools, _wrong) = SeenTools::open(&seen.0.join("tools.json"));
}
