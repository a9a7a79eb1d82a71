//! The system's store: a file in the directory for the administrator's own authorities, and the distribution's tool that
//! makes bundles of them. The release file says which distribution it is; without one, what is there does, if only one fits.

use super::machine::{Machine, executable, writable};
use super::{Fault, Held, Kind, Store, Unusable, nickname};
use crate::base::atomic;
use crate::certs::Certificate;
use crate::certs::roots::certificates;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A family of distributions.
struct Family {
    name: &'static str,
    /// As `ID` and `ID_LIKE` name it.
    ids: &'static [&'static str],
    anchors: &'static str,
    /// Of the files in it; others are passed over.
    extension: &'static str,
    /// What the tool makes of them.
    bundle: &'static str,
    tool: &'static [&'static str],
    package: &'static str,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "Debian",
        ids: &["debian", "ubuntu"],
        anchors: "/usr/local/share/ca-certificates",
        extension: "crt",
        bundle: CERTS_BUNDLE,
        tool: &["update-ca-certificates"],
        package: "apt-get install ca-certificates",
    },
    Family {
        name: "Alpine",
        ids: &["alpine"],
        anchors: "/usr/local/share/ca-certificates",
        extension: "crt",
        bundle: CERTS_BUNDLE,
        tool: &["update-ca-certificates"],
        package: "apk add ca-certificates",
    },
    Family {
        name: "RHEL",
        ids: &["rhel", "fedora", "centos"],
        anchors: "/etc/pki/ca-trust/source/anchors",
        extension: "pem",
        bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        tool: &["update-ca-trust", "extract"],
        package: "dnf install ca-certificates",
    },
    Family {
        name: "Arch",
        ids: &["arch"],
        anchors: "/etc/ca-certificates/trust-source/anchors",
        extension: "crt",
        bundle: "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
        tool: &["update-ca-trust"],
        package: "pacman -S ca-certificates-utils",
    },
    Family {
        name: "SUSE",
        ids: &["suse", "opensuse", "sles"],
        anchors: "/etc/pki/trust/anchors",
        extension: "pem",
        bundle: "/var/lib/ca-certificates/ca-bundle.pem",
        tool: &["update-ca-certificates"],
        package: "zypper install ca-certificates",
    },
];

const CERTS_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Where Debian's and Alpine's tool keeps a link to each certificate.
const LINKS: &str = "/etc/ssl/certs";
/// Who else wants to know, on Debian: among them the package that keeps Java's store.
const HOOKS: &str = "/etc/ca-certificates/update.d";

struct System<'m> {
    machine: &'m Machine,
    family: &'static Family,
    tool: PathBuf,
}

pub(super) fn find(machine: &Machine) -> Vec<Box<dyn Store + '_>> {
    let unusable = |place: PathBuf, name: &str, fault: Fault| -> Vec<Box<dyn Store>> {
        vec![Box::new(Unusable { kind: Kind::System, name: name.into(), place, fault })]
    };
    let Some(family) = family(machine) else {
        let why = "neither /etc/os-release nor the tools that are there tell which kind of system this is";
        let remedy = "`katana ca export` prints the certificate; add it as this system's manual says";
        let fault = Fault { code: "trust_system_unknown", why: why.into(), remedy: remedy.into() };
        return unusable(machine.at("/etc/os-release"), "unknown", fault);
    };
    match machine.tool(family.tool[0]) {
        Some(tool) => vec![Box::new(System { machine, family, tool })],
        None => {
            let why = format!("{} is not there", family.tool[0]);
            let fault = Fault { code: "trust_tool_missing", why, remedy: family.package.into() };
            unusable(machine.at(family.anchors), family.name, fault)
        }
    }
}

fn family(machine: &Machine) -> Option<&'static Family> {
    let read = |p| fs::read_to_string(machine.at(p)).ok();
    if let Some(release) = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")) {
        let value = |key: &str| {
            let line = release.lines().rev().find_map(|l| l.trim().strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_lowercase()
        };
        let named = format!("{} {}", value("ID"), value("ID_LIKE"));
        let of = |word: &str| {
            // openSUSE's flavours are `opensuse-leap`, `opensuse-tumbleweed`
            let head = word.split('-').next().unwrap_or_default();
            FAMILIES.iter().find(|f| f.ids.contains(&word) || f.ids.contains(&head))
        };
        if let Some(family) = named.split_whitespace().find_map(of) {
            return Some(family);
        }
    }
    let mut fit = FAMILIES.iter().filter(|f| {
        f.name != "Alpine" && machine.at(f.anchors).is_dir() && machine.tool(f.tool[0]).is_some()
    });
    fit.next().filter(|_| fit.next().is_none())
}

impl System<'_> {
    fn file(&self, of: &Certificate) -> PathBuf {
        self.place().join(format!("{}.{}", nickname(of), self.family.extension))
    }

    fn update(&self) -> Result<(), Fault> {
        self.machine.run(&self.tool, &self.family.tool[1..], b"").map(drop)
    }

    fn io(&self, path: &Path, e: &io::Error) -> Fault {
        match e.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                self.machine.needs_root(Kind::System, path)
            }
            _ => Fault {
                code: "trust_not_written",
                why: format!("{}: {e}", path.display()),
                remedy: "free the disk, or look at what stands there".into(),
            },
        }
    }

    /// The links that the tool made to a file of ours: it does not take them away by itself. Their names.
    fn unlink(&self, file: &Path) -> Vec<PathBuf> {
        let dir = self.machine.at(LINKS);
        let links = || fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path());
        let leads_to = |link: &Path, to: &Path| fs::read_link(link).is_ok_and(|t| dir.join(t) == to);
        let named: Vec<PathBuf> = links().filter(|l| leads_to(l, file)).collect();
        let hashed: Vec<PathBuf> = links().filter(|l| named.iter().any(|n| leads_to(l, n))).collect();
        named.iter().chain(&hashed).for_each(|l| drop(fs::remove_file(l)));
        named
    }

    /// Tells Debian's hooks what is gone, as its tool would.
    fn tell_hooks(&self, gone: &[PathBuf]) -> Result<(), Fault> {
        let list: String = gone.iter().map(|l| format!("-{}\n", l.display())).collect();
        let files = fs::read_dir(self.machine.at(HOOKS)).into_iter().flatten().flatten();
        let plain = |p: &PathBuf| {
            let name = p.file_name().and_then(|n| n.to_str()).unwrap_or(".");
            executable(p) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        let mut hooks: Vec<PathBuf> = files.map(|e| e.path()).filter(plain).collect();
        hooks.sort();
        hooks.iter().try_for_each(|hook| self.machine.run::<&str>(hook, &[], list.as_bytes()).map(drop))
    }
}

impl Store for System<'_> {
    fn kind(&self) -> Kind {
        Kind::System
    }

    fn name(&self) -> String {
        self.family.name.into()
    }

    fn place(&self) -> PathBuf {
        self.machine.at(self.family.anchors)
    }

    fn held(&self, wanted: &[&Certificate]) -> Result<Vec<Held>, Fault> {
        let bundle =
            fs::read(self.machine.at(self.family.bundle)).map(|b| certificates(&b)).unwrap_or_default();
        let one = |c: &&Certificate| {
            let (file, bundled) = (self.file(c), bundle.contains(c.der()));
            match (file.symlink_metadata().is_ok(), Certificate::read(&file)) {
                (false, _) => Held::No,
                (true, Ok(there)) if there == **c && bundled => Held::Yes,
                _ => Held::Partly,
            }
        };
        Ok(wanted.iter().map(one).collect())
    }

    fn steps(&self, add: &[&Certificate], remove: &[&Certificate]) -> Vec<String> {
        let write = add.iter().map(|c| format!("write {}", self.file(c).display()));
        let delete = remove.iter().map(|c| format!("remove {}", self.file(c).display()));
        write.chain(delete).chain([format!("run {}", self.family.tool.join(" "))]).collect()
    }

    fn permitted(&self) -> Result<(), Fault> {
        let place = self.place();
        if writable(&place) { Ok(()) } else { Err(self.machine.needs_root(Kind::System, &place)) }
    }

    fn change(&self, add: &[&Certificate], remove: &[&Certificate]) -> Result<(), Fault> {
        let place = self.place();
        fs::create_dir_all(&place).map_err(|e| self.io(&place, &e))?;
        let undo = |fault: Fault| {
            add.iter().for_each(|c| drop(fs::remove_file(self.file(c))));
            fault
        };
        for cert in add {
            let file = self.file(cert);
            atomic::write(&file, cert.pem().as_bytes(), 0o644).map_err(|e| undo(self.io(&file, &e)))?;
        }
        let mut gone = Vec::new();
        for cert in remove {
            let file = self.file(cert);
            fs::remove_file(&file).map_err(|e| self.io(&file, &e))?;
            gone.extend(self.unlink(&file));
        }
        self.update().map_err(undo)?;
        if self.family.name == "Debian" && !gone.is_empty() {
            self.tell_hooks(&gone)?;
        }
        let bundle =
            fs::read(self.machine.at(self.family.bundle)).map(|b| certificates(&b)).unwrap_or_default();
        if remove.iter().any(|c| bundle.contains(c.der())) {
            return Err(Fault {
                code: "trust_remains",
                why: format!("{} still has the certificate, by another file than ours", self.family.bundle),
                remedy: format!("look for it in {}", place.display()),
            });
        }
        Ok(())
    }
}
