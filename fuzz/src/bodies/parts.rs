//! The readers of bodies: parts of a JSON body, and of a stream of events whatever its pieces.

use super::expand::expand;
use super::input::Input;
use katana::scanner::parts::{self, Assembler, Part};
use katana::scanner::{Direction, Surface};

/// Byte by byte, too.
const PIECES: usize = 1 << 16;

/// Parts lead back into the body; they are the same each time.
pub(super) fn parts(data: &[u8]) {
    let mut input = Input(data);
    let byte = input.byte();
    let direction = if byte & 1 == 0 { Direction::Request } else { Direction::Response };
    let body = if byte & 2 == 0 { input.0.to_vec() } else { expand(input.0) };
    // the made texts of a stream stand nowhere
    let stream = direction == Direction::Response && parts::is_stream(&body);
    let mut all = Vec::new();
    parts::each(direction, &body, &mut |part| {
        let len = part.text.len();
        for span in [0..len, 0..len.min(1), len / 3..len - len / 3, len - len.min(1)..len] {
            let back = part.original(span.clone());
            assert!(back.start <= back.end && (stream || back.end <= body.len()), "{span:?} is {back:?}");
        }
        if part.entry {
            let _number = parts::digest(part.text);
        }
        let _like = parts::command_like(part);
        all.push(Told::of(part));
    });
    let mut again = Vec::new();
    parts::each(direction, &body, &mut |part| again.push(Told::of(part)));
    assert_eq!(all, again);
}

/// A part, to be kept.
#[derive(Debug, PartialEq)]
struct Told {
    surface: Surface,
    tool: Option<Vec<u8>>,
    field: Option<Vec<u8>>,
    text: Vec<u8>,
    entry: bool,
}

impl Told {
    fn of(part: &Part<'_>) -> Told {
        Told {
            surface: part.surface,
            tool: part.tool.map(Into::into),
            field: part.field.map(Into::into),
            text: part.text.into(),
            entry: part.entry,
        }
    }
}

/// The parts of a stream are the same whatever its pieces, and none comes after the event that completes it has passed.
pub(super) fn events(data: &[u8]) {
    let mut input = Input(data);
    let how = input.byte();
    let cuts = input.cuts();
    let body = if how & 4 == 0 { input.0.to_vec() } else { expand(input.0) };
    let stream = || match how & 3 {
        0 => Assembler::default(),
        1 => Assembler::of_events(),
        _ => Assembler::of_lines(),
    };
    let mut whole = Vec::new();
    stream().take(&body, true, &mut |part| whole.push(Told::of(part)));
    let (mut assembler, mut pieces) = (stream(), Vec::new());
    let mut chunks = cuts.of(&body, PIECES).peekable();
    while let Some(chunk) = chunks.next() {
        let last = chunks.peek().is_none();
        let pending = assembler.take(chunk, last, &mut |part| pieces.push(Told::of(part)));
        assert!(pending <= chunk.len(), "{pending} of {}", chunk.len());
    }
    if !body.is_empty() {
        assert_eq!(pieces, whole, "in pieces, and whole");
    }
}
