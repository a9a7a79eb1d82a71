//! One entry of the vault file: its fields, its versions and its former placeholders. What is sealed stays sealed here.

use crate::base::clock::Timestamp;
use crate::config::Goes;
use serde::{Deserialize, Serialize};
use std::mem;

/// Former placeholders that are kept: known for what they are long after they are honoured no more.
const FORMER: usize = 16;

/// One secret. Times are RFC 3339, UTC, milliseconds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) placeholder: String,
    /// When the name came in.
    pub(super) created: String,
    /// When the newest version came in.
    pub(super) updated: String,
    /// From when on it is not put in any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    /// Where it goes, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) goes: Option<Goes>,
    /// A text of several lines, which stands in no slot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) document: bool,
    /// Placeholders it had before, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) former: Vec<Former>,
    /// Newest first; never empty.
    pub(super) versions: Vec<Sealed>,
}

/// A placeholder that a newer one took the place of.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Former {
    pub(super) placeholder: String,
    /// Up to when it is honoured.
    pub(super) until: String,
}

/// One version of a secret's value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// From 1, counted per name.
    pub(super) version: u64,
    /// The vault's generation in which it was sealed.
    pub(super) generation: u64,
    /// When it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    /// The backend's name, when what is sealed is not the value but where to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// Kept at least up to then, however many are newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
    /// The data key, wrapped.
    pub(super) key: String,
    /// The value, under the data key.
    pub(super) value: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(b: &bool) -> bool {
    !*b
}

/// What a time in the file says; what is no time is long past, and so ends whatever it bounds.
pub(super) fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_default()
}

impl Entry {
    /// A name that has no value yet.
    pub(super) fn new(placeholder: String, now: Timestamp) -> Self {
        Self {
            placeholder,
            created: now.to_string(),
            updated: now.to_string(),
            expires: None,
            goes: None,
            document: false,
            former: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// The number of the version that comes next.
    pub(super) fn next(&self) -> u64 {
        self.versions.first().map_or(1, |v| v.version + 1)
    }

    /// Its present placeholder and every former one.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        let former = self.former.iter().map(|f| f.placeholder.as_str());
        std::iter::once(self.placeholder.as_str()).chain(former)
    }

    /// From when on it is not put in any more.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        self.expires.as_deref().map(time)
    }

    /// A new value comes in. The `keep` newest stay, and those that were promised longer.
    pub(super) fn push(&mut self, sealed: Sealed, keep: usize, now: Timestamp) {
        self.updated = now.to_string();
        self.versions.insert(0, sealed);
        let mut place = 0;
        self.versions.retain(|v| {
            place += 1;
            place <= keep.max(1) || v.until.as_deref().is_some_and(|t| time(t) > now)
        });
    }

    /// A new placeholder; the old one is honoured up to `until`.
    pub(super) fn rename(&mut self, placeholder: String, until: Timestamp) {
        let old = mem::replace(&mut self.placeholder, placeholder);
        self.former.insert(0, Former { placeholder: old, until: until.to_string() });
        self.former.truncate(FORMER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(version: u64, until: Option<i64>) -> Sealed {
        let until = until.map(|t| Timestamp(t).to_string());
        let text = String::new();
        Sealed { version, generation: 1, created: None, from: None, until, key: text.clone(), value: text }
    }

    fn versions(entry: &Entry) -> Vec<u64> {
        entry.versions.iter().map(|v| v.version).collect()
    }

    #[test]
    fn the_newest_are_kept_and_what_was_promised() {
        let mut entry = Entry::new("p".into(), Timestamp(0));
        for n in 1..=4 {
            assert_eq!(entry.next(), n);
            entry.push(sealed(n, None), 2, Timestamp(1));
        }
        assert_eq!(versions(&entry), [4, 3]);
        entry.versions[0].until = Some(Timestamp(100).to_string());
        for n in 5..=7 {
            entry.push(sealed(n, None), 2, Timestamp(50));
        }
        assert_eq!(versions(&entry), [7, 6, 4]);
        entry.push(sealed(8, None), 0, Timestamp(100));
        assert_eq!(versions(&entry), [8], "a promise ends, and one value always stays");
    }

    #[test]
    fn former_placeholders_are_bounded() {
        let mut entry = Entry::new("p0".into(), Timestamp(0));
        for n in 1..=20 {
            entry.rename(format!("p{n}"), Timestamp(n));
        }
        let all: Vec<&str> = entry.placeholders().collect();
        assert_eq!((all.len(), all[0], all[1], all[16]), (17, "p20", "p19", "p4"));
        assert_eq!(time(&entry.former[0].until), Timestamp(20));
        assert_eq!(time("never"), Timestamp(0), "what is no time is over");
    }
}
