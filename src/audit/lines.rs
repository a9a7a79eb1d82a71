//! Finding one's way in a file of lines without reading it whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const CHUNK: usize = 64 * 1024;

/// The offset behind the last newline before `end`.
pub(super) fn end_of_last_line(file: &File, end: u64) -> io::Result<u64> {
    let mut end = end;
    let mut chunk = vec![0; CHUNK];
    while end > 0 {
        let from = end.saturating_sub(CHUNK as u64);
        let part = &mut chunk[..usize::try_from(end - from).unwrap_or(CHUNK)];
        file.read_exact_at(part, from)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// The `hash` of the line that ends at `end`, if it can be read.
pub(super) fn last_hash(file: &File, end: u64) -> io::Result<Option<[u8; 64]>> {
    #[derive(serde::Deserialize)]
    struct Hashed {
        hash: String,
    }
    if end == 0 {
        return Ok(None);
    }
    let start = end_of_last_line(file, end - 1)?;
    let mut line = vec![0; usize::try_from(end - start).unwrap_or_default()];
    file.read_exact_at(&mut line, start)?;
    let parsed = serde_json::from_slice::<Hashed>(&line).ok();
    Ok(parsed.and_then(|p| p.hash.as_bytes().try_into().ok()))
}

/// Newlines from `from` to `to` or the end.
pub(super) fn lines(file: &File, from: u64, to: u64) -> io::Result<u64> {
    let (mut at, mut count) = (from, 0);
    let mut chunk = vec![0; CHUNK];
    while at < to {
        let want = usize::try_from(to - at).unwrap_or(CHUNK).min(CHUNK);
        let n = file.read_at(&mut chunk[..want], at)?;
        if n == 0 {
            break;
        }
        count += memchr::memchr_iter(b'\n', &chunk[..n]).count() as u64;
        at += n as u64;
    }
    Ok(count)
}
