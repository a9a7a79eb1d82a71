//! Looks at the raw bytes of an HTTP/1 head before the parser does, for what the parser forgives: two ways to tell where
//! a message ends, and line ends that another parser would read otherwise. What has two readings is refused.

/// A head with more than one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Content-Length and Transfer-Encoding together, or either of them twice.
    Length,
    /// A transfer coding other than `chunked`.
    Coding,
    /// A line that ends without a carriage return.
    LineEnd,
}

impl Fault {
    /// In words.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Length => "The request says in more than one way how long it is.",
            Self::Coding => "The request has a transfer coding other than chunked.",
            Self::LineEnd => "The request's head has a line that does not end in CR LF.",
        }
    }
}

/// Follows one head over the reads it takes. Between heads it holds nothing.
#[derive(Debug, Default)]
pub struct HeadWatch {
    part: Vec<u8>,
    done: bool,
}

/// As much of a head is kept for a look; a longer one is refused for its size anyway.
const MOST: usize = 256 * 1024;

impl HeadWatch {
    /// A new head may begin.
    pub fn reset(&mut self) {
        self.part.clear();
        self.done = false;
    }

    /// Looks at bytes that were read; a fault once the head is there.
    pub fn read(&mut self, bytes: &[u8]) -> Option<Fault> {
        if self.done {
            return None;
        }
        // empty lines before a request are passed over (RFC 9112 §2.2)
        let bytes = if self.part.is_empty() { trim_lines(bytes) } else { bytes };
        if self.part.is_empty()
            && let Some(end) = end_of_head(bytes)
        {
            self.done = true;
            return check(&bytes[..end]);
        }
        // what was looked at ends in the middle of an end at most
        let from = self.part.len().saturating_sub(2);
        if self.part.len() < MOST {
            self.part.extend_from_slice(bytes);
        }
        let end = from + end_of_head(&self.part[from..])?;
        self.done = true;
        let fault = check(&self.part[..end]);
        self.part = Vec::new();
        fault
    }
}

fn trim_lines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// One past the empty line that ends the head, whichever way its lines end.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

fn check(head: &[u8]) -> Option<Fault> {
    let (mut lengths, mut codings) = (0, 0);
    for line in head.split_inclusive(|b| *b == b'\n').skip(1) {
        let Some(line) = line.strip_suffix(b"\r\n") else { return Some(Fault::LineEnd) };
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths += 1;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            codings += 1;
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Some(Fault::Coding);
            }
        }
    }
    (lengths + codings > 1).then_some(Fault::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_however_the_head_arrives() {
        for (head, want) in [
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", None),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", None),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n", None),
            (
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Some(Fault::Length),
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
                Some(Fault::Length),
            ),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Some(Fault::Length)),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                Some(Fault::Length),
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\ncontent-length: 3\r\n\r\n",
                Some(Fault::Length),
            ),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Some(Fault::Coding)),
            ("GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n", Some(Fault::LineEnd)),
            ("GET / HTTP/1.1\nhost: a\n\n", Some(Fault::LineEnd)),
            (
                "\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Some(Fault::Length),
            ),
        ] {
            for step in [1, 5, usize::MAX] {
                let mut watch = HeadWatch::default();
                let found = head.as_bytes().chunks(step.min(head.len())).find_map(|c| watch.read(c));
                assert_eq!(found, want, "{head:?} in steps of {step}");
            }
        }
    }
}
