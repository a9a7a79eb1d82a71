//! Files that the ancestor's own package and, for version 3, Python's own JSON and cryptography wrote; and every way in
//! which they must not be believed.
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Bytes 0 to 31.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Bytes 100 to 131.
const NEXT_KEY: &str = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=";

const V2: &str = r#"{
  "version": 2,
  "entries": {
    "OPENAI_API_KEY": "1RDOs6uAh+eGPhcC+l0d8UP6yMLgX2qKP2c0ce+o30DMM52VAf39cJ+T0bE22fhmMzP5jrojuw==",
    "odd n\u00e4me \ud83d\ude42": "JAi3cu2vm9NYyfy9z4BdgVLsW6I2/LvV0/oLGzhTRJsgYDC7Pb7QVHBk2W2dd2/Snyj22l4NzKH8",
    "QUOTED\"KEY\\": "uDfjFunMuLrgXpjfxy2+CwyM8VHmdsYB5cfE/UAV/DLIKRh3oT5x93bL+312xx2uX3xv"
  },
  "hmac": "a6e3d53d49f073394d412b295e5f4d901e2ff794bf672c33f5929f24cd35eec4"
}"#;

const V3: &str = r#"{
  "version": 3,
  "counter": 7,
  "entries": {
    "ANTHROPIC_API_KEY": "SEtWM1BY6eAGkIc8uJlS4FzPNmWJ2co82dhSQxXsmouaNc0WQ0VXAv2pivaBWaWVp849MM0Ww+s=",
    "odd n\u00e4me \ud83d\ude42": "SEtWMzplCnM16n2C95XF6jLVmiuaa31VtsVKXFXVdelUnIm4+JBTJUaJskiQT773i4RYxLva8MHiiHwMxA==",
    "TAB\tDEL\u007f": "SEtWM1qtgVd7i51duvqi4TimJqoUuC8CSziNLxinigvV0u1CeUbaJouWucbiWnYm",
    "OLD_TOKEN": "cw1rpZjUeoOu+GZXTD9myFCYzj4wk6Qfqx9+GoukOmaOqMg/QhNl5p4QO/rv"
  },
  "hmac": "4fb263a52b7e4694d6d73a2458deec197953ebf58cb946c05b975a34334c8593"
}"#;

const JOURNAL_TEXT: &str = r#"{"status": "in_progress", "old_key_enc": "TAUdRMrQ9cl/9J6nZvImyEVAq5L+firZ0LjHZi2uFMRbW+S7WGvDikEUV1rTX887nVvvSQX6Z7eETZdX0CYeghaNrht2nF/X", "new_key_enc": "gmfaoxkj/YH3GTUz2+oQs3tsnCQrozxh3zltn747m4aO5lozzZXXlrjHgCkG6XpsNQSY6Lno2VxYskQww/Hn5WbYstpO6Pu2", "timestamp": 1.5}"#;

struct Home(tempfile::TempDir);

impl Home {
    fn with(text: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.put("vault.json", text);
        home
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn read(&self, key: &str) -> Result<Reading, Error> {
        ancestor(&self.0.path().join("vault.json"), &AncestorKey::parse(key, "a test").unwrap())
    }

    fn values(&self, key: &str) -> Vec<(String, String)> {
        let text = |f: &Find| String::from_utf8(f.value.expose().to_vec()).unwrap();
        self.read(key).unwrap().finds.iter().map(|f| (f.called.clone(), text(f))).collect()
    }
}

fn rows(want: &[(&str, &str)]) -> Vec<(String, String)> {
    want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn versions_2_and_3_open_whole() {
    let want = rows(&[
        ("OPENAI_API_KEY", "sk-import-openai-0123456789"),
        ("odd näme 🙂", "value-with-ünïcode-12345678"),
        ("QUOTED\"KEY\\", "a-quoted-key-value-1234"),
    ]);
    assert_eq!(Home::with(V2).values(KEY), want);
    let want = rows(&[
        ("ANTHROPIC_API_KEY", "sk-ant-import-0123456789"),
        ("odd näme 🙂", "value-with-ünïcode-12345678"),
        ("TAB\tDEL\u{7f}", "third-value-1234"),
        ("OLD_TOKEN", "left-over-from-v2"),
    ]);
    assert_eq!(Home::with(V3).values(&format!(" {KEY}\n")), want);
}

#[test]
fn nothing_is_believed_that_the_key_does_not_vouch_for() {
    for (text, from, to) in [
        (V2, "odd n", "even n"),
        (V2, "1RDOs6uAh", "1RDOs6uAi"),
        (V2, "a6e3d53d", "b6e3d53d"),
        (V2, "a6e3d53d49f073394d412b295e5f4d901e2ff794bf672c33f5929f24cd35eec4", ""),
        (V2, "\"version\": 2", "\"version\": 3"),
        (V3, "\"version\": 3", "\"version\": 2"),
        (V3, "\"version\": 3", "\"version\": 4"),
        (V3, "\"counter\": 7", "\"counter\": 6"),
        (V3, "\"counter\": 7,", ""),
        (V3, "\"hmac\"", "\"mac\""),
        (V3, "\"entries\"", "\"entry\""),
    ] {
        let e = Home::with(&text.replace(from, to)).read(KEY).unwrap_err();
        assert_eq!(e.code(), "import_unverified", "{from}: {e}");
    }
    for text in [V2, V3] {
        let e = Home::with(text).read(NEXT_KEY).unwrap_err();
        assert_eq!(e.code(), "import_unverified");
        assert!(e.to_string().contains("under the key from a test"), "{e}");
    }
    assert_eq!(Home::with("{").read(KEY).unwrap_err().code(), "import_syntax");
}

/// The ancestor signs whatever lies there at the next write, so a signature that holds does not mean that all opens.
#[test]
fn one_entry_that_does_not_open_fails_all() {
    let signed = |text: &str| {
        let vault: Value = serde_json::from_str(text).unwrap();
        let entries = vault["entries"].as_object().unwrap();
        let version = vault["version"].as_u64().unwrap();
        let message = message(version, &vault, entries).unwrap();
        let key = MasterKey::from_base64(KEY).unwrap();
        let stated = HEXLOWER.encode(&mac(version, &key, message.as_bytes()).finalize().into_bytes());
        text.replace(vault["hmac"].as_str().unwrap(), &stated)
    };
    for (text, from, to, named) in [
        (V2, "1RDOs6uAh", "1RDOs6uAi", "OPENAI_API_KEY"),
        (V3, "SEtWM1BY6", "SEtWM1BY7", "ANTHROPIC_API_KEY"),
        (V3, "TAB\\tDEL", "BAT\\tDEL", "BAT\\tDEL"),
        (V3, "cw1rpZjUeoOu", "c", "OLD_TOKEN"),
    ] {
        let e = Home::with(&signed(&text.replace(from, to))).read(KEY).unwrap_err();
        assert!(matches!(&e, Error::Unverified { why, .. } if why.contains(named)), "{e}");
    }
    assert!(Home::with(&signed(V3)).read(KEY).is_ok(), "signing anew is not what fails");
}

#[test]
fn a_rotation_cut_short_still_opens_with_either_key() {
    let home = Home::with(V2);
    assert!(home.read(NEXT_KEY).is_err());
    home.put(JOURNAL, JOURNAL_TEXT);
    assert_eq!(home.values(NEXT_KEY).len(), 3, "the keyring has the new key, the file the old one");
    assert_eq!(home.values(KEY).len(), 3);
    assert!(home.read(NEXT_KEY).unwrap().notes.iter().any(|n| n.contains("rotation")));
    home.put(JOURNAL, "{}");
    assert!(home.read(NEXT_KEY).is_err());
}

#[test]
fn ends_are_read_and_said_to_be_unprotected() {
    let home = Home::with(V2);
    home.put(
        EXPIRY,
        r#"{"OPENAI_API_KEY": {"expires_at": 1700000000.25, "set_at": 1.0, "ttl_seconds": 5}, "X": 3}"#,
    );
    let reading = home.read(KEY).unwrap();
    assert_eq!(reading.finds[0].expires, Some(Timestamp(1_700_000_000_250)));
    assert_eq!(reading.finds[1].expires, None);
    assert!(reading.notes.iter().any(|n| n.contains("nothing has ever protected")));
    home.put(EXPIRY, "nonsense");
    assert!(home.read(KEY).unwrap().notes.iter().any(|n| n.contains("cannot be read")));
}

#[test]
fn the_old_file_is_laid_aside_and_found_again() {
    let home = Home::with(V2);
    let state = home.0.path().to_owned();
    let paths = Paths::from_lookup(&|k| (k == "STATE_DIRECTORY").then(|| state.clone()));
    assert_eq!(ancestor_place(&paths), paths.vault());
    let aside = set_aside(&paths.vault(), &paths).unwrap().unwrap();
    assert_eq!(ancestor_place(&paths), aside);
    home.put("vault.json", "{\"version\": 4}");
    assert_eq!(ancestor_place(&paths), aside, "katana's own vault is not the ancestor's");
    assert_eq!(set_aside(&paths.vault(), &paths).unwrap_err().code(), "import_unsafe_file");
    assert_eq!(set_aside(Path::new("/elsewhere"), &paths).unwrap(), None);
}

#[test]
fn a_key_that_is_none_says_where_it_came_from() {
    let e = AncestorKey::parse("c2hvcnQ=", "the variable K").unwrap_err();
    assert!(e.to_string().contains("the variable K"), "{e}");
}
