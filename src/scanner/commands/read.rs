//! Rules for commands: YAML to checked rules.

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
static RULES: LazyLock<Book> = LazyLock::new(|| read(CATALOGUE.iter().copied(), false).unwrap_or_default());

/// All rules for commands, with their examples, in the order of their files.
///
/// # Errors
/// None, unless the program was built with broken rules.
pub fn rules() -> Result<Vec<CommandRule>, Error> {
    read(CATALOGUE.iter().copied(), true).map(|book| book.rules)
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

/// Is this a file of rules for commands as the program has them? How many rules it has, and everything wrong with them.
#[must_use]
pub fn check(name: &str, text: &str) -> (usize, Vec<String>) {
    // they ask what the others found
    let own = |path: &str| name.rsplit('/').next() == path.rsplit('/').next();
    let others = CATALOGUE.iter().copied().filter(|(path, _)| !own(path));
    let book = match read(others.chain([(name, text)]), true) {
        Ok(book) => book,
        Err(why) => return (0, vec![why.to_string()]),
    };
    let mut wrong = Vec::new();
    let mine = || book.rules.iter().filter(|r| r.source_name == name);
    for rule in mine() {
        let finds = |text: &str| super::found_by(&book, text).iter().any(|id| *id == rule.id);
        let missed =
            rule.examples.iter().filter(|e| !finds(e)).map(|e| format!("does not find its example {e:?}"));
        let found = rule
            .counter_examples
            .iter()
            .filter(|e| finds(e))
            .map(|e| format!("finds its counter-example {e:?}"));
        wrong.extend(missed.chain(found).map(|why| format!("{name}: rule {}: {why}", rule.id)));
    }
    (mine().count(), wrong)
}

/// An expression over bytes.
pub(super) fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).unicode(false).build().map_err(|e| e.to_string())
}

/// Reads rule files: `(name, YAML)` each.
///
/// # Errors
/// The first rule that cannot be used.
pub(super) fn read<'a>(
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
    whole: bool,
) -> Result<Book, Error> {
    let mut book = Book::default();
    let mut ids = HashSet::new();
    for (name, text) in sources {
        let file: File = if whole { yaml::parse(text, name)? } else { rules::parse_plain(text, name)? };
        let fault = |rule: &str, reason: &str| Error::Rule {
            source_name: name.to_owned(),
            rule: rule.to_owned(),
            reason: reason.to_owned(),
        };
        if file.family != Family::Command {
            return Err(fault("", "the family of these rules is `command`"));
        }
        for mut rule in file.rules {
            for expression in rule.expressions() {
                for _ in 0..4 {
                    for (part, text) in &file.parts {
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
            let number = book.rules.len();
            if rule.is_about_text() {
            } else if rule.programs.is_empty() || rule.programs.iter().any(|p| p.ends_with('*')) {
                book.others.push(number);
            }
            for program in rule.programs.iter().filter(|p| !p.ends_with('*')) {
                book.by_program.entry(program.clone()).or_default().push(number);
            }
            book.rules.push(rule);
        }
    }
    Ok(book)
}
