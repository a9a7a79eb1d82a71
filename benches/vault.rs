//! What the vault costs on a disk: a value read and set, the master key rotated, everything taken up for the request path.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use divan::{Bencher, black_box};
use katana::base::secret::Secret;
use katana::config;
use katana::vault::key::{KeyFile, Keys};
use katana::vault::{KeyPlace, Meta, Name, Place, Vault};

fn main() {
    divan::main();
}

/// A vault with so many entries, its key in a file.
struct Bench {
    dir: tempfile::TempDir,
    place: Place,
}

impl Bench {
    fn with(entries: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let place = Place {
            file: at("vault.json"),
            anchor: at("vault.anchor"),
            lock_sentinel: at("vault.lock"),
            write_lock: at("vault.json.flock"),
            key: KeyPlace::beside(&at("vault.json"), config::KeySource::File),
            keep: 5,
        };
        let bench = Self { dir, place };
        let one =
            |n| (name(n), Secret::from(format!("value-{n}-of-forty-characters-or-so-0123")), Meta::default());
        let all: Vec<_> = (0..entries).map(one).collect();
        bench.open().set_all(&all, true).unwrap();
        bench
    }

    fn open(&self) -> Vault {
        assert!(self.dir.path().exists());
        let key = Box::new(KeyFile::at(&self.place.key.file));
        Vault::open_with(&self.place, Keys::of(config::KeySource::File, vec![key])).unwrap()
    }
}

fn name(n: usize) -> Name {
    Name::parse(&format!("NAME_{n}")).unwrap()
}

/// A value from an open vault whose files have not changed.
#[divan::bench(args = [10, 1000])]
fn get_warm(bencher: Bencher<'_, '_>, entries: usize) {
    let bench = Bench::with(entries);
    let (vault, name) = (bench.open(), name(entries / 2));
    bencher.bench(|| black_box(vault.get(black_box(&name)).unwrap()));
}

/// A vault opened, judged, and one value out of it: what a command does.
#[divan::bench(args = [10, 1000])]
fn get_cold(bencher: Bencher<'_, '_>, entries: usize) {
    let (bench, name) = (Bench::with(entries), name(entries / 2));
    bencher.bench(|| black_box(bench.open().get(black_box(&name)).unwrap()));
}

/// A value set, with every fsync.
#[divan::bench(args = [10, 1000], sample_count = 50)]
fn set(bencher: Bencher<'_, '_>, entries: usize) {
    let bench = Bench::with(entries);
    let (vault, name, value) = (bench.open(), name(0), Secret::from("another-value-of-some-length"));
    bencher.bench(|| vault.set(&name, &value, Meta::default()).unwrap());
}

/// A new master key, with every fsync.
#[divan::bench(args = [10, 1000], sample_count = 30)]
fn rotate(bencher: Bencher<'_, '_>, entries: usize) {
    let bench = Bench::with(entries);
    let vault = bench.open();
    bencher.bench(|| vault.rotate(None).unwrap());
}

/// Everything in the clear, as the proxy takes it up.
#[divan::bench(args = [10, 1000])]
fn hold(bencher: Bencher<'_, '_>, entries: usize) {
    let bench = Bench::with(entries);
    let vault = bench.open();
    bencher.bench(|| black_box(vault.hold().unwrap()));
}
