//! Base32 as in RFC 4648, capital or small.

use super::View;
use super::lattice::{Sink, add_plausible};
use super::plausible::plausible;
use super::run::{Chars, TRIED};

pub(super) fn decode(chars: &Chars<'_>, sink: &mut Sink) -> bool {
    let run = &chars.bytes[..];
    let start = &run[..run.len().min(TRIED)];
    // a prefix of up to a group shifts the groups
    for skip in 0..run.len().min(8) {
        let promising =
            bytes(&start[skip.min(start.len())..]).is_some_and(|b| plausible(&b, false).is_some());
        if promising && let Some(decoded) = bytes(&run[skip..]).filter(|_| run.len() <= sink.room()) {
            return add_plausible(
                sink,
                &[View::Base32],
                decoded,
                chars.map(skip..run.len(), 8, 5),
                run.len(),
            );
        }
    }
    false
}

/// The bytes of a run of the alphabet.
pub(super) fn bytes(run: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut held) = (Vec::with_capacity(run.len() * 5 / 8 + 1), 0_u32, 0);
    for b in run {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a',
            b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}
