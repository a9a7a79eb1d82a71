//! One request rule, compiled: hosts, methods, paths, headers and conditions, all of which must hold.

use super::{Action, Request, normalise_path};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use regex::Regex;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::{self, Write};
use std::sync::Arc;

/// What every rule has, on requests or on tools.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub name: Arc<str>,
    pub description: Box<str>,
    pub action: Action,
    pub priority: u32,
    pub enabled: bool,
    pub tags: Vec<String>,
}

/// A rule on requests.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub head: Head,
    /// Each with a port or any; empty: every host.
    pub hosts: Vec<(HostPattern, Option<u16>)>,
    /// `None`: every method.
    pub methods: Option<Methods>,
    /// Empty: every path.
    pub paths: Vec<Glob>,
    /// Lower-case name and what the value must be like; `None`: there at all.
    pub headers: Vec<(Box<str>, Option<Glob>)>,
    pub conditions: Vec<Condition>,
    pub examples: Vec<String>,
    pub counter_examples: Vec<String>,
}

/// A condition of `field`, `operator`, `value`.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub field: Field,
    pub test: Test,
}

/// What of a request it looks at.
#[derive(Clone, Debug)]
pub(super) enum Field {
    Host,
    Method,
    Path,
    Header(Box<str>),
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Pattern(Regex),
    Glob(Glob),
}

/// The usual methods as bits, the others by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods {
    bits: u16,
    others: Vec<Box<str>>,
}

const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

fn bit(method: &str, fold: bool) -> u16 {
    let same = |k: &&str| if fold { k.eq_ignore_ascii_case(method) } else { *k == method };
    KNOWN.iter().position(same).map_or(0, |n| 1 << n)
}

impl Methods {
    pub(super) fn add(&mut self, method: &str) {
        match bit(method, true) {
            0 => self.others.push(method.to_ascii_uppercase().into()),
            bit => self.bits |= bit,
        }
    }

    /// `fold`: `delete` is `DELETE`, as it is to some servers.
    fn hold(&self, method: &str, fold: bool) -> bool {
        match bit(method, fold) {
            0 => {
                self.others.iter().any(|o| if fold { o.eq_ignore_ascii_case(method) } else { &**o == method })
            }
            bit => self.bits & bit != 0,
        }
    }
}

/// A request as rules look at it: the second reading of its path is made when the first rule asks.
pub(super) struct Seen<'r, 'a> {
    request: &'r Request<'a>,
    raw: &'a str,
    normal: OnceCell<Cow<'a, str>>,
}

impl<'r, 'a> Seen<'r, 'a> {
    pub(super) fn new(request: &'r Request<'a>) -> Self {
        let end = memchr::memchr2(b'?', b'#', request.path.as_bytes()).unwrap_or(request.path.len());
        Self { request, raw: &request.path[..end], normal: OnceCell::new() }
    }

    fn normal(&self) -> &str {
        self.normal.get_or_init(|| normalise_path(self.raw))
    }
}

impl Rule {
    /// Nothing but hosts to look at: decided before there is a request.
    pub(super) fn is_host_only(&self) -> bool {
        self.methods.is_none()
            && self.paths.is_empty()
            && self.headers.is_empty()
            && self.conditions.is_empty()
    }

    pub(super) fn host_matches(&self, host: &Host, port: u16) -> bool {
        let fits = |(p, n): &(HostPattern, Option<u16>)| n.is_none_or(|n| n == port) && p.matches(host);
        self.hosts.is_empty() || self.hosts.iter().any(fits)
    }

    pub(super) fn matches(&self, seen: &Seen<'_, '_>) -> bool {
        self.host_matches(seen.request.host, seen.request.port)
            && self.method_matches(seen)
            && self.path_matches(seen)
            && self.headers.iter().all(|(name, glob)| header_matches(seen, name, glob.as_ref()))
            && self.conditions.iter().all(|c| self.condition_matches(c, seen))
    }

    fn method_matches(&self, seen: &Seen<'_, '_>) -> bool {
        let fold = self.head.action.restricts();
        self.methods.as_ref().is_none_or(|m| m.hold(seen.request.method, fold))
    }

    fn path_matches(&self, seen: &Seen<'_, '_>) -> bool {
        self.paths.is_empty() || self.both_readings(seen, &|path| self.paths.iter().any(|g| g.matches(path)))
    }

    /// A rule that restricts needs one reading to match, one that allows needs both.
    fn both_readings(&self, seen: &Seen<'_, '_>, fits: &dyn Fn(&str) -> bool) -> bool {
        if self.head.action.restricts() {
            fits(seen.raw) || fits(seen.normal())
        } else {
            fits(seen.raw) && fits(seen.normal())
        }
    }

    fn condition_matches(&self, c: &Condition, seen: &Seen<'_, '_>) -> bool {
        let fits = |text: &str| match &c.test {
            Test::Pattern(regex) => regex.is_match(text),
            Test::Glob(glob) => glob.matches(text),
        };
        match &c.field {
            Field::Host => match seen.request.host.name() {
                Some(name) => fits(name),
                None => fits(&seen.request.host.to_string()),
            },
            Field::Method => fits(seen.request.method),
            Field::Path => self.both_readings(seen, &fits),
            Field::Header(name) => (seen.request.header)(name).is_some_and(fits),
        }
    }

    /// The first thing that does not hold, in words; `None`: the rule matches. Never shows a header's value.
    pub(super) fn objection(&self, seen: &Seen<'_, '_>) -> Option<String> {
        let r = seen.request;
        if !self.head.enabled {
            return Some("the rule is disabled".into());
        }
        if !self.host_matches(r.host, r.port) {
            let hosts = self.hosts.iter().map(|(p, n)| match n {
                Some(n) => format!("{p}:{n}"),
                None => p.to_string(),
            });
            return Some(format!("host {}:{} is not {}", r.host, r.port, one_of(hosts)));
        }
        if !self.method_matches(seen) {
            let methods = self.methods.as_ref().map(Methods::names).unwrap_or_default();
            return Some(format!("method {} is not {}", r.method, one_of(methods)));
        }
        if !self.path_matches(seen) {
            let paths = one_of(self.paths.iter().map(|g| g.as_str().to_owned()));
            let readings = if self.head.action.restricts() { "no reading" } else { "not every reading" };
            return Some(format!("{readings} of the path matches {paths}"));
        }
        if let Some((name, _)) = self.headers.iter().find(|(n, g)| !header_matches(seen, n, g.as_ref())) {
            let is = if (r.header)(name).is_some() { "has another value" } else { "is absent" };
            return Some(format!("header {name} {is}"));
        }
        let failed = self.conditions.iter().find(|c| !self.condition_matches(c, seen))?;
        Some(format!("not so: {failed}"))
    }
}

impl Methods {
    fn names(&self) -> Vec<String> {
        let known = KNOWN.iter().enumerate().filter(|(n, _)| self.bits & (1 << n) != 0).map(|(_, k)| *k);
        known.chain(self.others.iter().map(|o| &**o)).map(str::to_owned).collect()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Field::Host => f.write_str("host")?,
            Field::Method => f.write_str("method")?,
            Field::Path => f.write_str("path")?,
            Field::Header(name) => write!(f, "header.{name}")?,
        }
        match &self.test {
            Test::Pattern(regex) => write!(f, " matches_pattern {}", regex.as_str()),
            Test::Glob(glob) => write!(f, " argument_matches {}", glob.as_str()),
        }
    }
}

fn header_matches(seen: &Seen<'_, '_>, name: &str, glob: Option<&Glob>) -> bool {
    (seen.request.header)(name).is_some_and(|value| glob.is_none_or(|g| g.matches(value)))
}

/// `a`, `a or b`, `one of a, b, c, … (9)`.
fn one_of(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    if items.len() <= 2 {
        return items.join(" or ");
    }
    let mut out = format!("one of {}", items[..items.len().min(4)].join(", "));
    if items.len() > 4 {
        let _ = write!(out, ", … ({} in all)", items.len());
    }
    out
}
