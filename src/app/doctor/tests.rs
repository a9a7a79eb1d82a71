//! Each finding, with what is wrong brought about.
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Home {
    dir: tempfile::TempDir,
    paths: Paths,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let paths = Paths::from_lookup(&|k| match k {
            "HOME" | "TMPDIR" => Some(root.clone()),
            "XDG_RUNTIME_DIR" => Some(root.join("run")),
            _ => None,
        });
        let home = Self { dir, paths };
        home.configure("vault: { key_source: file }");
        home
    }

    fn configure(&self, text: &str) {
        fs::write(self.dir.path().join("config.yaml"), text).unwrap();
    }

    fn look(&self, part: &str) -> Finding {
        let config = self.dir.path().join("config.yaml");
        let all = examine(Some(&config), &self.paths, &|_| None);
        all.into_iter().find(|f| f.part == part).unwrap_or_else(|| panic!("no finding of {part}"))
    }

    fn state(&self, part: &str) -> State {
        let found = self.look(part);
        let healthy = matches!(found.state, State::Good);
        assert!(
            healthy || found.next.is_some() || part == "key",
            "{part} says nothing of what to do: {found:?}"
        );
        found.state
    }

    fn keep(&self, value: &str) {
        let config = build::load_config(Some(&self.dir.path().join("config.yaml")), &self.paths).unwrap();
        let place = crate::vault::place(&self.paths, &config.vault);
        let name = crate::vault::Name::parse("A").unwrap();
        let vault = crate::vault::Vault::open(&place).unwrap();
        vault.set(&name, &value.into(), crate::vault::Meta::default()).unwrap();
    }
}

#[test]
fn an_empty_home_is_no_fault() {
    let home = Home::new();
    for part in ["vault", "key", "ca", "audit", "proxy", "clients"] {
        assert_eq!(home.state(part), State::Absent, "{part}");
    }
    for part in ["config", "clock", "permissions"] {
        assert_eq!(home.state(part), State::Good, "{part}");
    }
    assert_eq!(fs::read_dir(home.dir.path()).unwrap().count(), 1, "looking makes nothing");
}

#[test]
fn what_is_wrong_is_found_and_says_what_to_do() {
    let home = Home::new();
    home.keep("a value of A");
    assert_eq!((home.state("vault"), home.state("key")), (State::Good, State::Good));
    let vault = home.paths.vault();
    let whole = fs::read(&vault).unwrap();

    fs::write(home.paths.vault_lock(), "").unwrap();
    assert_eq!(home.state("vault"), State::Unknown);
    fs::remove_file(home.paths.vault_lock()).unwrap();

    fs::write(&vault, "{}").unwrap();
    assert_eq!(home.state("vault"), State::Bad);
    fs::write(&vault, whole).unwrap();

    fs::set_permissions(&home.paths.state, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(home.state("permissions"), State::Bad);
    fs::set_permissions(&home.paths.state, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.state("permissions"), State::Good);

    let key = vault.with_extension("key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert_eq!((home.state("vault"), home.state("key")), (State::Unknown, State::Unknown));
    let other = crate::vault::key::MasterKey::generate().unwrap().to_base64();
    crate::base::atomic::write(&key, other.as_bytes(), 0o600).unwrap();
    assert_eq!((home.state("vault"), home.state("key")), (State::Unknown, State::Bad));
    crate::base::atomic::write(&key, &kept, 0o600).unwrap();

    home.configure("vault: { key_source: fiel }");
    assert_eq!((home.state("config"), home.state("vault")), (State::Bad, State::Unknown));
}

#[test]
fn an_authority_and_a_trail_are_judged() {
    let home = Home::new();
    crate::certs::Authority::load_or_make(&home.paths.ca()).unwrap();
    assert_eq!(home.state("ca"), State::Good);
    assert!(home.look("ca").what.contains("not in this system's store"));
    let audit = home.paths.audit();
    crate::base::atomic::private_dir(audit.parent().unwrap()).unwrap();
    fs::write(&audit, "{\"no\":\"record\"}\n").unwrap();
    assert_eq!(home.state("audit"), State::Bad);
}

#[test]
fn a_proxy_that_cannot_read_its_vault_or_runs_on_old_settings_is_not_well() {
    let status = json!({ "pid": 7, "listen": "127.0.0.1:1", "config_digest": "d", "vault_trouble": null });
    assert_eq!(answering(&status, None).state, State::Good);
    let home = Home::new();
    let config = build::load_config(Some(&home.dir.path().join("config.yaml")), &home.paths).unwrap();
    assert_eq!(answering(&status, Some(&config)).state, State::Warning);
    let mut sealed = status;
    sealed["vault_trouble"] = json!({ "why": "the vault is locked", "remedy": "unlock it" });
    let found = answering(&sealed, Some(&config));
    assert!(found.state == State::Bad && found.what.contains("is locked"), "{found:?}");
}
