//! Placeholders: what an agent holds instead of a secret. They have the shape of the provider's own keys, so that SDKs take
//! them, and are as hard to guess.

use super::error::Error;
use super::key::no_randomness;
use crate::base::id::random;

/// The shape of one provider's keys: a fixed beginning, random characters, a fixed end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    prefix: String,
    random: usize,
    alphabet: Alphabet,
    suffix: String,
}

/// What the random part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// `0-9 A-Z a-z`
    Base62,
    /// `0-9 a-z`
    Base36,
    /// `0-9 a-f`
    Hex,
    /// `0-9 a-f`, 32 of them, grouped as UUIDs are: 8-4-4-4-12
    Uuid,
}

/// Hex digits of a UUID.
const UUID: usize = 32;
/// Fewer random bits than this could be guessed by who has much time.
const LEAST_BITS: u32 = 96;

impl Grammar {
    /// A grammar; `None` when it would make placeholders that are guessable, have characters beyond `A-Z a-z 0-9 _ - . :`,
    /// or begin or end in one that is no letter or digit.
    #[must_use]
    pub fn new(prefix: &str, random: usize, alphabet: Alphabet, suffix: &str) -> Option<Self> {
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
        let edged = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
        let edges = edged(prefix.as_bytes().first()) && edged(suffix.as_bytes().last());
        // log2 of the alphabet's size, in hundredths, rounded down
        let bits = match alphabet {
            Alphabet::Base62 => 595,
            Alphabet::Base36 => 516,
            Alphabet::Hex | Alphabet::Uuid => 400,
        };
        let grouped = alphabet != Alphabet::Uuid || random == UUID;
        let enough = u32::try_from(random).is_ok_and(|n| n <= 512 && n * bits >= LEAST_BITS * 100);
        (plain(prefix) && plain(suffix) && edges && grouped && enough).then(|| Self {
            prefix: prefix.to_owned(),
            random,
            alphabet,
            suffix: suffix.to_owned(),
        })
    }

    /// For a secret that no provider is known for: `katana_` and 32 characters, 190 bits.
    #[must_use]
    pub fn unknown() -> Self {
        Self { prefix: "katana_".into(), random: 32, alphabet: Alphabet::Base62, suffix: String::new() }
    }

    /// Could this text be one of its placeholders?
    #[must_use]
    pub fn fits(&self, text: &[u8]) -> bool {
        let inner =
            text.strip_prefix(self.prefix.as_bytes()).and_then(|t| t.strip_suffix(self.suffix.as_bytes()));
        let symbols = self.alphabet.symbols();
        inner.is_some_and(|inner| {
            let drawn: Vec<u8> = match self.alphabet {
                Alphabet::Uuid => inner.iter().copied().filter(|b| *b != b'-').collect(),
                _ => inner.to_vec(),
            };
            drawn.len() == self.random && drawn.iter().all(|b| symbols.contains(b))
        })
    }

    /// A new placeholder, never made before.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn make(&self) -> Result<String, Error> {
        let mut out = self.prefix.clone();
        let symbols = self.alphabet.symbols();
        // bytes beyond the last whole multiple are thrown away, or the first symbols would come more often
        let fair = 256 / symbols.len() * symbols.len();
        let mut left = self.random;
        while left > 0 {
            let bytes = random::<64>().map_err(|e| no_randomness(&e))?;
            for b in bytes.into_iter().map(usize::from).filter(|b| *b < fair).take(left) {
                if self.alphabet == Alphabet::Uuid && [24, 20, 16, 12].contains(&left) {
                    out.push('-');
                }
                out.push(char::from(symbols[b % symbols.len()]));
                left -= 1;
            }
        }
        out.push_str(&self.suffix);
        Ok(out)
    }
}

impl Alphabet {
    fn symbols(self) -> &'static [u8] {
        let all = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        match self {
            Self::Base62 => all,
            Self::Base36 => &all[..36],
            Self::Hex | Self::Uuid => &all[..16],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_alike_and_every_symbol_comes() {
        for (alphabet, size) in [(Alphabet::Base62, 62), (Alphabet::Base36, 36), (Alphabet::Hex, 16)] {
            let grammar = Grammar::new("a-", 40, alphabet, "_z").unwrap();
            let made: HashSet<String> = (0..200).map(|_| grammar.make().unwrap()).collect();
            assert_eq!(made.len(), 200);
            assert!(made.iter().all(|p| p.starts_with("a-") && p.ends_with("_z") && p.len() == 44));
            let symbols: HashSet<u8> = made.iter().flat_map(|p| p.bytes().skip(2).take(40)).collect();
            assert_eq!(symbols.len(), size);
        }
    }

    #[test]
    fn a_grammar_knows_its_own() {
        for (prefix, n, alphabet, suffix) in [
            ("sk-", 40, Alphabet::Base62, "AA"),
            ("", 32, Alphabet::Uuid, ""),
            ("7000000001:AA", 33, Alphabet::Base36, ""),
        ] {
            let grammar = Grammar::new(prefix, n, alphabet, suffix).unwrap();
            let made = grammar.make().unwrap();
            assert!(grammar.fits(made.as_bytes()), "{made}");
            assert!(!grammar.fits(&made.as_bytes()[..made.len() - 1]) && !grammar.fits(b"sk-AA"));
            assert!(!Grammar::unknown().fits(made.as_bytes()));
        }
        let uuid = Grammar::new("", 32, Alphabet::Uuid, "").unwrap().make().unwrap();
        let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn the_guessable_and_the_odd_are_no_grammar() {
        assert!(Grammar::new("k", 16, Alphabet::Base62, "").is_none(), "95 bits");
        assert!(Grammar::new("k", 17, Alphabet::Base62, "").is_some());
        assert!(Grammar::new("k", 23, Alphabet::Hex, "").is_none());
        assert!(Grammar::new("k", 24, Alphabet::Hex, "").is_some());
        assert!(Grammar::new("k.", 40, Alphabet::Hex, "").is_some());
        assert!(Grammar::new("k/", 40, Alphabet::Hex, "").is_none());
        assert!(Grammar::new("_k", 40, Alphabet::Hex, "").is_none());
        assert!(Grammar::new("", 40, Alphabet::Hex, "-").is_none());
        assert!(Grammar::new("", 31, Alphabet::Uuid, "").is_none());
        assert!(Grammar::new("", 40, Alphabet::Hex, "=").is_none());
    }
}
