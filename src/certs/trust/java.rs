//! Java's own store, the `cacerts` of each JDK and JRE that is found. Several may share one file; each file is changed once.
//! What Debian's hook makes of our file in the system's store is ours too.

use super::machine::{Machine, executable, writable};
use super::{Fault, Held, Kind, Store, Unusable, nickname};
use crate::certs::Certificate;
use crate::certs::roots::certificates;
use rustls::pki_types::CertificateDer;
use std::fs;
use std::path::{Path, PathBuf};

/// Where JDKs are put; each directory in them may be one.
const SHELVES: &[&str] = &["/usr/lib/jvm", "/usr/lib64/jvm", "/usr/java", "/opt/java", "/opt/jdk"];
/// The same below the home directory.
const OWN_SHELVES: &[&str] = &[".sdkman/candidates/java", ".jdks"];
/// The password that every `cacerts` comes with; it keeps nothing secret.
const PASSWORD: &str = "changeit";

struct Java<'m> {
    machine: &'m Machine,
    name: String,
    file: PathBuf,
    keytool: PathBuf,
}

pub(super) fn find(machine: &Machine) -> Vec<Box<dyn Store + '_>> {
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut found: Vec<Box<dyn Store>> = Vec::new();
    for home in homes(machine) {
        let inside = ["lib/security/cacerts", "jre/lib/security/cacerts"];
        let Some(file) = inside.iter().map(|i| home.join(i)).find(|f| f.is_file()) else { continue };
        let Ok(file) = file.canonicalize() else { continue };
        if seen.contains(&file) {
            continue;
        }
        seen.push(file.clone());
        let name = home.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let own = home.join("bin/keytool");
        let keytool = if executable(&own) { Some(own) } else { machine.tool("keytool") };
        found.push(match keytool {
            Some(keytool) => Box::new(Java { machine, name, file, keytool }),
            None => {
                let why = "neither this Java nor the PATH has a keytool".into();
                let fault = Fault { code: "trust_tool_missing", why, remedy: "install a JDK or JRE".into() };
                Box::new(Unusable { kind: Kind::Java, name, place: file, fault })
            }
        });
    }
    found
}

/// Every Java there may be, `JAVA_HOME` first, then the one on the PATH.
fn homes(machine: &Machine) -> Vec<PathBuf> {
    let on_path = machine.tool("java").and_then(|java| java.canonicalize().ok());
    // JAVA/bin/java
    let on_path = on_path.and_then(|java| java.parent()?.parent().map(Path::to_owned));
    let shelves = SHELVES.iter().map(|s| machine.at(s));
    let own = machine.home.iter().flat_map(|home| OWN_SHELVES.iter().map(move |s| home.join(s)));
    let shelved = shelves.chain(own).flat_map(|shelf| {
        let mut all: Vec<PathBuf> =
            fs::read_dir(shelf).into_iter().flatten().flatten().map(|e| e.path()).collect();
        all.sort();
        all
    });
    machine.java_home.iter().cloned().chain(on_path).chain(shelved).collect()
}

impl Java<'_> {
    fn keytool(&self, args: &[&str], stdin: &str) -> Result<Vec<u8>, Fault> {
        let file = self.file.to_string_lossy();
        let every = ["-J-Duser.language=en", "-keystore", &*file, "-storepass", PASSWORD];
        let args = [&args[..1], &every, &args[1..]].concat();
        self.machine.run(&self.keytool, &args, stdin.as_bytes()).map_err(|fault| Fault {
            remedy: "if its password is not `changeit`, import `katana ca export` into it by hand".into(),
            ..fault
        })
    }

    /// Every certificate in it, under its name.
    fn entries(&self) -> Result<Vec<(String, CertificateDer<'static>)>, Fault> {
        let text = self.keytool(&["-list", "-rfc"], "")?;
        let text = String::from_utf8_lossy(&text);
        let entries = text.split("Alias name:").skip(1).filter_map(|part| {
            let alias = part.lines().next()?.trim().to_owned();
            Some((alias, certificates(part.as_bytes()).into_iter().next()?))
        });
        Ok(entries.collect())
    }
}

impl Store for Java<'_> {
    fn kind(&self) -> Kind {
        Kind::Java
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&self) -> PathBuf {
        self.file.clone()
    }

    fn held(&self, wanted: &[&Certificate]) -> Result<Vec<Held>, Fault> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.entries()?;
        let held = |c: &&Certificate| {
            let ours: Vec<_> = entries.iter().filter(|(alias, _)| names(c).contains(alias)).collect();
            match ours.iter().all(|(_, der)| der == c.der()) {
                _ if ours.is_empty() => Held::No,
                true => Held::Yes,
                false => Held::Partly,
            }
        };
        Ok(wanted.iter().map(held).collect())
    }

    fn steps(&self, add: &[&Certificate], remove: &[&Certificate]) -> Vec<String> {
        let file = self.file.display();
        let add =
            add.iter().map(|c| format!("run keytool -importcert -keystore {file} -alias {}", nickname(c)));
        let remove =
            remove.iter().map(|c| format!("run keytool -delete -keystore {file} -alias {}", nickname(c)));
        add.chain(remove).collect()
    }

    fn permitted(&self) -> Result<(), Fault> {
        if writable(&self.file) { Ok(()) } else { Err(self.machine.needs_root(Kind::Java, &self.file)) }
    }

    fn change(&self, add: &[&Certificate], remove: &[&Certificate]) -> Result<(), Fault> {
        let entries = self.entries()?;
        let touched = || add.iter().chain(remove);
        for (alias, _) in entries.iter().filter(|(alias, _)| touched().any(|c| names(c).contains(alias))) {
            self.keytool(&["-delete", "-alias", alias], "")?;
        }
        for cert in add {
            self.keytool(&["-importcert", "-noprompt", "-alias", &nickname(cert)], cert.pem())?;
        }
        Ok(())
    }
}

/// The names that our certificate may have in it. No other entry is ever touched, whatever certificate it holds.
fn names(certificate: &Certificate) -> [String; 2] {
    let own = nickname(certificate);
    [format!("debian:{own}.pem"), own]
}
