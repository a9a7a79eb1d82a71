//! How entries look in a table: ages, and placeholders that fit.

use crate::base::clock::Timestamp;

/// Columns under headings, no frame. Cells are never broken over lines: what is broken cannot be copied.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(head);
    table.add_rows(rows);
    table.trim_fmt()
}

/// At most 41 characters; placeholders are ASCII.
pub(super) fn shortened(placeholder: &str) -> String {
    match placeholder.get(..40) {
        Some(head) if placeholder.len() > 41 => format!("{head}…"),
        _ => placeholder.to_owned(),
    }
}

/// `now`, `5m`, `3h`, `12d`.
pub(super) fn age(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.0.saturating_sub(then.0).max(0) / 60_000;
    match minutes {
        0 => "now".into(),
        1..60 => format!("{minutes}m"),
        60..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

/// `59m`, `3h`, `12d`; `expired`.
pub(super) fn until(now: Timestamp, then: Timestamp) -> String {
    if then <= now { "expired".into() } else { age(then, now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_placeholder_is_told_by_its_beginning() {
        let long = "x".repeat(42);
        assert_eq!(shortened(&long), format!("{}…", "x".repeat(40)));
        assert_eq!(shortened(&long[..41]), long[..41]);
    }

    #[test]
    fn ages() {
        let age = |minutes: i64| age(Timestamp(minutes * 60_000), Timestamp(0));
        assert_eq!(
            [age(-5), age(0), age(59), age(60), age(2879), age(2880)],
            ["now", "now", "59m", "1h", "47h", "2d"]
        );
        let until = |minutes: i64| until(Timestamp(0), Timestamp(minutes * 60_000));
        assert_eq!([until(-5), until(0), until(59), until(2880)], ["expired", "expired", "59m", "2d"]);
    }
}
