//! Makes the machine's own stores trust the authority, or trust it no more: the system's, NSS's (browsers) and Java's. Each store
//! is looked at, changed if it has to be, and looked at again; one that fails does not keep the others from being done.

mod machine;
mod system;
mod nss;
mod java;

pub use machine::Machine;

use super::{Certificate, Known};
use std::path::PathBuf;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What curl, Python, Go, Ruby … use unless told otherwise.
    System,
    /// Databases of this user's browsers.
    Nss,
    /// The `cacerts` of each JDK and JRE.
    Java,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Nss, Self::Java];

    /// As it is named on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Nss => "nss",
            Self::Java => "java",
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which stores.
    pub kinds: Vec<Kind>,
    /// Take every certificate of ours out, instead of putting the present ones in.
    pub uninstall: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What became of one store.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its kind.
    pub kind: Kind,
    /// What it is, for people: `Debian`, `Firefox abc.default`, …
    pub store: String,
    /// Its file or directory.
    pub place: PathBuf,
    /// How it ended.
    pub outcome: Outcome,
    /// What was done, or would be, one command or file each.
    pub steps: Vec<String>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It trusts what it should, and did not before.
    Trusted,
    /// Everything of ours is out of it.
    Removed,
    /// It was as it should be.
    Unchanged,
    /// This is what would be done.
    Planned,
    /// It could not be done.
    Failed(Fault),
}

/// Why a store was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable short name.
    pub code: &'static str,
    /// Why.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// Is a certificate of ours in a store?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    /// Something of it is there, and does not do: half installed, not trusted, changed.
    Partly,
}

/// One store of the machine.
trait Store {
    fn kind(&self) -> Kind;
    fn name(&self) -> String;
    fn place(&self) -> PathBuf;
    /// Of each certificate, in order.
    fn held(&self, certificates: &[&Certificate]) -> Result<Vec<Held>, Fault>;
    /// What `change` does, for people.
    fn steps(&self, add: &[&Certificate], remove: &[&Certificate]) -> Vec<String>;
    /// May this user change it?
    fn permitted(&self) -> Result<(), Fault>;
    fn change(&self, add: &[&Certificate], remove: &[&Certificate]) -> Result<(), Fault>;
}

/// Brings the machine's stores to what is wanted: the trusted certificates in, the retired ones out, or all of them out.
#[must_use]
pub fn apply(machine: &Machine, known: &Known, wish: &Wish) -> Vec<Report> {
    let mut reports = Vec::new();
    for kind in &wish.kinds {
        let found = match kind {
            Kind::System => system::find(machine),
            Kind::Nss => nss::find(machine),
            Kind::Java => java::find(machine),
        };
        reports.extend(found.into_iter().map(|store| bring(&*store, known, wish)));
    }
    reports
}

fn bring(store: &dyn Store, known: &Known, wish: &Wish) -> Report {
    let mut report = Report {
        kind: store.kind(),
        store: store.name(),
        place: store.place(),
        outcome: Outcome::Unchanged,
        steps: Vec::new(),
    };
    report.outcome = match work(store, known, wish, &mut report.steps) {
        Ok(outcome) => outcome,
        Err(fault) => Outcome::Failed(fault),
    };
    report
}

fn work(store: &dyn Store, known: &Known, wish: &Wish, steps: &mut Vec<String>) -> Result<Outcome, Fault> {
    let (mut wanted, mut unwanted): (Vec<_>, Vec<_>) =
        (known.trusted.iter().collect(), known.retired.iter().collect());
    if wish.uninstall {
        unwanted.append(&mut wanted);
    }
    let is = |certs: &[&Certificate]| store.held(certs);
    let pick = |certs: &[&'_ Certificate], done: Held, held: Vec<Held>| -> Vec<usize> {
        (0..certs.len()).filter(|i| held[*i] != done).collect()
    };
    let add: Vec<_> = pick(&wanted, Held::Yes, is(&wanted)?).into_iter().map(|i| wanted[i]).collect();
    let remove: Vec<_> = pick(&unwanted, Held::No, is(&unwanted)?).into_iter().map(|i| unwanted[i]).collect();
    if add.is_empty() && remove.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    *steps = store.steps(&add, &remove);
    store.permitted()?;
    if wish.dry_run {
        return Ok(Outcome::Planned);
    }
    store.change(&add, &remove)?;
    let stays = |held: Vec<Held>, as_it_should: Held| held.iter().any(|h| *h != as_it_should);
    if stays(is(&add)?, Held::Yes) || stays(is(&remove)?, Held::No) {
        let why = "it was changed without an error, and is not what it should be".to_owned();
        let remedy = format!("look at {}, and at what was done to it", store.place().display());
        return Err(Fault { code: "trust_not_taken", why, remedy });
    }
    Ok(if wish.uninstall { Outcome::Removed } else { Outcome::Trusted })
}

/// The name of a certificate of ours in any store: it carries the fingerprint, so nothing else is ever taken for it.
fn nickname(certificate: &Certificate) -> String {
    format!("katana-{}", &certificate.fingerprint()[..16])
}

/// A store that cannot be used at all.
struct Unusable {
    kind: Kind,
    name: String,
    place: PathBuf,
    fault: Fault,
}

impl Store for Unusable {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn name(&self) -> String {
        self.name.clone()
    }
    fn place(&self) -> PathBuf {
        self.place.clone()
    }
    fn held(&self, _: &[&Certificate]) -> Result<Vec<Held>, Fault> {
        Err(self.fault.clone())
    }
    fn steps(&self, _: &[&Certificate], _: &[&Certificate]) -> Vec<String> {
        Vec::new()
    }
    fn permitted(&self) -> Result<(), Fault> {
        Err(self.fault.clone())
    }
    fn change(&self, _: &[&Certificate], _: &[&Certificate]) -> Result<(), Fault> {
        Err(self.fault.clone())
    }
}

#[cfg(test)]
mod tests;
