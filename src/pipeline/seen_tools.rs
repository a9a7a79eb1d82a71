//! What servers said of their tools when they were first seen, in a small file that survives restarts. A description that is another
//! one later is how a tool that was looked at turns into one that nobody would have taken.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::atomic;
use crate::base::lock::FileLock;
use crate::scanner::Listed;

/// More servers, and more tools of one, are not remembered; nothing is forgotten to make room.
const MOST_SERVERS: usize = 1024;
const MOST_TOOLS: usize = 512;
/// A file of more bytes is none of ours.
const LONGEST: u64 = 32 << 20;
/// How long a write waits for another's.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be said of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// This tool was described otherwise before.
    Changed(Arc<str>),
    /// Another server has a tool of this name.
    Shadowed(Arc<str>),
}

/// By server, by tool: the digest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    servers: BTreeMap<String, BTreeMap<String, String>>,
}

/// The tools that were seen.
#[derive(Debug)]
pub struct SeenTools {
    path: PathBuf,
    memory: Mutex<Memory>,
}

/// What is known, and of which servers the file does not say it yet: a server each time that it is being written.
#[derive(Debug, Default)]
struct Memory {
    known: Known,
    unsaved: Vec<String>,
}

impl Memory {
    /// Takes over what the file says, where it has been told everything.
    fn refresh(&mut self, file: Known) {
        let ours = std::mem::replace(&mut self.known, file).servers;
        self.known.servers.extend(ours.into_iter().filter(|(server, _)| self.unsaved.contains(server)));
    }
}

impl SeenTools {
    /// What the file holds. One that is not there, or cannot be read, holds nothing: then all is new, and noted.
    ///
    /// # Errors
    /// The file is there and cannot be read; what is given back knows nothing.
    pub fn open(path: &Path) -> (SeenTools, Option<io::Error>) {
        let (known, why) = match read(path) {
            Ok(known) => (known, None),
            Err(why) => (Known::default(), Some(why)),
        };
        let memory = Mutex::new(Memory { known, unsaved: Vec::new() });
        (SeenTools { path: path.to_owned(), memory }, why)
    }

    /// A server's name in the file: the path may hold a secret, and is told apart by its hash alone.
    #[must_use]
    pub fn server(host: &str, port: u16, path: &str) -> String {
        format!("{host}:{port}#{}", &HEXLOWER.encode(&Sha256::digest(path.as_bytes()))[..16])
    }

    /// Compares a listing with what the server said before. What is new is remembered; what has changed is not.
    pub fn look(self: &Arc<Self>, server: &str, listed: &[Listed]) -> Vec<Remark> {
        let changed = |known: &Known| {
            let of = known.servers.get(server);
            let before =
                |t: &Listed| of.and_then(|s| s.get(&*t.name)).map(|d| *d != HEXLOWER.encode(&t.digest));
            listed.iter().any(|t| before(t) == Some(true))
        };
        let mut memory = self.lock();
        if changed(&memory.known) {
            // it may have been accepted meanwhile
            if let Ok(now) = read(&self.path) {
                memory.refresh(now);
            }
        }
        let known = &mut memory.known;
        let mut remarks = Vec::new();
        let mut new = false;
        for tool in listed {
            let digest = HEXLOWER.encode(&tool.digest);
            let name: &str = &tool.name;
            match known.servers.get(server).and_then(|s| s.get(name)) {
                Some(before) if *before == digest => {}
                Some(_) => remarks.push(Remark::Changed(Arc::clone(&tool.name))),
                None => {
                    let elsewhere =
                        known.servers.iter().any(|(s, tools)| s != server && tools.contains_key(name));
                    if elsewhere {
                        remarks.push(Remark::Shadowed(Arc::clone(&tool.name)));
                    }
                    new |= known.remember(server, name, digest);
                }
            }
        }
        if !new {
            return remarks;
        }
        memory.unsaved.push(server.to_owned());
        drop(memory);
        let (seen, server) = (Arc::clone(self), server.to_owned());
        // the disk is waited for by nobody's request
        let spawned = std::thread::Builder::new().name("tools".into()).spawn(move || seen.save(&server));
        if let Err(why) = spawned {
            tracing::warn!(%why, "the tools that were seen are not on disk");
        }
        remarks
    }

    /// Adds what is known of a server to the file; what the file says already stays.
    fn save(&self, server: &str) {
        let ours = self.lock().known.servers.get(server).cloned().unwrap_or_default();
        let saved = change(&self.path, |known| {
            for (name, digest) in ours {
                known.remember(server, &name, digest);
            }
        });
        if let Err(why) = saved {
            tracing::warn!(%why, path = %self.path.display(), "the tools that were seen are not on disk");
            return;
        }
        let unsaved = &mut self.lock().unsaved;
        if let Some(at) = unsaved.iter().position(|s| s == server) {
            unsaved.swap_remove(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what a host's servers said of their tools: what they say next is taken as first seen. How many tools that were.
///
/// # Errors
/// The file cannot be read or written.
pub fn accept(path: &Path, host: &str) -> io::Result<usize> {
    let mut forgotten = 0;
    change(path, |known| {
        known.servers.retain(|server, tools| {
            let of = server.rsplit_once(':').is_some_and(|(h, _)| h == host);
            forgotten += if of { tools.len() } else { 0 };
            !of
        });
    })?;
    Ok(forgotten)
}

impl Known {
    /// Is it new, and is there room?
    fn remember(&mut self, server: &str, name: &str, digest: String) -> bool {
        let room = self.servers.len() < MOST_SERVERS || self.servers.contains_key(server);
        if !room || name.len() > 256 {
            return false;
        }
        let tools = self.servers.entry(server.to_owned()).or_default();
        let new = tools.len() < MOST_TOOLS && !tools.contains_key(name);
        if new {
            tools.insert(name.to_owned(), digest);
        }
        new
    }
}

fn change(path: &Path, f: impl FnOnce(&mut Known)) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        atomic::private_dir(dir)?;
    }
    let _turn = FileLock::take(&path.with_extension("lock"), PATIENCE)?;
    let mut known = read(path)?;
    f(&mut known);
    let text = serde_json::to_vec_pretty(&known).map_err(io::Error::other)?;
    atomic::write(path, &text, 0o600)
}

fn read(path: &Path) -> io::Result<Known> {
    match fs::metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Known::default()),
        Err(why) => return Err(why),
        Ok(meta) if meta.len() > LONGEST => return Err(io::Error::other("the file is too long")),
        Ok(_) => {}
    }
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, digest: u8) -> Listed {
        Listed { name: name.into(), digest: [digest; 32] }
    }

    fn until(path: &Path, part: &str) {
        for _ in 0..500 {
            if fs::read_to_string(path).is_ok_and(|t| t.contains(part)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{part} is not in {}", path.display());
    }

    #[test]
    fn a_tool_that_changes_is_told_until_it_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.json");
        let (seen, why) = SeenTools::open(&path);
        assert!(why.is_none());
        let (seen, server) = (Arc::new(seen), SeenTools::server("mcp.test", 443, "/mcp"));
        assert_eq!(seen.look(&server, &[tool("add", 1)]), []);
        assert_eq!(seen.look(&server, &[tool("add", 1), tool("sub", 1)]), []);
        until(&path, "sub");
        let again = Arc::new(SeenTools::open(&path).0);
        for _ in 0..2 {
            assert_eq!(
                again.look(&server, &[tool("add", 2), tool("sub", 1)]),
                [Remark::Changed("add".into())]
            );
        }
        assert_eq!(accept(&path, "other.test").unwrap(), 0);
        assert_eq!(accept(&path, "mcp.test").unwrap(), 2);
        assert_eq!(again.look(&server, &[tool("add", 2)]), [], "accepted while it ran");
        until(&path, &"02".repeat(32));
        assert_eq!(again.look(&server, &[tool("add", 1)]), [Remark::Changed("add".into())]);
    }

    #[test]
    fn what_is_not_on_disk_yet_is_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.json");
        let seen = Arc::new(SeenTools::open(&path).0);
        let held = FileLock::take(&path.with_extension("lock"), PATIENCE).unwrap();
        assert_eq!(seen.look("a.test:443#1", &[tool("add", 1)]), []);
        assert!(!path.exists());
        assert_eq!(seen.look("a.test:443#1", &[tool("add", 2)]), [Remark::Changed("add".into())]);
        drop(held);
        until(&path, &"01".repeat(32));
    }

    #[test]
    fn a_name_that_another_server_has_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Arc::new(SeenTools::open(&dir.path().join("tools.json")).0);
        assert_eq!(seen.look("a.test:443#1", &[tool("add", 1)]), []);
        assert_eq!(seen.look("b.test:443#1", &[tool("add", 1)]), [Remark::Shadowed("add".into())]);
        assert_eq!(seen.look("b.test:443#1", &[tool("add", 1)]), []);
    }

    #[test]
    fn a_broken_file_is_said_and_a_full_one_forgets_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.json");
        fs::write(&path, "{").unwrap();
        assert!(SeenTools::open(&path).1.is_some());
        let mut known = Known::default();
        for i in 0..MOST_SERVERS + 5 {
            known.remember(&format!("h{i}"), "t", "d".into());
        }
        assert_eq!(known.servers.len(), MOST_SERVERS);
        assert!(known.servers.contains_key("h0"));
    }
}
