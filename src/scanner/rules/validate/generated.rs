//! Tells a generated value from a name: letters and digits both, and not words joined by marks, as paths and constants are.

/// Letters and digits, and no name?
pub(super) fn generated(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic) && !is_name(value)
}

/// A name has several parts, and most of what is in them can be said: `src/main/Base64.java`, `D3D_BLOB_INPUT`, `gss-krb5-key`.
fn is_name(value: &[u8]) -> bool {
    let parts = || value.split(|b| !b.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let (mut said, mut all) = (0, 0);
    for part in parts() {
        all += part.len();
        said += if is_word(part) { part.len() } else { 0 };
    }
    parts().count() >= 3 && said * 5 >= all * 4
}

/// Letters that can be said, with a number in front or behind, or very short.
fn is_word(part: &[u8]) -> bool {
    let letters = trimmed(part);
    let digits = part.len() - letters.len();
    part.len() <= 3
        || digits <= 4
            && letters.iter().all(u8::is_ascii_alphabetic)
            && can_be_said(letters)
            && has_humps(letters)
}

/// No five consonants or four vowels in a row.
fn can_be_said(letters: &[u8]) -> bool {
    let is_vowel = |b: &u8| b"aeiouyAEIOUY".contains(b);
    letters
        .chunk_by(|a, b| is_vowel(a) == is_vowel(b))
        .all(|run| run.len() < if is_vowel(&run[0]) { 4 } else { 5 })
}

/// Capitals all over, none, or only where words begin.
fn has_humps(letters: &[u8]) -> bool {
    let capitals = letters.iter().filter(|b| b.is_ascii_uppercase()).count();
    let begins =
        letters.windows(2).filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()).count();
    capitals == letters.len() || capitals <= begins + 1 && begins * 3 <= letters.len()
}

/// Without the digits at either end.
fn trimmed(part: &[u8]) -> &[u8] {
    let is_letter = |b: &u8| !b.is_ascii_digit();
    let first = part.iter().position(is_letter).unwrap_or(part.len());
    let last = part.iter().rposition(is_letter).map_or(first, |at| at + 1);
    &part[first..last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_generated_and_a_key_is() {
        for name in [
            "src/main/java/org/sonatype/plexus/components/cipher/Base64.java",
            "D3D_BLOB_INPUT_AND_OUTPUT_SIGNATURE_BLOB",
            "gss_krb5_rfc1964_keydata",
            "libs/config/include/boost/config/compiler/xlcpp_zos2.hpp",
        ] {
            assert!(!generated(name.as_bytes()), "{name}");
        }
        for key in [
            "393274299b77de16e53e43445d3d0743c590c3f9",
            "69IPW2XcyAtfnqIhQ6Av5FnP4J8iKG75",
            "a1b2c3d4-e5f6-4789-a0b1-c2d3e4f5a6b7",
            "AQVNgzOtrVMqoxfBYEywPBvChdt1HdkHyJuz0oRg",
            "q8Fz-2Lw0Vb-9xKk",
            "xkeysib-8f3kq0vzw1-Zr7t2pLm",
        ] {
            assert!(generated(key.as_bytes()), "{key}");
        }
    }
}
