//! A header value with parameters, `kind; name=value; name="value"`, in the one form that every reader takes alike.

/// What stands before the parameters, and each of these, in order.
pub(super) type Read<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// Reads it. `None`: a quote that is not closed, something behind one, an escape, a name without a value: anything that is read
/// in one way here and may be read in another elsewhere. Whether a name may be there twice is the caller's to say.
pub(super) fn read(text: &str) -> Option<Read<'_>> {
    let end = text.find(';').unwrap_or(text.len());
    let kind = text[..end].trim();
    let mut rest = text[end..].trim();
    let mut all = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix(';')?.trim_start();
        if rest.is_empty() {
            break; // a semicolon at the end says nothing
        }
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_at(behind.find([';', ' ', '\t']).unwrap_or(behind.len())),
        };
        all.push((is_plain(name).then_some(name)?, is_text(value).then_some(value)?));
        rest = behind.trim_start();
    }
    Some((kind, all))
}

/// A token of RFC 9110, less what some take for a quote.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&*+-.^_|~".contains(&b))
}

/// What no reader takes for the end of a value, or for an escape in one.
fn is_text(value: &str) -> bool {
    !value.contains(['"', '\\', '\'', ';']) && !value.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_or_none() {
        let all = |text| read(text).map(|(kind, all)| (kind.to_owned(), all.len()));
        assert_eq!(all(" form-data ; name=a;x=\"b c\" ; "), Some(("form-data".into(), 2)));
        assert_eq!(read("a; n=\"b c\"").unwrap().1, [("n", "b c")]);
        assert_eq!(all("a/b"), Some(("a/b".into(), 0)));
        for text in [
            "a; n",
            "a; =b",
            "a; n=\"b",
            "a; n=\"b\"c",
            "a; n=\"b\\\"; m=c\"",
            "a; n='b; m=c; o='",
            "a; n =b",
            "a; n=\"x; n=b; y\"",
            "a; n=b c",
            "a;; n=b",
        ] {
            assert_eq!(all(text), None, "{text}");
        }
    }
}
