//! Base58 with Bitcoin's alphabet. One number, so all of it or nothing.

use super::View;
use super::lattice::{Sink, add_plausible};
use super::map::Map;
use super::run::Chars;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The work grows with the square: longer runs are left alone.
pub(super) const LONGEST: usize = 2048;
/// A shorter run is a name.
pub(super) const LEAST: usize = 24;

pub(super) fn decode(chars: &Chars<'_>, sink: &mut Sink) -> bool {
    let run = &chars.bytes[..];
    let work = run.len() * (run.len() / 64 + 1);
    if run.len() > LONGEST || !sink.affords(work, &chars.span()) {
        return false;
    }
    let Some(decoded) = bytes(run) else { return false };
    add_plausible(sink, &[View::Base58], decoded, Map::Whole(chars.span()), work)
}

/// The bytes of the number the run writes.
fn bytes(run: &[u8]) -> Option<Vec<u8>> {
    // least part first
    let mut parts: Vec<u32> = Vec::with_capacity(run.len() / 5 + 1);
    // five characters at a time fit a part
    for group in run.chunks(5) {
        let (mut value, mut base) = (0_u64, 1_u64);
        for b in group {
            value = value * 58 + u64::try_from(ALPHABET.iter().position(|a| a == b)?).ok()?;
            base *= 58;
        }
        for part in &mut parts {
            value += u64::from(*part) * base;
            *part = value as u32;
            value >>= 32;
        }
        if value > 0 {
            parts.push(value as u32);
        }
    }
    let zeros = run.iter().take_while(|b| **b == b'1').count();
    let number = parts.iter().rev().flat_map(|p| p.to_be_bytes()).skip_while(|b| *b == 0);
    Some(std::iter::repeat_n(0, zeros).chain(number).collect())
}
