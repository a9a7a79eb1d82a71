//! git: a clone over the plain-file protocol, objects and packs as they lie on disk.

use super::{Field, field, there};
use crate::support::Reply;
use std::path::Path;
use std::process::Command;

fn git(field: &Field, args: &[&str]) {
    let mut command = Command::new("git");
    field.home.furnish(&mut command);
    command.env("GIT_AUTHOR_NAME", "t").env("GIT_AUTHOR_EMAIL", "t@origin.test");
    command.env("GIT_COMMITTER_NAME", "t").env("GIT_COMMITTER_EMAIL", "t@origin.test");
    let out = command.args(args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Every file below `dir` becomes an answer below `at`.
fn publish(field: &Field, dir: &Path, at: &str) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let name = format!("{at}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            publish(field, &entry.path(), &name);
        } else {
            field.origin.on(&name, Reply::new(std::fs::read(entry.path()).unwrap()));
        }
    }
}

#[test]
fn git_clones_and_fetches() {
    if !there("git", &["--version"]) {
        return;
    }
    let field = field();
    git(&field, &["init", "-q", "-b", "main", "work"]);
    std::fs::write(field.file("work/file"), "one\n").unwrap();
    std::fs::copy(field.file("upload"), field.file("work/large")).unwrap();
    git(&field, &["-C", "work", "add", "."]);
    git(&field, &["-C", "work", "commit", "-q", "-m", "one"]);
    git(&field, &["clone", "-q", "--bare", "work", "bare"]);
    git(&field, &["-C", "bare", "repack", "-q", "-a", "-d"]);
    git(&field, &["-C", "bare", "update-server-info"]);
    publish(&field, &field.file("bare"), "/repo.git");
    field.run(&["git", "clone", "-q", "https://origin.test/repo.git", "copy"]);
    assert_eq!(std::fs::read(field.file("copy/file")).unwrap(), b"one\n");
    assert!(std::fs::read(field.file("copy/large")).unwrap() == std::fs::read(field.file("upload")).unwrap());
    field.run(&["git", "-C", "copy", "fetch", "-q", "origin"]);
    field.run(&["git", "ls-remote", "https://origin.test/repo.git"]);
    field.accounted();
}
