//! What backends have answered, in memory only, each for as long as it may be used. The request path and whoever builds a
//! generation read what is here and ask nobody; [`Resolver::refresh`] asks, on a thread that may wait.

use super::{Fault, Reference, World};
use crate::base::secret::Secret;
use crate::config;
use crate::vault::held::{Barred, Held};
use crate::vault::value;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asked at once at most.
const AT_ONCE: usize = 8;
/// Answers from before that are still looked for in traffic.
const OLDER: usize = 3;

/// How long what is known is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an answer may be used.
    pub ttl: Duration,
    /// How long a backend that failed is left alone.
    pub failure_ttl: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

impl From<&config::Vault> for Settings {
    fn from(vault: &config::Vault) -> Self {
        Self {
            ttl: vault.reference_ttl,
            failure_ttl: vault.reference_failure_ttl,
            timeout: vault.reference_timeout,
        }
    }
}

/// The values of references.
pub struct Resolver {
    world: World,
    settings: Mutex<Settings>,
    known: Mutex<HashMap<Key, Known>>,
}

/// The hash of a reference's text, which may hold what nobody else should see.
type Key = [u8; 32];

/// What is known of one reference.
struct Known {
    /// An entry's name, for the log.
    name: Arc<str>,
    reference: Result<Reference, Fault>,
    /// The last answer, and when it came.
    answer: Option<(Secret, Instant)>,
    /// Answers it had before, newest first.
    older: Vec<Secret>,
    /// When it was asked last, and what went wrong then.
    tried: Option<(Instant, Option<Fault>)>,
    /// What the last generation was told: an answer's time, or a fault's name.
    shown: Option<Shown>,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Shown {
    /// The value that came then, or is the same since then.
    Answer(u64),
    Fault(&'static str),
}

impl Resolver {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings, world: World) -> Self {
        Self { world, settings: Mutex::new(settings), known: Mutex::new(HashMap::new()) }
    }

    /// Other settings, from now on.
    pub fn set(&self, settings: Settings) {
        *self.settings.lock() = settings;
    }

    /// Asks a backend now, and keeps nothing: for a command that ends soon.
    ///
    /// # Errors
    /// Why it gave no value.
    pub fn ask(&self, text: &Secret, document: bool) -> Result<Secret, Fault> {
        let patience = self.settings.lock().timeout;
        let value = parse(text)?.fetch(&self.world, patience)?;
        fit(value, document)
    }

    /// Puts what is known into secrets that are held by reference, and takes note of those that have to be asked for. Waits
    /// for nobody. What is not known, or not any more, stays barred with the fault's name; its last value is still looked for.
    pub fn fill(&self, held: &mut [Held]) {
        self.fill_at(held, Instant::now());
    }

    /// Asks every backend that is due. May wait as long as a backend may.
    /// True: [`Resolver::fill`] has something else to say than the last time.
    pub fn refresh(&self) -> bool {
        self.refresh_at(Instant::now)
    }

    fn fill_at(&self, held: &mut [Held], now: Instant) {
        let ttl = self.settings.lock().ttl;
        let mut known = self.known.lock();
        let mut wanted: HashMap<Key, Known> = HashMap::new();
        for secret in held {
            let Some(text) = secret.reference.clone() else { continue };
            let key: Key = Sha256::digest(text.expose()).into();
            let entry = wanted.entry(key).or_insert_with(|| {
                known.remove(&key).unwrap_or_else(|| Known::new(secret.name.clone(), &text))
            });
            secret.older.extend(entry.older.iter().cloned());
            match entry.view(now, ttl) {
                // two entries by one reference may differ in what they take
                Ok(value) => match fit(value.clone(), secret.document) {
                    Ok(value) => {
                        secret.value = value;
                        if secret.barred == Some(super::BARRED) {
                            secret.barred = None;
                        }
                    }
                    Err(fault) => bar(secret, &fault),
                },
                Err(fault) => {
                    bar(secret, &fault);
                    secret.older.extend(entry.answer.iter().map(|(value, _)| value.clone()));
                }
            }
            entry.shown = Some(entry.show(now, ttl));
        }
        // what no entry names any more is forgotten
        *known = wanted;
    }

    fn refresh_at(&self, now: impl Fn() -> Instant) -> bool {
        let Settings { ttl, failure_ttl, timeout } = *self.settings.lock();
        let due: Vec<(Key, Reference)> = {
            let known = self.known.lock();
            let due = known.iter().filter(|(_, k)| k.is_due(now(), ttl, failure_ttl));
            due.filter_map(|(key, k)| Some((*key, k.reference.clone().ok()?))).collect()
        };
        for some in due.chunks(AT_ONCE) {
            let answers: Vec<(Key, Result<Secret, Fault>)> = std::thread::scope(|scope| {
                let ask = |(key, reference): &(Key, Reference)| {
                    let (key, reference) = (*key, reference.clone());
                    scope.spawn(move || (key, reference.fetch(&self.world, timeout)))
                };
                let asked: Vec<_> = some.iter().map(ask).collect();
                asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
            });
            let mut known = self.known.lock();
            for (key, answer) in answers {
                if let Some(entry) = known.get_mut(&key) {
                    entry.take(answer, now());
                }
            }
        }
        let mut changed = false;
        for known in self.known.lock().values_mut() {
            // said once: whoever cannot fill now (the vault is locked) fills when he can
            let shown = Some(known.show(now(), ttl));
            changed |= known.shown != shown;
            known.shown = shown;
        }
        changed
    }
}

fn bar(secret: &mut Held, fault: &Fault) {
    // what bars it for good does so still
    if secret.barred.is_none() || secret.barred == Some(super::BARRED) {
        secret.barred = Some(Barred::Unresolved(fault.code()));
    }
}

fn parse(text: &Secret) -> Result<Reference, Fault> {
    let text = std::str::from_utf8(text.expose()).map_err(|_| Fault::Reference("is no text"))?;
    Reference::parse(text).map_err(Fault::Reference)
}

/// Is it a value that an entry may have?
fn fit(value: Secret, document: bool) -> Result<Secret, Fault> {
    match value::check(&value, document, true) {
        Ok(()) => Ok(value),
        Err(crate::vault::Error::BadValue(why)) => Err(Fault::Value(why)),
        Err(_) => Err(Fault::Value("is no value that an entry may have")),
    }
}

impl Known {
    fn new(name: Arc<str>, text: &Secret) -> Self {
        Self { name, reference: parse(text), answer: None, older: Vec::new(), tried: None, shown: None }
    }

    /// The value, if it may still be used.
    fn view(&self, now: Instant, ttl: Duration) -> Result<&Secret, Fault> {
        match &self.answer {
            Some((value, at)) if now.saturating_duration_since(*at) < ttl => Ok(value),
            _ => Err(self.fault()),
        }
    }

    fn fault(&self) -> Fault {
        let tried = self.tried.as_ref().and_then(|(_, fault)| fault.clone());
        self.reference.as_ref().err().cloned().or(tried).unwrap_or(Fault::Pending)
    }

    fn show(&self, now: Instant, ttl: Duration) -> Shown {
        match self.view(now, ttl) {
            Ok(value) => Shown::Answer(digest(value)),
            Err(fault) => Shown::Fault(fault.code()),
        }
    }

    /// An answer is renewed when three quarters of its time are over, so that a backend that fails for a moment goes unnoticed.
    fn is_due(&self, now: Instant, ttl: Duration, failure_ttl: Duration) -> bool {
        let old =
            self.answer.as_ref().is_none_or(|(_, at)| now.saturating_duration_since(*at) >= ttl / 4 * 3);
        let left_alone = match &self.tried {
            Some((at, Some(_))) => now.saturating_duration_since(*at) < failure_ttl,
            _ => false,
        };
        self.reference.is_ok() && old && !left_alone
    }

    fn take(&mut self, answer: Result<Secret, Fault>, now: Instant) {
        let backend = self.reference.as_ref().map_or("", Reference::backend);
        let failed = self.tried.as_ref().and_then(|(_, f)| f.as_ref()).map(Fault::code);
        match answer {
            Ok(value) => {
                if failed.is_some() {
                    tracing::info!(name = &*self.name, backend, "the reference gives a value again");
                }
                let before = self.answer.replace((value.clone(), now)).map(|(before, _)| before);
                if let Some(before) = before.filter(|b| *b != value) {
                    self.older.retain(|o| *o != before && *o != value);
                    self.older.insert(0, before);
                    self.older.truncate(OLDER);
                }
                self.tried = Some((now, None));
            }
            Err(fault) => {
                // once for each way of failing, not for each time
                if failed != Some(fault.code()) {
                    let code = fault.code();
                    tracing::warn!(name = &*self.name, backend, code, why = %fault, "the reference gives no value");
                }
                self.tried = Some((now, Some(fault)));
            }
        }
    }
}

/// Tells values apart, in this process and for this purpose only.
fn digest(value: &Secret) -> u64 {
    let hash: Key = Sha256::digest(value.expose()).into();
    hash.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({} references)", self.known.lock().len())
    }
}

#[cfg(test)]
mod tests;
