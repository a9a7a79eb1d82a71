//! Offsets → lines and columns, also in a text that passes by in pieces; and marks by which tools know a finding again.

use sha2::{Digest, Sha256};

/// How far a text has been passed over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    offset: u64,
    lines: u64,
    /// Characters since the last line break.
    column: u64,
}

impl Lines {
    /// So many bytes have gone by.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// These go by.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let (line, column) = self.place(bytes);
        self.offset += bytes.len() as u64;
        (self.lines, self.column) = (line - 1, column - 1);
    }

    /// Line and column, from 1, of what follows `before`, which itself follows what has gone by.
    pub(super) fn place(&self, before: &[u8]) -> (u64, u64) {
        let breaks = memchr::memchr_iter(b'\n', before).count() as u64;
        let last = memchr::memrchr(b'\n', before);
        // what continues a character is none
        let characters = |bytes: &[u8]| bytes.iter().filter(|b| **b & 0xc0 != 0x80).count() as u64;
        let column =
            last.map_or_else(|| self.column + characters(before), |at| characters(&before[at + 1..]));
        (self.lines + breaks + 1, column + 1)
    }
}

/// The same for the same rule at the same place; nothing of what stands there.
pub(super) fn fingerprint(rule: &str, name: &str, line: u64, column: u64) -> String {
    let digest = Sha256::digest(format!("{rule}\0{name}\0{line}\0{column}"));
    data_encoding::HEXLOWER.encode(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_same_however_the_text_goes_by() {
        let text = "ab\nc\u{e9}d\n\nx".as_bytes();
        assert_eq!(Lines::default().place(&text[..6]), (2, 3));
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            lines.pass(&text[..cut]);
            assert_eq!(lines.place(&text[cut..]), Lines::default().place(text), "{cut}");
            assert_eq!(lines.offset(), cut as u64);
        }
    }
}
