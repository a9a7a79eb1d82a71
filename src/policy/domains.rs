//! A set of host patterns that is asked in the time of a few hash look-ups, however many it holds.

use crate::base::glob::HostPattern;
use crate::base::host::Host;
use std::collections::HashSet;
use std::net::IpAddr;

/// Hosts by name, by suffix, by address, or all.
#[derive(Clone, Debug, Default)]
pub(super) struct HostSet {
    any: bool,
    names: HashSet<Box<str>>,
    below: HashSet<Box<str>>,
    addrs: HashSet<IpAddr>,
}

impl HostSet {
    /// `deep`: a bare name holds what is below it too.
    pub(super) fn new(patterns: &[HostPattern], deep: bool) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            match pattern {
                HostPattern::Any => set.any = true,
                HostPattern::Exact(Host::Addr(a)) => drop(set.addrs.insert(a.to_canonical())),
                HostPattern::Exact(Host::Name(n)) => {
                    set.names.insert((**n).into());
                    if deep {
                        set.below.insert((**n).into());
                    }
                }
                HostPattern::Below(suffix) => drop(set.below.insert(suffix.trim_start_matches('.').into())),
            }
        }
        set
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any && self.names.is_empty() && self.below.is_empty() && self.addrs.is_empty()
    }

    pub(super) fn holds(&self, host: &Host) -> bool {
        self.any
            || match host {
                Host::Addr(a) => !self.addrs.is_empty() && self.addrs.contains(&a.to_canonical()),
                Host::Name(n) => {
                    (!self.names.is_empty() && self.names.contains(&**n))
                        || (!self.below.is_empty() && suffixes(n).any(|s| self.below.contains(s)))
                }
            }
    }
}

/// What a name is below: for `a.b.c`, `b.c` and `c`.
pub(super) fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b'.', name.as_bytes()).map(|at| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_are_deep_only_where_wanted() {
        let patterns = ["example.com", "*.test", "10.0.0.1"].map(|p| HostPattern::parse(p).unwrap());
        let (deep, flat) = (HostSet::new(&patterns, true), HostSet::new(&patterns, false));
        let host = |t| Host::parse(t).unwrap();
        for (name, in_deep, in_flat) in [
            ("example.com", true, true),
            ("a.b.example.com", true, false),
            ("notexample.com", false, false),
            ("example.com.evil.org", false, false),
            ("a.test", true, true),
            ("test", false, false),
            ("10.0.0.1", true, true),
            ("[::ffff:10.0.0.1]", true, true),
            ("10.0.0.2", false, false),
        ] {
            assert_eq!((deep.holds(&host(name)), flat.holds(&host(name))), (in_deep, in_flat), "{name}");
        }
        assert!(HostSet::new(&[], true).is_empty() && !HostSet::new(&[], true).holds(&host("a")));
        assert!(HostSet::new(&[HostPattern::Any], true).holds(&host("10.9.9.9")));
    }
}
