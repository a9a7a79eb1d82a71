//! Who used which secret towards which host: the first use goes into the audit at once, later ones once a minute with their
//! number. Bounded, and cheap enough to stand at the end of every exchange: one hash, one short lock.

use super::exchange::Client;
use crate::audit::{Decision, Event, Record, Trail};
use crate::base::clock::Timestamp;
use crate::base::host::Host;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::Arc;

/// Locks, so that threads seldom meet.
const SHARDS: usize = 16;
/// Uses that are told apart in each: 4096 in all. Beyond that the one that has rested longest is written out and forgotten.
const MOST: usize = 256;
/// A record at most so often for the same client, secret and host, milliseconds.
const EVERY: i64 = 60_000;
/// What has rested so long is forgotten: its next use is a first one again.
const REST: i64 = 15 * EVERY;

/// The uses that are not in the audit yet.
pub struct Access {
    trail: Arc<Trail>,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// By hash, which is random and keyed already; what shares one stands in one list.
type Shard = HashMap<u64, Vec<Uses>, BuildHasherDefault<AsItIs>>;

/// Hashes a hash by itself.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        // the lowest bits chose the shard
        self.0 = hash.rotate_right(4);
    }
}

/// One client's uses of one secret towards one host.
struct Uses {
    client: Client,
    secret: Arc<str>,
    host: Host,
    /// Not told yet.
    count: u64,
    told: Timestamp,
    last: Timestamp,
}

impl Access {
    /// Records into this trail.
    #[must_use]
    pub fn new(trail: Arc<Trail>) -> Self {
        Self { trail, hasher: RandomState::new(), shards: Default::default() }
    }

    /// A secret was put into a request.
    pub fn used(&self, client: &Client, secret: &Arc<str>, host: &Host, now: Timestamp) {
        let hash = self.hasher.hash_one((client, &**secret, host));
        let mut shard = self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)].lock();
        let known = shard.get_mut(&hash).and_then(|all| {
            all.iter_mut().find(|u| u.client == *client && u.secret == *secret && u.host == *host)
        });
        if let Some(uses) = known {
            uses.count += 1;
            uses.last = uses.last.max(now);
            // a clock that went back must not keep it silent
            if now.0 - uses.told.0 < EVERY && now >= uses.told {
                return;
            }
            let record = uses.tell(now);
            drop(shard);
            return self.write(record);
        }
        let pushed_out = if shard.len() >= MOST { rested(&mut shard) } else { Vec::new() };
        let mut uses = Uses {
            client: client.clone(),
            secret: secret.clone(),
            host: host.clone(),
            count: 1,
            told: now,
            last: now,
        };
        let first = uses.tell(now);
        shard.entry(hash).or_default().push(uses);
        drop(shard);
        pushed_out.into_iter().chain([first]).for_each(|record| self.write(record));
    }

    /// Writes down what is due, and forgets what has rested. Called every few seconds.
    pub fn look(&self, now: Timestamp) {
        self.sweep(now, |uses| uses.count > 0 && now.0 - uses.told.0 >= EVERY);
    }

    /// Writes down everything: the proxy ends.
    pub fn flush(&self) {
        self.sweep(Timestamp::now(), |uses| uses.count > 0);
    }

    fn sweep(&self, now: Timestamp, due: impl Fn(&Uses) -> bool) {
        for shard in &self.shards {
            let mut records = Vec::new();
            shard.lock().retain(|_, all| {
                records.extend(all.iter_mut().filter(|u| due(u)).map(|u| u.tell(now)));
                all.retain(|u| u.count > 0 || now.0 - u.last.0 < REST);
                !all.is_empty()
            });
            records.into_iter().for_each(|record| self.write(record));
        }
    }

    fn write(&self, record: Record) {
        if let Err(why) = self.trail.append(record) {
            tracing::error!(%why, "the use of a secret is not in the audit");
        }
    }
}

impl Uses {
    /// The record of what was not told yet; told now. Its time is that of the last use.
    fn tell(&mut self, now: Timestamp) -> Record {
        let mut record = Record::new(Event::VaultAccess, self.last);
        record.tool_name = Some("vault.use".into());
        record.subject = Some(self.secret.to_string().into());
        record.decision = Some(Decision::Allow);
        record.client = Some(self.client.to_string().into());
        record.host = Some(self.host.clone());
        record.count = Some(self.count);
        (self.count, self.told) = (0, now);
        record
    }
}

/// Takes out what has rested longest; what it still has to tell.
fn rested(shard: &mut Shard) -> Vec<Record> {
    let oldest = shard.iter().min_by_key(|(_, all)| all.iter().map(|u| u.last).max()).map(|(hash, _)| *hash);
    let gone = oldest.and_then(|hash| shard.remove(&hash)).unwrap_or_default();
    gone.into_iter()
        .filter(|u| u.count > 0)
        .map(|mut u| {
            let last = u.last;
            u.tell(last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::query::{Filter, newest};
    use crate::config::Config;
    use std::net::{IpAddr, Ipv4Addr};
    use std::path::PathBuf;

    fn access() -> (tempfile::TempDir, PathBuf, Access) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit/audit.jsonl");
        let trail = Arc::new(Trail::open(&path, &Config::default().audit).unwrap());
        (dir, path, Access::new(trail))
    }

    fn told(access: &Access, path: &std::path::Path) -> Vec<(String, String, String, u64)> {
        access.trail.flush().unwrap();
        let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
        let all = newest(path, &Filter::default(), 100_000).unwrap();
        let all = all.iter().filter(|r| r["event_type"] == "vault_access");
        all.map(|r| (text(&r["client"]), text(&r["subject"]), text(&r["host"]), r["count"].as_u64().unwrap()))
            .collect()
    }

    const ME: Client = Client::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));

    #[test]
    fn the_first_use_is_told_at_once_and_later_ones_once_a_minute_with_their_number() {
        let (_dir, path, access) = access();
        let (key, host) = (Arc::from("KEY"), Host::parse("api.example").unwrap());
        let at = |ms: i64| Timestamp(1_000_000 + ms);
        let line = |n: u64| ("127.0.0.1".to_owned(), "KEY".to_owned(), "api.example".to_owned(), n);
        for i in 0..100 {
            access.used(&ME, &key, &host, at(i * 10));
        }
        assert_eq!(told(&access, &path), [line(1)]);
        access.look(at(59_999));
        assert_eq!(told(&access, &path).len(), 1);
        access.look(at(60_000));
        assert_eq!(told(&access, &path), [line(1), line(99)]);
        access.used(&ME, &key, &host, at(61_000));
        access.used(&ME, &key, &host, at(121_000));
        assert_eq!(told(&access, &path).last(), Some(&line(2)), "one that is due is told by the use itself");
        access.used(&ME, &key, &host, at(121_001));
        access.flush();
        assert_eq!(told(&access, &path).last(), Some(&line(1)));
        access.used(&Client::Unix(7), &key, &host, at(121_002));
        let of_user = ("uid:7".into(), "KEY".into(), "api.example".into(), 1);
        assert_eq!(told(&access, &path).last(), Some(&of_user));
        access.used(&ME, &key, &host, at(0));
        assert_eq!(told(&access, &path).last(), Some(&line(1)), "a clock that went back");
    }

    #[test]
    fn what_is_told_apart_is_bounded_and_no_use_is_lost() {
        let (_dir, path, access) = access();
        let key = Arc::from("KEY");
        let hosts = 6000_u32;
        for n in 0..hosts {
            let host = Host::parse(&format!("h{n}.example")).unwrap();
            for i in 0..2 {
                access.used(&ME, &key, &host, Timestamp(i64::from(n) + i));
            }
        }
        let kept: usize = access.shards.iter().map(|s| s.lock().len()).sum();
        assert!(kept <= SHARDS * MOST, "{kept}");
        access.flush();
        assert_eq!(told(&access, &path).iter().map(|t| t.3).sum::<u64>(), u64::from(hosts) * 2);
        access.look(Timestamp(i64::from(hosts) + REST + 1));
        assert!(access.shards.iter().all(|s| s.lock().is_empty()), "what has rested is forgotten");
    }
}
