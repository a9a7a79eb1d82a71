//! Rules and an allow-list of the operator's own, from a directory: `rules/*.yaml` and `allow.yaml`. All that is wrong is said at once,
//! with file and line; then nothing of it is used.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Judge;
use super::allow::AllowList;
use crate::scanner::commands::{self, is_about_commands};
use crate::scanner::rules::{self, BUILTIN, Rule};
use crate::scanner::{Error, Scanner};

/// A longer file is no list of rules.
const LONGEST: u64 = 4 << 20;
/// More files are not read.
const MOST: usize = 256;

impl Judge {
    /// The rules the program brings along, and those of this directory. One that is not there has none.
    ///
    /// # Errors
    /// Everything wrong with its files.
    pub fn load(dir: &Path) -> Result<Judge, Error> {
        let mut wrong = Vec::new();
        let own = Files::read(&files(&dir.join("rules"), &mut wrong), &mut wrong);
        faults(&own.texts, &mut wrong);
        let commands = own.commands(&mut wrong);
        let list = dir.join("allow.yaml");
        let allow = match text(&list) {
            Ok(Some(text)) => AllowList::parse(&text, &list.display().to_string()).unwrap_or_else(|e| {
                wrong.extend(e);
                AllowList::default()
            }),
            Ok(None) => AllowList::default(),
            Err(why) => {
                wrong.push(format!("{}: {why}", list.display()));
                AllowList::default()
            }
        };
        let scanner = joined(own.texts, &mut wrong)?;
        if !wrong.is_empty() {
            return Err(Error::Own { problems: wrong });
        }
        Ok(Judge { allow, commands, ..Judge::of(scanner)? })
    }

    /// Are these files of rules that `load` would take? How many rules they have, and everything wrong with them.
    #[must_use]
    pub fn check(files: &[PathBuf]) -> (usize, Vec<String>) {
        let mut wrong = Vec::new();
        let own = Files::read(files, &mut wrong);
        faults(&own.texts, &mut wrong);
        let about = own.commands(&mut wrong);
        let is_own = |source: &str| own.about_commands.iter().any(|(name, _)| name == source);
        let rules = own.texts.len() + about.all().iter().filter(|r| is_own(&r.source_name)).count();
        if wrong.is_empty()
            && let Err(why) = joined(own.texts, &mut wrong)
        {
            wrong.push(why.to_string());
        }
        (rules, wrong)
    }

    /// What is odd and no error: allowances whose time is over.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let over = self.allow.entries().iter().filter(|e| e.has_expired());
        over.map(|e| format!("allow.yaml: the entry for {} has expired: {}", e.rule.as_str(), e.reason))
            .collect()
    }
}

/// A rule, and the file and line it stands at.
struct Own {
    rule: Rule,
    at: String,
}

/// The operator's files, read.
#[derive(Default)]
struct Files {
    texts: Vec<Own>,
    /// `(name, YAML)`: their rules are of another make.
    about_commands: Vec<(String, String)>,
}

impl Files {
    fn read(paths: &[PathBuf], wrong: &mut Vec<String>) -> Files {
        let mut all = Files::default();
        for path in paths {
            let name = path.display().to_string();
            match text(path) {
                Ok(Some(text)) if is_about_commands(&text) => all.about_commands.push((name, text)),
                Ok(Some(text)) => all.texts.extend(own_file(&name, &text, wrong)),
                Ok(None) => {}
                Err(why) => wrong.push(format!("{name}: {why}")),
            }
        }
        all
    }

    /// The catalogue's rules for commands with these.
    fn commands(&self, wrong: &mut Vec<String>) -> commands::Rules {
        commands::Rules::with(&self.about_commands).unwrap_or_else(|faults| {
            for commands::Fault { source_name, rule, reason } in faults {
                let file =
                    self.about_commands.iter().find(|(name, _)| *name == source_name && !rule.is_empty());
                wrong.push(match file {
                    Some((name, text)) => format!("{}: {reason}", place(name, text, &rule)),
                    None => reason,
                });
            }
            commands::Rules::default()
        })
    }
}

/// The rules of one file.
fn own_file(name: &str, text: &str, wrong: &mut Vec<String>) -> Vec<Own> {
    match rules::read([(name, text)], false) {
        Ok(rules) => {
            return rules.into_iter().map(|rule| Own { at: place(name, text, &rule.id), rule }).collect();
        }
        Err(Error::Rule { rule, reason, .. }) => {
            wrong.push(format!("{}: {reason}", place(name, text, &rule)));
        }
        Err(why) => wrong.push(why.to_string()),
    }
    Vec::new()
}

/// Rules that do not do what their examples say.
fn faults(own: &[Own], wrong: &mut Vec<String>) {
    for Own { rule, at } in own {
        if let Err(Error::Rule { reason, .. }) = rule.check_examples() {
            wrong.push(format!("{at}: {reason}"));
        }
    }
}

/// The program's own rules, but those that are overridden, and the operator's.
fn joined(own: Vec<Own>, wrong: &mut Vec<String>) -> Result<Scanner, Error> {
    let mut all = rules::read(BUILTIN.iter().copied(), true)?;
    let taken: HashSet<String> = all.iter().map(|r| r.id.to_string()).collect();
    let mut seen = HashSet::new();
    for Own { rule, at } in &own {
        let id = rule.id.to_string();
        match (taken.contains(&id), rule.overrides) {
            (true, false) => {
                wrong.push(format!(
                    "{at}: katana has a rule of this id; say `overrides: true` to put yours in its place"
                ));
            }
            (false, true) => {
                wrong.push(format!("{at}: `overrides: true`, and katana has no rule of this id"));
            }
            _ => {}
        }
        if !seen.insert(id) {
            wrong.push(format!("{at}: this id is taken by another rule of yours"));
        }
    }
    all.retain(|r| !seen.contains(&*r.id));
    all.extend(own.into_iter().map(|o| o.rule));
    Scanner::compile(all)
}

fn files(dir: &Path, wrong: &mut Vec<String>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(why) => {
            wrong.push(format!("{}: {why}", dir.display()));
            return Vec::new();
        }
    };
    let yaml = |p: &PathBuf| p.extension().is_some_and(|x| x == "yaml" || x == "yml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(yaml).collect();
    files.sort();
    if files.len() > MOST {
        wrong.push(format!("{}: more than {MOST} files", dir.display()));
    }
    files
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
        Ok(meta) if meta.len() > LONGEST => Err(io::Error::other("the file is too long")),
        Ok(_) => fs::read_to_string(path).map(Some),
    }
}

/// `FILE:LINE: rule ID`.
fn place(name: &str, text: &str, id: &str) -> String {
    let says = |line: &str| {
        let rest = line.trim_start().trim_start_matches("- ").trim_start().strip_prefix("id:");
        rest.is_some_and(|r| r.split('#').next().unwrap_or("").trim().trim_matches(['"', '\'']) == id)
    };
    match text.lines().position(says) {
        Some(n) => format!("{name}:{}: rule {id}", n + 1),
        None => format!("{name}: rule {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::{Direction, Subject, Surface};

    const OWN: &str = "family: secret
rules:
  - id: acme.token
    keywords: [acme_]
    pattern: 'acme_[a-z0-9]{16}'
    confidence: 90
    examples: ['acme_q8w7e6r5t4y3u2i1']
    counter_examples: ['acme_short']
";

    fn dir(rules: &[(&str, &str)], allow: Option<&str>) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("rules")).unwrap();
        for (name, text) in rules {
            fs::write(dir.path().join("rules").join(name), text).unwrap();
        }
        if let Some(text) = allow {
            fs::write(dir.path().join("allow.yaml"), text).unwrap();
        }
        dir
    }

    fn found(judge: &Judge, text: &str) -> Vec<String> {
        let subject = Subject::new(Direction::Request, Surface::Body);
        let verdict = judge.verdict(&subject, text.as_bytes());
        verdict.findings.iter().map(|f| f.rule.to_string()).collect()
    }

    #[test]
    fn own_rules_join_and_override_and_may_be_allowed() {
        let none = Judge::load(&tempfile::tempdir().unwrap().path().join("none")).unwrap();
        assert!(found(&none, "acme_q8w7e6r5t4y3u2i1").is_empty());
        let at = dir(&[("acme.yaml", OWN)], None);
        assert_eq!(found(&Judge::load(at.path()).unwrap(), "x acme_q8w7e6r5t4y3u2i1"), ["acme.token"]);
        let allow = "allow: [{rule: acme.*, reason: ours}]";
        let at = dir(&[("acme.yaml", OWN)], Some(allow));
        let judge = Judge::load(at.path()).unwrap();
        assert!(found(&judge, "acme_q8w7e6r5t4y3u2i1").is_empty());
        assert_eq!(judge.allow_list().entries()[0].hits(), 1);
        let other = OWN
            .replace("acme.token", "github.token")
            .replace("    keywords", "    overrides: true\n    keywords");
        let at = dir(&[("acme.yaml", &other)], None);
        assert_eq!(found(&Judge::load(at.path()).unwrap(), "acme_q8w7e6r5t4y3u2i1"), ["github.token"]);
    }

    #[test]
    fn own_rules_for_commands_stand_beside_those_for_texts() {
        let own = "family: command
rules:
  - id: acme.wipe
    class: destructive
    confidence: 92
    programs: [acmectl]
    flags: [all]
    examples: ['acmectl wipe --all']
    counter_examples: ['acmectl list']
";
        let at = dir(&[("acme.yaml", OWN), ("wipe.yaml", own)], None);
        let judge = Judge::load(at.path()).unwrap();
        let subject = Subject::new(Direction::Request, Surface::ToolCall);
        let wiped = judge.verdict(&subject, b"acmectl wipe --all");
        assert_eq!(&*wiped.findings[0].rule, "command.destructive");
        assert_eq!(found(&judge, "x acme_q8w7e6r5t4y3u2i1"), ["acme.token"]);
        let at = dir(&[("wipe.yaml", &own.replace("[all]", "[none]"))], None);
        let Err(Error::Own { problems }) = Judge::load(at.path()) else { panic!("taken") };
        assert!(
            problems[0].contains("wipe.yaml:3: rule acme.wipe: does not find its example"),
            "{problems:?}"
        );
    }

    #[test]
    fn what_is_wrong_is_said_at_once_with_file_and_line() {
        let clash = OWN.replace("acme.token", "github.token");
        let fails = OWN.replace("acme_q8w7e6r5t4y3u2i1", "acme_nothing");
        let broken = OWN.replace("{16}", "{16}(");
        let at = dir(
            &[("a.yaml", &clash), ("b.yaml", &fails), ("c.yaml", &broken), ("d.yaml", "family: [")],
            Some("allow: 3"),
        );
        let Err(Error::Own { problems }) = Judge::load(at.path()) else { panic!("taken") };
        let says = |place: &str, part: &str| problems.iter().any(|p| p.contains(place) && p.contains(part));
        assert!(says("a.yaml:3: rule github.token", "overrides: true"), "{problems:#?}");
        assert!(says("b.yaml:3: rule acme.token", "does not find its example"), "{problems:#?}");
        assert!(says("c.yaml:3: rule acme.token", ""), "{problems:#?}");
        assert!(says("d.yaml:", ""), "{problems:#?}");
        assert!(says("allow.yaml:1:", "a list"), "{problems:#?}");
    }
}
