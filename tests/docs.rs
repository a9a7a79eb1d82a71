//! What the documentation says is what the program does: marked blocks are run, the table of denials is complete, links lead
//! somewhere, and the first command of the README leaves nothing behind.

use crate::support::katana::PROGRAM;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A home directory that is empty at the start.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for folder in ["tmp", "run"] {
            use std::os::unix::fs::DirBuilderExt;
            fs::DirBuilder::new().mode(0o700).create(home.0.path().join(folder)).unwrap();
        }
        home
    }

    /// Both streams in the order they came.
    fn shell(&self, line: &str) -> Output {
        let programs = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.0.path())
            .env("TMPDIR", self.0.path().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.0.path().join("run"))
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.shell("katana proxy stop --timeout 0s");
    }
}

/// One command of a marked block, and what it prints.
struct Step {
    line: usize,
    command: String,
    prints: Vec<String>,
}

/// The marked blocks of a page, less those that need a program which is not here.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut marked, mut inside) = (Vec::<Step>::new(), false, false);
    for (n, line) in page.lines().enumerate() {
        if let Some(mark) = line.strip_prefix("<!-- run") {
            let needs = mark.trim_end_matches("-->").trim().trim_start_matches("needs").trim();
            marked = needs.is_empty() || there(needs);
        } else if line == "```console" {
            inside = marked;
        } else if line == "```" {
            (marked, inside) = (false, false);
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: n + 1, command: command.to_owned(), prints: Vec::new() });
        } else if inside && let Some(step) = steps.last_mut() {
            step.prints.push(line.trim_end().to_owned());
        }
    }
    steps
}

fn there(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok();
    if !here {
        eprintln!("skipped: {program} is not here");
    }
    here
}

/// `…` alone on a line stands for any lines, elsewhere for any text in its line.
fn fits(want: &[String], got: &[&str]) -> bool {
    match (want, got) {
        ([], []) => true,
        ([first, rest @ ..], _) if first == "…" => (0..=got.len()).any(|n| fits(rest, &got[n..])),
        ([first, rest @ ..], [line, more @ ..]) => line_fits(first, line.trim_end()) && fits(rest, more),
        _ => false,
    }
}

fn line_fits(want: &str, got: &str) -> bool {
    let Some((start, rest)) = want.split_once('…') else { return want == got };
    let Some(got) = got.strip_prefix(start) else { return false };
    let ends = got.char_indices().map(|(i, _)| i).chain([got.len()]);
    ends.into_iter().any(|i| line_fits(rest, &got[i..]))
}

fn run(page: &str) {
    let home = Home::new();
    let steps = steps(&fs::read_to_string(root().join(page)).unwrap());
    assert!(!steps.is_empty(), "{page} has no marked block");
    for Step { line, command, prints } in steps {
        let out = home.shell(&command);
        let printed = String::from_utf8_lossy(&out.stdout).into_owned();
        let got: Vec<&str> = printed.lines().collect();
        assert!(
            fits(&prints, &got),
            "{page}:{line}: {command}\n-- says --\n{}\n-- does --\n{printed}",
            prints.join("\n")
        );
    }
}

#[test]
fn the_readme_does_what_it_says() {
    run("README.md");
}

#[test]
fn the_quickstart_does_what_it_says() {
    run("docs/quickstart.md");
}

#[test]
fn the_page_on_scanning_does_what_it_says() {
    run("docs/scan.md");
}

#[test]
fn the_page_on_import_does_what_it_says() {
    run("docs/import.md");
}

#[test]
fn the_demo_holds_in_an_empty_home_and_leaves_it_empty() {
    let home = Home::new();
    let out = home.shell("katana demo");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && !text.contains('✗'), "{text}");
    for part in ["scrubbed OPENAI_API_KEY", "injected OPENAI_API_KEY", "403 Forbidden", "the chain holds"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let out = home.shell("katana demo --json --quiet");
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&report["ok"], report["scenes"].as_array().unwrap().len()), (&true.into(), 4));
    let left: Vec<_> = fs::read_dir(home.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(fs::read_dir(home.0.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn check_answers_with_its_exit_code() {
    let home = Home::new();
    let code = |line: &str| home.shell(line).status.code().unwrap();
    assert_eq!(code("katana check https://a.example/"), 0);
    assert_eq!(code("katana check https://localhost/"), 1);
    assert_eq!(code("katana check localhost"), 2);
    assert_eq!(code("katana check --body @missing https://a.example/"), 3);
    assert_eq!(code("echo ghp_short | katana check --body @- https://a.example/"), 0);
    let out = home.shell("katana check --json https://localhost/");
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&answer["fate"], &answer["denial"]["code"]),
        (&"denied".into(), &"destination_denied".into())
    );
    assert!(!home.0.path().join(".config").exists(), "asking writes nothing");
}

#[test]
fn every_command_that_is_named_exists() {
    let mut pages = files(&root().join("docs"), "md");
    pages.extend(files(&root().join("src"), "rs"));
    pages.push(root().join("README.md"));
    let named: BTreeSet<String> =
        pages.iter().flat_map(|p| commands(&fs::read_to_string(p).unwrap())).collect();
    assert!(named.len() > 20, "{named:?}");
    let home = Home::new();
    let gone: Vec<_> =
        named.iter().filter(|c| !home.shell(&format!("katana man {c}")).status.success()).collect();
    assert!(gone.is_empty(), "there is no {gone:?}");
}

/// Commands in code, `katana x y`, or at the beginning of an indented line: the words that are a command's.
fn commands(text: &str) -> Vec<String> {
    const GROUPS: &[&str] = &["proxy", "vault", "audit", "ca", "config"];
    let indented = text.lines().filter_map(|l| l.strip_prefix("    katana "));
    let quoted = text.split("`katana ").skip(1).filter_map(|rest| rest.lines().next());
    let words = indented.chain(quoted).map(|rest| {
        let of_a_command = |w: &&str| w.bytes().all(|b| b.is_ascii_lowercase());
        let mut words = rest.split('`').next().unwrap().split(' ').take_while(of_a_command);
        let first = words.next().unwrap_or_default();
        let second = words.next().filter(|_| GROUPS.contains(&first)).unwrap_or_default();
        format!("{first} {second}").trim().to_owned()
    });
    words.filter(|w| !w.is_empty()).collect()
}

#[test]
fn the_examples_of_credentials_are_configurations() {
    let page = fs::read_to_string(root().join("docs/credential-kinds.md")).unwrap();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 4, "one of each kind");
    for example in examples {
        let home = Home::new();
        // what stands in a comment is an example too
        for text in [example.to_owned(), example.replace("\n    # ", "\n    ")] {
            fs::write(home.0.path().join("config.yaml"), &text).unwrap();
            let out = home.shell("katana config check config.yaml");
            assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stdout));
        }
    }
}

#[test]
fn the_table_of_denials_is_complete() {
    let sources: Vec<String> = files(&root().join("src"), "rs").iter().map(|p| production(p)).collect();
    let page = fs::read_to_string(root().join("docs/denials.md")).unwrap();
    let rows = page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<&str> = rows.collect();
    let made: BTreeSet<String> = sources.iter().flat_map(|text| codes(text)).collect();
    assert!(made.len() > 30, "{made:?}");
    let untold: Vec<_> = made.iter().filter(|c| !told.contains(c.as_str())).collect();
    assert!(untold.is_empty(), "docs/denials.md says nothing of {untold:?}");
    let quoted = |code: &str| sources.iter().any(|text| text.contains(&format!("\"{code}\"")));
    let gone: Vec<_> = told.into_iter().filter(|c| !quoted(c)).collect();
    assert!(gone.is_empty(), "docs/denials.md tells of {gone:?}, which nothing answers with");
}

#[test]
fn every_key_of_the_configuration_is_told_with_its_default() {
    let shown = Home::new().shell("katana config show --json");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let page = page.split("\n## Keys\n").nth(1).unwrap();
    let commented = fs::read_to_string(root().join("config/katana.yaml")).unwrap();
    let mut all = Vec::new();
    leaves("", &shown, &mut all);
    assert!(all.len() > 40, "{all:?}");
    for (key, default) in all {
        let last = key.rsplit('.').next().unwrap();
        let names = [format!("`{key}`"), format!("`.{last}`")];
        let row = page.lines().find(|l| l.starts_with('|') && names.iter().any(|n| l.contains(n)));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no {key}"));
        // lists are told in words where they are long
        assert!(default.starts_with('[') || row.contains(&default), "{key} is {default}: {row}");
        let line = commented.lines().map(|l| l.trim_start().trim_start_matches('#'));
        let said = line.filter_map(|l| l.strip_prefix(last)?.strip_prefix(": ")).any(|v| v == default);
        assert!(
            said || default.len() > 2 && default.starts_with('['),
            "config/katana.yaml: {key}: {default}"
        );
    }
}

/// Keys with dots, and their values as YAML has them. `_…` is about the configuration; `credentials` are a page's own chapter.
fn leaves(above: &str, value: &serde_json::Value, all: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map.iter().filter(|(k, _)| !k.starts_with('_') && *k != "credentials") {
                let dot = if above.is_empty() { "" } else { "." };
                leaves(&format!("{above}{dot}{key}"), value, all);
            }
        }
        serde_json::Value::String(text) => all.push((above.to_owned(), text.clone())),
        other => all.push((above.to_owned(), other.to_string())),
    }
}

#[test]
fn the_decisions_are_numbered_without_a_gap_and_listed() {
    let list = fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    let mut pages = files(&root().join("docs/decisions"), "md");
    pages.retain(|p| !p.ends_with("README.md"));
    pages.sort();
    for (n, page) in (1..).zip(&pages) {
        let name = page.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(page).unwrap();
        let title =
            text.lines().next().unwrap().strip_prefix(&format!("# {n}. ")).unwrap_or_default().to_owned();
        assert!(name.starts_with(&format!("{n:04}-")) && !title.is_empty(), "{name}: the number is {n}");
        assert!(list.contains(&format!("\n{n}. [{title}]({name})")), "the list has no {name}");
    }
}

#[test]
fn every_code_of_an_error_is_in_a_table() {
    let pages = files(&root().join("docs"), "md");
    let told: String = pages.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    let rows: Vec<&str> = told.lines().filter(|l| l.starts_with('|')).collect();
    let sources = files(&root().join("src"), "rs").into_iter();
    // what breaks off between two machines: told in a denial's message, never a code by itself
    let sources = sources.filter(|p| !p.ends_with("proxy/error.rs") && !p.ends_with("tests.rs"));
    let made: BTreeSet<String> = sources.flat_map(|p| error_codes(&production(&p))).collect();
    assert!(made.len() > 90, "{made:?}");
    let untold: Vec<_> =
        made.iter().filter(|c| !rows.iter().any(|r| r.contains(&format!("`{c}`")))).collect();
    assert!(untold.is_empty(), "no table in docs has {untold:?}");
}

/// The texts that a `code()` answers with.
fn error_codes(text: &str) -> Vec<String> {
    let bodies = text.split("pub fn code(&self) -> &'static str {").skip(1);
    let bodies = bodies.filter_map(|rest| rest.split("\n    }").next());
    let texts = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
    texts.map(str::to_owned).collect()
}

/// The codes of the denials that a source makes: an argument of each constructor.
fn codes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (make, nth) in [("Denial::forbidden(", 1), ("Denial::unevaluated(", 1), ("Denial::upstream(", 0)] {
        for (at, _) in text.match_indices(make) {
            let argument = arguments(&text[at + make.len()..]).into_iter().nth(nth).unwrap_or_default();
            found.extend(argument.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The first arguments of a call, split at the commas that are neither in brackets nor in a text.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut from, mut all) = (0, false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all
}

fn production(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|x| x == ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_in_the_summary() {
    let mut pages = files(&root().join("docs"), "md");
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut wrong = Vec::new();
    for page in &pages {
        let name = page.strip_prefix(root().join("docs")).unwrap().to_str().unwrap();
        if name != "SUMMARY.md" && !summary.contains(&format!("({name})")) {
            wrong.push(format!("docs/SUMMARY.md has no {name}"));
        }
    }
    pages.push(root().join("README.md"));
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let outside = link.contains("://") || file.is_empty() || file.contains(' ');
            if !outside && !page.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {link} leads nowhere", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_runner_sees_what_does_not_fit() {
    let want = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    assert!(fits(&want(&["a … c", "…", "z"]), &["a b c", "1", "2", "z"]));
    assert!(
        !fits(&want(&["a … c"]), &["a b d"])
            && !fits(&want(&["a"]), &["a", "b"])
            && !fits(&want(&["a", "b"]), &["a"])
    );
    let page = "```console\n$ no\n```\n<!-- run -->\n```console\n$ yes\nout\n```\n";
    let found = steps(page);
    assert_eq!((found.len(), &*found[0].command, &found[0].prints[..]), (1, "yes", &want(&["out"])[..]));
    let source = "Denial::forbidden(STAGE, if x { \"a_b\" } else { \"c_d\" }, f(\"no, no\"), 1)";
    assert_eq!(codes(source), ["a_b", "c_d"]);
    let source =
        "    pub fn code(&self) -> &'static str {\n        A => \"a_b\",\n        \"c_d\"\n    }\n\"e_f\"";
    assert_eq!(error_codes(source), ["a_b", "c_d"]);
}
