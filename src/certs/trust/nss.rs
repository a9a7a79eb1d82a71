//! NSS databases of this user: Chromium's and its kin's, and each Firefox profile's, from packages, snaps and flatpaks.
//! Changed by NSS's own `certutil`; a browser that runs sees the change when it is started again.

use super::machine::Machine;
use super::{Fault, Held, Kind, Store, Unusable, nickname};
use crate::certs::Certificate;
use crate::certs::roots::certificates;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Databases shared by Chromium and its kin, below the home directory; a part `*` is any directory.
const SHARED: &[(&str, &str)] = &[
    ("Chromium and others", ".pki/nssdb"),
    ("Chromium and others", ".local/share/pki/nssdb"),
    ("snap", "snap/*/current/.pki/nssdb"),
    ("flatpak", ".var/app/*/.pki/nssdb"),
    ("flatpak", ".var/app/*/data/pki/nssdb"),
];

/// Firefox's profiles.
const PROFILES: &[(&str, &str)] = &[
    ("Firefox", ".mozilla/firefox/*"),
    ("Firefox", ".config/mozilla/firefox/*"),
    ("Firefox (snap)", "snap/firefox/common/.mozilla/firefox/*"),
    ("Firefox (flatpak)", ".var/app/org.mozilla.firefox/.mozilla/firefox/*"),
    ("Firefox (flatpak)", ".var/app/org.mozilla.firefox/config/mozilla/firefox/*"),
    ("LibreWolf", ".librewolf/*"),
];

/// The file that makes a directory a database.
const FILE: &str = "cert9.db";

struct Nss<'m> {
    machine: &'m Machine,
    name: String,
    dir: PathBuf,
    tool: PathBuf,
}

pub(super) fn find(machine: &Machine) -> Vec<Box<dyn Store + '_>> {
    let Some(home) = &machine.home else { return Vec::new() };
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut found: Vec<Box<dyn Store>> = Vec::new();
    for (name, pattern) in SHARED.iter().chain(PROFILES) {
        for dir in matching(home, pattern) {
            let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            if !dir.join(FILE).is_file() || seen.contains(&real) {
                continue;
            }
            seen.push(real);
            let profile =
                dir.file_name().map(|n| n.to_string_lossy().into_owned()).filter(|_| pattern.ends_with("/*"));
            let name = profile.map_or_else(|| (*name).to_owned(), |p| format!("{name} {p}"));
            found.push(store(machine, name, dir));
        }
    }
    found
}

fn store(machine: &Machine, name: String, dir: PathBuf) -> Box<dyn Store + '_> {
    let me = rustix::process::geteuid().as_raw();
    let owner = dir.join(FILE).metadata().map_or(me, |m| m.uid());
    let fault = |code, why: String, remedy: &str| Fault { code, why, remedy: remedy.into() };
    let fault = match machine.tool("certutil") {
        _ if owner != me => fault(
            "trust_not_yours",
            format!("it belongs to uid {owner}, and a change would make it unreadable there"),
            "run `katana ca trust --store nss` as that user",
        ),
        Some(tool) => return Box::new(Nss { machine, name, dir, tool }),
        None => fault(
            "trust_tool_missing",
            "NSS's certutil is not there".into(),
            "install it: libnss3-tools (Debian), nss-tools (RHEL, Alpine), nss (Arch), mozilla-nss-tools (SUSE)",
        ),
    };
    Box::new(Unusable { kind: Kind::Nss, name, place: dir, fault })
}

/// Directories below `base` that fit the pattern.
fn matching(base: &Path, pattern: &str) -> Vec<PathBuf> {
    pattern.split('/').fold(vec![base.to_owned()], |dirs, part| {
        let below = |dir: PathBuf| match part {
            "*" => {
                let mut all: Vec<PathBuf> =
                    fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
                all.sort();
                all
            }
            part => vec![dir.join(part)],
        };
        dirs.into_iter().flat_map(below).filter(|d| d.is_dir()).collect()
    })
}

impl Nss<'_> {
    fn certutil(&self, args: &[&str], stdin: &str) -> Result<Vec<u8>, Fault> {
        let database = format!("sql:{}", self.dir.display());
        let args = [&[args[0], "-d", &database][..], &args[1..]].concat();
        self.machine.run(&self.tool, &args, stdin.as_bytes())
    }
}

impl Store for Nss<'_> {
    fn kind(&self) -> Kind {
        Kind::Nss
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&self) -> PathBuf {
        self.dir.clone()
    }

    fn held(&self, wanted: &[&Certificate]) -> Result<Vec<Held>, Fault> {
        let list = self.certutil(&["-L"], "")?; // fails if it is no database
        let list = String::from_utf8_lossy(&list);
        let one = |c: &&Certificate| {
            let name = nickname(c);
            let line = list.lines().find_map(|l| l.trim().strip_prefix(&name).map(str::trim));
            let Some(flags) = line else { return Held::No };
            let there = self.certutil(&["-L", "-n", &name, "-a"], "").map(|pem| certificates(&pem));
            let same = there.is_ok_and(|all| all.first() == Some(c.der()));
            let trusted = flags.split(',').next().is_some_and(|ssl| ssl.contains('C'));
            if same && trusted { Held::Yes } else { Held::Partly }
        };
        Ok(wanted.iter().map(one).collect())
    }

    fn steps(&self, add: &[&Certificate], remove: &[&Certificate]) -> Vec<String> {
        let database = self.dir.display();
        let add = add.iter().map(|c| format!("run certutil -A -d sql:{database} -n {} -t C,,", nickname(c)));
        let remove = remove.iter().map(|c| format!("run certutil -D -d sql:{database} -n {}", nickname(c)));
        add.chain(remove).collect()
    }

    fn permitted(&self) -> Result<(), Fault> {
        Ok(()) // it is this user's
    }

    fn change(&self, add: &[&Certificate], remove: &[&Certificate]) -> Result<(), Fault> {
        for cert in add {
            self.certutil(&["-A", "-n", &nickname(cert), "-t", "C,,", "-a"], cert.pem())?;
        }
        for cert in remove {
            self.certutil(&["-D", "-n", &nickname(cert)], "")?;
        }
        Ok(())
    }
}
