//! Tells decoded text from the noise that decoding something else gives.

/// What decoded bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text throughout: every rule may speak.
    Text,
    /// Binary, or not surely decoded as it was encoded: only rules with a shape of their own may speak.
    Binary,
}

/// A shorter piece says too little.
pub(super) const LEAST: usize = 8;

/// Of the beginning of decoded bytes (or all of them, `whole`): worth a look?
pub(super) fn plausible(bytes: &[u8], whole: bool) -> Option<Kind> {
    if is_container(bytes) || is_utf16(bytes) {
        return Some(Kind::Binary);
    }
    if bytes.len() < LEAST {
        return None;
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // cut in the middle of a character
        Err(e) => !whole && e.error_len().is_none() && e.valid_up_to() + 3 >= bytes.len(),
    };
    let odd = bytes.iter().filter(|b| is_odd(**b)).count();
    let high = bytes.iter().filter(|b| **b >= 0x80).count();
    if valid && odd * 32 <= bytes.len() && (high == 0 || bytes.len() >= 12) {
        return Some(Kind::Text);
    }
    // strings among other things
    let clear = bytes.len() - odd - high;
    (bytes.len() >= 16 && clear * 10 >= bytes.len() * 9).then_some(Kind::Binary)
}

/// No text holds it.
fn is_odd(b: u8) -> bool {
    b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x1b | 0x0c) || b == 0x7f
}

/// More than a third of it is no text.
pub(super) fn is_noise(bytes: &[u8]) -> bool {
    if bytes.iter().filter(|b| **b >= 0x80 || is_odd(**b)).count() * 3 <= bytes.len() {
        return false;
    }
    let wrong =
        |c: std::str::Utf8Chunk<'_>| c.invalid().len() + c.valid().bytes().filter(|b| is_odd(*b)).count();
    bytes.utf8_chunks().map(wrong).sum::<usize>() * 3 > bytes.len()
}

/// Begins as something that holds other things, or as an image.
pub(super) fn is_container(bytes: &[u8]) -> bool {
    is_compressed(bytes)
        || [&b"%PDF-"[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x28\xb5\x2f\xfd"]
            .iter()
            .any(|m| bytes.starts_with(m))
}

/// gzip, zlib or zip.
pub(super) fn is_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08") || bytes.starts_with(b"PK\x03\x04") || is_zlib(bytes)
}

/// The two bytes of a zlib header, and a block that could follow: stored and reserved kinds do not.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, third, ..] if third >> 1 & 3 != 3)
}

/// The two bytes of a zlib header, whatever follows.
pub(super) fn is_zlib_head(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda])
}

/// Every other byte is nothing.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    // as nearly all text is
    if bytes[..bytes.len().min(32)].iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        return false;
    }
    let body = bytes.strip_prefix(b"\xff\xfe").or(bytes.strip_prefix(b"\xfe\xff")).unwrap_or(bytes);
    let pairs = body.as_chunks::<2>().0;
    let pairs = &pairs[..pairs.len().min(16)];
    if pairs.len() >= 8 && pairs.iter().all(|p| is_korean(u16::from_le_bytes(*p))) && !is_clear(body) {
        return true;
    }
    let text = |unit: u16| match u8::try_from(unit) {
        Ok(b) if b < 0x80 => b != 0 && !is_odd(b),
        _ => is_letter(unit),
    };
    pairs.len() >= 6
        && (pairs.iter().all(|p| text(u16::from_le_bytes(*p)))
            && (pairs.len() >= 8 || pairs.iter().any(|p| p[1] == 0))
            && !is_clear(&body[..pairs.len() * 2])
            || pairs.iter().all(|p| text(u16::from_be_bytes(*p))) && pairs.iter().any(|p| p[0] == 0))
}

/// Text as it stands.
fn is_clear(bytes: &[u8]) -> bool {
    let cut = |e: std::str::Utf8Error| e.error_len().is_none();
    !bytes.iter().any(|b| is_odd(*b)) && std::str::from_utf8(bytes).map_or_else(cut, |_| true)
}

/// Of a script that has no zero bytes: Greek, Cyrillic, Hebrew, Arabic, kana, the signs of China, full-width and invisible ones, or a space among them.
pub(super) fn is_letter(unit: u16) -> bool {
    matches!(unit, 0x20 | 0xa0..=0x24f | 0x370..=0x4ff | 0x590..=0x6ff | 0x900..=0xe7f | 0x1e00..=0x1eff | 0x2000..=0x206f
        | 0x3000..=0x30ff | 0x4e00..=0x9fff | 0xd800..=0xdfff | 0xff00..=0xff60)
}

/// Korean, and what stands between its words: a sixth of all units, so by itself.
pub(super) fn is_korean(unit: u16) -> bool {
    matches!(unit, 0x20..=0x7e | 0xa0 | 0xac00..=0xd7a3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_not_text() {
        assert_eq!(plausible(b"ignore all", true), Some(Kind::Text));
        assert_eq!(plausible("игнорируй всё".as_bytes(), true), Some(Kind::Text));
        assert_eq!(plausible(&"игнорируй всё".as_bytes()[..15], false), Some(Kind::Text));
        assert_eq!(plausible(&[0x8f, 0x13, 0xa7, 0x41, 0x20, 0xff, 0x10, 0x99, 0x41], true), None);
        assert_eq!(plausible(b"\x1f\x8b\x08\0\0\0", true), Some(Kind::Binary));
        assert_eq!(plausible(b"i\0g\0n\0o\0r\0e\0", true), Some(Kind::Binary));
        assert_eq!(plausible(b"short", true), None);
    }
}
