//! The stores of systems that this one is not: laid out below a directory, with tools that only do what is looked for.

use super::*;
use crate::certs::{Authority, keeper, known, rotate};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// A machine of the test's own, with nothing on it.
struct Fake {
    dir: tempfile::TempDir,
    machine: Machine,
    known: Known,
}

fn fake() -> Fake {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("bin")).unwrap();
    Authority::load_or_make(&at("ca")).unwrap();
    let machine = Machine {
        root: at("root"),
        home: Some(at("home")),
        java_home: None,
        path: vec![at("bin")],
        again: "sudo katana ca trust --from CA".into(),
    };
    let known = known(&at("ca")).unwrap();
    Fake { dir, machine, known }
}

impl Fake {
    fn put(&self, path: &str, text: &str) {
        let path = self.machine.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A tool that notes how it was called, and then does this in a shell; `$ROOT` is the machine's root.
    fn tool(&self, name: &str, does: &str) {
        let path = self.machine.path[0].join(name);
        let (root, called) = (self.machine.root.display(), self.dir.path().join("called"));
        let text = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin; ROOT='{root}'\necho {name} \"$@\" >> '{}'\n{does}\n",
            called.display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// One that makes a bundle of the anchors, as they all do.
    fn updater(&self, name: &str, anchors: &str, bundle: &str) {
        let does = format!(
            "mkdir -p \"$ROOT$(dirname {bundle})\"; cat \"$ROOT{anchors}\"/katana-* > \"$ROOT{bundle}\" 2>/dev/null; true"
        );
        self.tool(name, &does);
    }

    fn called(&self) -> String {
        fs::read_to_string(self.dir.path().join("called")).unwrap_or_default()
    }

    fn apply(&self, kind: Kind, uninstall: bool) -> Vec<Report> {
        self.wish(&Wish { kinds: vec![kind], uninstall, dry_run: false })
    }

    fn wish(&self, wish: &Wish) -> Vec<Report> {
        apply(&self.machine, &self.known, wish)
    }
}

fn fault(report: &Report) -> &Fault {
    match &report.outcome {
        Outcome::Failed(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_family_has_its_directory_its_file_and_its_tool() {
    let debian = (
        "/usr/local/share/ca-certificates",
        "crt",
        "/etc/ssl/certs/ca-certificates.crt",
        "update-ca-certificates",
    );
    let rhel = (
        "/etc/pki/ca-trust/source/anchors",
        "pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "update-ca-trust",
    );
    let arch = (
        "/etc/ca-certificates/trust-source/anchors",
        "crt",
        "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
        "update-ca-trust",
    );
    let suse =
        ("/etc/pki/trust/anchors", "pem", "/var/lib/ca-certificates/ca-bundle.pem", "update-ca-certificates");
    for (release, name, (anchors, extension, bundle, tool)) in [
        ("ID=debian\n", "Debian", debian),
        ("NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "Debian", debian),
        ("ID=alpine\n", "Alpine", debian),
        ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "RHEL", rhel),
        ("ID=fedora\n", "RHEL", rhel),
        ("ID=arch\n", "Arch", arch),
        ("ID=manjaro\nID_LIKE=arch\n", "Arch", arch),
        ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", "SUSE", suse),
    ] {
        let fake = fake();
        fake.put("/etc/os-release", release);
        let missing = fake.apply(Kind::System, false);
        assert_eq!(fault(&missing[0]).code, "trust_tool_missing", "{release}");
        fake.updater(tool, anchors, bundle);
        let planned = fake.wish(&Wish { kinds: vec![Kind::System], uninstall: false, dry_run: true });
        assert_eq!((&planned[0].outcome, fake.called()), (&Outcome::Planned, String::new()), "{release}");
        let done = fake.apply(Kind::System, false);
        let file = fake.machine.at(anchors).join(format!("{}.{extension}", nickname(&fake.known.trusted[0])));
        assert_eq!((done[0].outcome.clone(), &*done[0].store), (Outcome::Trusted, name), "{done:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), fake.known.trusted[0].pem());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(done[0].steps, planned[0].steps);
        assert_eq!(fake.apply(Kind::System, false)[0].outcome, Outcome::Unchanged);
        assert_eq!(fake.called().lines().count(), 1, "{}", fake.called());
        fake.put(&format!("{anchors}/other.{extension}"), "somebody else's");
        assert_eq!(fake.apply(Kind::System, true)[0].outcome, Outcome::Removed);
        assert_eq!(fs::read_dir(fake.machine.at(anchors)).unwrap().count(), 1, "only ours goes");
        assert_eq!(fake.apply(Kind::System, true)[0].outcome, Outcome::Unchanged);
    }
}

#[test]
fn without_a_release_file_one_layout_that_fits_is_taken_and_doubt_is_said() {
    let fake = fake();
    assert_eq!(fault(&fake.apply(Kind::System, false)[0]).code, "trust_system_unknown");
    let anchors = "/etc/pki/ca-trust/source/anchors";
    fs::create_dir_all(fake.machine.at(anchors)).unwrap();
    fake.updater("update-ca-trust", anchors, "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
    assert_eq!(fake.apply(Kind::System, false)[0].store, "RHEL");
    fs::create_dir_all(fake.machine.at("/etc/ca-certificates/trust-source/anchors")).unwrap();
    assert_eq!(fault(&fake.apply(Kind::System, false)[0]).code, "trust_system_unknown", "two fit");
}

#[test]
fn a_tool_that_fails_or_does_nothing_is_found_out_and_nothing_half_done_is_left() {
    let fake = fake();
    fake.put("/etc/os-release", "ID=debian\n");
    fake.tool("update-ca-certificates", "echo it broke >&2; exit 3");
    let failed = fake.apply(Kind::System, false);
    assert_eq!(fault(&failed[0]).code, "trust_tool_failed");
    assert!(fault(&failed[0]).why.contains("it broke"), "{failed:?}");
    let anchors = fake.machine.at("/usr/local/share/ca-certificates");
    assert_eq!(fs::read_dir(&anchors).unwrap().count(), 0);
    fake.tool("update-ca-certificates", "exit 0");
    assert_eq!(fault(&fake.apply(Kind::System, false)[0]).code, "trust_not_taken");
    fake.updater(
        "update-ca-certificates",
        "/usr/local/share/ca-certificates",
        "/etc/ssl/certs/ca-certificates.crt",
    );
    assert_eq!(
        fake.apply(Kind::System, false)[0].outcome,
        Outcome::Trusted,
        "what was half done is completed"
    );
    // links that the tool made, and who else wants to know
    let (links, file) = (fake.machine.at("/etc/ssl/certs"), nickname(&fake.known.trusted[0]));
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, links.join(name)).unwrap();
    link(&anchors.join(format!("{file}.crt")), &format!("{file}.pem"));
    link(Path::new(&format!("{file}.pem")), "0a1b2c3d.0");
    link(Path::new("/nowhere/else.crt"), "else.pem");
    fake.put(
        "/etc/ca-certificates/update.d/hook",
        &format!("#!/bin/sh\n/bin/cat > '{}'\n", fake.dir.path().join("told").display()),
    );
    let hook = fake.machine.at("/etc/ca-certificates/update.d/hook");
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fake.apply(Kind::System, true)[0].outcome, Outcome::Removed);
    let told = fs::read_to_string(fake.dir.path().join("told")).unwrap();
    assert_eq!(told, format!("-{}\n", links.join(format!("{file}.pem")).display()));
    let left: Vec<_> = fs::read_dir(&links).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.len() == 2 && left.iter().any(|n| n == "else.pem"), "{left:?}");
}

#[test]
fn after_a_rotation_the_new_one_goes_in_and_the_old_one_out_and_uninstall_takes_all() {
    let mut fake = fake();
    fake.put("/etc/os-release", "ID=arch\n");
    let anchors = "/etc/ca-certificates/trust-source/anchors";
    fake.updater("update-ca-trust", anchors, "/etc/ca-certificates/extracted/tls-ca-bundle.pem");
    let ca = fake.dir.path().join("ca");
    let files = |fake: &Fake| {
        let mut all: Vec<String> = fs::read_dir(fake.machine.at(anchors))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        all.sort();
        all
    };
    let named = |certs: &[Certificate]| {
        let mut all: Vec<String> = certs.iter().map(|c| format!("{}.crt", nickname(c))).collect();
        all.sort();
        all
    };
    fake.apply(Kind::System, false);
    rotate(&ca, Duration::from_secs(86_400), &keeper::Clear).unwrap();
    fake.known = known(&ca).unwrap();
    assert_eq!(fake.known.trusted.len(), 2);
    fake.apply(Kind::System, false);
    assert_eq!(files(&fake), named(&fake.known.trusted), "both while one takes over from the other");
    crate::certs::commit(&ca, &keeper::Clear).unwrap();
    fake.known = known(&ca).unwrap();
    assert_eq!(fake.apply(Kind::System, false)[0].outcome, Outcome::Trusted);
    assert_eq!(files(&fake), named(&fake.known.trusted));
    fake.put(&format!("{anchors}/{}.crt", nickname(&fake.known.retired[0])), fake.known.retired[0].pem());
    assert_eq!(fake.apply(Kind::System, true)[0].outcome, Outcome::Removed);
    assert_eq!(files(&fake), Vec::<String>::new());
}

#[test]
fn a_java_is_found_wherever_it_is_and_each_file_is_changed_once() {
    let fake = fake();
    assert!(fake.apply(Kind::Java, false).is_empty());
    fake.put("/usr/lib/jvm/jdk-8/jre/lib/security/cacerts", "");
    fake.put("/usr/lib/jvm/jdk-17/lib/security/cacerts", "");
    let shelf = fake.machine.at("/usr/lib/jvm");
    std::os::unix::fs::symlink(shelf.join("jdk-17"), shelf.join("default")).unwrap();
    assert_eq!(fake.apply(Kind::Java, false).len(), 2);
    assert_eq!(fault(&fake.apply(Kind::Java, false)[0]).code, "trust_tool_missing");
    fake.tool("keytool", "echo keytool error: password was incorrect; exit 1");
    let failed = fake.apply(Kind::Java, false);
    assert!(fault(&failed[0]).why.contains("password was incorrect"), "{failed:?}");
    assert!(fault(&failed[0]).remedy.contains("by hand"));
}
