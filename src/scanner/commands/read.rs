//! Rules for commands: YAML to checked rules, and which of them to ask for a program.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::config::yaml;
use crate::scanner::{Error, Family, rules};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        /// The rule files for commands: `(path, YAML)` each.
        pub const CATALOGUE: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../../", $path)))),+];
    };
}

files! {
    "config/rules/commands/kinds.yaml",
    "config/rules/commands/destructive.yaml",
    "config/rules/commands/shells.yaml",
    "config/rules/commands/persistence.yaml",
    "config/rules/commands/privileges.yaml",
    "config/rules/commands/credentials.yaml",
    "config/rules/commands/exfiltration.yaml",
    "config/rules/commands/protection.yaml",
}

/// The rules the program brings along. Broken ones do not get past the tests.
static RULES: LazyLock<Book> = LazyLock::new(|| Book::of(catalogue(false).unwrap_or_default()));

/// The catalogue's rules, in the order of their files, with their examples if `whole`.
///
/// # Errors
/// The first rule that cannot be used: none, unless the program was built with broken rules.
pub(super) fn catalogue(whole: bool) -> Result<Vec<CommandRule>, Error> {
    let mut rules = Vec::new();
    for (name, text) in CATALOGUE {
        rules.extend(file(name, text, whole)?);
    }
    Ok(rules)
}

/// Rules, and which to ask for a program.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) rules: Vec<CommandRule>,
    by_program: HashMap<String, Vec<usize>>,
    /// For any program, or for names that go on.
    others: Vec<usize>,
}

impl Book {
    pub(super) fn builtin() -> &'static Book {
        &RULES
    }

    pub(super) fn of(rules: Vec<CommandRule>) -> Book {
        let mut book = Book::default();
        for (number, rule) in rules.iter().enumerate() {
            if rule.is_about_text() {
                continue;
            }
            if rule.programs.is_empty() || rule.programs.iter().any(|p| p.ends_with('*')) {
                book.others.push(number);
            }
            for program in rule.programs.iter().filter(|p| !p.ends_with('*')) {
                book.by_program.entry(program.clone()).or_default().push(number);
            }
        }
        Book { rules, ..book }
    }

    /// The numbers of the rules that a program may break, in order.
    pub(super) fn about(&self, program: &str) -> Vec<usize> {
        let mut about = self.by_program.get(program).cloned().unwrap_or_default();
        about.extend(self.others.iter().copied().filter(|i| self.rules[*i].names(program)));
        about.sort_unstable();
        about
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Family,
    /// What `{{name}}` in an expression stands for.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    rules: Vec<CommandRule>,
}

/// What makes a command one of a class. All conditions that are given must hold for one program and its words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandRule {
    /// `class.name`, unique.
    pub id: String,
    /// What findings are called: `command.<class>`. None: the rule only marks commands for others.
    #[serde(default)]
    pub class: String,
    /// Percent.
    #[serde(default)]
    pub confidence: u8,
    /// What is wrong with such a command, in a few words.
    #[serde(default)]
    pub what: String,
    /// Marks that other rules ask for in `feeds` and `runs`; its class is one by itself.
    #[serde(default)]
    pub marks: Vec<String>,
    /// Programs; `mkfs*` stands for all that begin so. None: any.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Flags that must be there: `r|recursive` is either.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Flags of which none may be there.
    #[serde(default)]
    pub not_flags: Vec<String>,
    /// All of a word that is no flag.
    #[serde(default)]
    pub operand: String,
    /// Somewhere in the words, joined by blanks.
    #[serde(default)]
    pub line: String,
    /// Nowhere in the words.
    #[serde(default)]
    pub not_line: String,
    /// All of a path that is written.
    #[serde(default)]
    pub writes: String,
    /// All of a path that is read or named.
    #[serde(default)]
    pub reads: String,
    /// All of an assignment before the program.
    #[serde(default)]
    pub env: String,
    /// Somewhere in the code of an interpreter.
    #[serde(default)]
    pub code: String,
    /// Somewhere in what it reads, where that is known.
    #[serde(default)]
    pub input: String,
    /// Reads the output of a command so marked.
    #[serde(default)]
    pub feeds: Vec<String>,
    /// Runs the output of a command so marked.
    #[serde(default)]
    pub runs: Vec<String>,
    /// Somewhere in the whole text.
    #[serde(default)]
    pub text: String,
    /// Commands that must be found.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Commands that must not.
    #[serde(default)]
    pub counter_examples: Vec<String>,
    /// Where it is described.
    #[serde(default)]
    pub references: Vec<String>,
    /// Of the operator's own: takes the place of the catalogue's rule of this id.
    #[serde(default)]
    pub overrides: bool,
    /// `command.<class>`.
    #[serde(skip)]
    pub finding: String,
    /// The file it was read from.
    #[serde(skip)]
    pub source_name: String,
    #[serde(skip)]
    pub(super) compiled: Compiled,
}

/// The expressions of a rule, each compiled when it is first asked.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) operand: OnceLock<Option<Regex>>,
    pub(super) line: OnceLock<Option<Regex>>,
    pub(super) not_line: OnceLock<Option<Regex>>,
    pub(super) writes: OnceLock<Option<Regex>>,
    pub(super) reads: OnceLock<Option<Regex>>,
    pub(super) env: OnceLock<Option<Regex>>,
    pub(super) code: OnceLock<Option<Regex>>,
    pub(super) input: OnceLock<Option<Regex>>,
    pub(super) text: OnceLock<Option<Regex>>,
}

impl CommandRule {
    /// Is the text as a whole what it asks about?
    pub(super) fn is_about_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// Is it about this program?
    fn names(&self, program: &str) -> bool {
        self.programs.is_empty()
            || self.programs.iter().any(|p| p.strip_suffix('*').is_some_and(|p| program.starts_with(p)))
    }

    /// The whole expressions, and those that may stand anywhere.
    fn expressions(&mut self) -> [&mut String; 9] {
        [
            &mut self.operand,
            &mut self.writes,
            &mut self.reads,
            &mut self.env,
            &mut self.line,
            &mut self.not_line,
            &mut self.code,
            &mut self.input,
            &mut self.text,
        ]
    }

    fn check(&mut self) -> Result<(), String> {
        if self.confidence > 100 {
            return Err("a confidence is a percentage, 0 to 100".into());
        }
        if self.class.is_empty() && self.marks.is_empty() {
            return Err("needs a class, or marks for other rules".into());
        }
        let conditions = self.expressions().iter().any(|e| !e.is_empty());
        if !conditions && self.programs.is_empty() && self.feeds.is_empty() && self.runs.is_empty() {
            return Err("needs a condition".into());
        }
        if !self.class.is_empty() && (self.examples.is_empty() || self.counter_examples.is_empty()) {
            return Err("needs at least one example and one counter-example".into());
        }
        let faults: Vec<String> =
            self.expressions().iter().filter(|e| !e.is_empty()).filter_map(|e| expression(e).err()).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }
}

/// An expression over bytes.
pub(super) fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).unicode(false).build().map_err(|e| e.to_string())
}

/// The rules of a file, with their examples if `whole`.
///
/// # Errors
/// The first rule that cannot be used.
pub(super) fn file(name: &str, text: &str, whole: bool) -> Result<Vec<CommandRule>, Error> {
    let File { family, parts, mut rules } =
        if whole { yaml::parse(text, name)? } else { rules::parse_plain(text, name)? };
    let fault = |rule: &str, reason: &str| Error::Rule {
        source_name: name.to_owned(),
        rule: rule.to_owned(),
        reason: reason.to_owned(),
    };
    if family != Family::Command {
        return Err(fault("", "the family of these rules is `command`"));
    }
    let mut ids = HashSet::new();
    for rule in &mut rules {
        for expression in rule.expressions() {
            for _ in 0..4 {
                for (part, text) in &parts {
                    *expression = expression.replace(&format!("{{{{{part}}}}}"), text);
                }
            }
        }
        for whole in &mut rule.expressions()[..4] {
            if !whole.is_empty() {
                **whole = format!("^(?:{whole})$");
            }
        }
        if whole {
            rule.check().map_err(|reason| fault(&rule.id, &reason))?;
        }
        if !ids.insert(rule.id.clone()) {
            return Err(fault(&rule.id, "this id is taken"));
        }
        rule.finding = format!("command.{}", rule.class);
        rule.source_name = name.to_owned();
    }
    Ok(rules)
}
