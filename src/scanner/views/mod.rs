//! Looks at a text through decodings, and at what they give through decodings again, as far as evidence and a budget go.
//! Owns which views there are, which run where, and the way back to the original bytes. What is looked for is the caller's.

mod base32;
mod base58;
mod base64;
mod base85;
mod budget;
mod entities;
mod escapes;
mod hex;
mod images;
mod inflate;
mod lattice;
mod leet;
mod letters;
pub(super) mod loose;
mod lookalikes;
mod map;
mod markup;
mod numbers;
mod open;
mod pdf;
mod percent;
mod plausible;
mod quoted;
mod promise;
mod run;
mod shift;
mod signs;
mod spaced;
mod stretches;
mod sweep;
mod unicode;
mod utf16;
mod whitespace;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

pub use budget::{Purse, Spent};
pub(super) use lookalikes::latin as latin_letter;
pub use plausible::Kind;

use super::{Direction, Surface};
use map::Trails;

/// One way to look at a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum View {
    /// `%41`, and `+` for a space.
    Percent,
    /// `\n`, `\x41`, `\u0041`, `\u{41}`, `\101`: JSON and program text.
    Escapes,
    /// `&amp;`, `&#65;`, `&#x41;`.
    Entities,
    /// Quoted-printable.
    Quoted,
    /// Zero-width, tag and bidi characters, compatibility forms, look-alikes of other scripts, capitals beyond ASCII.
    Unicode,
    /// Odd white space between words.
    Whitespace,
    /// Digits and signs for letters.
    Leet,
    /// Letters set apart, and tokens in pieces.
    Spaced,
    /// Markup that stands between letters and words.
    Markup,
    /// Base64, either alphabet.
    Base64,
    /// Base32.
    Base32,
    /// Base58.
    Base58,
    /// Ascii85, Z85, RFC 1924.
    Base85,
    /// Hexadecimal digits, with or without separators.
    Hex,
    /// Lists of character codes, decimal, octal or binary.
    Numbers,
    /// ROT13.
    Rot13,
    /// Letters moved by another number.
    Caesar,
    /// From the last byte to the first.
    Reversed,
    /// UTF-16, either order.
    Utf16,
    /// gzip, zlib, and what zip archives hold.
    Inflate,
    /// The text of a PDF page.
    Pdf,
    /// Text that an image carries.
    Image,
}

impl View {
    /// Every view, in order.
    pub const ALL: [View; 22] = [
        Self::Percent,
        Self::Escapes,
        Self::Entities,
        Self::Quoted,
        Self::Unicode,
        Self::Whitespace,
        Self::Leet,
        Self::Spaced,
        Self::Markup,
        Self::Base64,
        Self::Base32,
        Self::Base58,
        Self::Base85,
        Self::Hex,
        Self::Numbers,
        Self::Rot13,
        Self::Caesar,
        Self::Reversed,
        Self::Utf16,
        Self::Inflate,
        Self::Pdf,
        Self::Image,
    ];

    /// As it stands in a path.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Escapes => "escapes",
            Self::Entities => "entities",
            Self::Quoted => "quoted-printable",
            Self::Unicode => "unicode",
            Self::Whitespace => "whitespace",
            Self::Leet => "leet",
            Self::Spaced => "spaced",
            Self::Markup => "markup",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
            Self::Base58 => "base58",
            Self::Base85 => "base85",
            Self::Hex => "hex",
            Self::Numbers => "numbers",
            Self::Rot13 => "rot13",
            Self::Caesar => "caesar",
            Self::Reversed => "reversed",
            Self::Utf16 => "utf16",
            Self::Inflate => "inflate",
            Self::Pdf => "pdf",
            Self::Image => "image",
        }
    }
}

/// How many views deep a text is looked at.
pub const DEPTH: usize = 8;

/// The views through which something was found, outermost first; empty for the text as it stands.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Path {
    steps: [Option<View>; DEPTH],
}

impl Path {
    /// The text as it stands.
    pub const PLAIN: Path = Path { steps: [None; DEPTH] };

    /// How many views.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.views().count()
    }

    /// As it stands?
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.steps[0].is_none()
    }

    /// Outermost first.
    pub fn views(&self) -> impl Iterator<Item = View> {
        self.steps.iter().map_while(|s| *s)
    }

    /// Is it text as it was before it was compressed?
    #[cfg(test)]
    fn is_inflated(&self) -> bool {
        self.views().all(|v| v == View::Inflate)
    }

    fn last(&self) -> Option<View> {
        self.views().last()
    }

    /// None at the greatest depth.
    pub(super) fn then(mut self, view: View) -> Option<Path> {
        *self.steps.iter_mut().find(|s| s.is_none())? = Some(view);
        Some(self)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, view) in self.views().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { " > " }, view.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Which views run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants(u32);

/// What text for a model may be disguised by and is still read: of no use for a credential, whose every byte counts.
const FOR_READERS: &[View] = &[View::Whitespace, View::Leet, View::Markup];
/// What a path and query, or a header's value, cannot hold.
const IN_BODIES: &[View] = &[View::Inflate, View::Pdf, View::Image, View::Utf16, View::Markup, View::Caesar];

impl Wants {
    /// Every view.
    pub const ALL: Wants = Wants(u32::MAX);

    /// These views and no others.
    #[must_use]
    pub fn only(views: &[View]) -> Wants {
        Wants(views.iter().fold(0, |all, v| all | 1 << *v as u32))
    }

    /// Those whose signs are no chance, on any surface.
    const SIGNED: Wants = Wants(
        !(1 << View::Caesar as u32
            | 1 << View::Leet as u32
            | 1 << View::Rot13 as u32
            | 1 << View::Reversed as u32
            | 1 << View::Base58 as u32),
    );

    /// The one table of what runs where.
    #[must_use]
    pub fn on(direction: Direction, surface: Surface) -> Wants {
        let without =
            |wants: Wants, views: &[View]| views.iter().fold(wants, |w, v| Wants(w.0 & !(1 << *v as u32)));
        let all = match direction {
            Direction::Request => without(Wants::ALL, FOR_READERS),
            Direction::Response => Wants::ALL,
        };
        if surface.is_body() { all } else { without(all, IN_BODIES) }
    }

    fn has(self, view: View) -> bool {
        self.0 >> view as u32 & 1 == 1
    }
}

/// A decoded text, as the visitor sees it.
pub struct Seen<'a> {
    /// What the views give.
    pub bytes: &'a [u8],
    /// Is it text?
    pub kind: Kind,
    /// The views.
    pub path: Path,
    trails: &'a Trails,
    trail: usize,
}

impl Seen<'_> {
    /// Where in the original `span` of the decoded bytes stands.
    #[must_use]
    pub fn original(&self, span: Range<usize>) -> Range<usize> {
        self.trails.back(self.trail, span)
    }
}

impl fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("path", &self.path).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Shows `visit` every decoded text there is evidence for, the shallow ones first, but not `text` itself. `visit` says whether
/// it found what it looks for; where it did, fewer guesses follow. Costs next to nothing, and allocates nothing, where
/// there is no evidence; the work is bounded by the text's length whatever the text.
pub fn each(text: &[u8], wants: Wants, visit: &mut dyn FnMut(&Seen<'_>) -> bool) -> Spent {
    each_within(text, wants, &mut Purse::default(), visit)
}

/// The same for one of several texts of a body.
pub fn each_within(
    text: &[u8],
    wants: Wants,
    purse: &mut Purse,
    visit: &mut dyn FnMut(&Seen<'_>) -> bool,
) -> Spent {
    lattice::run(text, wants, purse, visit)
}

/// As far as a text of which more follows is settled: what stands from there on may be the beginning of something encoded, and
/// is to be looked at again together with what follows. No more than [`MOST_OPEN`] bytes from the end.
#[must_use]
pub fn settled(text: &[u8]) -> usize {
    open::from(text)
}

/// The most that is ever unsettled.
pub const MOST_OPEN: usize = open::MOST;

pub(super) fn rot13(text: &[u8]) -> Vec<u8> {
    shift::moved(text, 13)
}

/// From the last character to the first.
pub(super) fn backwards(text: &[u8]) -> Vec<u8> {
    shift::backwards(text)
}

/// A text with each letter of another script, form or style read as the Latin letter it looks like, and without what is not seen.
pub(super) fn latin(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let plain = text.chars().filter(|c| !unicode::is_hidden(*c)).nfkc();
    plain.map(|c| lookalikes::latin(c).unwrap_or(c)).collect()
}
