//! Base85 in its three alphabets: Ascii85 (between `<~` and `~>` or not), Z85, and that of RFC 1924.

use std::ops::Range;

use super::View;
use super::lattice::{Sink, add_plausible};
use super::map::{Anchor, Map};
use super::plausible::plausible;
use super::promise::is_noise;

/// Shorter runs hold nothing.
pub(super) const LEAST: usize = 20;
/// How much of a token is looked through for where a run begins.
const LEAD: usize = 96;
/// A run may begin at so many places.
const STARTS: usize = 8;
/// Marks of Ascii85 are no farther apart.
const MARKED: usize = 256 * 1024;
/// A marked run within a string is looked through for escapes so far.
pub(super) const ESCAPED: usize = 4096;
/// Groups a try decodes.
const TRIED: usize = 3;

const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const RFC1924: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
static TABLES: [[u8; 256]; 3] = [ascii85(), table(Z85), table(RFC1924)];
const NONE: u8 = 0xff;
/// Stands for four zeros in Ascii85.
const ZEROS: u8 = 0xfe;

/// Decodes what begins at a mark; returns where it ends.
pub(super) fn decode_marked(text: &[u8], at: usize, sink: &mut Sink) -> usize {
    let (from, most) = (at + 2, text.len().min(at + 2 + MARKED));
    // of its digits none is the mark's sign
    let to = memchr::memchr(b'~', &text[from..most]).map_or(most, |len| from + len);
    // that may be the next one's
    let next = if to < most && text[..to].ends_with(b"<") { to - 1 } else { to };
    if attempt(text, from..to, &TABLES[0], sink) { next.max(from) } else { from }
}

/// Decodes what runs begin in a token without marks.
pub(super) fn decode(text: &[u8], token: Range<usize>, sink: &mut Sink) {
    let piece = &text[token.clone()];
    let inner = piece.iter().take(LEAD).enumerate().filter(|(_, b)| delimits(b)).map(|(i, _)| i + 1);
    for start in std::iter::once(0).chain(inner).take(STARTS) {
        let from = token.start + start;
        if TABLES.iter().any(|table| attempt(text, from..token.end, table, sink)) {
            return;
        }
    }
}

/// Does a run begin in a token without marks that gives something? `cut`: the token may have begun earlier.
pub(super) fn promises(piece: &[u8], cut: bool) -> bool {
    let starts = piece.iter().take(LEAD).enumerate().filter(|(_, b)| delimits(b)).map(|(i, _)| i + 1);
    let cuts = 0..if cut { 5 } else { 1 };
    cuts.chain(starts.take(STARTS - 1))
        .any(|from| TABLES.iter().any(|table| is_promising(piece, from..piece.len(), table)))
}

fn delimits(b: &u8) -> bool {
    matches!(b, b'=' | b':' | b',' | b';' | b'(' | b'<' | b'>' | b'\'' | b'[' | b'{')
}

/// Do the first groups give what something may begin with?
fn is_promising(text: &[u8], range: Range<usize>, table: &[u8; 256]) -> bool {
    let (mut start, mut len) = ([0; 4 * TRIED], 0);
    for (bytes, count) in Groups::new(text, range, table).take(TRIED) {
        start[len..len + count].copy_from_slice(&bytes[..count]);
        len += count;
        // no text, and nothing that holds any, has these
        if count == 4 && len == 4 && is_noise(Some(&bytes)) {
            return false;
        }
    }
    len >= 4 * TRIED - 3 && plausible(&start[..len], false).is_some()
}

/// All of a text, whatever quotes it holds.
pub(super) fn decode_whole(text: &[u8], sink: &mut Sink) -> bool {
    let body = text.trim_ascii();
    let from = text.len() - text.trim_ascii_start().len();
    body.len() >= LEAST && attempt(text, from..from + body.len(), &TABLES[0], sink)
}

/// Letters of both cases, digits and signs all through, as no code and no word has.
pub(super) fn is_mixed(piece: &[u8]) -> bool {
    let piece = &piece[..piece.len().min(LEAD)];
    let [mut run, mut signs, mut upper, mut other] = [0_usize; 4];
    for b in piece {
        run = if b.is_ascii_lowercase() { run + 1 } else { 0 };
        // so many small letters make a word
        if run == 10 {
            return false;
        }
        signs += usize::from(b.is_ascii_punctuation());
        upper += usize::from(b.is_ascii_uppercase());
        other += usize::from(b.is_ascii_lowercase() || b.is_ascii_digit());
    }
    signs >= 3 && signs * 16 >= piece.len() && upper >= 2 && other >= 2
}

fn attempt(text: &[u8], range: Range<usize>, table: &[u8; 256], sink: &mut Sink) -> bool {
    if !is_promising(text, range.clone(), table) || !sink.affords(range.len(), &range) {
        return false;
    }
    let (mut bytes, mut anchors, mut groups) =
        (Vec::with_capacity(range.len()), Vec::new(), Groups::new(text, range.clone(), table));
    loop {
        let anchor = Anchor { decoded: bytes.len(), source: groups.at };
        let Some((group, count)) = groups.next() else { break };
        // one anchor for each break in the rhythm is enough
        if anchors
            .last()
            .is_none_or(|a: &Anchor| (anchor.decoded - a.decoded) * 5 != (anchor.source - a.source) * 4)
        {
            anchors.push(anchor);
        }
        bytes.extend_from_slice(&group[..count]);
    }
    let map = Map::Pieces { anchors, inn: 5, out: 4, end: groups.at };
    add_plausible(sink, &[View::Base85], bytes, map, range.len())
}

/// The groups of a run, until it makes no sense.
struct Groups<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
    table: &'a [u8; 256],
}

impl<'a> Groups<'a> {
    fn new(text: &'a [u8], range: Range<usize>, table: &'a [u8; 256]) -> Groups<'a> {
        Groups { text, at: range.start, end: range.end, table }
    }
}

impl Iterator for Groups<'_> {
    /// Bytes, and how many of them count.
    type Item = ([u8; 4], usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut value, mut digits, mut at) = (0_u64, 0, self.at);
        while digits < 5 && at < self.end {
            let b = self.text[at];
            match self.table[usize::from(b)] {
                _ if b.is_ascii_whitespace() => {}
                ZEROS if digits == 0 => digits = 5,
                NONE | ZEROS => break,
                digit => {
                    value = value * 85 + u64::from(digit);
                    digits += 1;
                }
            }
            at += 1;
        }
        if digits < 2 {
            return None;
        }
        for _ in digits..5 {
            value = value * 85 + 84;
        }
        self.at = at;
        let bytes = u32::try_from(value).ok()?.to_be_bytes();
        Some((bytes, digits - 1))
    }
}

const fn table(alphabet: &[u8; 85]) -> [u8; 256] {
    let (mut table, mut i) = ([NONE; 256], 0);
    while i < alphabet.len() {
        table[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    table
}

const fn ascii85() -> [u8; 256] {
    let (mut table, mut b) = ([NONE; 256], b'!');
    while b <= b'u' {
        table[b as usize] = b - b'!';
        b += 1;
    }
    table[b'z' as usize] = ZEROS;
    table
}
