//! Reading the trail: the newest records that a filter lets through, in order, and counts. Streams; never holds more than
//! what is asked for.

use super::record::{Decision, Event};
use super::verify::Files;
use crate::base::clock::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a record must be like. The default lets everything through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this kind.
    pub event: Option<Event>,
    /// With this decision.
    pub decision: Option<Decision>,
    /// To this host, or below it.
    pub host: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// Counts over the whole trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// The first record's time, as it stands there.
    pub first: Option<String>,
    /// The last record's.
    pub last: Option<String>,
    /// Records of each kind.
    pub by_event: BTreeMap<String, u64>,
    /// Records with each decision.
    pub by_decision: BTreeMap<String, u64>,
    /// Requests to each host.
    pub by_host: BTreeMap<String, u64>,
}

/// The fields that filters and counts look at, borrowed from the line where they can be.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    decision: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    host: Option<Cow<'a, str>>,
}

/// The newest `limit` records that the filter lets through, oldest first. Lines that are no records are passed over:
/// `verify` is who complains.
///
/// # Errors
/// The operating system's.
pub fn newest(path: &Path, filter: &Filter, limit: usize) -> io::Result<Vec<Value>> {
    let mut kept: VecDeque<Value> = VecDeque::new();
    let files = Files::open(path)?;
    let rotated = files.rotated.into_iter().rev().map(|(_, path)| Source::Closed(path));
    let sources = files.active.map(|(file, len)| Source::Active(file, len)).into_iter().chain(rotated);
    for source in sources {
        let room = limit - kept.len();
        if room == 0 {
            break;
        }
        let mut here: VecDeque<String> = VecDeque::new();
        each_line(source, |line| {
            if filter.lets_through(line) {
                if here.len() == room {
                    here.pop_front();
                }
                here.extend(std::str::from_utf8(line).map(str::to_owned));
            }
        })?;
        for line in here.into_iter().rev() {
            if let Ok(value) = serde_json::from_str(&line) {
                kept.push_front(value);
            }
        }
    }
    Ok(kept.into())
}

/// Counts over the whole trail.
///
/// # Errors
/// The operating system's.
pub fn stats(path: &Path) -> io::Result<Stats> {
    let files = Files::open(path)?;
    let mut stats = Stats { segments: files.rotated.len() as u64, ..Stats::default() };
    stats.segments += u64::from(files.active.is_some());
    let active = files.active.map(|(file, len)| Source::Active(file, len));
    for source in files.rotated.into_iter().map(|(_, path)| Source::Closed(path)).chain(active) {
        stats.bytes += each_line(source, |line| stats_of(line, &mut stats))?;
    }
    Ok(stats)
}

fn stats_of(line: &[u8], stats: &mut Stats) {
    let Ok(peek) = serde_json::from_slice::<Peek<'_>>(line) else {
        stats.unreadable += 1;
        return;
    };
    stats.records += 1;
    if stats.first.is_none() {
        stats.first = Some(peek.timestamp.clone().into_owned());
    }
    stats.last = Some(peek.timestamp.into_owned());
    count(&mut stats.by_event, Some(&peek.event_type));
    count(&mut stats.by_decision, peek.decision.as_ref());
    count(&mut stats.by_host, peek.host.as_ref());
}

fn count(counts: &mut BTreeMap<String, u64>, name: Option<&Cow<'_, str>>) {
    let Some(name) = name else { return };
    if let Some(n) = counts.get_mut(&**name) {
        *n += 1;
    } else {
        counts.insert(name.clone().into_owned(), 1);
    }
}

impl Filter {
    fn lets_through(&self, line: &[u8]) -> bool {
        let Ok(peek) = serde_json::from_slice::<Peek<'_>>(line) else { return false };
        let at = Timestamp::parse(&peek.timestamp);
        self.event.is_none_or(|e| peek.event_type == e.as_str())
            && self.decision.is_none_or(|d| peek.decision.as_deref() == Some(d.as_str()))
            && self.host.as_deref().is_none_or(|h| peek.host.is_some_and(|host| is_or_below(&host, h)))
            && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| at.is_some_and(|at| at < until))
    }
}

fn is_or_below(host: &str, wanted: &str) -> bool {
    let head = host.len().checked_sub(wanted.len()).map(|n| host.split_at_checked(n));
    matches!(head, Some(Some((above, rest)))
        if rest.eq_ignore_ascii_case(wanted) && (above.is_empty() || above.ends_with('.')))
}

enum Source {
    Closed(PathBuf),
    Active(File, u64),
}

/// Every finished line; the bytes read.
fn each_line(source: Source, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let (file, len) = match source {
        Source::Closed(path) => (File::open(path)?, u64::MAX),
        Source::Active(file, len) => (file, len),
    };
    let mut reader = BufReader::with_capacity(128 * 1024, file.take(len));
    let (mut line, mut bytes) = (Vec::new(), 0);
    loop {
        line.clear();
        let n = reader.read_until(b'\n', &mut line)?;
        bytes += n as u64;
        match line.pop() {
            None => return Ok(bytes),
            Some(b'\n') => take(&line),
            Some(_) => return Ok(bytes), // unfinished
        }
    }
}

/// Follows the trail as it grows, across rotations.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
}

impl Follow {
    /// From its present end on.
    ///
    /// # Errors
    /// The operating system's.
    pub fn from_end(path: &Path) -> io::Result<Self> {
        let mut file = open_maybe(path)?;
        if let Some(file) = &mut file {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self { path: path.to_owned(), file, rest: Vec::new() })
    }

    /// What has come since the last call and passes the filter.
    ///
    /// # Errors
    /// The operating system's.
    pub fn more(&mut self, filter: &Filter) -> io::Result<Vec<Value>> {
        let mut found = Vec::new();
        loop {
            // looked at before reading: what is rotated away afterwards is read to its end first
            let now = open_maybe(&self.path)?;
            if let Some(file) = &mut self.file {
                file.read_to_end(&mut self.rest)?;
            }
            self.take_lines(filter, &mut found);
            let same = match (&self.file, &now) {
                (Some(old), Some(new)) => old.metadata()?.ino() == new.metadata()?.ino(),
                (_, None) => true,
                (None, Some(_)) => false,
            };
            if same {
                return Ok(found);
            }
            self.file = now;
            self.rest.clear();
        }
    }

    fn take_lines(&mut self, filter: &Filter, found: &mut Vec<Value>) {
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else { return };
        let lines = self.rest[..end].split(|b| *b == b'\n').filter(|line| filter.lets_through(line));
        found.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
        self.rest.drain(..=end);
    }
}

fn open_maybe(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
