//! Long stretches without a space that may be base85 without its marks.

use super::base85;
use super::signs::Signs;
use super::sweep::{EACH, STRIDE, TOP};

/// They are looked for in texts no longer.
const LONGEST: usize = 4096;

/// Looks for stretches that may be base85: visible, and of all sorts of characters.
pub(super) fn signs(text: &[u8], signs: &mut Signs) {
    if text.len() > LONGEST {
        return;
    }
    let (mut at, mut free) = (0, 0);
    while at < text.len() {
        // of any run that is long enough, so many bytes stand behind one of these places
        if at >= free && strays(eight(text, at)) << (64 - 8 * SURE) == 0 {
            let token = at - visible_before(&text[free..at])..at + visible(&text[at..]);
            free = token.end;
            let piece = &text[token.clone()];
            if piece.len() >= base85::LEAST
                && base85::is_mixed(piece)
                && base85::promises(piece, token.start == 0)
            {
                signs.note_mixed(token);
            }
        }
        at += STRIDE;
    }
}

/// So many bytes of a run of base85 stand behind a multiple of the stride.
const SURE: usize = base85::LEAST + 1 - STRIDE;

/// Eight bytes from `at` on, as if spaces followed.
#[inline(always)]
fn eight(text: &[u8], at: usize) -> u64 {
    let rest = &text[at..];
    let read = |b: &[u8; 8]| u64::from_le_bytes(*b);
    rest.first_chunk()
        .map_or_else(|| rest.iter().rev().fold(b' ' as u64 * EACH, |all, b| all << 8 | u64::from(*b)), read)
}

/// The top bit of each of eight bytes that no such stretch holds: it is not visible, or a quote.
#[inline(always)]
fn strays(bytes: u64) -> u64 {
    let low = bytes & !TOP;
    let (blank, delete) = (!(low + 0x5f * EACH), low + EACH);
    let quote = bytes ^ (u64::from(b'"') * EACH);
    let quote = !(((quote & !TOP) + 0x7f * EACH) | quote);
    (blank | delete | quote | bytes) & TOP
}

/// How many bytes at the beginning are part of such a stretch.
fn visible(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() {
        let strays = strays(eight(text, at));
        if strays != 0 {
            return at + strays.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    text.len()
}

/// And at the end.
fn visible_before(text: &[u8]) -> usize {
    let (rest, eights) = text.as_rchunks::<8>();
    let mut len = 0;
    for eight in eights.iter().rev() {
        let strays = strays(u64::from_le_bytes(*eight));
        len += strays.leading_zeros() as usize / 8;
        if strays != 0 {
            return len;
        }
    }
    len + rest.iter().rev().take_while(|b| b.is_ascii_graphic() && **b != b'"').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_end_where_their_bytes_say() {
        for b in 0..=u8::MAX {
            for at in 0..20 {
                let mut text = [b'x'; 20];
                text[at] = b;
                let part = b.is_ascii_graphic() && b != b'"';
                assert_eq!(visible(&text), if part { 20 } else { at }, "{b} at {at}");
                assert_eq!(visible_before(&text), if part { 20 } else { 19 - at }, "{b} at {at}");
            }
        }
        assert_eq!((visible(b""), visible_before(b""), visible(b"abc")), (0, 0, 3));
    }
}
