//! The derived forms of a value: what is searched for (`derive`), and one sample of each as an attacker would send it
//! ([`forms()`]). Per-character escapes and separators are not patterns: the walk reads through them.

mod encode;
mod reflect;
mod sample;

pub(super) use reflect::echoes;
pub use sample::forms;

use super::index::{About, Draft, Mode};
use super::{Kind, Needle};
use encode::{BASE32, BASE32_HEX, BASE64, BASE64_URL, HEX, core, rot13};
use zeroize::Zeroizing;

/// Letters and digits that a pattern needs to be found by them alone.
const SKELETON: usize = 8;
/// The same where chance has to be ruled out: at six bits each, one in 2^60 positions.
const UNLIKELY: usize = 10;
/// For folded patterns, at five bits each.
const UNLIKELY_FOLDED: usize = 12;
/// Own punctuation between two characters that is allowed for.
const MOST_LEFT_OUT: u8 = 15;
/// Symbols of base64 that need no allowance.
const FEW: u8 = 4;
/// Values below this many bytes are found only as they are, and only as whole words.
const SHORT: usize = 8;

/// Adds the patterns of one needle. The more telling form comes first: of equal patterns the first is kept.
pub(super) fn derive(needle: &Needle<'_>, drafts: &mut Vec<Draft>) {
    let mut value = Deriving { drafts, secret: needle.secret, kind: Kind::Value, mark: needle.mark };
    if needle.value.is_empty() {
        // a placeholder alone
    } else if needle.value.len() < SHORT {
        value.literal("raw", needle.value, true);
    } else {
        value.plain(needle.value);
        value.base64s(needle.value);
        value.bases(needle.value);
    }
    let placeholder = needle.placeholder.as_bytes();
    if placeholder.is_empty() {
        return;
    }
    let mut value = Deriving { drafts, secret: needle.secret, kind: Kind::Placeholder, mark: needle.mark };
    if letters(placeholder) >= SKELETON && !has_bare_edge(placeholder) {
        value.exact("raw", placeholder, false, false);
    } else {
        value.literal("raw", placeholder, false);
    }
    if placeholder.len() >= SHORT {
        value.base64s(placeholder);
    }
}

struct Deriving<'a> {
    drafts: &'a mut Vec<Draft>,
    secret: u32,
    kind: Kind,
    mark: u32,
}

impl Deriving<'_> {
    /// Raw, reversed, ROT13.
    fn plain(&mut self, value: &[u8]) {
        let reversed: Zeroizing<Vec<u8>> = Zeroizing::new(value.iter().rev().copied().collect());
        let rotated = rot13(value);
        let known = letters(value);
        if known >= SKELETON {
            self.folded("raw", value, false, false);
            let mode = if known >= UNLIKELY_FOLDED { Mode::Folded } else { Mode::Exact };
            self.push(mode, &reversed, self.about("reversed"));
            if *rotated != value {
                self.push(mode, &rotated, self.about("rot13"));
            }
        }
        // The skeleton would leave punctuation at the edges standing, or does not tell enough.
        if known < SKELETON || has_bare_edge(value) {
            self.literal("raw", value, false);
            self.literal("reversed", &reversed, false);
        }
    }

    /// Base64 at each alignment, also reversed.
    fn base64s(&mut self, value: &[u8]) {
        for before in 0..3 {
            let found = core(value, before, BASE64);
            if letters(&found.symbols) >= UNLIKELY {
                self.exact("base64", &found.symbols, found.lead, found.tail);
                let reversed: Zeroizing<Vec<u8>> =
                    Zeroizing::new(found.symbols.iter().rev().copied().collect());
                if self.kind == Kind::Value {
                    self.exact("base64-reversed", &reversed, found.tail, found.lead);
                }
            } else {
                self.literal("base64", &found.symbols, false);
                self.literal("base64", &core(value, before, BASE64_URL).symbols, false);
            }
        }
    }

    /// Base32 at each alignment, and hex.
    fn bases(&mut self, value: &[u8]) {
        let hex = core(value, 0, HEX);
        self.folded("hex", &hex.symbols, false, false);
        let reversed: Zeroizing<Vec<u8>> = Zeroizing::new(hex.symbols.iter().rev().copied().collect());
        self.folded("hex-reversed", &reversed, false, false);
        let backward: Zeroizing<Vec<u8>> = Zeroizing::new(value.iter().rev().copied().collect());
        self.folded("hex-reversed", &core(&backward, 0, HEX).symbols, false, false);
        for before in 0..5 {
            let found = core(value, before, BASE32);
            self.folded("base32", &found.symbols, found.lead, found.tail);
            let found = core(value, before, BASE32_HEX);
            self.folded("base32hex", &found.symbols, found.lead, found.tail);
        }
    }

    fn folded(&mut self, form: &'static str, symbols: &[u8], lead: bool, tail: bool) {
        self.push(Mode::Folded, symbols, About { lead, tail, ..self.about(form) });
    }

    fn exact(&mut self, form: &'static str, symbols: &[u8], lead: bool, tail: bool) {
        self.push(Mode::Exact, symbols, About { lead, tail, ..self.about(form) });
    }

    fn literal(&mut self, form: &'static str, bytes: &[u8], token: bool) {
        self.push(Mode::Literal, bytes, About { token, ..self.about(form) });
    }

    fn about(&self, form: &'static str) -> About {
        About {
            secret: self.secret,
            kind: self.kind,
            mark: self.mark,
            form,
            lead: false,
            tail: false,
            token: false,
        }
    }

    fn push(&mut self, mode: Mode, form: &[u8], about: About) {
        let mut bytes = Zeroizing::new(Vec::with_capacity(form.len()));
        let mut left_out = Vec::with_capacity(form.len());
        let mut skipped = 0_u8;
        for &byte in form {
            if mode == Mode::Literal || byte.is_ascii_alphanumeric() {
                bytes.push(if mode == Mode::Folded { byte.to_ascii_lowercase() } else { byte });
                // Few of base64's own symbols fit among the separators; the forms as written may separate each.
                let few = skipped <= FEW && about.form.starts_with("base");
                left_out.push(if few { 0 } else { skipped });
                skipped = 0;
            } else {
                skipped = skipped.saturating_add(1).min(MOST_LEFT_OUT);
            }
        }
        self.drafts.push(Draft { mode, bytes, left_out, about });
    }
}

/// The letters and digits of it.
fn letters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| b.is_ascii_alphanumeric()).count()
}

fn has_bare_edge(bytes: &[u8]) -> bool {
    [bytes.first(), bytes.last()].into_iter().flatten().any(|b| !b.is_ascii_alphanumeric())
}
