//! Checksums that providers put at the end of their tokens.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(in crate::scanner) fn github_crc32(value: &[u8]) -> bool {
    let Some((body, check)) = value.split_last_chunk::<6>() else { return false };
    let Some((_, payload)) = body.split_last_chunk::<30>() else { return false };
    let mut rest = crc32(payload);
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    expected == *check
}

/// `glsa_RANDOM_CRC`: of all before the last `_`, written least byte first.
pub(in crate::scanner) fn grafana_crc32(value: &[u8]) -> bool {
    let Some((body, check)) = value.split_last_chunk::<8>() else { return false };
    let Some(payload) = body.strip_suffix(b"_") else { return false };
    let expected = data_encoding::HEXLOWER.encode(&crc32(payload).to_le_bytes());
    expected.as_bytes() == check
}

/// CRC-32 as in zip and Ethernet, bit by bit: few bytes, seldom.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(!github_crc32(b"ghp_short") && !github_crc32(&[b'a'; 40]));
        assert!(!grafana_crc32(b"glsa_short") && !grafana_crc32(&[b'a'; 46]));
    }
}
