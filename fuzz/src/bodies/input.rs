//! Takes a fuzzer's bytes apart: a few say how, the rest is the text.

use katana::scanner::{Direction, Surface};

/// What has not been taken yet.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; zero where there is none.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A direction and a surface.
    pub(super) fn place(&mut self) -> (Direction, Surface) {
        let byte = self.byte();
        let direction = if byte & 1 == 0 { Direction::Request } else { Direction::Response };
        let surface = match byte >> 1 & 7 {
            0 => Surface::Body,
            1 => Surface::Url,
            2 => Surface::Header,
            3 => Surface::SystemPrompt,
            4 => Surface::UserTurn,
            5 => Surface::ToolResult,
            6 => Surface::ToolCall,
            _ => Surface::ToolDescription,
        };
        (direction, surface)
    }

    /// How the text is cut.
    pub(super) fn cuts(&mut self) -> Cuts {
        Cuts([self.byte(), self.byte(), self.byte()])
    }
}

/// Lengths of pieces, over and over.
#[derive(Clone, Copy)]
pub(super) struct Cuts([u8; 3]);

impl Cuts {
    /// The text in pieces, none of them empty, and not many more than `most`.
    pub(super) fn of(self, mut text: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
        let lengths = self.0.map(|byte| match usize::from(byte) {
            short @ 0..=127 => short + 1,
            long => (long - 127) * 48,
        });
        let times = 1 + text.len() * lengths.len() / (most * lengths.iter().sum::<usize>());
        let mut lengths = lengths.into_iter().cycle();
        std::iter::from_fn(move || {
            let length = lengths.next()? * times;
            let (piece, rest) = text.split_at(length.min(text.len()));
            text = rest;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
