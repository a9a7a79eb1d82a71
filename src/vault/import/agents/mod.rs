//! The files in which the usual agents and their tools keep credentials: found where they lie, read by the rows of the
//! table, each value with the name it would have in the vault.

mod syntax;
mod table;

use super::{Class, Error, Find, Form, Origin, Reading, SourceFile, Spot, env_file, names};
use crate::base::secret::Secret;
use crate::vault::Providers;
use data_encoding::BASE64;
use std::path::{Path, PathBuf};
use syntax::{Leaf, Syntax, leaves};
use table::{KNOWN, Known, Rule, Take};

/// Where to look.
pub struct Places<'a> {
    /// The home directory.
    pub home: PathBuf,
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<PathBuf>,
}

/// What stands for the only one: its name needs no ending.
const USUAL: &[&str] = &["default", "github.com", "gitlab.com", "pypi"];
const REFERS: Class = Class::Plain("it refers to something that is not worked out here");

/// Every file that is there. One that cannot be read, or is not safe to, is among the second; it stops nothing.
#[must_use]
pub fn agents(places: &Places<'_>, providers: &Providers) -> (Vec<Reading>, Vec<Error>) {
    let (mut readings, mut wrong) = (Vec::new(), Vec::new());
    let mut seen: Vec<PathBuf> = Vec::new();
    for known in KNOWN {
        let Some(path) = known.path(places).filter(|p| !seen.contains(p)) else { continue };
        let read = match known.syntax {
            Syntax::Env => env_file(&path, known.program, providers),
            _ => known.read(&path, providers),
        };
        match read {
            Err(Error::Missing(_)) => continue,
            Err(e) => wrong.push(e),
            Ok(reading) => readings.push(reading),
        }
        seen.push(path);
    }
    (readings, wrong)
}

impl Known {
    fn path(&self, places: &Places<'_>) -> Option<PathBuf> {
        let moved = Some(self.moved_by).filter(|v| !v.is_empty()).and_then(places.variable);
        // a variable that names the file itself has nothing to add to it
        let whole = |base: PathBuf| if self.file.is_empty() { base } else { base.join(self.file) };
        match moved.filter(|p| p.is_absolute()) {
            Some(base) => Some(whole(base)),
            None if self.folder.is_empty() && self.file.is_empty() => None,
            None => Some(whole(places.home.join(self.folder))),
        }
    }

    fn read(&self, path: &Path, providers: &Providers) -> Result<Reading, Error> {
        let file = SourceFile::read(path)?;
        let wrong = |line, why: String| Error::Syntax { path: path.to_owned(), line, why };
        let text = std::str::from_utf8(file.bytes()).map_err(|_| wrong(0, "it is no text".into()))?;
        let leaves = leaves(text, self.syntax).map_err(|(line, why)| wrong(line, why))?;
        let mut finds = Vec::new();
        for rule in self.rules {
            let met: Vec<(&Leaf, Vec<&str>)> =
                leaves.iter().filter_map(|l| Some((l, matched(rule.0, &l.path)?))).collect();
            let first = met.first().map(|(_, stars)| stars.clone()).unwrap_or_default();
            let only = met.iter().all(|(_, stars)| *stars == first);
            for (leaf, stars) in &met {
                finds.extend(rule.find(leaf, stars, only, &leaves, text, providers));
            }
        }
        finds.sort_by_key(|f: &Find| f.spot.as_ref().map_or(0, |s| s.range.start));
        let open = file.is_open().then(|| "others can read it".to_owned());
        Ok(Reading {
            origin: Origin::File { program: self.program, file },
            finds,
            notes: open.into_iter().collect(),
        })
    }
}

/// What the stars of the pattern stand for, if it fits.
fn matched<'a>(pattern: &[&str], path: &'a [String]) -> Option<Vec<&'a str>> {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => Some(Vec::new()),
        (Some((&"**", rest)), _) => (0..=path.len()).find_map(|n| matched(rest, &path[n..])),
        (Some((first, rest)), Some((key, behind))) => {
            let star = match first.strip_prefix('*') {
                Some(end) if key.ends_with(end) => Some(key.as_str()),
                None if first == key => None,
                _ => return None,
            };
            let mut stars = matched(rest, behind)?;
            stars.splice(0..0, star);
            Some(stars)
        }
        _ => None,
    }
}

impl Rule {
    fn find(
        &self,
        leaf: &Leaf,
        stars: &[&str],
        only: bool,
        leaves: &[Leaf],
        text: &str,
        providers: &Providers,
    ) -> Option<Find> {
        let part = Part::of(self.1, leaf, text)?;
        let name = match &part.name {
            Some(name) => name.clone(),
            None => self.name(stars, only, leaf, leaves),
        };
        let refers =
            ["${", "{env:", "{file:"].iter().any(|r| part.value.contains(r)) || part.value.starts_with('$');
        let class = match self.1 {
            _ if refers => REFERS,
            Take::ByName | Take::Variable => names::class(&name, part.value.as_bytes(), providers),
            Take::Header => names::class(stars.last().unwrap_or(&""), part.value.as_bytes(), providers),
            _ if part.value.is_empty() => Class::Plain("it is empty"),
            Take::Renewed => Class::Renewed,
            _ => Class::Secret,
        };
        let called = if leaf.path.is_empty() {
            name.clone()
        } else {
            leaf.path.join(".").trim_matches('.').to_owned()
        };
        let (range, form) = match (part.range, part.form) {
            (Some(range), form) => (range, form),
            (None, Form::Never(why)) => (0..0, Form::Never(why)),
            (None, _) => (0..0, Form::Never("it is written with escapes or over several lines")),
        };
        let spot = Some(Spot { line: leaf.line, range, form });
        Some(Find { called, name, value: Secret::from(part.value.as_str()), class, spot, expires: None })
    }

    fn name(&self, stars: &[&str], only: bool, leaf: &Leaf, leaves: &[Leaf]) -> String {
        let mut out = String::new();
        let mut rest = self.2;
        while let Some((before, behind)) = rest.split_once('{') {
            out.push_str(before);
            let (what, after) = behind.split_once('}').unwrap_or((behind, ""));
            rest = after;
            let star = |n: &str| stars.get(n.parse::<usize>().ok()?.checked_sub(1)?).copied();
            match (what, what.strip_prefix('?')) {
                ("host", _) => out.push_str(&of_host(stars.first().unwrap_or(&""))),
                (_, Some(n)) => {
                    let star = star(n).unwrap_or_default();
                    if !only && !USUAL.contains(&star) {
                        out.push('_');
                        out.push_str(&ending(star));
                    }
                }
                (n, None) => match star(n) {
                    // a variable's own name stays as it is
                    Some(star) if matches!(self.1, Take::ByName) => out.push_str(star),
                    Some(star) => out.push_str(&names::upper(star)),
                    None => out.push_str(&names::upper(&beside(leaf, leaves, what))),
                },
            }
        }
        out.push_str(rest);
        out
    }
}

/// The text under another key of the same map.
fn beside(leaf: &Leaf, leaves: &[Leaf], key: &str) -> String {
    let Some((_, map)) = leaf.path.split_last() else { return String::new() };
    let sibling =
        leaves.iter().find(|l| l.path.split_last().is_some_and(|(last, rest)| last == key && rest == map));
    sibling.map_or_else(|| "model".into(), |l| l.value.to_string())
}

fn of_host(host: &str) -> String {
    names::of_host(host).map_or_else(|| format!("{}_PASSWORD", names::upper(host)), str::to_owned)
}

/// A key that npm writes as `//host/path/:_authToken` ends in the host and path alone.
fn ending(star: &str) -> String {
    let star = star.split(":_").next().unwrap_or(star);
    names::upper(star.trim_start_matches("https://").trim_matches('/'))
}

/// What of a text is the secret, and how a placeholder is written there.
struct Part {
    value: zeroize::Zeroizing<String>,
    range: Option<std::ops::Range<usize>>,
    form: Form,
    name: Option<String>,
}

impl Part {
    fn of(take: Take, leaf: &Leaf, text: &str) -> Option<Self> {
        let whole = &*leaf.value;
        let tail = |from: usize, name: Option<String>| Self {
            value: whole[from..].to_owned().into(),
            range: leaf.range.clone().map(|r| r.start + from..r.end),
            form: Form::Plain,
            name,
        };
        match take {
            Take::Secret | Take::Renewed | Take::ByName => Some(tail(0, None)),
            Take::Header => {
                let scheme =
                    ["Bearer ", "bearer ", "token ", "Token "].iter().find(|s| whole.starts_with(**s));
                Some(tail(scheme.map_or(0, |s| s.len()), None))
            }
            Take::ProviderPair => {
                let (provider, _) = whole.split_once('=')?;
                Some(tail(provider.len() + 1, Some(format!("{}_API_KEY", names::upper(provider)))))
            }
            Take::Variable => {
                let (name, _) = whole.split_once('=')?;
                Some(tail(name.len() + 1, Some(name.trim().to_owned())))
            }
            Take::Basic => {
                let plain = String::from_utf8(BASE64.decode(whole.as_bytes()).ok()?).ok()?;
                let plain = zeroize::Zeroizing::new(plain);
                let (user, secret) = plain.split_once(':')?;
                let form = Form::Basic(user.to_owned());
                Some(Self { value: secret.to_owned().into(), range: leaf.range.clone(), form, name: None })
            }
            Take::Base64 => {
                let plain = String::from_utf8(BASE64.decode(whole.as_bytes()).ok()?).ok()?;
                Some(Self { value: plain.into(), range: leaf.range.clone(), form: Form::Base64, name: None })
            }
            Take::Url => {
                let (_, _, at) = syntax::git::userinfo(whole)?;
                let value =
                    percent_encoding::percent_decode_str(&whole[at.clone()]).decode_utf8_lossy().into_owned();
                let range = leaf.range.clone().map(|r| r.start + at.start..r.start + at.end);
                Some(Self { value: value.into(), range, form: Form::Plain, name: None })
            }
            Take::Whole => {
                let form = Form::Never("the whole file is one document, and a placeholder is none");
                Some(Self { value: text.to_owned().into(), range: None, form, name: None })
            }
        }
    }
}

#[cfg(test)]
mod tests;
