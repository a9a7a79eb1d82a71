//! Rules for commands of the operator's own, beside the catalogue's: an id that the catalogue has already must say that it takes
//! its place, and every example must hold among all the rules.

use std::collections::HashSet;

use super::read::{Book, CommandRule, catalogue, file};
use crate::scanner::Error;

/// What is wrong with a rule of the operator's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub source_name: String,
    /// The rule's id; empty: the file as a whole.
    pub rule: String,
    /// What, and what to do.
    pub reason: String,
}

/// Does this file hold rules for commands? They are of another make than those for texts.
#[must_use]
pub fn is_about_commands(text: &str) -> bool {
    text.lines().any(|l| l.split('#').next().is_some_and(|l| l.trim_end() == "family: command"))
}

/// The catalogue and the operator's files, `(name, YAML)` each; and everything wrong with these.
pub(super) fn joined(files: &[(String, String)]) -> Result<(Book, Vec<Fault>), Error> {
    let (mut own, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in files {
        match file(name, text, true) {
            Ok(rules) => own.extend(rules),
            Err(Error::Rule { rule, reason, .. }) => {
                faults.push(Fault { source_name: name.clone(), rule, reason });
            }
            Err(why) => {
                faults.push(Fault {
                    source_name: name.clone(),
                    rule: String::new(),
                    reason: why.to_string(),
                });
            }
        }
    }
    let mut all = catalogue(false)?;
    // who works on the catalogue tests its files as they will be
    let edited = |source: &str| files.iter().any(|(name, _)| name.ends_with(source));
    all.retain(|rule| !edited(&rule.source_name));
    let taken: HashSet<String> = all.iter().map(|r| r.id.clone()).collect();
    let mut seen = HashSet::new();
    for rule in &own {
        let reason = match (taken.contains(&rule.id), rule.overrides) {
            (true, false) => "katana has a rule of this id; say `overrides: true` to put yours in its place",
            (false, true) => "`overrides: true`, and katana has no rule of this id",
            _ if !seen.insert(rule.id.clone()) => "this id is taken by another rule of yours",
            _ => continue,
        };
        faults.push(of(rule, reason.to_owned()));
    }
    let replaced: HashSet<String> = own.iter().filter(|r| r.overrides).map(|r| r.id.clone()).collect();
    all.retain(|rule| !replaced.contains(&rule.id));
    let first = all.len();
    all.extend(own);
    let book = Book::of(all);
    faults.extend(book.rules[first..].iter().flat_map(|rule| examples(&book, rule)));
    Ok((book, faults))
}

/// Examples that it does not find, and counter-examples that it does.
fn examples(book: &Book, rule: &CommandRule) -> Vec<Fault> {
    let finds = |text: &String| super::judged(book, text).1.iter().any(|f| f.rule == rule.id);
    let missed =
        rule.examples.iter().filter(|e| !finds(e)).map(|e| format!("does not find its example {e:?}"));
    let found =
        rule.counter_examples.iter().filter(|e| finds(e)).map(|e| format!("finds its counter-example {e:?}"));
    missed.chain(found).map(|reason| of(rule, reason)).collect()
}

fn of(rule: &CommandRule, reason: String) -> Fault {
    Fault { source_name: rule.source_name.clone(), rule: rule.id.clone(), reason }
}
