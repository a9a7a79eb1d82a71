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
        if promising
            && let Some(decoded) = bytes(&run[skip..]).filter(|_| sink.affords(run.len(), &chars.span()))
        {
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
    let mut out = Vec::with_capacity(run.len() * 5 / 8 + 1);
    for chars in run.chunks(8) {
        out.extend_from_slice(&group(chars)?.to_be_bytes()[3..3 + chars.len() * 5 / 8]);
    }
    Some(out)
}

/// The five bytes of up to eight characters.
pub(super) fn group(chars: &[u8]) -> Option<u64> {
    let bits = chars.iter().try_fold(0_u64, |bits, b| Some(bits << 5 | u64::from(value(*b)?)))?;
    Some(bits << (5 * (8 - chars.len())))
}

fn value(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a'),
        b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    }
}
