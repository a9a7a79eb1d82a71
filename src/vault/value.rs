//! What may be a name and what may be a value. Checked once, at the door; behind it nothing asks again.

use super::error::Error;
use crate::base::secret::Secret;
use std::fmt;
use std::sync::Arc;

/// Fewer bytes than this are refused unless asked for: too many harmless texts hold them by chance.
pub const SHORT: usize = 8;
/// More bytes than this are no credential.
pub const LONGEST: usize = 64 * 1024;

/// The name of an entry: 1 to 128 characters of `A-Z a-z 0-9 _ . -`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// Names that begin so are katana's own: no command takes them, nothing binds them.
const INTERNAL: &str = "katana.";

impl Name {
    /// Checks the name.
    ///
    /// # Errors
    /// [`Error::BadName`], also for one of katana's own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if Self::is_internal(text) { Err(Error::BadName) } else { Self::shaped(text) }
    }

    /// The same, and katana's own are names too.
    pub(super) fn shaped(text: &str) -> Result<Self, Error> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.into()))
        } else {
            Err(Error::BadName)
        }
    }

    /// One of katana's own.
    pub(super) fn internal(text: &'static str) -> Self {
        Self(text.into())
    }

    /// Is it the name of an entry of katana's own?
    #[must_use]
    pub fn is_internal(text: &str) -> bool {
        text.starts_with(INTERNAL)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is this a value the vault takes? NUL, CR and LF would break the slot of any request it is put into; a document stands in
/// no slot, but is text.
pub(super) fn check(value: &Secret, document: bool, allow_short: bool) -> Result<(), Error> {
    let bytes = value.expose();
    if bytes.is_empty() {
        return Err(Error::BadValue("is empty"));
    }
    if bytes.len() > LONGEST {
        return Err(Error::BadValue("is longer than 64 KiB"));
    }
    if document {
        if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
            return Err(Error::BadValue("is no text, and a document is"));
        }
    } else if memchr::memchr3(0, b'\r', b'\n', bytes).is_some() {
        return Err(Error::BadValue(
            "has a NUL, CR or LF in it, which no header or URL can carry; a text of several lines is a --document",
        ));
    }
    if bytes.len() < SHORT && !allow_short {
        return Err(Error::ShortValue);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["A", "OPENAI_API_KEY", "a.b-c_9", &"x".repeat(128)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(129)] {
            assert_eq!(Name::parse(bad), Err(Error::BadName), "{bad:?}");
        }
    }

    #[test]
    fn values() {
        let check = |v: &[u8], short| check(&Secret::from(v), false, short);
        assert_eq!(check(b"12345678", false), Ok(()));
        assert_eq!(check(b"1234567", false), Err(Error::ShortValue));
        assert_eq!(check(b"1234567", true), Ok(()));
        assert_eq!(check(&[0xff; LONGEST], false), Ok(()));
        for bad in [&b""[..], b"12345678\0", b"1234\r5678", b"12345678\n", &[b'x'; LONGEST + 1]] {
            assert!(matches!(check(bad, true), Err(Error::BadValue(_))), "{} bytes", bad.len());
        }
        let document = |v: &[u8]| super::check(&Secret::from(v), true, false);
        assert_eq!(document(b"-----BEGIN KEY-----\r\nAAAA\n"), Ok(()));
        assert_eq!(document(b"one\n"), Err(Error::ShortValue));
        assert!(document(b"nul\0 in a text").is_err() && document(b"\xff\xfe binary").is_err());
    }
}
