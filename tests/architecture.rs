//! The shape of the program, held by a test: which floor may use which, where a crate may be named, how long a file and a
//! function may be, what a file may be called, and that everything under `src` is part of the program.

mod source;

use source::{blank, code_lines, functions, head, line_of, members, without_tests};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and what it may use, lowest floor first.
const FLOORS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("telemetry", &["base"]),
    ("config", &["base", "telemetry"]),
    ("audit", &["base", "telemetry", "config"]),
    ("vault", &["base", "telemetry", "config"]),
    ("certs", &["base", "telemetry", "config"]),
    ("scanner", &["base", "telemetry", "config"]),
    ("policy", &["base", "telemetry", "config"]),
    ("broker", &["base", "telemetry", "config", "vault"]),
    ("pipeline", &["base", "telemetry", "config", "audit", "vault", "scanner", "policy", "broker"]),
    ("proxy", &["base", "telemetry", "config", "certs", "broker", "pipeline"]),
    (
        "app",
        &[
            "base",
            "telemetry",
            "config",
            "audit",
            "vault",
            "certs",
            "scanner",
            "policy",
            "broker",
            "pipeline",
            "proxy",
        ],
    ),
    ("cli", &["base", "telemetry", "config", "audit", "vault", "certs", "scanner", "policy", "app"]),
];

/// A crate and the only modules that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["cli"]),
    ("dialoguer", &["cli"]),
    ("serde_saphyr", &["config::yaml"]),
    ("aes_gcm", &["vault"]),
    // but in broker it is the provider of that name inside rustls
    ("aws_lc_rs", &["broker", "proxy::tls", "scanner::judge", "vault::reference::hashicorp"]),
    ("keyring", &["vault"]),
    ("rcgen", &["certs"]),
    ("rustls", &["certs", "proxy", "vault::reference::hashicorp"]),
    ("ureq", &["vault::reference::hashicorp"]),
    ("shlex", &["vault::reference"]),
    ("toml_edit", &["vault::import"]),
    ("tokio_rustls", &["proxy"]),
    ("tokio", &["pipeline", "proxy", "app"]),
    ("hyper", &["proxy", "app"]),
    ("hyper_util", &["proxy", "app"]),
    ("http", &["pipeline", "proxy", "app"]),
    ("http_body", &["proxy"]),
    ("http_body_util", &["proxy", "app"]),
];

/// Names that say nothing of what a file holds.
const NAMELESS: &[&str] = &["utils", "util", "common", "helper", "helpers", "manager", "misc"];
/// Folders and files of `tests/` that are no mirror of a module.
const NOT_MIRRORS: &[&str] = &["main", "architecture", "regression", "support", "clients", "fuzz", "docs"];
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

#[test]
fn the_tree_has_the_shape_it_should() {
    let mut wrong = table_faults(FLOORS);
    let src = files("src");
    for (path, text) in &src {
        wrong.extend(layer_faults(path, text));
    }
    let tests = files("tests");
    for (path, text) in src.iter().chain(&tests).chain(&files("benches")) {
        wrong.extend(style_faults(path, text));
    }
    wrong.extend(orphans(&src, &["lib.rs", "main.rs"]).iter().map(|p| format!("src/{p}: in no `mod` line")));
    wrong.extend(orphans(&tests, &["main.rs"]).iter().map(|p| format!("tests/{p}: in no `mod` line")));
    let modules: BTreeSet<_> = src.iter().map(|(p, _)| module_of(p)).collect();
    wrong.extend(mirror_faults("tests", &tests, &modules));
    wrong.extend(mirror_faults("benches", &files("benches"), &modules));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Every Rust file below a folder of the repository: path inside it, and text.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|x| x == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    found
}

/// `proxy/tls/mod.rs` → `proxy::tls`.
fn module_of(path: &str) -> String {
    path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
}

/// A row that names something not below it would let a cycle in.
fn table_faults(floors: &[(&str, &[&str])]) -> Vec<String> {
    let below = |i: usize, name: &str| floors[..i].iter().any(|(n, _)| *n == name);
    let rows = floors.iter().enumerate();
    rows.flat_map(|(i, (floor, uses))| uses.iter().map(move |u| (i, floor, u)))
        .filter(|(i, _, u)| !below(*i, u))
        .map(|(_, floor, u)| format!("table: `{floor}` lists `{u}`, which is not below it"))
        .collect()
}

/// Uses that go up, and crates named away from home.
fn layer_faults(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let floor = module.split("::").next().unwrap_or_default();
    if matches!(module.as_str(), "lib" | "main") {
        return Vec::new();
    }
    let Some((_, allowed)) = FLOORS.iter().find(|(n, _)| *n == floor) else {
        return vec![format!("src/{path}: `{floor}` is on no floor")];
    };
    let code = blank(text);
    let mut wrong = Vec::new();
    for (at, name) in uses(&code, !module.contains("::")) {
        if name != floor && FLOORS.iter().any(|(n, _)| *n == name) && !allowed.contains(&name) {
            wrong.push(format!("src/{path}:{}: `{floor}` may not use `{name}`", line_of(&code, at)));
        }
    }
    for (at, _) in code.match_indices("super::super::") {
        wrong.push(format!("src/{path}:{}: `super::super::`: say `crate::…`", line_of(&code, at)));
    }
    for (name, homes) in HOMES {
        let home = |h: &str| module == h || module.starts_with(&format!("{h}::"));
        if !homes.iter().any(|h| home(h)) {
            let named = namings(&code, name).into_iter();
            wrong
                .extend(named.map(|at| {
                    format!("src/{path}:{}: `{module}` may not name `{name}`", line_of(&code, at))
                }));
        }
    }
    wrong
}

/// Modules at the crate root that a file names, with the offset: `crate::x`, `crate::{x, y::z}`, and `super::x` in a root module.
fn uses(code: &str, is_root: bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "super::"].iter().take(if is_root { 2 } else { 1 }) {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            let named = rest.trim_start().strip_prefix('{').map_or_else(|| vec![rest], members);
            found.extend(named.into_iter().map(|n| (at, head(n))));
        }
    }
    found
}

/// Where a path begins with the crate, or a `use` names it whole.
fn namings(code: &str, name: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(name) {
        let starts = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let rest = &code[at + name.len()..];
        let whole = code[..at].trim_end().ends_with("use") && rest.trim_start().starts_with(';');
        if starts && (rest.starts_with("::") || whole) {
            found.push(at);
        }
    }
    found
}

/// Size, opening lines, and names.
fn style_faults(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let opening = text.lines().take_while(|l| l.starts_with("//!")).count();
    if !(1..=5).contains(&opening) {
        wrong.push(format!("{path}: opens with {opening} lines of `//!`, not 1 to 5"));
    }
    for part in path.trim_end_matches(".rs").split('/').filter(|p| NAMELESS.contains(p)) {
        wrong.push(format!("{path}: `{part}` says nothing of what it holds"));
    }
    let code = blank(text);
    let lines = code_lines(without_tests(&code));
    if lines > FILE_LINES && !path.ends_with("/tests.rs") {
        wrong.push(format!("{path}: {lines} lines of code; {FILE_LINES} are the cap"));
    }
    for (name, line, lines) in functions(&code).into_iter().filter(|(_, _, n)| *n > FUNCTION_LINES) {
        wrong.push(format!("{path}:{line}: `{name}` has {lines} lines; {FUNCTION_LINES} are the cap"));
    }
    wrong
}

/// Files that no `mod` line leads to from the roots.
fn orphans(files: &[(String, String)], roots: &[&str]) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = roots.iter().map(|r| (*r).to_owned()).collect();
    while let Some(path) = open.pop() {
        let Some((_, text)) = files.iter().find(|(p, _)| *p == path) else { continue };
        if !reached.insert(path.clone()) {
            continue;
        }
        let folder = match path.strip_suffix("mod.rs") {
            Some(folder) => folder.to_owned(),
            None if roots.contains(&path.as_str()) => String::new(),
            None => format!("{}/", path.trim_end_matches(".rs")),
        };
        for name in declared(&blank(text)) {
            open.push(format!("{folder}{name}.rs"));
            open.push(format!("{folder}{name}/mod.rs"));
        }
    }
    files.iter().map(|(p, _)| p.clone()).filter(|p| !reached.contains(p) && !p.starts_with("fuzz/")).collect()
}

/// The names of `mod x;` lines.
fn declared(code: &str) -> Vec<String> {
    let after = code.match_indices("mod ").filter(|(at, _)| {
        !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_') && !code[at + 4..].is_empty()
    });
    after
        .map(|(at, _)| &code[at + 4..])
        .filter(|rest| rest.trim_start()[head(rest).len()..].trim_start().starts_with(';'))
        .map(|rest| head(rest).to_owned())
        .collect()
}

/// Folders of tests, files in `tests/`, and benches that are named after nothing in `src`.
fn mirror_faults(folder: &str, files: &[(String, String)], modules: &BTreeSet<String>) -> Vec<String> {
    let mut tops: BTreeSet<&str> = files.iter().filter_map(|(p, _)| p.split('/').next()).collect();
    tops.retain(|top| {
        let name = top.trim_end_matches(".rs");
        let named = |m: &String| m == name || m.ends_with(&format!("::{name}"));
        !NOT_MIRRORS.contains(&name) && !modules.iter().any(named)
    });
    tops.iter().map(|top| format!("{folder}/{top}: named after no module of src")).collect()
}

mod planted {
    //! The checker itself: each fault, put in on purpose, is found, and look-alikes are not.
    use super::*;

    fn has(faults: &[String], part: &str) -> bool {
        faults.iter().any(|f| f.contains(part))
    }

    #[test]
    fn a_use_that_goes_up_is_found_in_every_spelling() {
        for text in [
            "use crate::proxy::X;",
            "use crate::{base::Host, proxy};",
            "use crate::{\n  base::{A, B},\n  proxy::{C},\n};",
            "fn f() { crate::proxy::go() }",
            "use super::proxy;",
        ] {
            assert!(has(&layer_faults("vault/mod.rs", text), "may not use `proxy`"), "{text}");
        }
        for text in [
            "use crate::base::Host;",
            "// crate::proxy\n",
            "let s = \"crate::proxy::x\";",
            "use crate::vault::X;",
        ] {
            assert_eq!(layer_faults("vault/mod.rs", text), Vec::<String>::new(), "{text}");
        }
        assert!(has(&layer_faults("nowhere/x.rs", ""), "on no floor"));
        assert!(has(&layer_faults("proxy/tls/x.rs", "use super::super::y;"), "super::super"));
        assert!(has(&table_faults(&[("a", &["b"]), ("b", &[])]), "not below it"));
    }

    #[test]
    fn a_crate_away_from_home_is_found() {
        assert!(has(&layer_faults("vault/x.rs", "use tokio::sync::Mutex;"), "may not name `tokio`"));
        assert!(has(&layer_faults("cli/x.rs", "fn f() -> hyper::Request<()>"), "may not name `hyper`"));
        assert!(has(
            &layer_faults("config/mod.rs", "use serde_saphyr as y; serde_saphyr::from_str"),
            "saphyr"
        ));
        assert!(has(&layer_faults("scanner/x.rs", "use http;"), "may not name `http`"));
        assert!(layer_faults("config/yaml.rs", "serde_saphyr::from_str(x)").is_empty());
        assert!(layer_faults("proxy/x.rs", "use tokio::net; my::http::x; xhttp::y").is_empty());
        assert!(layer_faults("vault/x.rs", "self::http::x(); \"tokio::x\"").is_empty());
    }

    #[test]
    fn long_files_long_functions_and_bad_names_are_found() {
        let long = format!("//! x\n{}", "use a;\n".repeat(401));
        assert!(has(&style_faults("a.rs", &long), "lines of code"));
        let tests = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}", "use a;\n".repeat(500));
        assert_eq!(style_faults("a.rs", &tests), Vec::<String>::new());
        let comments = format!("//! x\n{}", "// a\n\n".repeat(500));
        assert_eq!(style_faults("a.rs", &comments), Vec::<String>::new());
        let function = format!("//! x\nfn f(a: [u8; 3]) -> u8 {{\n{}}}", "g('{', \"}\");\n".repeat(61));
        assert!(has(&style_faults("a.rs", &function), "`f` has 61 lines"));
        assert!(has(&style_faults("x/utils.rs", "//! x"), "says nothing"));
        assert!(has(&style_faults("common/x.rs", "//! x"), "says nothing"));
        assert!(has(&style_faults("a.rs", "use x;"), "opens with 0"));
    }

    #[test]
    fn files_outside_the_program_and_tests_of_nothing_are_found() {
        let tree = |names: &[(&str, &str)]| -> Vec<(String, String)> {
            names.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect()
        };
        let src = tree(&[
            ("lib.rs", "pub mod a;\n// mod c;\nmod inline { }"),
            ("a/mod.rs", "pub(crate) mod b;"),
            ("a/b.rs", "#[cfg(test)]\nmod tests;"),
            ("a/b/tests.rs", ""),
            ("c.rs", ""),
        ]);
        assert_eq!(orphans(&src, &["lib.rs"]), ["c.rs"]);
        let modules = BTreeSet::from(["proxy".to_owned(), "vault::odds".to_owned()]);
        let tests =
            tree(&[("main.rs", ""), ("proxy/x.rs", ""), ("stray/x.rs", ""), ("odd.rs", ""), ("odds.rs", "")]);
        let found = mirror_faults("tests", &tests, &modules);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn literals_and_comments_are_blanked_and_nothing_else() {
        let text =
            "a /* b /* c */ d */ e \"f\\\"g\" r#\"h\"i\"# 'j' '\\'' 'k: &'k str b\"l\" br\"m\" // n\no";
        let left: String = blank(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(left, "a e 'k: &'k str b o");
    }
}
