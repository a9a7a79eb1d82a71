//! What will happen to each value that was found: decided whole before anything is written, from the sources, the vault as
//! it is, and what the person chose.

use super::{Class, Error, Form, Reading, names};
use crate::base::clock::Timestamp;
use crate::vault::value;
use crate::vault::{Held, Name};
use std::collections::HashMap;

/// What the person chose.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Take what is taken for no secret, too.
    pub all: bool,
    /// Values over those that the vault has.
    pub overwrite: bool,
    /// Values of fewer than [`value::SHORT`] bytes.
    pub allow_short: bool,
    /// Only these, by the source's name or the vault's; empty: all.
    pub only: Vec<String>,
    /// `(source's name, vault's name)`.
    pub names: Vec<(String, Name)>,
}

/// One row for each value found.
#[derive(Debug)]
pub struct Plan {
    /// In the order of the sources.
    pub rows: Vec<Row>,
}

/// What becomes of one value.
#[derive(Debug)]
pub struct Row {
    /// Which reading.
    pub reading: usize,
    /// Which find in it.
    pub find: usize,
    /// Its name in the vault.
    pub name: Name,
    /// What is done.
    pub fate: Fate,
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A new entry.
    New,
    /// A new value for an entry that is there.
    Over,
    /// The vault, or an earlier row, has just this value under this name.
    Same,
    /// Not taken; says why.
    Skip(String),
}

impl Fate {
    /// Is the value in the vault when all is done?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::Skip(_))
    }
}

/// Decides.
///
/// # Errors
/// [`Error::Names`] when `--name` or `--only` names nothing, or a name was given to two values.
pub fn plan(readings: &[Reading], held: &[Held], choice: &Choice) -> Result<Plan, Error> {
    let finds = || readings.iter().flat_map(|r| &r.finds);
    let asked = choice.names.iter().map(|(old, _)| old).chain(&choice.only);
    for name in asked {
        if !finds().any(|f| f.called == *name || f.name == *name) {
            return Err(Error::Names(format!("nothing that was found is called {name}")));
        }
    }
    let mut taken: HashMap<Name, (usize, usize)> = HashMap::new();
    let mut rows = Vec::new();
    for (reading, source) in readings.iter().enumerate() {
        let mut of_source = Vec::with_capacity(source.finds.len());
        // a file that says a name twice means the last one: that one keeps the plain name
        for (find, found) in source.finds.iter().enumerate().rev() {
            let by = |n: &str| found.called == n || found.name == n;
            let given = choice.names.iter().find(|(old, _)| by(old)).map(|(_, new)| new.clone());
            let wanted = choice.only.is_empty() || choice.only.iter().any(|o| by(o));
            let plain = name(&found.name)?;
            let mut name = given.clone().unwrap_or(plain);
            let mut fate = match unfit(found, held, choice, given.is_some(), wanted) {
                Some(why) => Fate::Skip(why),
                None => against(&name, found, held, choice),
            };
            if fate.is_kept() {
                let same = |at: &(usize, usize)| readings[at.0].finds[at.1].value == found.value;
                let mut n = 2;
                let first = name.clone();
                while let Some(at) = taken.get(&name) {
                    if same(at) {
                        fate = Fate::Same;
                        break;
                    }
                    if given.is_some() {
                        return Err(Error::Names(format!("two values would be called {name}")));
                    }
                    name =
                        Name::parse(&format!("{}_{n}", first.as_str().get(..120).unwrap_or(first.as_str())))?;
                    fate = against(&name, found, held, choice);
                    n += 1;
                }
                if fate.is_kept() {
                    taken.entry(name.clone()).or_insert((reading, find));
                }
            }
            of_source.push(Row { reading, find, name, fate });
        }
        of_source.reverse();
        rows.extend(of_source);
    }
    Ok(Plan { rows })
}

/// The name as the vault takes it; katana's own names are nobody else's.
fn name(text: &str) -> Result<Name, Error> {
    let text = names::fitting(text);
    Name::parse(&text).or_else(|_| Name::parse(&format!("_{text:.120}"))).map_err(Error::from)
}

/// Why a value is not taken, whatever the vault has.
fn unfit(found: &super::Find, held: &[Held], choice: &Choice, given: bool, wanted: bool) -> Option<String> {
    if !wanted {
        return Some("not among --only".into());
    }
    let placeholder = |h: &Held| {
        let aliases = h.aliases.iter().map(|a| &a.placeholder);
        aliases.chain([&h.placeholder]).any(|p| p.as_bytes() == found.value.expose())
    };
    if held.iter().any(placeholder) {
        return Some("it is a placeholder already".into());
    }
    let chosen = choice.all || given || !choice.only.is_empty();
    match found.class {
        Class::Plain(why) if !chosen => return Some(why.into()),
        Class::Renewed if !chosen => {
            return Some(
                "its program renews it by itself, so what was kept would soon be dead; --all takes it".into(),
            );
        }
        _ => {}
    }
    if let Some(end) = found.expires.filter(|t| *t <= Timestamp::now()) {
        return Some(format!("it expired at {end}"));
    }
    value::check(&found.value, found.is_document(), choice.allow_short).err().map(|e| e.to_string())
}

fn against(name: &Name, found: &super::Find, held: &[Held], choice: &Choice) -> Fate {
    match held.iter().find(|h| *h.name == *name.as_str()) {
        None => Fate::New,
        Some(h) if h.value == found.value => Fate::Same,
        Some(_) if choice.overwrite => Fate::Over,
        Some(_) => Fate::Skip("the vault has another value of that name; --overwrite replaces it".into()),
    }
}

impl Plan {
    /// Rows whose value can be replaced in their file, and rows whose value cannot, with the reason.
    pub(super) fn places<'a>(
        &'a self,
        readings: &'a [Reading],
    ) -> (Vec<&'a Row>, Vec<(&'a Row, &'static str)>) {
        let (mut can, mut cannot) = (Vec::new(), Vec::new());
        for row in self.rows.iter().filter(|r| r.fate.is_kept()) {
            let find = &readings[row.reading].finds[row.find];
            match find.spot.as_ref().map(|s| &s.form) {
                None => {}
                Some(Form::Never(why)) => cannot.push((row, *why)),
                Some(_) if find.is_document() => {
                    cannot.push((row, "a document's placeholder is put in nowhere"));
                }
                Some(_) => can.push(row),
            }
        }
        (can, cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::vault::import::{Find, Origin};

    fn find(name: &str, value: &str, class: Class) -> Find {
        Find { called: name.into(), name: name.into(), value: value.into(), class, spot: None, expires: None }
    }

    fn reading(finds: Vec<Find>) -> Reading {
        Reading { origin: Origin::Environment, finds, notes: Vec::new() }
    }

    fn fates(readings: &[Reading], held: &[Held], choice: &Choice) -> Vec<(String, &'static str)> {
        let word = |f: &Fate| match f {
            Fate::New => "new",
            Fate::Over => "over",
            Fate::Same => "same",
            Fate::Skip(_) => "skip",
        };
        let rows = plan(readings, held, choice).unwrap().rows;
        rows.iter().map(|r| (r.name.to_string(), word(&r.fate))).collect()
    }

    fn pairs(want: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        want.iter().map(|(n, f)| ((*n).to_owned(), *f)).collect()
    }

    #[test]
    fn secrets_are_taken_and_the_rest_only_when_asked() {
        let held = [Held::new("OLD", Secret::from("old-value"), "katana_placeholder")];
        let readings = [reading(vec![
            find("A", "aaaaaaaa", Class::Secret),
            find("B", "bbbbbbbb", Class::Plain("no")),
            find("C", "cccccccc", Class::Renewed),
            find("D", "short", Class::Secret),
            find("E", "katana_placeholder", Class::Secret),
            find("F", "two\nlines", Class::Secret),
        ])];
        let mut choice = Choice::default();
        let all = |c: &Choice| fates(&readings, &held, c).into_iter().map(|f| f.1).collect::<Vec<_>>();
        assert_eq!(all(&choice), ["new", "skip", "skip", "skip", "skip", "new"]);
        choice.all = true;
        assert_eq!(all(&choice), ["new", "new", "new", "skip", "skip", "new"]);
        choice.allow_short = true;
        assert_eq!(all(&choice), ["new", "new", "new", "new", "skip", "new"]);
        let only = Choice { only: vec!["B".into()], ..Choice::default() };
        assert_eq!(all(&only), ["skip", "new", "skip", "skip", "skip", "skip"]);
        let none = Choice { only: vec!["Z".into()], ..Choice::default() };
        assert_eq!(plan(&readings, &held, &none).unwrap_err().code(), "import_names");
    }

    #[test]
    fn what_the_vault_has_stays_without_overwrite() {
        let held = [
            Held::new("A", Secret::from("aaaaaaaa"), "p1p1p1p1"),
            Held::new("B", Secret::from("another-b"), "p2p2p2p2"),
        ];
        let readings =
            [reading(vec![find("A", "aaaaaaaa", Class::Secret), find("B", "bbbbbbbb", Class::Secret)])];
        let mut choice = Choice::default();
        assert_eq!(fates(&readings, &held, &choice), pairs(&[("A", "same"), ("B", "skip")]));
        choice.overwrite = true;
        assert_eq!(fates(&readings, &held, &choice), pairs(&[("A", "same"), ("B", "over")]));
    }

    #[test]
    fn one_name_for_two_values_and_two_names_for_one() {
        let readings = [
            reading(vec![
                find("A", "first-in-file", Class::Secret),
                find("A", "last-in-file", Class::Secret),
            ]),
            reading(vec![find("A", "last-in-file", Class::Secret), find("A b", "bbbbbbbb", Class::Secret)]),
        ];
        let want = pairs(&[("A_2", "new"), ("A", "new"), ("A", "same"), ("A_b", "new")]);
        assert_eq!(fates(&readings, &[], &Choice::default()), want);
        let to =
            |name| Choice { names: vec![("A b".into(), Name::parse(name).unwrap())], ..Choice::default() };
        assert_eq!(fates(&readings, &[], &to("Z"))[3], ("Z".into(), "new"));
        let both = Choice { names: vec![("A".into(), Name::parse("Z").unwrap())], ..Choice::default() };
        assert_eq!(plan(&readings, &[], &both).unwrap_err().code(), "import_names");
    }

    #[test]
    fn what_has_expired_is_not_taken() {
        let mut old = find("A", "aaaaaaaa", Class::Secret);
        old.expires = Some(Timestamp(1000));
        let mut good = find("B", "bbbbbbbb", Class::Secret);
        good.expires = Some(Timestamp(i64::MAX));
        let all = Choice { all: true, ..Choice::default() };
        assert_eq!(fates(&[reading(vec![old, good])], &[], &all), pairs(&[("A", "skip"), ("B", "new")]));
    }
}
