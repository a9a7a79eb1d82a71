//! Where something encoded may be under way at the end of a text of which more follows. It is a matter of notation alone:
//! whether it is encoded is seen once it is there.

use super::sweep::in_word;

/// So far back it is looked for: what is longer is looked at in pieces.
pub(super) const MOST: usize = 4096;
/// The same where there are characters beyond ASCII: in some scripts nothing stands between words.
const OTHER: usize = 512;
/// Items of lists are no longer: `0x41`, `103`, a letter.
const ITEM: usize = 4;
/// Between them.
const GAP: usize = 3;
/// Lines of something wrapped are not shorter.
const LINE: usize = 20;

/// What stands from there on is to be looked at again with what follows.
pub(super) fn from(text: &[u8]) -> usize {
    let floor = text.len().saturating_sub(MOST);
    let (mut at, mut short) = (begin(text, text.len(), floor), true);
    short &= text.len() - at <= ITEM;
    while at > floor {
        let gap = text[floor..at].iter().rev().take_while(|b| is_gap(**b)).count();
        let end = at - gap;
        let start = begin(text, end, floor);
        let item = &text[start..end];
        let wraps = text[end..at].iter().any(|b| matches!(b, b'\n' | b'\r'))
            && (item.ends_with(b"=") || item.len() >= LINE && item.iter().all(|b| in_word(*b) != 0));
        // a line that has ended is passed on
        let ended = end + gap == text.len() && text.ends_with(b"\n");
        let lists = short && !ended && (1..=ITEM).contains(&item.len());
        // what is not seen may stand between all letters of a phrase
        let unseen = text[at..].iter().chain(item).any(|b| *b >= 0x80);
        if gap == 0 || gap > GAP || !(wraps || lists || unseen) {
            break;
        }
        (at, short) = (start, short && lists);
    }
    let other = text[at..].iter().any(|b| *b >= 0x80);
    at.max(if other { text.len().saturating_sub(OTHER) } else { 0 })
}

/// Where the word that ends at `end` begins.
fn begin(text: &[u8], end: usize, floor: usize) -> usize {
    let part = |b: &&u8| (b.is_ascii_graphic() && !matches!(**b, b'"' | b'\'' | b',')) || **b >= 0x80;
    end - text[floor.min(end)..end].iter().rev().take_while(part).count()
}

fn is_gap(b: u8) -> bool {
    matches!(b, b' ' | b',' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_go_on_is_held_from_its_beginning() {
        for (text, open) in [
            ("a key: Z2hwXzF0", "Z2hwXzF0"),
            ("\"v\": \"Z2hw", "Z2hw"),
            ("it ends. ", ""),
            ("nothing is open here\n", ""),
            ("its bytes: 67 68 70 5", "67 68 70 5"),
            ("decimal: 103, 104, 112, ", "103, 104, 112, "),
            ("letters: g h p _", "g h p _"),
            ("text\n\nZ2hwXzF0YW1GaWFjb0xK\nOHY1MWh6N0Rm", "Z2hwXzF0YW1GaWFjb0xK\nOHY1MWh6N0Rm"),
            ("so =67=68=\r\n=70", "=67=68=\r\n=70"),
        ] {
            assert_eq!(&text[from(text.as_bytes())..], open, "{text:?}");
        }
    }

    #[test]
    fn no_more_is_held_than_is_said() {
        assert_eq!(from(&[b'A'; 3 * MOST]), 2 * MOST);
        assert_eq!(from("请".repeat(MOST).as_bytes()), 3 * MOST - OTHER);
    }
}
