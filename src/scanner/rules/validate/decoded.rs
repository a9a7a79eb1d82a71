//! Tokens that say what they are once decoded.

use data_encoding::{BASE32_NOPAD, BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

/// The top 40 bits after the first hold the account number; so old keys that hold none are not accepted.
const ACCOUNT: u64 = 0x7fff_ffff_ff80;

pub(in crate::scanner) fn jwt(value: &[u8]) -> bool {
    let header = value.split(|b| *b == b'.').next().unwrap_or_default();
    BASE64URL_NOPAD.decode(header).is_ok_and(|json| json.starts_with(b"{") && contains(&json, b"\"alg\""))
}

/// The beginning will do: a value may be cut short.
pub(in crate::scanner) fn json(value: &[u8]) -> bool {
    let start = value.windows(3).position(|w| w == b"eyJ").unwrap_or(0);
    let first = &value[start..(start + 16).min(value.len())];
    BASE64_NOPAD.decode(first).is_ok_and(|json| json.starts_with(b"{\"") && json.is_ascii())
}

pub(in crate::scanner) fn basic(value: &[u8]) -> bool {
    let Ok(pair) = BASE64.decode(value).or_else(|_| BASE64_NOPAD.decode(value)) else { return false };
    let mut parts = pair.splitn(2, |b| *b == b':');
    let name = parts.next().unwrap_or_default();
    pair.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
        && !name.is_empty()
        && parts.next().is_some_and(|password| password.len() > 5)
}

pub(in crate::scanner) fn snowflake(value: &[u8]) -> bool {
    let first = value.split(|b| *b == b'.').next().unwrap_or_default();
    BASE64_NOPAD
        .decode(first)
        .is_ok_and(|digits| (16..=20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit))
}

/// Version 2, then the location: one of the two indexes.
pub(in crate::scanner) fn macaroon(value: &[u8]) -> bool {
    let body = value.strip_prefix(b"pypi-").unwrap_or(value);
    let Some(Ok(first)) = body.get(..24).map(|b| BASE64URL_NOPAD.decode(b)) else { return false };
    [&b"\x02\x01\x08pypi.org\x02"[..], b"\x02\x01\x0dtest.pypi.org\x02"]
        .iter()
        .any(|location| first.starts_with(location))
}

pub(in crate::scanner) fn aws_key_id(value: &[u8]) -> bool {
    let Some(Ok(bytes)) = value.get(4..20).map(|b| BASE32_NOPAD.decode(b)) else { return false };
    let Some(first) = bytes.first_chunk::<6>() else { return false };
    let number = first.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let account = (number & ACCOUNT) >> 7;
    account <= 999_999_999_999
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decodes_to_nothing_known_is_refused() {
        assert!(json(b"eyJvIjoiMSIsIm4iOiJhIn0") && json(b"glc_eyJvIjoiMSIsIm4iOiJhIn0"));
        assert!(!json(b"eyJ") && !json(b"abcdefghijklmnopqrst"));
        assert!(basic(b"ZGVwbG95OnE4RnoyTHcwVmI=") && !basic(b"ZGVwbG95Og==") && !basic(b"realm=x"));
        assert!(
            snowflake(b"NzYxMjM0NTY3ODkwMTIzNDU2.a.b") && !snowflake(b"TWFueSBoYW5kcyBtYWtlIGxpZ2h0.a.b")
        );
        assert!(macaroon(b"pypi-AgEIcHlwaS5vcmcCJDNhM2ZmYw") && !macaroon(b"pypi-AgEIcHlwaS5vcmR"));
        assert!(!aws_key_id(b"AKIA") && aws_key_id(&[b"AKIA".as_slice(), b"QYLPMN5HFIQR7XYA"].concat()));
    }
}
