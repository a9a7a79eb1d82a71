//! An independent, naive answer to "is the value still in there?": decodes the whole text every way and looks.

/// The name of the decoding under which `value` shows, if one does.
pub(super) fn find(text: &[u8], value: &[u8]) -> Option<&'static str> {
    let mut layers = vec![text.to_vec()];
    for _ in 0..4 {
        let last = layers.last().unwrap();
        layers.push(unescape(last));
    }
    layers.iter().find_map(|t| plain(t, value).or_else(|| encoded(t, value)))
}

fn plain(text: &[u8], value: &[u8]) -> Option<&'static str> {
    let reversed: Vec<u8> = value.iter().rev().copied().collect();
    if contains(text, value) {
        return Some("raw");
    }
    if contains(text, &reversed) && reversed != value {
        return Some("reversed");
    }
    let only = |b: &[u8]| -> Vec<u8> {
        b.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    let letters = only(value);
    let near = text.split(|b| *b == b'[').any(|part| contains(&only(part), &letters));
    (letters.len() >= 12 && near && text.len() < 2 * value.len()).then_some("separated")
}

fn encoded(text: &[u8], value: &[u8]) -> Option<&'static str> {
    let pick = |keep: &dyn Fn(u8) -> bool| -> Vec<u8> { text.iter().copied().filter(|b| keep(*b)).collect() };
    let hex = pick(&|b| b.is_ascii_hexdigit()).to_ascii_lowercase();
    if shifted(&hex, "0123456789abcdef", 4, value) {
        return Some("hex");
    }
    let std =
        |b: u8| [(b'-', b'+'), (b'_', b'/')].into_iter().find(|(url, _)| *url == b).map_or(b, |(_, std)| std);
    let base64: Vec<u8> =
        pick(&|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b)).into_iter().map(std).collect();
    if shifted(&base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, value) {
        return Some("base64");
    }
    let base32 = pick(&|b| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(&b)).to_ascii_uppercase();
    shifted(&base32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, value).then_some("base32")
}

/// Decodes from every one of the first eight symbols on.
fn shifted(symbols: &[u8], alphabet: &str, bits: u32, value: &[u8]) -> bool {
    (0..symbols.len().min(8)).any(|skip| {
        let (mut held, mut have, mut out) = (0_u32, 0, Vec::new());
        for symbol in &symbols[skip..] {
            let Some(index) = alphabet.bytes().position(|b| b == *symbol) else { return false };
            held = held << bits | u32::try_from(index).unwrap();
            have += bits;
            if have >= 8 {
                have -= 8;
                out.push(u8::try_from(held >> have & 0xff).unwrap());
            }
        }
        contains(&out, value)
    })
}

fn contains(text: &[u8], value: &[u8]) -> bool {
    !value.is_empty() && text.windows(value.len()).any(|w| w == value)
}

/// One round of decoding whatever looks like an escape.
fn unescape(text: &[u8]) -> Vec<u8> {
    let escape = regex::bytes::Regex::new(
        r"(?-u)%([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\u00([0-9A-Fa-f]{2})|&#x0*([0-9A-Fa-f]{2});|&#0*([0-9]{2,3});|\\([0-3][0-7]{2})",
    )
    .unwrap();
    escape
        .replace_all(text, |c: &regex::bytes::Captures<'_>| {
            let (group, digits) = (1..7).find_map(|g| c.get(g).map(|m| (g, m.as_bytes()))).unwrap();
            let digits = std::str::from_utf8(digits).unwrap();
            let radix = [16, 16, 16, 16, 10, 8][group - 1];
            u8::from_str_radix(digits, radix).map_or_else(|_| c[0].to_vec(), |b| vec![b])
        })
        .into_owned()
}
