//! Which values a slot takes. Asked when a value is set, so that a request never fails for what could have been known before;
//! asked again when one is put in.

use crate::base::secret::Secret;
use crate::config::Slot;

/// Would the value stand in this slot as it is, and be read there as it is?
///
/// # Errors
/// Why not, to follow "the value"; the value is not in the text.
pub fn slot_takes(slot: &Slot, value: &Secret) -> Result<(), &'static str> {
    let bytes = value.expose();
    let has = |bad: &dyn Fn(u8) -> bool| bytes.iter().any(|b| bad(*b));
    let control = has(&|b| b < 0x20 || b == 0x7f);
    let spaced = bytes.first().is_some_and(|b| *b == b' ') || bytes.last().is_some_and(|b| *b == b' ');
    match slot {
        _ if bytes.is_empty() => Err("is empty"),
        Slot::Header { .. } if control => Err("has a control character in it, which no header can carry"),
        Slot::Header { .. } if spaced => Err("begins or ends with a space, which a header loses"),
        Slot::Basic { .. } | Slot::BasicUser { .. } if control => {
            Err("has a control character in it, which Basic credentials cannot have")
        }
        Slot::BasicUser { .. } if has(&|b| b == b':') => {
            Err("has a `:` in it, which ends the user name of Basic credentials")
        }
        Slot::Cookie { .. } if has(&|b| !b.is_ascii_graphic() || b"\",;\\".contains(&b)) => Err(
            "has a character in it that a cookie cannot carry (only visible ASCII without `\"` `,` `;` `\\`)",
        ),
        Slot::Json { .. } if std::str::from_utf8(bytes).is_err() => {
            Err("is not UTF-8, which a JSON text must be")
        }
        Slot::Path { template } if is_dots(template, bytes) => {
            Err("would make a segment of the path that leads elsewhere (`.` or `..`)")
        }
        Slot::Form { .. } if has(&|b| matches!(b, b'\r' | b'\n' | 0)) => {
            Err("has a NUL, CR or LF in it, which a form field cannot carry")
        }
        _ => Ok(()),
    }
}

fn is_dots(template: &str, value: &[u8]) -> bool {
    let segment = template.split('/').find(|s| s.contains("{}")).unwrap_or("{}");
    let (before, after) = segment.split_once("{}").unwrap_or_default();
    let whole = [before.as_bytes(), value, after.as_bytes()].concat();
    whole == b"." || whole == b".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_takes_what_it_can_carry() {
        let takes =
            |slot: &str, value: &[u8]| slot_takes(&slot.parse().unwrap(), &Secret::from(value)).is_ok();
        let plain = b"sk-Az09_-.~+/=!";
        for (slot, good, bad) in [
            (
                "header:x",
                &[plain, &b"a b"[..], b"p\xc3\xa4ss", b"a;b,c\"d"][..],
                &[&b"a\tb"[..], b"a\r\nb", b" a", b"a ", b"a\x7f"][..],
            ),
            ("header:authorization:Bearer", &[plain], &[b"a\x01"]),
            ("basic:u", &[plain, b"a:b", b"p\xc3\xa4ss w"], &[b"a\nb", b"\x00"]),
            ("basic-user:", &[plain], &[b"a:b", b"a\tb"]),
            ("query:k", &[plain, b"a&b=c#d", b"\xff\x01"], &[]),
            ("cookie:k", &[plain], &[b"a;b", b"a b", b"a,b", b"\"a\"", b"a\\b", b"\xc3\xa4", b"a\n"]),
            ("form:k", &[plain, b"a&b=c", b"\xff"], &[b"a\r\nb"]),
            ("json:/k", &[plain, b"a\"b\\c\x01", "pä".as_bytes()], &[b"\xff", b"a\xc3"]),
            ("path:/a/{}", &[plain, b"a/b", b"...", b"%2e"], &[b".", b".."]),
            ("path:/.{}", &[plain, b".."], &[b"."]),
        ] {
            for value in good {
                assert!(takes(slot, value), "{slot} {value:?}");
            }
            for value in bad {
                assert!(!takes(slot, value), "{slot} {value:?}");
            }
            assert!(!takes(slot, b""), "{slot}");
        }
    }
}
