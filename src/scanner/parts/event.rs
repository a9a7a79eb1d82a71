//! Event streams, event by event, and lines of JSON, line by line. Calls of tools that come in pieces are put together and shown
//! when they are complete, before the event that completes them has passed. Which piece belongs where is `delta`'s business.

use super::Part;
use super::delta::{self, Piece};
use super::walk::Walk;
use crate::scanner::Surface;
use std::fmt;

/// Of a longer event only so much is taken apart.
const LONGEST_EVENT: usize = 1 << 20;
/// Of an event that is not complete, so much is held back.
const MOST_HELD: usize = 64 << 10;
/// A call's arguments are shown when they have grown to this, and again with what follows.
const LONGEST_CALL: usize = 256 << 10;
/// Calls under way at the same time.
const MOST_CALLS: usize = 64;
/// A model's text is shown in pieces of this many bytes, each with the end of the one before it.
const TEXT: usize = 4096;
const OVERLAP: usize = 512;

/// Is this an event stream?
#[must_use]
pub fn is_stream(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|p| body.starts_with(p))
}

/// The state of one stream.
#[derive(Default)]
pub struct Assembler {
    lines: bool,
    begun: bool,
    /// The present line.
    line: Vec<u8>,
    /// The data of the present event.
    data: Vec<u8>,
    /// Bytes since the last event ended.
    pending: usize,
    /// The last byte was a carriage return.
    carriage: bool,
    calls: Vec<Call>,
    text: Vec<u8>,
    walk: Walk,
}

/// A call of which more may come.
#[derive(Debug)]
struct Call {
    key: u64,
    tool: Vec<u8>,
    arguments: Vec<u8>,
}

impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembler").field("pending", &self.pending).finish_non_exhaustive()
    }
}

impl Assembler {
    /// Of an event stream.
    #[must_use]
    pub fn of_events() -> Assembler {
        Assembler { begun: true, ..Assembler::default() }
    }

    /// Of a stream of lines of JSON.
    #[must_use]
    pub fn of_lines() -> Assembler {
        Assembler { lines: true, begun: true, ..Assembler::default() }
    }

    /// Takes what came next, and shows every part that it completes. How many of its last bytes may be passed on only with
    /// what follows: they are part of an event.
    pub fn take(&mut self, bytes: &[u8], end: bool, visit: &mut dyn FnMut(&Part<'_>)) -> usize {
        for piece in bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            self.pending += piece.len();
            let (line, ended) = match piece {
                [line @ .., b'\n'] => (line, Some(b'\n')),
                [line @ .., b'\r'] => (line, Some(b'\r')),
                line => (line, None),
            };
            let room = LONGEST_EVENT.saturating_sub(self.line.len());
            self.line.extend_from_slice(&line[..line.len().min(room)]);
            match ended {
                // the second half of one line's end
                Some(b'\n') if self.carriage && line.is_empty() => {
                    self.pending = self.pending.saturating_sub(1);
                }
                Some(_) => self.line_ended(visit),
                None => {}
            }
            self.carriage = ended == Some(b'\r');
        }
        if end {
            self.line_ended(visit);
            self.event(visit);
            self.finish(visit);
        }
        if self.pending > MOST_HELD { 0 } else { self.pending.min(bytes.len()) }
    }

    fn line_ended(&mut self, visit: &mut dyn FnMut(&Part<'_>)) {
        let mut line = std::mem::take(&mut self.line);
        if !self.begun {
            self.begun = true;
            self.lines = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
        }
        if self.lines {
            self.data.extend_from_slice(&line);
            self.event(visit);
        } else if line.is_empty() {
            self.event(visit);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            let room = LONGEST_EVENT.saturating_sub(self.data.len());
            self.data.extend_from_slice(&data[..data.len().min(room)]);
        }
        line.clear();
        self.line = line;
    }

    /// The end of an event.
    fn event(&mut self, visit: &mut dyn FnMut(&Part<'_>)) {
        self.pending = 0;
        let mut data = std::mem::take(&mut self.data);
        if !data.is_empty() {
            let mut pieces = Vec::new();
            if data.trim_ascii() == b"[DONE]" {
                pieces.push(Piece::AllComplete);
            } else {
                delta::read(self.walk.event(&data, visit), &data, &mut pieces);
            }
            pieces.into_iter().for_each(|piece| self.piece(piece, visit));
        }
        data.clear();
        self.data = data;
    }

    fn piece(&mut self, piece: Piece, visit: &mut dyn FnMut(&Part<'_>)) {
        // nobody makes as many calls at once: the oldest is shown as far as it has come
        if self.calls.len() >= MOST_CALLS {
            self.complete(Some(0), visit);
        }
        match piece {
            Piece::Begin { key, tool } => {
                if !tool.is_empty() {
                    self.call(key).tool = tool;
                }
            }
            Piece::More { key, arguments } => {
                let call = self.call(key);
                call.arguments.extend_from_slice(&arguments);
                if call.arguments.len() > LONGEST_CALL {
                    let tool = call.tool.clone();
                    let at = self.calls.iter().position(|c| c.key == key);
                    self.complete(at, visit);
                    self.call(key).tool = tool;
                }
            }
            Piece::Complete { key } => {
                let at = self.calls.iter().position(|c| c.key == key);
                self.complete(at, visit);
                self.told(true, visit);
            }
            Piece::AllComplete => self.finish(visit),
            Piece::Text(text) => {
                self.text.extend_from_slice(&text);
                self.told(false, visit);
            }
        }
    }

    fn call(&mut self, key: u64) -> &mut Call {
        let known = self.calls.iter().position(|c| c.key == key);
        let at = known.unwrap_or_else(|| {
            self.calls.push(Call { key, tool: Vec::new(), arguments: Vec::new() });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }

    fn complete(&mut self, at: Option<usize>, visit: &mut dyn FnMut(&Part<'_>)) {
        let Some(at) = at else { return };
        let call = self.calls.remove(at);
        if !call.arguments.is_empty() {
            self.walk.arguments(&call.tool, &call.arguments, visit);
        }
    }

    fn finish(&mut self, visit: &mut dyn FnMut(&Part<'_>)) {
        while !self.calls.is_empty() {
            self.complete(Some(0), visit);
        }
        self.told(true, visit);
    }

    /// Shows the model's text, if there is enough of it or no more comes.
    fn told(&mut self, complete: bool, visit: &mut dyn FnMut(&Part<'_>)) {
        if self.text.len() < TEXT && !complete || self.text.is_empty() {
            return;
        }
        visit(&Part::made(Surface::Body, &self.text));
        let kept = if complete { self.text.len() } else { self.text.len().saturating_sub(OVERLAP) };
        self.text.drain(..kept);
    }
}
