//! Orders to the terminal that shows a text: what sets the clipboard, hides or rewrites what was printed, makes it answer, or
//! links elsewhere than it says. Colours are ordinary.

use std::ops::Range;

use super::Found;

const ESC: u8 = 0x1b;
/// No order is looked at further.
const ORDER: usize = 400;
/// So many characters without a look are meant to be read by somebody else.
const CONCEALED: usize = 8;

pub(super) fn find(text: &[u8], found: &mut Found<'_>) -> usize {
    let (mut hold, mut rewritten) = (text.len(), false);
    for at in memchr::memchr_iter(ESC, text) {
        let order = &text[at + 1..text.len().min(at + ORDER)];
        match order {
            [b']', b'5', b'2', b';', ..] => found.add("content.terminal_clipboard", at..at + 5),
            [b']', b'8', b';', rest @ ..] => {
                if let Some(len) = misleads(rest) {
                    found.add("content.terminal_link", at..at + 4 + len);
                }
            }
            [b']', b'0' | b'1' | b'2', b';', ..] => found.add("content.terminal_title", at..at + 4),
            // what the terminal answers is typed into the shell
            [b'P', b'$' | b'+', b'q', ..]
            | [b'[', b'2', b'1', b't', ..]
            | [b']', b'5', b'0', b';', b'?', ..] => {
                found.add("content.terminal_report", at..at + 4);
            }
            [b'[', b'8', b'm', rest @ ..] => {
                let shown = rest.iter().position(|b| *b == ESC).unwrap_or(rest.len());
                if rest[..shown].iter().filter(|b| b.is_ascii_alphabetic()).count() >= CONCEALED {
                    found.add("content.concealed_text", at..at + 4 + shown);
                }
            }
            [b'[', b'2' | b'3', b'J', ..] | [b'[', b'1'..=b'9', b'A', ..] if !rewritten => {
                rewritten = true;
                found.add("content.terminal_rewrite", at..at + 4);
            }
            _ => {}
        }
        let open = match order {
            [b']', b'8', b';', rest @ ..] => link(rest).is_none(),
            [b'[', b'8', rest @ ..] => !rest.contains(&ESC),
            _ => false,
        };
        if order.len() < 5 || open && at + ORDER > text.len() {
            hold = hold.min(at);
        }
    }
    hold
}

/// A link whose text is an address on another host: its length behind `8;`.
fn misleads(rest: &[u8]) -> Option<usize> {
    let (uri, text) = link(rest)?;
    let (to, says) = (host(&rest[uri])?, host(&rest[text.clone()])?);
    (!to.eq_ignore_ascii_case(says)).then_some(text.end)
}

/// Where a link leads, and what it says, behind its `8;`.
fn link(rest: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let uri = memchr::memchr(b';', rest)? + 1;
    let end = uri + rest[uri..].iter().position(|b| matches!(b, 0x07 | &ESC))?;
    let text = end + if rest.get(end) == Some(&ESC) { 2 } else { 1 };
    let close = text + rest.get(text..)?.iter().position(|b| *b == ESC)?;
    Some((uri..end, text..close))
}

/// The host of what looks like an address.
fn host(text: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(text, b"://")? + 3;
    let len = text[at..].iter().position(|b| b"/?#: \t\r\n".contains(b)).unwrap_or(text.len() - at);
    let host = &text[at..at + len];
    let bare = host.strip_prefix(b"www.").unwrap_or(host);
    (!bare.is_empty()).then_some(bare)
}
