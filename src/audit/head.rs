//! The authenticated head: how far the trail went when it was last synced, under a key of its own, so that a tail cut off
//! is noticed. Two slots written in turn: a torn write leaves the older one. It may lag behind the trail, never lead it.

use super::{Error, canonical};
use crate::base::{atomic, id, secret::Secret};
use hmac::{Hmac, Mac};
use rustix::fs::OFlags;
use serde::Deserialize;
use sha2::Sha256;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const SLOT: usize = 320;

/// A point in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Records before the segment that was active.
    pub segment: u64,
    /// Bytes of that segment.
    pub offset: u64,
    /// Records in all.
    pub count: u64,
    /// The last one's hash.
    pub hash: [u8; 64],
}

/// The head's file and key.
pub(super) struct Keeper {
    file: File,
    key: Secret,
    next_slot: usize,
}

/// What is wrong with the head when it cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Neither key nor head: nobody has written here yet, or both were taken away.
    Both,
    /// The key is there and the head is not, or holds nothing.
    Head,
    /// The head is there and its key is not.
    Key,
    /// The head's seal does not fit.
    Forged,
}

#[derive(Deserialize)]
struct Slot<'a> {
    segment: u64,
    offset: u64,
    count: u64,
    hash: &'a str,
    mac: &'a str,
}

impl Keeper {
    /// Opens key and head beside the active segment, made at first use. The caller holds the trail's lock.
    pub(super) fn open(active: &Path) -> Result<Self, Error> {
        let key_path = active.with_extension("key");
        let key = match atomic::read_private(&key_path) {
            Ok(bytes) if bytes.len() == 32 => bytes,
            Ok(_) => return Err(Error::Unsafe { path: key_path, why: "not a key of 32 bytes" }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let fresh = id::random::<32>().map_err(|e| Error::io(&key_path, &e))?;
                atomic::write(&key_path, &fresh, 0o600).map_err(|e| Error::io(&key_path, &e))?;
                fresh.to_vec()
            }
            Err(e) => return Err(Error::io(&key_path, &e)),
        };
        let path = active.with_extension("head");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nofollow())
            .open(&path)
            .map_err(|e| Error::io(&path, &e))?;
        Ok(Self { file, key: Secret::new(key), next_slot: 0 })
    }

    /// The newest mark whose seal fits.
    pub(super) fn read(&mut self) -> Option<Mark> {
        let (mark, slot) = newest(&self.file, &self.key)?;
        self.next_slot = 1 - slot;
        Some(mark)
    }

    /// The first mark of a new trail: on the disk before there is a record, so that a head is missed when it is gone.
    pub(super) fn begin(&mut self, mark: &Mark) -> io::Result<()> {
        self.write(mark)?;
        self.file.sync_all()
    }

    /// Writes a mark over the older one. What it marks is on the disk already.
    pub(super) fn write(&mut self, mark: &Mark) -> io::Result<()> {
        let hash = std::str::from_utf8(&mark.hash).unwrap_or_default();
        let mac = canonical::hex(&seal(&self.key, mark)?.finalize().into_bytes().into());
        let mac = std::str::from_utf8(&mac).unwrap_or_default();
        let Mark { segment, offset, count, .. } = mark;
        let line = format!(
            r#"{{"segment":{segment},"offset":{offset},"count":{count},"hash":"{hash}","mac":"{mac}"}}"#
        );
        let padded = format!("{line:<width$}\n", width = SLOT - 1);
        self.file.write_all_at(padded.as_bytes(), (self.next_slot * SLOT) as u64)?;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }
}

/// The head for somebody who only reads.
pub(super) fn read_only(active: &Path) -> io::Result<Result<Mark, Absent>> {
    let file = open_maybe(&active.with_extension("head"))?;
    let key = match atomic::read_private(&active.with_extension("key")) {
        Ok(bytes) => Some(Secret::new(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    Ok(match (file, key) {
        (None, None) => Err(Absent::Both),
        (None, Some(_)) => Err(Absent::Head),
        (Some(_), None) => Err(Absent::Key),
        (Some(file), Some(_)) if file.metadata()?.len() == 0 => Err(Absent::Head),
        (Some(file), Some(key)) => newest(&file, &key).map(|(mark, _)| mark).ok_or(Absent::Forged),
    })
}

pub(super) fn nofollow() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).unwrap_or_default()
}

fn open_maybe(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(nofollow()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn newest(file: &File, key: &Secret) -> Option<(Mark, usize)> {
    (0..2).filter_map(|slot| Some((read_slot(file, slot, key)?, slot))).max_by_key(|(mark, _)| mark.count)
}

fn read_slot(file: &File, slot: usize, key: &Secret) -> Option<Mark> {
    let mut bytes = [0; SLOT];
    file.read_exact_at(&mut bytes, (slot * SLOT) as u64).ok()?;
    let slot: Slot<'_> = serde_json::from_slice(&bytes).ok()?;
    let mark = Mark {
        segment: slot.segment,
        offset: slot.offset,
        count: slot.count,
        hash: slot.hash.as_bytes().try_into().ok()?,
    };
    let mac = data_encoding::HEXLOWER.decode(slot.mac.as_bytes()).ok()?;
    seal(key, &mark).ok()?.verify_slice(&mac).ok()?;
    Some(mark)
}

fn seal(key: &Secret, mark: &Mark) -> io::Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the head's key has no usable length"))?;
    mac.update(b"katana audit head 1");
    for n in [mark.segment, mark.offset, mark.count] {
        mac.update(&n.to_be_bytes());
    }
    mac.update(&mark.hash);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_older_mark_and_a_forged_one_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let active = dir.path().join("audit.jsonl");
        let mut keeper = Keeper::open(&active).unwrap();
        assert_eq!(keeper.read(), None);
        assert_eq!(read_only(&active).unwrap(), Err(Absent::Head));
        let mark = |count| Mark { segment: 3, offset: 99, count, hash: [b'a'; 64] };
        keeper.write(&mark(4)).unwrap();
        keeper.write(&mark(5)).unwrap();
        assert_eq!(Keeper::open(&active).unwrap().read(), Some(mark(5)));
        assert_eq!(read_only(&active).unwrap(), Ok(mark(5)));
        keeper.file.write_all_at(b"x", SLOT as u64 + 20).unwrap();
        assert_eq!(read_only(&active).unwrap(), Ok(mark(4)));
        let head = active.with_extension("head");
        let text = std::fs::read_to_string(&head).unwrap().replace("\"count\":4", "\"count\":3");
        std::fs::write(&head, text).unwrap();
        assert_eq!(read_only(&active).unwrap(), Err(Absent::Forged));
        std::fs::remove_file(active.with_extension("key")).unwrap();
        assert_eq!(read_only(&active).unwrap(), Err(Absent::Key));
    }
}
