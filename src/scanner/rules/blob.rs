//! Is what looks like a token a piece of something longer: an image in base64, say? Only what follows is looked at, so that a
//! stream gives the same answer however it is cut.

/// So many bytes after a match are looked at.
pub(in crate::scanner) const AFTER: usize = 66;
/// So long a run on the same line is no coincidence; after a line break, it takes nearly a whole line.
const SAME_LINE: usize = 24;
const NEXT_LINE: usize = 60;

/// Does what follows a match go on as base64 does?
pub(in crate::scanner) fn in_blob(after: &[u8]) -> bool {
    let breaks: [&[u8]; 4] = [b"\r\n", b"\n", b"\\r\\n", b"\\n"];
    let next_line = breaks.iter().find_map(|b| after.strip_prefix(*b));
    let (rest, least) = next_line.map_or((after, SAME_LINE), |rest| (rest, NEXT_LINE));
    let run = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+/_-".contains(b)).count();
    let run = &rest[..run];
    run.len() >= least
        && run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_lowercase)
        && run.iter().any(u8::is_ascii_digit)
}

/// May a match be a piece of base64 at all?
pub(in crate::scanner) fn may_be_base64(matched: &[u8]) -> bool {
    matched.iter().all(|b| b.is_ascii_alphanumeric() || b"+/_-".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_on_is_a_blob() {
        let run = b"9hbmRzY2FwZSBhbmQgc29tZSBtb3JlIHRleHQgdGhhdCBpcyBsb25nIGVub3VnaCB0byBjb3VudA";
        assert!(in_blob(run) && in_blob(&[b"\n", &run[..]].concat()));
        assert!(!in_blob(b"") && !in_blob(b"/sendMessage?text=a") && !in_blob(&run[..20]));
        assert!(
            !in_blob(b"\nAWS_SECRET_ACCESS_KEY=abc")
                && !in_blob(b"/the/quick/brown/fox/jumps/over/the/lazy/dog")
        );
    }
}
