//! The files of the trail: the active segment and its tail, rotation, recovery after a crash. One process at a time, under
//! a lock held for the length of one batch; whoever comes next reads the tail anew, in constant time.

use super::head::{Keeper, Mark, nofollow};
use super::lines::{end_of_last_line, last_hash, lines};
use super::record::Record;
use super::{Error, GENESIS, canonical};
use crate::base::{atomic, lock::FileLock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another process may hold the lock before this one calls it an error.
const PATIENCE: Duration = Duration::from_secs(5);
/// One write(2) takes about this much.
const WRITE_AT: usize = 256 * 1024;

type Append = Box<dyn FnMut(&mut File, &[u8]) -> io::Result<()> + Send>;

/// The trail on disk.
pub(super) struct Store {
    active: PathBuf,
    max_bytes: u64,
    keeper: Keeper,
    file: File,
    tail: Tail,
    segments: u64,
    /// What recovery found, to be written before anything else.
    notes: Vec<Record>,
    buffer: Vec<u8>,
    append: Append,
}

/// Where the next record goes.
#[derive(Clone, Copy, Debug)]
struct Tail {
    inode: u64,
    /// Records before this segment; its name once rotated.
    first: u64,
    len: u64,
    count: u64,
    hash: [u8; 64],
}

impl Store {
    /// Opens or makes the trail whose active segment is `active`, and recovers what a crash left.
    pub(super) fn open(active: &Path, max_bytes: u64) -> Result<Self, Error> {
        let dir = active.parent().unwrap_or_else(|| Path::new("."));
        atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        check_dir(dir)?;
        let _lock = lock(active)?;
        let keeper = Keeper::open(active)?;
        let file = open_active(active)?;
        let tail = Tail { inode: 0, first: 0, len: 0, count: 0, hash: genesis() };
        let mut store = Self {
            active: active.to_owned(),
            max_bytes,
            keeper,
            file,
            tail,
            segments: 1,
            notes: Vec::new(),
            buffer: Vec::new(),
            append: Box::new(|file, bytes| file.write_all(bytes)),
        };
        store.read_tail()?;
        if store.tail.count == 0 && store.keeper.read().is_none() {
            store.keeper.begin(&store.tail.mark()).map_err(|e| Error::io(active, &e))?;
        }
        Ok(store)
    }

    /// Puts something else in the place of the disk, for tests.
    #[cfg(test)]
    pub(super) fn with_append(mut self, append: Append) -> Self {
        self.append = append;
        self
    }

    /// Is there something of its own to say?
    pub(super) fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Something of its own to say, before anything else that is written.
    pub(super) fn note(&mut self, record: Record) {
        self.notes.push(record);
    }

    /// Segments, records, last hash.
    pub(super) fn head(&self) -> (u64, u64, [u8; 64]) {
        (self.segments, self.tail.count, self.tail.hash)
    }

    /// Writes the records in order and takes those that are written out of `records`.
    pub(super) fn write(&mut self, records: &mut Vec<Record>) -> Result<(), Error> {
        let _lock = lock(&self.active)?;
        self.follow()?;
        if !self.notes.is_empty() {
            let mut notes = std::mem::take(&mut self.notes);
            let done = self.write_all(&mut notes);
            self.notes = notes;
            done?;
        }
        self.write_all(records)
    }

    fn write_all(&mut self, records: &mut Vec<Record>) -> Result<(), Error> {
        let mut done = 0;
        let result = loop {
            if done == records.len() {
                break Ok(());
            }
            match self.write_some(&records[done..]) {
                Ok(n) => done += n,
                Err(e) => break Err(e),
            }
        };
        records.drain(..done);
        result
    }

    /// One write(2) of as many records as fit it and the segment; how many that were.
    fn write_some(&mut self, records: &[Record]) -> Result<usize, Error> {
        self.buffer.clear();
        let (mut hash, mut taken, mut full) = (self.tail.hash, 0, false);
        for record in records {
            let before = (self.buffer.len(), hash);
            hash = canonical::line(record, &hash, &mut self.buffer);
            let first = self.tail.len == 0 && taken == 0;
            if self.tail.len + self.buffer.len() as u64 > self.max_bytes && !first {
                self.buffer.truncate(before.0);
                hash = before.1;
                full = true;
                break;
            }
            taken += 1;
            if self.buffer.len() >= WRITE_AT {
                break;
            }
        }
        if taken > 0 {
            if let Err(e) = (self.append)(&mut self.file, &self.buffer) {
                let _ = self.file.set_len(self.tail.len);
                return Err(Error::io(&self.active, &e));
            }
            self.tail.len += self.buffer.len() as u64;
            self.tail.count += taken as u64;
            self.tail.hash = hash;
        }
        if full {
            self.rotate().map_err(|e| Error::io(&self.active, &e))?;
        }
        Ok(taken)
    }

    /// Puts everything written on the disk, then moves the head there.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        let failed = |e: io::Error| Error::io(&self.active, &e);
        rustix::fs::fdatasync(&self.file).map_err(|e| failed(e.into()))?;
        let _lock = lock(&self.active)?;
        if self.is_current().map_err(failed)? {
            self.keeper.write(&self.tail.mark()).map_err(|e| Error::io(&self.active, &e))?;
        }
        // else another process has written behind us: its head covers ours
        Ok(())
    }

    fn is_current(&self) -> io::Result<bool> {
        match fs::symlink_metadata(&self.active) {
            Ok(meta) => Ok(meta.ino() == self.tail.inode && meta.len() == self.tail.len),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Reads the tail anew when another process has written or rotated since.
    fn follow(&mut self) -> Result<(), Error> {
        if !self.is_current().map_err(|e| Error::io(&self.active, &e))? {
            self.file = open_active(&self.active)?;
            self.read_tail()?;
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        let name = rotated_name(&self.active, self.tail.first);
        if fs::symlink_metadata(&name).is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} is in the way", name.display()),
            ));
        }
        fs::rename(&self.active, &name)?;
        self.file = open_active(&self.active).map_err(io::Error::other)?;
        if let Some(dir) = self.active.parent() {
            File::open(dir)?.sync_all()?;
        }
        self.tail.inode = self.file.metadata()?.ino();
        self.tail.first = self.tail.count;
        self.tail.len = 0;
        self.segments += 1;
        self.keeper.write(&self.tail.mark())
    }

    /// Works out where the trail ends from the head and what was written after it; takes a torn last line off.
    fn read_tail(&mut self) -> Result<(), Error> {
        let (tail, torn, wrong) = self.recover().map_err(|e| Error::io(&self.active, &e))?;
        self.tail = tail;
        if torn > 0 {
            let reason = format!("{torn} bytes of an unfinished record, left by a crash, were taken off");
            self.notes.push(Record::about_trail("audit_torn_tail", reason));
        }
        if let Some(why) = wrong {
            // the chain goes on from what the head says, so that no later record hides the break
            self.notes.push(Record::about_trail("audit_chain_broken", why.to_owned()));
        }
        Ok(())
    }

    fn recover(&mut self) -> io::Result<(Tail, u64, Option<&'static str>)> {
        let rotated = rotated(&self.active)?;
        self.segments = rotated.len() as u64 + 1;
        let mark = self.keeper.read();
        let meta = self.file.metadata()?;
        let len = end_of_last_line(&self.file, meta.len())?;
        let torn = meta.len() - len;
        if torn > 0 {
            self.file.set_len(len)?;
        }
        let last = rotated.last();
        let marked = mark.as_ref().filter(|m| last.is_none_or(|(first, _)| m.segment > *first));
        let first = match (marked, last) {
            (Some(mark), _) => mark.segment,
            (None, Some((first, path))) => first + lines(&File::open(path)?, 0, u64::MAX)?,
            (None, None) => 0,
        };
        let count = match marked {
            Some(mark) if mark.offset <= len => mark.count + lines(&self.file, mark.offset, len)?,
            _ => first + lines(&self.file, 0, len)?,
        };
        let hash = match last {
            _ if len > 0 => last_hash(&self.file, len)?,
            Some((_, path)) => {
                let file = File::open(path)?;
                last_hash(&file, file.metadata()?.len())?
            }
            None => Some(genesis()),
        };
        let mut tail = Tail { inode: meta.ino(), first, len, count, hash: hash.unwrap_or_else(genesis) };
        let wrong = self.contradiction(mark.as_ref(), marked, &tail, hash)?;
        if wrong.is_some() {
            let told = mark.map_or_else(genesis, |m| m.hash);
            tail.hash = if told == tail.hash { [b'f'; 64] } else { told };
        }
        Ok((tail, torn, wrong))
    }

    /// What the head says that the files do not bear out.
    fn contradiction(
        &self,
        mark: Option<&Mark>,
        marked: Option<&Mark>,
        tail: &Tail,
        hash: Option<[u8; 64]>,
    ) -> io::Result<Option<&'static str>> {
        Ok(match (mark, marked) {
            _ if hash.is_none() => Some("the last record cannot be read"),
            (None, _) if tail.count > 0 => Some("there are records, and no head that its key has sealed"),
            (Some(mark), _) if tail.count < mark.count => Some("the head knows records that are not there"),
            (_, Some(mark)) if mark.offset > tail.len => Some("the head knows records that are not there"),
            (_, Some(mark)) if mark.offset > 0 && last_hash(&self.file, mark.offset)? != Some(mark.hash) => {
                Some("the record at the head is not the one the head knows")
            }
            _ => None,
        })
    }
}

impl Tail {
    fn mark(&self) -> Mark {
        Mark { segment: self.first, offset: self.len, count: self.count, hash: self.hash }
    }
}

pub(super) fn genesis() -> [u8; 64] {
    GENESIS.as_bytes().try_into().unwrap_or([b'0'; 64])
}

/// Takes the trail's lock.
pub(super) fn lock(active: &Path) -> Result<FileLock, Error> {
    let path = active.with_extension("lock");
    FileLock::take(&path, PATIENCE).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => Error::InUse(active.to_owned()),
        _ => Error::io(&path, &e),
    })
}

/// The segments that are full, in order: records before it, path.
pub(super) fn rotated(active: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let dir = active.parent().unwrap_or_else(|| Path::new("."));
    let stem = active.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let number =
            name.strip_prefix(&stem).and_then(|n| n.strip_prefix('.')).and_then(|n| n.strip_suffix(".jsonl"));
        if let Some(first) = number.filter(|n| n.len() >= 12).and_then(|n| n.parse().ok()) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

fn rotated_name(active: &Path, first: u64) -> PathBuf {
    let stem = active.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    active.with_file_name(format!("{stem}.{first:012}.jsonl"))
}

fn check_dir(dir: &Path) -> Result<(), Error> {
    let meta = fs::symlink_metadata(dir).map_err(|e| Error::io(dir, &e))?;
    let unsafe_dir = |why| Err(Error::Unsafe { path: dir.to_owned(), why });
    if !meta.is_dir() {
        return unsafe_dir("the audit directory is a symlink or no directory");
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return unsafe_dir("the audit directory belongs to another user");
    }
    if meta.mode() & 0o022 != 0 {
        return unsafe_dir("others may write to the audit directory; chmod 700 it");
    }
    Ok(())
}

fn open_active(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(nofollow())
        .open(path);
    let unsafe_file = |why| Err(Error::Unsafe { path: path.to_owned(), why });
    let file = match opened {
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return unsafe_file("the audit file is a symlink");
        }
        other => other.map_err(|e| Error::io(path, &e))?,
    };
    let meta = file.metadata().map_err(|e| Error::io(path, &e))?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return unsafe_file("not a plain file of this user");
    }
    if meta.mode() & 0o077 != 0 {
        return unsafe_file("others may open the audit file; chmod 600 it");
    }
    Ok(file)
}
