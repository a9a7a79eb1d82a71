//! Walks a YAML tree section by section: each key is asked for by name, an environment variable wins over the file,
//! and what is wrong is gathered instead of returned. Knows no key of its own but those of later versions.

use super::field::{Field, kind};
use super::problem::{Place, Problem, meant, shown};
use super::values::{Wrong, wrong};
use super::yaml::{Key, Node, Spot, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Keys of the contract whose engine is not in this version: refused, so that nobody relies on what does nothing.
const LATER: &[&str] = &[
    "scan_commands",
    "taint_tracking",
    "strict_mode",
    "telemetry",
    "api",
    "artifacts",
    "escalate_action",
    "proxy.upstream.proxy",
];

/// One reading of one configuration.
pub(super) struct Reading {
    file: String,
    /// Dotted path → (variable, text).
    env: BTreeMap<String, (String, String)>,
    problems: RefCell<Vec<Problem>>,
    unknown: RefCell<Vec<(Key, String)>>,
    /// Keys that were asked for, and sections.
    known: RefCell<Vec<String>>,
    sections: RefCell<Vec<String>>,
    origins: RefCell<Vec<(String, Place)>>,
}

/// What a reading came to, beside the values.
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    /// Which key was set where.
    pub(super) origins: Vec<(String, Place)>,
    /// Variables that look like overrides and are none.
    pub(super) stray: Vec<String>,
}

/// One map of the file (or none at all), being read.
pub(super) struct Section<'r> {
    reading: &'r Reading,
    path: String,
    at: Spot,
    pairs: Vec<(Key, Node)>,
}

impl Reading {
    /// `env`: dotted path → (variable, text).
    pub(super) fn new(file: String, env: BTreeMap<String, (String, String)>) -> Self {
        Self {
            file,
            env,
            problems: RefCell::default(),
            unknown: RefCell::default(),
            known: RefCell::default(),
            sections: RefCell::default(),
            origins: RefCell::default(),
        }
    }

    /// The whole file.
    pub(super) fn root(&self, node: Node) -> Section<'_> {
        self.open(String::new(), node)
    }

    /// One more thing wrong.
    pub(super) fn problem(&self, place: Place, key: &str, found: Option<String>, w: Wrong) {
        let key = key.to_owned();
        self.problems.borrow_mut().push(Problem { place, key, found, what: w.what, instead: w.instead });
    }

    /// Where a key was set, if it was.
    pub(super) fn place_of(&self, path: &str) -> Option<Place> {
        self.origins.borrow().iter().find(|(p, _)| p == path).map(|(_, place)| place.clone())
    }

    /// A place in the file.
    pub(super) fn in_file(&self, at: Spot) -> Place {
        Place::File { name: self.file.clone(), at }
    }

    /// Ends the reading. Unknown keys are judged only now, when all known ones have been asked for.
    pub(super) fn finish(self) -> Findings {
        let known = self.known.borrow();
        let all: Vec<String> = known.iter().chain(self.sections.borrow().iter()).cloned().collect();
        for (key, section) in self.unknown.borrow().iter() {
            let path = join(section, &key.text);
            let w = unknown_key(&path, &key.text, section, &all);
            self.problem(self.in_file(key.at), &shown(&path), None, w);
        }
        let stray = self
            .env
            .iter()
            .filter(|(path, _)| !known.contains(path))
            .map(|(path, (var, _))| match meant(path, known.iter().map(String::as_str)) {
                Some(k) => format!(
                    "{var} is not a configuration key and has no effect; did you mean {}?",
                    variable(k)
                ),
                None => format!("{var} is not a configuration key and has no effect"),
            })
            .collect();
        let mut problems = self.problems.take();
        problems.sort_by_key(|p| match &p.place {
            Place::File { at, .. } => (0, *at),
            Place::Env(_) => (1, Spot::default()),
        });
        Findings { problems, origins: self.origins.take(), stray }
    }

    fn open(&self, path: String, node: Node) -> Section<'_> {
        let at = node.at;
        let mut pairs: Vec<(Key, Node)> = Vec::new();
        match node.value {
            Value::Map(all) => {
                for (key, value) in all {
                    match pairs.iter().find(|(k, _)| k.text == key.text) {
                        None => pairs.push((key, value)),
                        Some((first, _)) => {
                            let what = format!("is given twice; the first is in line {}", first.at.line);
                            let w = Wrong { what, instead: "keep one of them".into() };
                            self.problem(self.in_file(key.at), &shown(&join(&path, &key.text)), None, w);
                        }
                    }
                }
            }
            Value::Null => {}
            other => {
                let w = Wrong {
                    what: format!("is {}, not a section", kind(&other)),
                    instead: "write `key: value` lines".into(),
                };
                self.problem(self.in_file(at), &path, None, w);
            }
        }
        Section { reading: self, path, at, pairs }
    }
}

/// The variable that sets this key.
pub(super) fn variable(path: &str) -> String {
    format!("KATANA_{}", path.replace('.', "__").to_ascii_uppercase())
}

fn unknown_key(path: &str, key: &str, section: &str, known: &[String]) -> Wrong {
    if LATER.contains(&path) {
        return Wrong {
            what: "is not in this version: nothing would act on it".into(),
            instead: "remove it".into(),
        };
    }
    let here = |k: &&String| k.rsplit_once('.').map_or("", |(s, _)| s) == section;
    let siblings = || known.iter().filter(here).map(|k| k.rsplit('.').next().unwrap_or(k));
    let elsewhere = known.iter().find(|k| k.rsplit('.').next() == Some(key) && !k.contains("[]"));
    let instead = match (meant(key, siblings()), elsewhere) {
        (Some(k), _) => format!("did you mean `{k}`?"),
        (None, Some(k)) => format!("did you mean `{k}`?"),
        (None, None) => format!("known here: {}", siblings().collect::<Vec<_>>().join(", ")),
    };
    Wrong { what: "is not a key".into(), instead }
}

impl<'r> Section<'r> {
    /// Where the section begins.
    pub(super) fn place(&self) -> Place {
        self.reading.in_file(self.at)
    }

    /// One more thing wrong with the section as a whole.
    pub(super) fn problem(&self, w: Wrong) {
        self.reading.problem(self.place(), &self.path, None, w);
    }

    /// The section below `key`, empty when there is none.
    pub(super) fn section(&mut self, key: &str) -> Section<'r> {
        let path = join(&self.path, key);
        self.reading.sections.borrow_mut().push(path.clone());
        let node = self.pull(key).unwrap_or(Node { at: self.at, value: Value::Null });
        self.reading.open(path, node)
    }

    /// What was written for `key`; the environment wins.
    pub(super) fn field(&mut self, key: &str) -> Option<Field> {
        let path = join(&self.path, key);
        self.reading.known.borrow_mut().push(pattern(&path));
        let variable = self.reading.env.get(&path);
        self.pick(key, path, variable)
    }

    /// What the file has for `key`: for lists of sections, which no variable can hold.
    pub(super) fn field_in_file(&mut self, key: &str) -> Option<Field> {
        let path = join(&self.path, key);
        self.reading.sections.borrow_mut().push(pattern(&path));
        self.pick(key, path, None)
    }

    fn pick(&mut self, key: &str, path: String, variable: Option<&(String, String)>) -> Option<Field> {
        let written = self.pull(key);
        let field = match variable {
            Some((var, text)) => {
                Field { place: Place::Env(var.clone()), path, value: Value::Text(text.clone()) }
            }
            None => {
                let node = written?;
                Field { place: self.reading.in_file(node.at), path, value: node.value }
            }
        };
        self.reading.origins.borrow_mut().push((field.path.clone(), field.place.clone()));
        if field.value == Value::Null {
            let w = wrong::<()>("has no value", "write one, or remove the line for the default");
            self.refuse(&field, false, w);
            return None;
        }
        Some(field)
    }

    /// One value, or its default when it is not written or wrong.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        default: T,
        parse: impl FnOnce(&Field) -> Result<T, Wrong>,
    ) -> T {
        self.read_as(key, true, parse).unwrap_or(default)
    }

    /// One value; `show`: it may stand in a message.
    pub(super) fn read_as<T>(
        &mut self,
        key: &str,
        show: bool,
        parse: impl FnOnce(&Field) -> Result<T, Wrong>,
    ) -> Option<T> {
        let field = self.field(key)?;
        let read = parse(&field);
        self.refuse(&field, show, read)
    }

    /// A list: in the environment, separated by commas.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&Field) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let field = self.field(key)?;
        self.items(&field)
            .map(|items| items.iter().filter_map(|item| self.refuse(item, true, parse(item))).collect())
    }

    /// The items of a field that should be a list.
    pub(super) fn items(&self, field: &Field) -> Option<Vec<Field>> {
        let item =
            |i: usize, place: Place, value| Field { place, path: format!("{}[{i}]", field.path), value };
        match (&field.value, &field.place) {
            (Value::List(nodes), _) => Some(
                nodes
                    .iter()
                    .enumerate()
                    .map(|(i, n)| item(i, self.reading.in_file(n.at), n.value.clone()))
                    .collect(),
            ),
            (Value::Text(text), Place::Env(_)) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .enumerate()
                    .map(|(i, t)| item(i, field.place.clone(), Value::Text(t.to_owned())))
                    .collect(),
            ),
            _ => {
                self.refuse(
                    field,
                    true,
                    wrong::<()>("is not a list", "write [one, two], or one `- item` a line"),
                );
                None
            }
        }
    }

    /// A map inside a list, as a section of its own; anything else is wrong.
    pub(super) fn open(&self, item: &Field) -> Option<Section<'r>> {
        let Value::Map(_) = item.value else {
            let what = format!("is {}, not a section", kind(&item.value));
            self.refuse::<()>(item, false, wrong(what, "write `key: value` lines"));
            return None;
        };
        let at = match item.place {
            Place::File { at, .. } => at,
            Place::Env(_) => Spot::default(),
        };
        Some(self.reading.open(item.path.clone(), Node { at, value: item.value.clone() }))
    }

    /// Gathers what went wrong with a field.
    pub(super) fn refuse<T>(&self, field: &Field, show: bool, read: Result<T, Wrong>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(w) => {
                let found = if show { field.shown() } else { None };
                self.reading.problem(field.place.clone(), &field.path, found, w);
                None
            }
        }
    }

    /// Ends the section: whatever nobody asked for is unknown.
    pub(super) fn finish(self) {
        let path = pattern(&self.path);
        self.reading.unknown.borrow_mut().extend(self.pairs.into_iter().map(|(key, _)| (key, path.clone())));
    }

    fn pull(&mut self, key: &str) -> Option<Node> {
        let at = self.pairs.iter().position(|(k, _)| k.text == key)?;
        Some(self.pairs.remove(at).1)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// `credentials[3].slot` → `credentials[].slot`: all items of a list have the same keys.
fn pattern(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            out.push(c);
        }
    }
    out
}
