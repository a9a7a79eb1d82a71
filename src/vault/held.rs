//! `Held`: one secret in the clear, as the request path holds it, with everything that says how it may be used.

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config::Credential;
use std::sync::Arc;

/// One secret in the clear.
#[derive(Clone, Debug)]
pub struct Held {
    /// The entry's name.
    pub name: Arc<str>,
    /// Its value. Empty when [`Held::barred`] says that there is none.
    pub value: Secret,
    /// What agents hold instead of it.
    pub placeholder: Arc<str>,
    /// Values the name had before and that are still kept: looked for like the present one, never put in.
    pub older: Vec<Secret>,
    /// Placeholders beside the present one.
    pub aliases: Vec<Alias>,
    /// Where it goes, if that was said when it was set; comes before the configuration's `credentials`.
    pub goes: Option<Credential>,
    /// A text of several lines (PEM, JSON) that only signing kinds use; it never stands in a slot itself.
    pub document: bool,
    /// Why it may not be put in now.
    pub barred: Option<Barred>,
    /// From when on it is barred as expired; may lie ahead.
    pub expires: Option<Timestamp>,
    /// Where its value is to be got, for an entry by reference: `env:NAME`, … Barred until somebody has.
    pub reference: Option<Secret>,
}

/// Which placeholder of a secret a text is, and whether it is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The present one, or an alias that is honoured as well.
    Honoured,
    /// An alias that is not honoured any more.
    Lapsed(&'a Alias),
}

/// A placeholder beside the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its text.
    pub placeholder: Arc<str>,
    /// The run it was made for; `None`: the secret's own from before a change.
    pub run: Option<Arc<str>>,
    /// From when on it is honoured no longer, though still known; `None`: no end.
    pub until: Option<Timestamp>,
}

/// Why a secret may not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// It expired then.
    Expired(Timestamp),
    /// Its backend did not give it; the stable short name of why.
    Unresolved(&'static str),
}

impl Held {
    /// A plain value: nothing older, no other placeholder, bound as configuration and providers say.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, value: Secret, placeholder: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            value,
            placeholder: placeholder.into(),
            older: Vec::new(),
            aliases: Vec::new(),
            goes: None,
            document: false,
            barred: None,
            expires: None,
            reference: None,
        }
    }

    /// Is this text exactly one of the secret's placeholders?
    #[must_use]
    pub fn standing(&self, text: &[u8], now: Timestamp) -> Option<Standing<'_>> {
        if text == self.placeholder.as_bytes() {
            return Some(Standing::Honoured);
        }
        let alias = self.aliases.iter().find(|a| a.placeholder.as_bytes() == text)?;
        Some(if alias.lapsed(now) { Standing::Lapsed(alias) } else { Standing::Honoured })
    }

    /// Why it may not be put in at this moment; an end that lay ahead when it was read may have come.
    #[must_use]
    pub fn barred_at(&self, now: Timestamp) -> Option<Barred> {
        self.barred.or_else(|| self.expires.filter(|at| *at <= now).map(Barred::Expired))
    }

    /// Which of the placeholders a needle's mark names: 0 is the present one.
    #[must_use]
    pub fn marked(&self, mark: u32) -> Option<&Alias> {
        self.aliases.get((mark as usize).checked_sub(1)?)
    }
}

impl Alias {
    /// Is it honoured no longer?
    #[must_use]
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}
