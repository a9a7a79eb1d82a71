//! Patterns people write in configuration: hosts (`example.com`, `*.example.com`, `*`) and paths (`/v1/*`, `/repos/**`).
//! Anchored at both ends, linear in the text, never a regular expression.

use super::host::{Host, HostError};
use std::fmt;
use std::net::IpAddr;

/// A host pattern: an exact host, `*.suffix` (strictly below the suffix), or `*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `*`
    Any,
    /// Exactly this host.
    Exact(Host),
    /// `*.suffix`: holds `.suffix`.
    Below(Box<str>),
}

impl HostPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`HostError`] when the host part is not a host; a `*` anywhere but in front is one.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.strip_prefix("*.") {
            None => Host::parse(text).map(Self::Exact),
            Some(suffix) => match Host::parse(suffix)? {
                Host::Name(n) => Ok(Self::Below(format!(".{n}").into())),
                Host::Addr(_) => Err(HostError::BadCharacter),
            },
        }
    }

    /// Does the pattern hold this host?
    #[must_use]
    pub fn matches(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(Host::Addr(a)) => host.addr().is_some_and(|b| canonical(*a) == canonical(b)),
            Self::Exact(h) => h == host,
            Self::Below(suffix) => {
                host.name().is_some_and(|n| n.len() > suffix.len() && n.ends_with(&**suffix))
            }
        }
    }
}

fn canonical(a: IpAddr) -> IpAddr {
    a.to_canonical()
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(h) => h.fmt(f),
            Self::Below(s) => write!(f, "*{s}"),
        }
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A glob over text: `*` any run without `/`, `**` any run, `?` one character but `/`. Anchored at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(Box<str>);

impl Glob {
    /// Any text is a glob.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does the glob hold the whole text? Quadratic at worst in the pattern's stars, never exponential.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (p, t) = (self.0.as_bytes(), text.as_bytes());
        let (mut i, mut j) = (0, 0);
        // where to resume after the last `*` and the last `**`: pattern index behind it, text index it has eaten to
        let mut star = None::<(usize, usize)>;
        let mut deep = None::<(usize, usize)>;
        loop {
            if p[i..].starts_with(b"**") {
                i += 2;
                deep = Some((i, j));
                star = None;
            } else if p.get(i) == Some(&b'*') {
                i += 1;
                star = Some((i, j));
            } else if j < t.len() && i < p.len() && (p[i] == t[j] || (p[i] == b'?' && t[j] != b'/')) {
                i += 1;
                j += 1;
            } else if j == t.len() && i == p.len() {
                return true;
            } else if let Some((pi, tj)) = star.filter(|(_, tj)| *tj < t.len() && t[*tj] != b'/') {
                star = Some((pi, tj + 1));
                (i, j) = (pi, tj + 1);
            } else if let Some((pi, tj)) = deep.filter(|(_, tj)| *tj < t.len()) {
                deep = Some((pi, tj + 1));
                star = None;
                (i, j) = (pi, tj + 1);
            } else {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_patterns_are_anchored() {
        let p = HostPattern::parse("*.Example.com").unwrap();
        let h = |t: &str| Host::parse(t).unwrap();
        assert!(p.matches(&h("a.example.com")) && p.matches(&h("a.b.example.com")));
        assert!(
            !p.matches(&h("example.com"))
                && !p.matches(&h("evilexample.com"))
                && !p.matches(&h("a.example.com.evil.org"))
        );
        assert!(HostPattern::parse("rekor.sigstore.dev").unwrap().matches(&h("rekor.sigstore.dev")));
        assert!(
            !HostPattern::parse("rekor.sigstore.dev").unwrap().matches(&h("rekor.sigstore.dev.evil.com"))
        );
        for bad in ["a*.example.com", "*.*.example.com", "*.127.0.0.1", "", "*."] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
        assert!(HostPattern::parse("127.0.0.1").unwrap().matches(&h("[::ffff:127.0.0.1]")));
    }

    #[test]
    fn globs() {
        for (p, t, want) in [
            ("/v1/*", "/v1/chat", true),
            ("/v1/*", "/v1/chat/completions", false),
            ("/v1/**", "/v1/chat/completions", true),
            ("/v1/**/end", "/v1/a/b/end", true),
            ("/a*c", "/abcbc", true),
            ("/a?c", "/a/c", false),
            ("*", "", true),
            ("**", "/x/y", true),
            ("/x", "/x/", false),
            ("/**/a*b", "/q/axb/a1/a2b", true),
        ] {
            assert_eq!(Glob::new(p).matches(t), want, "{p} {t}");
        }
    }
}
