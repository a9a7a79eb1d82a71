//! Leaves by host: signed once, kept, signed anew before they end. A thousand first requests for one host sign one.

use super::profile::LeafProfile;
use super::{Authority, Error, mint};
use crate::base::clock::{Clock, SystemClock, Timestamp};
use crate::base::host::Host;
use crate::telemetry::metrics::Metric;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rcgen::KeyPair;
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Locks, so that threads with different hosts seldom meet.
const SHARDS: usize = 16;
/// Hosts kept in each: 4096 in all, some 6 MB.
const HOSTS_PER_SHARD: usize = 256;

/// The leaves of one process: one key for all of them, made here and never written anywhere.
pub struct Leaves {
    authority: ArcSwap<Authority>,
    profile: LeafProfile,
    key: KeyPair,
    signer: Arc<dyn SigningKey>,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    hosts: HashMap<Host, Slot>,
    /// Counts uses, to tell which host has waited longest for one.
    tick: u64,
}

struct Slot {
    used: u64,
    cell: Arc<Cell>,
}

/// One host's leaf. Its lock is held while signing, so that whoever comes meanwhile waits for that one.
type Cell = Mutex<Option<Kept>>;

struct Kept {
    leaf: Arc<CertifiedKey>,
    /// Who signed it; a leaf of another authority is not shown any more.
    by: Arc<Authority>,
    from: Timestamp,
    renew: Timestamp,
}

impl Leaves {
    /// Makes the process's leaf key.
    ///
    /// # Errors
    /// When there is no randomness, or the embedded profile is wrong.
    pub fn new(authority: Arc<Authority>) -> Result<Self, Error> {
        Self::with_clock(authority, Arc::new(SystemClock))
    }

    /// The same by another clock, for tests.
    ///
    /// # Errors
    /// As [`Leaves::new`].
    pub fn with_clock(authority: Arc<Authority>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let failed = |why: String| Error::NotSigned { host: "any host".into(), why };
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| failed(e.to_string()))?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialized_der()));
        let signer = any_ecdsa_type(&der).map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            authority: ArcSwap::new(authority),
            profile: LeafProfile::embedded()?,
            key,
            signer,
            clock,
            hasher: RandomState::new(),
            shards: Default::default(),
        })
    }

    /// The chain (leaf, authority) and signer to show for this host.
    ///
    /// # Errors
    /// When signing fails; the next call tries again.
    pub fn for_host(&self, host: &Host) -> Result<Arc<CertifiedKey>, Error> {
        let cell = self.cell(host);
        let mut kept = cell.lock();
        let now = self.clock.now();
        let by = self.authority.load();
        if let Some(k) = kept.as_ref().filter(|k| k.from <= now && now < k.renew && Arc::ptr_eq(&k.by, &by)) {
            return Ok(k.leaf.clone());
        }
        let leaf = mint::leaf(&by, &self.profile, &self.key, host, now)?;
        Metric::Minted.inc();
        let chain = vec![leaf.der, by.der().clone()];
        let shown = Arc::new(CertifiedKey::new(chain, self.signer.clone()));
        *kept = Some(Kept { leaf: shown.clone(), by: Arc::clone(&by), from: leaf.from, renew: leaf.renew });
        Ok(shown)
    }

    /// The authority they are signed by.
    #[must_use]
    pub fn authority(&self) -> Arc<Authority> {
        self.authority.load_full()
    }

    /// From here on leaves are signed by this authority. What has been shown stays valid where it was shown; nobody waits.
    pub fn sign_by(&self, authority: Arc<Authority>) {
        self.authority.store(authority);
    }

    fn cell(&self, host: &Host) -> Arc<Cell> {
        let at = usize::try_from(self.hasher.hash_one(host) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[at].lock();
        shard.tick += 1;
        let tick = shard.tick;
        if let Some(slot) = shard.hosts.get_mut(host) {
            slot.used = tick;
            return slot.cell.clone();
        }
        if shard.hosts.len() >= HOSTS_PER_SHARD
            && let Some(oldest) = shard.hosts.iter().min_by_key(|(_, s)| s.used).map(|(h, _)| h.clone())
        {
            shard.hosts.remove(&oldest);
        }
        let cell = Arc::<Cell>::default();
        shard.hosts.insert(host.clone(), Slot { used: tick, cell: cell.clone() });
        cell
    }

    #[cfg(test)]
    fn kept(&self) -> usize {
        self.shards.iter().map(|s| s.lock().hosts.len()).sum()
    }
}

impl std::fmt::Debug for Leaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaves").field("authority", &self.authority()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::FixedClock;
    use std::collections::HashSet;
    use std::sync::Barrier;

    fn leaves(clock: Arc<dyn Clock>) -> (tempfile::TempDir, Leaves) {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(&dir.path().join("ca")).unwrap();
        (dir, Leaves::with_clock(Arc::new(authority), clock).unwrap())
    }

    #[test]
    fn a_thousand_first_requests_sign_one_leaf() {
        let (_dir, leaves) = leaves(Arc::new(SystemClock));
        let host = Host::parse("api.example.com").unwrap();
        let start = Barrier::new(1000);
        let serials: HashSet<Vec<u8>> = std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                leaves.for_host(&host).unwrap().cert[0].to_vec()
            };
            let threads: Vec<_> = (0..1000)
                .map(|_| std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, ask).unwrap())
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        // every signature has a serial number of its own, so one set of bytes is one signature handed to all
        assert_eq!(serials.len(), 1);
        assert_eq!(leaves.kept(), 1);
    }

    #[test]
    fn a_leaf_is_signed_anew_when_less_than_a_day_is_left_or_the_clock_went_back() {
        let now = Timestamp::now().0;
        let clock = Arc::new(FixedClock::at(Timestamp(now)));
        let (_dir, leaves) = leaves(clock.clone());
        let host = Host::parse("[::1]").unwrap();
        let bytes = || leaves.for_host(&host).unwrap().cert[0].to_vec();
        let first = bytes();
        clock.set(Timestamp(now + 6 * 86_400_000 - 1));
        assert_eq!(bytes(), first);
        clock.set(Timestamp(now + 6 * 86_400_000));
        let second = bytes();
        assert_ne!(second, first);
        clock.set(Timestamp(now));
        assert_ne!(bytes(), second, "not yet valid by this clock");
    }

    #[test]
    fn the_number_of_hosts_is_bounded_and_the_used_one_stays() {
        let (_dir, leaves) = leaves(Arc::new(SystemClock));
        let used = Host::parse("used.example").unwrap();
        let first = leaves.for_host(&used).unwrap();
        for i in 0..3 * SHARDS * HOSTS_PER_SHARD {
            // the cell alone: signing twelve thousand leaves says nothing more
            drop(leaves.cell(&Host::parse(&format!("h{i}.example")).unwrap()));
            if i % 16 == 0 {
                drop(leaves.cell(&used));
            }
        }
        assert!(leaves.kept() <= SHARDS * HOSTS_PER_SHARD);
        assert!(Arc::ptr_eq(&first, &leaves.for_host(&used).unwrap()));
    }
}
