//! No value in anything katana leaves behind or shows: files, log, audit, environment and command line of its processes.

use crate::support::katana::Home;
use crate::support::{Ask, Client, block_on, katana, origin, until};
use std::path::Path;
use std::process::Stdio;

const VALUE: &str = "Wm3kP8vQ1nR6tY4sX9bD";
const NEXT: &str = "Hs7dK2mB5zL9cV4jF8wE";

/// Every file below, sockets and the like left out.
fn files(dir: &Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
        }
    }
}

fn holds_none(what: &str, bytes: &[u8]) {
    for value in [VALUE, NEXT] {
        assert!(crate::support::oracle::reads(bytes, value).is_none(), "{what} holds a value");
    }
}

/// `/proc/PID/{environ,cmdline}` of a process and all it has started.
fn processes(pid: i32) {
    for file in ["environ", "cmdline"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        holds_none(&format!("{file} of {pid}"), &bytes);
        assert!(!String::from_utf8_lossy(&bytes).contains("VAULT_KEY="), "{file} of {pid} holds the key");
    }
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().for_each(|child| processes(child.parse().unwrap()));
    }
}

fn quiet(home: &Home, args: &[&str], stdin: &str) {
    let out = home.katana_in(args, stdin);
    assert!(out.status.success(), "{args:?}: {}", crate::cli::said(&out));
    holds_none(&format!("{args:?}"), &[out.stdout, out.stderr].concat());
}

#[test]
fn no_value_is_told() {
    let origin = origin().start();
    let katana = katana().origin(&origin).secret("MY_SECRET", VALUE).start();
    let home = &katana.home;
    quiet(home, &["vault", "rotate", "MY_SECRET", "-v"], NEXT);
    quiet(home, &["vault", "rotate", "-v"], "");
    quiet(home, &["vault", "set", "OTHER", "-v", "--json"], NEXT);
    for args in [
        &["vault", "list"][..],
        &["vault", "history", "MY_SECRET"],
        &["vault", "verify"],
        &["proxy", "status"],
    ] {
        quiet(home, args, "");
    }
    let bad = home.katana_in(&["vault", "set", "THIRD"], &format!("{VALUE}\nand a line"));
    assert!(!bad.status.success());
    holds_none("the refusal of a value", &bad.stderr);
    let got = home.katana(&["vault", "get", "MY_SECRET"]);
    assert_eq!(got.stdout, NEXT.as_bytes());
    block_on(async {
        let leak = Ask::post("/leak", format!("{VALUE} and {NEXT}"));
        Client::new(&katana).once("origin.test", leak).await;
    });
    processes(i32::try_from(katana.pid()).unwrap());
    // a child behind a proxy of its own, looked at while it runs
    let ready = home.dir.path().join("ready");
    let mut run = home
        .command(&["run", "--", "sh", "-c", "echo $$ > ready; read x"])
        .current_dir(home.dir.path())
        .env("MY_SECRET", NEXT)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = until("the child", || std::fs::read_to_string(&ready).ok()?.trim().parse::<i32>().ok());
    processes(child);
    drop(run.stdin.take());
    run.wait().unwrap();
    let mut all = Vec::new();
    files(home.dir.path(), &mut all);
    assert!(all.iter().any(|(path, _)| path.ends_with("audit.jsonl")));
    for (path, bytes) in all {
        holds_none(&path.display().to_string(), &bytes);
        assert!(!path.file_name().unwrap().to_string_lossy().starts_with("core"), "{path:?}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", katana.pid())).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}
