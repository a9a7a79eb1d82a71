//! The allow-list: what an operator has looked at and lets pass. Each entry says why, may end by itself, and counts what it let
//! through. Values are named by their hash, so that the list holds no secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use crate::config::yaml::{self, Node, Spot, Value};

/// What may pass.
#[derive(Debug, Default)]
pub struct AllowList {
    entries: Vec<Allowance>,
}

/// One entry.
#[derive(Debug)]
pub struct Allowance {
    /// Which rules; `*` for parts of a name.
    pub rule: Glob,
    /// On the way to or from which hosts; none: all.
    pub host: Option<HostPattern>,
    /// Of which tools; none: all, and what is no tool's.
    pub tool: Option<Glob>,
    /// SHA-256 of the value; none: any.
    value: Option<[u8; 32]>,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// Why.
    pub reason: Arc<str>,
    hits: AtomicU64,
}

impl Allowance {
    /// How often it has let something through.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// What it lets pass, in one clause.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = self.rule.as_str().to_owned();
        if let Some(host) = &self.host {
            text = format!("{text} at {host}");
        }
        if let Some(tool) = &self.tool {
            text = format!("{text} of {}", tool.as_str());
        }
        if self.value.is_some() {
            text += " for one value";
        }
        text
    }

    /// Does it let through what this one does?
    fn is_same(&self, other: &Allowance) -> bool {
        (self.describe(), self.value) == (other.describe(), other.value)
    }

    /// Has its time come?
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.expires.is_some_and(|at| at <= Timestamp::now())
    }
}

const KEYS: &str = "rule, host, tool, value, expires, reason";

impl AllowList {
    /// Reads a list.
    ///
    /// # Errors
    /// Everything wrong with it, each with its place.
    pub fn parse(text: &str, name: &str) -> Result<AllowList, Vec<String>> {
        let root = yaml::tree(text, name).map_err(|e| vec![e.to_string()])?;
        let mut reader = Reader { name, wrong: Vec::new() };
        let mut entries = Vec::new();
        for (key, node) in reader.map(&root, "the file") {
            if key.0 != "allow" {
                reader.say(key.1, &format!("`{}` is no key here: write `allow:` and a list", key.0));
                continue;
            }
            match &node.value {
                Value::List(items) => entries.extend(items.iter().filter_map(|i| reader.entry(i))),
                _ => reader.say(node.at, "`allow` is a list of entries"),
            }
        }
        if reader.wrong.is_empty() { Ok(AllowList { entries }) } else { Err(reader.wrong) }
    }

    /// The entries, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Allowance] {
        &self.entries
    }

    /// The entries that `old` does not have.
    #[must_use]
    pub fn gained_from(&self, old: &AllowList) -> Vec<String> {
        let new = self.entries.iter().filter(|e| !old.entries.iter().any(|o| o.is_same(e)));
        new.map(Allowance::describe).collect()
    }

    /// The reason of the first entry that lets it pass. Counts it.
    pub(super) fn passes(
        &self,
        rule: &str,
        host: Option<&Host>,
        tool: Option<&str>,
        value: &[u8],
    ) -> Option<Arc<str>> {
        let fits = |e: &&Allowance| {
            e.rule.matches(rule)
                && e.host.as_ref().is_none_or(|p| host.is_some_and(|h| p.matches(h)))
                && e.tool.as_ref().is_none_or(|p| tool.is_some_and(|t| p.matches(t)))
                && e.value.is_none_or(|hash| <[u8; 32]>::from(Sha256::digest(value)) == hash)
                && !e.has_expired()
        };
        let entry = self.entries.iter().find(fits)?;
        entry.hits.fetch_add(1, Relaxed);
        Some(Arc::clone(&entry.reason))
    }
}

struct Reader<'a> {
    name: &'a str,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn say(&mut self, at: Spot, what: &str) {
        self.wrong.push(format!("{}:{}:{}: {what}", self.name, at.line, at.column));
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Vec<((&'n str, Spot), &'n Node)> {
        let Value::Map(pairs) = &node.value else {
            self.say(node.at, &format!("{what} is no `key: value` section"));
            return Vec::new();
        };
        pairs.iter().map(|(k, v)| ((k.text.as_str(), k.at), v)).collect()
    }

    fn entry(&mut self, node: &Node) -> Option<Allowance> {
        let before = self.wrong.len();
        let mut seen = Vec::new();
        let (mut rule, mut host, mut tool, mut value, mut expires, mut reason) = Default::default();
        for ((key, at), node) in self.map(node, "an entry") {
            if seen.contains(&key) {
                self.say(at, &format!("`{key}` stands there twice"));
            }
            seen.push(key);
            let Value::Text(text) = &node.value else {
                self.say(node.at, &format!("`{key}` takes a text"));
                continue;
            };
            let wrong = match key {
                "rule" => {
                    rule = Some(Glob::new(text));
                    None
                }
                "tool" => {
                    tool = Some(Glob::new(text));
                    None
                }
                "host" => HostPattern::parse(text).map(|h| host = Some(h)).err().map(|e| e.to_string()),
                "value" => hash(text).map(|h| value = Some(h)).err().map(Into::into),
                "expires" => moment(text).map(|t| expires = Some(t)).err().map(Into::into),
                "reason" => {
                    reason = Some(text.trim()).filter(|r| !r.is_empty()).map(Arc::from);
                    None
                }
                _ => Some(format!("`{key}` is no key of an entry; there are {KEYS}")),
            };
            wrong.into_iter().for_each(|w| self.say(node.at, &w));
        }
        if reason.is_none() {
            self.say(node.at, "lacks `reason`: say why this may pass");
        }
        if rule.is_none() && value.is_none() {
            self.say(node.at, "lacks `rule` or `value`: say what may pass (`rule: \"*\"` for everything)");
        }
        let rule = rule.unwrap_or_else(|| Glob::new("*"));
        (self.wrong.len() == before).then(|| Allowance {
            rule,
            host,
            tool,
            value,
            expires,
            reason: reason.unwrap_or_else(|| "".into()),
            hits: AtomicU64::new(0),
        })
    }
}

fn hash(text: &str) -> Result<[u8; 32], &'static str> {
    const HINT: &str = "write `sha256:` and 64 hexadecimal digits: printf %s VALUE | sha256sum";
    let digits = text.strip_prefix("sha256:").ok_or(HINT)?;
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| HINT)?;
    bytes.try_into().map_err(|_| HINT)
}

/// A day, to its beginning, or a point in time.
fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00.000Z") } else { text.to_owned() };
    Timestamp::parse(&whole).ok_or("write a day (2027-01-31) or a point in time (2027-01-31T12:00:00.000Z)")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "
allow:
  - rule: github.*
    host: '*.build.test'
    reason: the runner's own token
  - rule: injection.*
    tool: read_article
    expires: 2999-01-01
    reason: articles on attacks
  - value: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    reason: a greeting
  - rule: old.one
    expires: 2001-01-01
    reason: long ago
";

    #[test]
    fn each_part_of_an_entry_has_to_fit() {
        let list = AllowList::parse(LIST, "allow.yaml").unwrap();
        let host = |h: &str| Host::parse(h).unwrap();
        let passes = |rule: &str, h: &str, tool: Option<&str>, value: &[u8]| {
            list.passes(rule, Some(&host(h)), tool, value).map(|r| r.to_string())
        };
        assert_eq!(
            passes("github.pat", "a.build.test", None, b"x").as_deref(),
            Some("the runner's own token")
        );
        assert_eq!(passes("github.pat", "a.other.test", None, b"x"), None);
        assert_eq!(passes("gitlab.pat", "a.build.test", None, b"x"), None);
        assert!(passes("injection.override", "x.test", Some("read_article"), b"x").is_some());
        assert_eq!(passes("injection.override", "x.test", None, b"x"), None);
        assert!(passes("any.rule", "x.test", None, b"hello").is_some());
        assert_eq!(passes("old.one", "x.test", None, b"x"), None, "its time is over");
        let hits: Vec<u64> = list.entries().iter().map(Allowance::hits).collect();
        assert_eq!(hits, [1, 1, 1, 0]);
        assert!(list.entries()[3].has_expired() && !list.entries()[1].has_expired());
        assert_eq!(list.passes("github.pat", None, None, b"x"), None, "no host is not any host");
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_its_place() {
        let text = "allow:\n  - rule: a.b\n  - reason: x\n    hosts: y\n  - rule: c.d\n    value: abc\n    expires: soon\n    reason: 3\nother: 1\n";
        let wrong = AllowList::parse(text, "allow.yaml").unwrap_err();
        let says = |place: &str, part: &str| wrong.iter().any(|w| w.starts_with(place) && w.contains(part));
        assert!(says("allow.yaml:2:", "reason"), "{wrong:#?}");
        assert!(says("allow.yaml:3:", "lacks `rule`"), "{wrong:#?}");
        assert!(says("allow.yaml:4:", "no key of an entry"), "{wrong:#?}");
        assert!(says("allow.yaml:6:", "sha256"), "{wrong:#?}");
        assert!(says("allow.yaml:7:", "day"), "{wrong:#?}");
        assert!(says("allow.yaml:8:", "takes a text"), "{wrong:#?}");
        assert!(says("allow.yaml:9:", "no key here"), "{wrong:#?}");
        assert!(AllowList::parse("allow: [", "allow.yaml").is_err());
        assert!(AllowList::parse("", "allow.yaml").unwrap().entries().is_empty());
    }
}
