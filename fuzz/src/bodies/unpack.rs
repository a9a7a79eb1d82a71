//! Archives in archives, as `scan-file` takes them apart.

use katana::app::scan::{As, Asked, reader};
use katana::config::Mode;
use katana::scanner::{Direction, Judge, Scanner, Surface};
use std::io::Cursor;
use std::sync::LazyLock;

/// Without rules: what is in an archive is the engine's business.
static ASKED: LazyLock<Asked> = LazyLock::new(|| Asked {
    judge: Scanner::from_rules([]).and_then(Judge::of).expect("no rules are good ones"),
    mode: Mode::Strict,
    taken: As::Part(Direction::Request, Surface::Header),
});

/// Everything is scanned or named as unread, and names say nothing to a terminal.
pub(super) fn unpack(data: &[u8]) {
    let report = reader(&ASKED, "it", Box::new(Cursor::new(data.to_vec())));
    assert!(report.texts > 0 || !report.unread.is_empty() || is_empty_archive(data));
    let names = report.unread.iter().map(|u| &u.name).chain(report.items.iter().map(|i| &i.name));
    names.for_each(|name| assert!(name.starts_with("it") && !name.chars().any(char::is_control), "{name:?}"));
}

/// One that has no members, or nothing but members without content that is scanned.
fn is_empty_archive(data: &[u8]) -> bool {
    [&b"PK"[..], b"\x1f\x8b", b"\x28\xb5"].iter().any(|magic| data.starts_with(magic)) || data.len() >= 262
}
