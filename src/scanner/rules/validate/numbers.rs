//! Numbers of cards and of bank accounts.

/// First digits and lengths of a brand's card numbers.
const BRANDS: &[(std::ops::RangeInclusive<u32>, &[usize])] = &[
    (400_000..=499_999, &[13, 16, 19]), // Visa
    (510_000..=559_999, &[16]),         // Mastercard
    (222_100..=272_099, &[16]),         // Mastercard, 2-series
    (340_000..=349_999, &[15]),         // American Express
    (370_000..=379_999, &[15]),
    (601_100..=601_199, &[16, 19]), // Discover
    (644_000..=659_999, &[16, 19]),
    (352_800..=358_999, &[16, 17, 18, 19]), // JCB
    (300_000..=305_999, &[14, 16]),         // Diners Club
    (360_000..=369_999, &[14, 16]),
    (380_000..=399_999, &[14, 16]),
    (620_000..=629_999, &[16, 17, 18, 19]), // UnionPay
    (500_000..=509_999, &[16, 19]),         // Maestro
    (560_000..=589_999, &[16, 19]),
    (670_000..=679_999, &[16, 19]),
];

/// Lengths by country, from the registry of ISO 13616.
const COUNTRIES: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

pub(in crate::scanner) fn card(value: &[u8]) -> bool {
    let digits: Vec<u32> = value.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0')).collect();
    let Some(first) = digits.get(..6) else { return false };
    let first = first.iter().fold(0, |n, d| n * 10 + d);
    BRANDS.iter().any(|(range, lengths)| range.contains(&first) && lengths.contains(&digits.len()))
        && luhn(&digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |d: u32| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, d)| if i % 2 == 1 { doubled(*d) } else { *d }).sum();
    sum.is_multiple_of(10)
}

pub(in crate::scanner) fn iban(value: &[u8]) -> bool {
    let chars: Vec<u8> =
        value.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let Some(country) = chars.get(..2).and_then(|c| std::str::from_utf8(c).ok()) else { return false };
    let fits = COUNTRIES.iter().any(|(len, names)| {
        *len == chars.len() && names.split_ascii_whitespace().any(|name| name == country)
    });
    fits && chars[4..].iter().chain(&chars[..4]).fold(0_u32, |rest, c| match c {
        b'0'..=b'9' => (rest * 10 + u32::from(c - b'0')) % 97,
        _ => (rest * 100 + u32::from(c - b'A') + 10) % 97,
    }) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_need_a_brand_and_a_check_digit() {
        assert!(card(b"4539 1488 0343 6467") && card(b"378734493671000"));
        assert!(!card(b"4539 1488 0343 6468") && !card(b"453914880343646") && !card(b"0000000000000000"));
        assert!(!card(b"9539148803436465") && !card(b"1"));
    }

    #[test]
    fn ibans_need_a_country_a_length_and_a_checksum() {
        assert!(iban(b"DE75 5121 0800 1245 1261 99") && iban(b"FR7630006000011234567890189"));
        assert!(!iban(b"DE75512108001245126198") && !iban(b"FR75512108001245126199") && !iban(b"XX"));
    }
}
