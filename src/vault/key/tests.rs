//! The key: where it is found, what is refused.
use super::*;
use crate::config;
use data_encoding::BASE64;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

/// A keyring that works, or does not.
#[derive(Debug, Default)]
struct Fake {
    broken: bool,
    kept: Mutex<Option<MasterKey>>,
}

impl KeySource for Fake {
    fn source(&self) -> Source {
        Source::Keyring
    }
    fn load(&self) -> Result<Option<MasterKey>, Error> {
        if self.broken {
            let (origin, why) = ("the OS keyring".into(), "no bus".into());
            return Err(Error::KeyUnreachable { origin, why, next: "" });
        }
        Ok(self.kept.lock().unwrap().clone())
    }
    fn store(&self, key: &MasterKey) -> Result<(), Error> {
        self.load()?;
        *self.kept.lock().unwrap() = Some(key.clone());
        Ok(())
    }
}

fn keys(choice: config::KeySource, env: Option<&str>, file: &Path, broken: bool) -> Keys {
    let env = env.map(str::to_owned);
    Keys::of(
        choice,
        vec![
            Box::new(Environment::of(move |n| env.clone().filter(|_| n == VARIABLES[1]))),
            Box::new(KeyFile::at(file)),
            Box::new(Fake { broken, ..Fake::default() }),
        ],
    )
}

fn found(keys: &Keys) -> Option<Source> {
    match keys.find().unwrap() {
        Search::Found(_, s) => Some(s.source()),
        Search::Nowhere(_) => None,
    }
}

#[test]
fn auto_takes_environment_then_file_then_keyring() {
    use config::KeySource::Auto;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k");
    let text = MasterKey::generate().unwrap().to_base64();
    let working = keys(Auto, None, &file, false);
    assert_eq!(found(&working), None);
    assert_eq!(working.make().unwrap().1.source(), Source::Keyring);
    assert_eq!(found(&working), Some(Source::Keyring));
    let headless = keys(Auto, None, &file, true);
    assert_eq!(found(&headless), None, "a keyring that does not answer is passed over");
    assert_eq!(headless.make().unwrap().1.source(), Source::File(file.clone()));
    assert_eq!(found(&headless), Some(Source::File(file.clone())));
    assert_eq!(found(&working), Some(Source::File(file.clone())), "the file comes before the keyring");
    assert_eq!(
        found(&keys(Auto, Some(&text), &file, true)),
        Some(Source::Environment("HERMES_KATANA_VAULT_KEY"))
    );
    assert_eq!(
        found(&keys(Auto, Some(" "), &file, true)),
        Some(Source::File(file)),
        "an empty variable is not set"
    );
}

#[test]
fn a_named_source_is_the_only_one_asked() {
    use config::KeySource::{Env, File, Keyring};
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k");
    let text = MasterKey::generate().unwrap().to_base64();
    KeyFile::at(&file).store(&MasterKey::generate().unwrap()).unwrap();
    assert_eq!(found(&keys(Env, None, &file, false)), None);
    assert_eq!(keys(Env, None, &file, false).make().unwrap_err().code(), "vault_key_missing");
    assert_eq!(found(&keys(File, Some(&text), &file, false)), Some(Source::File(file.clone())));
    assert_eq!(found(&keys(Keyring, Some(&text), &file, false)), None);
    assert!(keys(Keyring, None, &file, true).find().is_err(), "asked for by name, its failure is the answer");
}

#[test]
fn what_is_no_key_is_an_error_not_an_absence() {
    use config::KeySource::Auto;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k");
    for bad in ["x", "AAAA", &"A".repeat(43), &BASE64.encode(&[1; 33])] {
        let e = keys(Auto, Some(bad), &file, false).find().err().unwrap();
        assert_eq!(e.code(), "vault_key_unusable");
        assert!(e.to_string().contains("HERMES_KATANA_VAULT_KEY") && !e.to_string().contains(bad), "{e}");
    }
    let good = MasterKey::generate().unwrap();
    for (text, usable) in [
        (format!("{}\n", &*good.to_base64()), true),
        (format!("# mine\n\n  {}  \n", &*good.to_base64()), true),
        (String::new(), false),
        (format!("{0}\n{0}\n", &*good.to_base64()), false),
    ] {
        atomic_write(&file, &text);
        assert_eq!(KeyFile::at(&file).load().is_ok(), usable, "{} bytes", text.len());
    }
    atomic_write(&file, &good.to_base64());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(KeyFile::at(&file).load().unwrap_err().code(), "vault_not_private");
}

#[test]
fn only_a_file_of_our_own_making_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs, vault) =
        (dir.path().join("ours"), dir.path().join("theirs"), Path::new("/v/vault.json"));
    let key = MasterKey::generate().unwrap();
    KeyFile::at(&ours).store(&key).unwrap();
    assert!(!KeyFile::at(&ours).remembers(vault));
    KeyFile::at(&ours).remember(vault).unwrap();
    KeyFile::at(&ours).remember(vault).unwrap();
    assert!(KeyFile::at(&ours).remembers(vault) && !KeyFile::at(&ours).remembers(Path::new("/v")));
    assert!(KeyFile::at(&ours).load().unwrap().unwrap().same(&key));
    assert_eq!(std::fs::read_to_string(&ours).unwrap().lines().count(), 3);
    atomic_write(&theirs, &key.to_base64());
    KeyFile::at(&theirs).remember(vault).unwrap();
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), *key.to_base64());
}

fn atomic_write(path: &Path, text: &str) {
    crate::base::atomic::write(path, text.as_bytes(), 0o600).unwrap();
}
