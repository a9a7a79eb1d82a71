//! Walks the whole trail and says where it first does not hold: every record's hash, every link, every segment, and the
//! authenticated head that tells whether the tail is all there.

use super::head::{self, Absent, Mark};
use super::store::{genesis, lock, rotated};
use super::{Error, Head, canonical};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The first place where the trail does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}, record {record}: {reason}", segment.display())]
pub struct Break {
    /// The file.
    pub segment: PathBuf,
    /// The line in it, from 1.
    pub line: u64,
    /// The record in the whole trail, from 1.
    pub record: u64,
    /// What does not hold.
    pub reason: Reason,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file cannot be read. Says nothing about the trail.
    #[error("cannot be read: {0}")]
    Io(String),
    /// The line is no JSON object, or has a key twice.
    #[error("the line is not a record: {0}")]
    NotARecord(String),
    /// `prev_hash` is not the hash of the record before.
    #[error("the chain is broken: prev_hash is not the hash of the record before")]
    Link,
    /// `hash` is not the hash of what the record says.
    #[error("the record was changed: its hash is not the hash of what it says")]
    Hash,
    /// A segment between two others, or the first one, is gone.
    #[error("a segment is missing: {missing} records before this one are gone")]
    Segment {
        /// How many.
        missing: u64,
    },
    /// The trail ends before the head.
    #[error("the tail is missing: the head knows {head} records, {found} are there")]
    Tail {
        /// As many the head knows.
        head: u64,
        /// As many are there.
        found: u64,
    },
    /// The record at the head is another one.
    #[error("the record is not the one that the head knows")]
    Head,
    /// There is no head whose seal fits.
    #[error("the authenticated head is {0}")]
    NoHead(&'static str),
}

impl Reason {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "audit_unreadable",
            Self::NotARecord(_) => "audit_not_a_record",
            Self::Link => "audit_link_broken",
            Self::Hash => "audit_record_changed",
            Self::Segment { .. } => "audit_segment_missing",
            Self::Tail { .. } => "audit_tail_missing",
            Self::Head => "audit_head_mismatch",
            Self::NoHead(_) => "audit_head_missing",
        }
    }
}

/// Walks the trail whose active segment is `path`. It need not be quiet: writers are held up for the moment in which the
/// files are opened, and what they write afterwards is not looked at.
///
/// # Errors
/// The first [`Break`]. [`Reason::Io`] means that nothing can be said.
pub fn verify(path: &Path) -> Result<Head, Break> {
    let at =
        |segment: &Path, line, record, reason| Break { segment: segment.to_owned(), line, record, reason };
    let files = Files::open(path).map_err(|e| at(path, 0, 0, Reason::Io(e.to_string())))?;
    let mut walk =
        Walk { count: 0, lines: 0, hash: genesis(), mark: files.mark.as_ref().ok(), buffer: Vec::new() };
    let mut torn = 0;
    let segments = files.rotated.len() as u64 + 1;
    for (first, segment) in &files.rotated {
        if *first != walk.count {
            let missing = first.saturating_sub(walk.count);
            return Err(at(segment, 1, walk.count + 1, Reason::Segment { missing }));
        }
        let file = File::open(segment).map_err(|e| at(segment, 0, walk.count, Reason::Io(e.to_string())))?;
        let left =
            walk.segment(file, u64::MAX).map_err(|(line, why)| at(segment, line, walk.count + 1, why))?;
        if left > 0 {
            let why = Reason::NotARecord("the line is not finished".into());
            return Err(at(segment, walk.lines + 1, walk.count + 1, why));
        }
    }
    if let Some((file, len)) = files.active {
        torn = walk.segment(file, len).map_err(|(line, why)| at(path, line, walk.count + 1, why))?;
    }
    let no_head = |what| Err(at(&path.with_extension("head"), 0, walk.count, Reason::NoHead(what)));
    match &files.mark {
        Ok(mark) if mark.count > walk.count => {
            let why = Reason::Tail { head: mark.count, found: walk.count };
            return Err(at(path, walk.lines + 1, walk.count + 1, why));
        }
        Ok(_) => {}
        Err(Absent::Both | Absent::Head) if walk.count == 0 => {}
        Err(Absent::Both) => return no_head("gone, and its key too"),
        Err(Absent::Head) => return no_head("gone"),
        Err(Absent::Key) => return no_head("without its key"),
        Err(Absent::Forged) => return no_head("not sealed by its key"),
    }
    Ok(Head { segments, records: walk.count, hash: String::from_utf8_lossy(&walk.hash).into_owned(), torn })
}

/// Everything that is looked at, opened in one moment.
pub(super) struct Files {
    pub rotated: Vec<(u64, PathBuf)>,
    /// The active segment and its length at that moment.
    pub active: Option<(File, u64)>,
    mark: Result<Mark, Absent>,
}

impl Files {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let held = match lock(path) {
            Ok(held) => Some(held),
            // nothing there, or a directory that may be read only: nobody writes then
            Err(Error::Io { .. }) => None,
            Err(e) => return Err(io::Error::other(e)),
        };
        let active = match OpenOptions::new().read(true).custom_flags(head::nofollow()).open(path) {
            Ok(file) => {
                let len = file.metadata()?.len();
                Some((file, len))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let files = Self { rotated: rotated(path)?, active, mark: head::read_only(path)? };
        drop(held);
        Ok(files)
    }
}

struct Walk<'a> {
    count: u64,
    /// Finished lines of the segment it is in.
    lines: u64,
    hash: [u8; 64],
    mark: Option<&'a Mark>,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// The bytes of an unfinished last line; or the line and what is wrong with it.
    fn segment(&mut self, file: File, len: u64) -> Result<u64, (u64, Reason)> {
        let mut reader = BufReader::with_capacity(256 * 1024, file.take(len));
        let mut line = Vec::new();
        self.lines = 0;
        for number in 1.. {
            line.clear();
            let n = reader.read_until(b'\n', &mut line).map_err(|e| (number, Reason::Io(e.to_string())))?;
            if n == 0 {
                break;
            }
            let Some(b'\n') = line.pop() else { return Ok(n as u64) };
            self.record(&line).map_err(|why| (number, why))?;
            self.lines = number;
        }
        Ok(0)
    }

    fn record(&mut self, line: &[u8]) -> Result<(), Reason> {
        let wrong = |e: &dyn fmt::Display| Reason::NotARecord(e.to_string());
        let Distinct(value) = serde_json::from_slice(line).map_err(|e| wrong(&e))?;
        let Value::Object(entry) = value else { return Err(wrong(&"not an object")) };
        let said = |key| entry.get(key).and_then(Value::as_str).ok_or_else(|| wrong(&format!("no {key}")));
        if said("prev_hash")?.as_bytes() != self.hash {
            return Err(Reason::Link);
        }
        self.buffer.clear();
        let members = entry.iter().filter(|(key, _)| *key != "prev_hash" && *key != "hash");
        canonical::object(members, &mut self.buffer);
        let hash = canonical::chain(&self.hash, &self.buffer);
        if said("hash")?.as_bytes() != hash {
            return Err(Reason::Hash);
        }
        if self.mark.is_some_and(|mark| mark.count == self.count + 1 && mark.hash != hash) {
            return Err(Reason::Head);
        }
        self.hash = hash;
        self.count += 1;
        Ok(())
    }
}

/// A JSON value in which no object has a key twice: such a line says one thing to one reader and another to the next.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
                Ok(b.into())
            }
            fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
                Ok(n.into())
            }
            fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
                Ok(n.into())
            }
            fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
                Ok(n.into())
            }
            fn visit_str<E>(self, s: &str) -> Result<Value, E> {
                Ok(s.into())
            }
            fn visit_string<E>(self, s: String) -> Result<Value, E> {
                Ok(s.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Distinct(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some((key, Distinct(value))) = map.next_entry::<String, Distinct>()? {
                    if members.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("a key stands twice"));
                    }
                }
                Ok(Value::Object(members))
            }
        }
        deserializer.deserialize_any(Any).map(Distinct)
    }
}
