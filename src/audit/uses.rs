//! When each secret was last used, read off the end of the trail. Bounded: so many bytes are looked at, newest first.

use super::verify::Files;
use crate::base::clock::Timestamp;
use memchr::memmem;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// As much of the trail is looked at: some 100 000 exchanges.
const MOST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Use<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    tool_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
}

/// The last use of each secret that the newest 64 MiB of the trail at `path` tell of. No trail: no uses.
///
/// # Errors
/// The operating system's.
pub fn last_use(path: &Path) -> io::Result<HashMap<Arc<str>, Timestamp>> {
    let mut found = HashMap::new();
    let files = Files::open(path)?;
    let mut room = MOST;
    let active = files.active.map(|(file, len)| Ok((file, len))).into_iter();
    let rotated = files.rotated.into_iter().rev().map(|(_, path)| {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok::<_, io::Error>((file, len))
    });
    for source in active.chain(rotated) {
        if room == 0 {
            break;
        }
        let (mut file, len) = source?;
        let take = len.min(room);
        room -= take;
        file.seek(SeekFrom::Start(len - take))?;
        let mut bytes = Vec::with_capacity(usize::try_from(take).unwrap_or(0));
        file.take(take).read_to_end(&mut bytes)?;
        gather(&bytes, &mut found);
    }
    Ok(found)
}

/// Lines that are no whole records are passed over; so is the first one, where it was cut.
fn gather(bytes: &[u8], found: &mut HashMap<Arc<str>, Timestamp>) {
    for at in memmem::find_iter(bytes, b"\"vault.use\"") {
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |n| n + 1);
        let Some(end) = memchr::memchr(b'\n', &bytes[at..]) else { continue };
        let Ok(it) = serde_json::from_slice::<Use<'_>>(&bytes[start..at + end]) else { continue };
        let (Some(secret), Some(when)) = (it.subject, Timestamp::parse(&it.timestamp)) else { continue };
        if it.event_type != "vault_access" || it.tool_name.as_deref() != Some("vault.use") {
            continue;
        }
        match found.get_mut(&*secret) {
            Some(known) => *known = when.max(*known),
            None => drop(found.insert(Arc::from(&*secret), when)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, Record, Trail};
    use crate::config::Audit;

    #[test]
    fn the_newest_use_of_each_secret_is_found_across_segments_and_nothing_else_is_taken_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit/audit.jsonl");
        assert!(last_use(&path).unwrap().is_empty(), "no trail yet");
        let options = Audit { max_size_mb: 1, ..crate::config::Config::default().audit };
        let trail = Trail::open(&path, &options).unwrap();
        let say = |event, subject: &str, at: i64, reason: &str| {
            let mut record = Record::new(event, Timestamp(at));
            record.tool_name = Some("vault.use".into());
            record.subject = Some(subject.to_owned().into());
            record.reasons = vec![reason.to_owned().into()];
            trail.append(record).unwrap();
        };
        say(Event::VaultAccess, "OLD", 1000, "");
        say(Event::VaultAccess, "BOTH", 1000, "");
        for _ in 0..40 {
            say(Event::ToolCall, "NONE", 5, &"x".repeat(30_000));
            trail.flush().unwrap();
        }
        say(Event::VaultAccess, "BOTH", 3000, "\"vault.use\" \n again");
        say(Event::VaultAccess, "BOTH", 2000, "");
        trail.flush().unwrap();
        assert!(std::fs::read_dir(path.parent().unwrap()).unwrap().count() > 4, "it has rotated");
        let found = last_use(&path).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found["OLD"], found["BOTH"]), (Timestamp(1000), Timestamp(3000)));
    }
}
