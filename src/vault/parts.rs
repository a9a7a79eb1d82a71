//! What of a document (PEM, JSON) must not leave on its own: any of these gives the secret away, whatever became of the rest.

use crate::base::secret::Secret;
use data_encoding::BASE64;
use serde_json::Value;
use zeroize::Zeroizing;

/// A line of a PEM body that is at least this long is looked for on its own.
const LONG_LINE: usize = 40;
/// What is shorter than this could stand in any text.
const LEAST: usize = 16;
/// A document that goes deeper holds nothing that anybody signs with.
const DEEPEST: usize = 16;

/// Words that a key has whose value is a secret.
const SECRET_KEYS: &[&str] = &[
    "private_key",
    "privatekey",
    "secret",
    "token",
    "password",
    "passphrase",
    "api_key",
    "apikey",
    "access_key",
];
/// Ends of keys whose value is about a secret and none itself: `private_key_id`, `token_uri`, `token_type`.
const ABOUT: &[&str] = &["_id", "_uri", "_url", "_type", "_name", "_at", "_in", "_expiry"];

/// The secret-bearing parts: of PEM the body in one, its bytes, and each long line; of JSON the strings under keys that
/// say so, each with its own parts. Public PEM blocks are no secret.
pub(super) fn parts(document: &[u8]) -> Vec<Secret> {
    let mut all = Vec::new();
    collect(document, &mut all, 0);
    all.retain(|p| p.len() >= LEAST && p.expose() != document);
    all
}

fn collect(text: &[u8], all: &mut Vec<Secret>, depth: usize) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if depth < DEEPEST
        && text.trim_start().starts_with(['{', '['])
        && let Ok(tree) = serde_json::from_str(text)
    {
        strings(&tree, false, all, depth);
        return;
    }
    for body in pem_bodies(text) {
        let joined: Zeroizing<String> = Zeroizing::new(body.concat());
        let long = body.iter().filter(|l| l.len() >= LONG_LINE);
        all.extend(long.map(|l| Secret::from(*l)));
        if let Ok(bytes) = BASE64.decode(joined.as_bytes()) {
            all.push(Secret::new(bytes));
        }
        all.push(Secret::from(joined.as_str()));
    }
}

/// Strings anywhere below a key that names a secret.
fn strings(value: &Value, secret: bool, all: &mut Vec<Secret>, depth: usize) {
    match value {
        Value::String(text) if secret && !text.starts_with("https://") && !text.starts_with("http://") => {
            all.push(Secret::from(text.as_str()));
            collect(text.as_bytes(), all, depth + 1);
        }
        // a key file inside a string, whatever its key is called
        Value::String(text) if text.contains("PRIVATE KEY-----") => collect(text.as_bytes(), all, depth + 1),
        Value::Array(items) if depth < DEEPEST => {
            items.iter().for_each(|v| strings(v, secret, all, depth + 1));
        }
        Value::Object(map) if depth < DEEPEST => {
            for (key, value) in map {
                strings(value, names_a_secret(key), all, depth + 1);
            }
        }
        _ => {}
    }
}

fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    SECRET_KEYS.iter().any(|w| key.contains(w)) && !ABOUT.iter().any(|end| key.ends_with(end))
}

/// The lines between `-----BEGIN … KEY-----` and its end, less headers, of every block that is private.
fn pem_bodies(text: &str) -> Vec<Vec<&str>> {
    let (mut all, mut open) = (Vec::new(), None::<Vec<&str>>);
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ") {
            open = (!label.contains("PUBLIC") && !label.contains("CERTIFICATE")).then(Vec::new);
        } else if line.starts_with("-----END ") {
            all.extend(open.take());
        } else if let Some(body) = &mut open
            && !line.contains(':')
        {
            body.push(line);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 3] = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
        "NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s",
    ];

    fn texts(document: &str) -> Vec<String> {
        parts(document.as_bytes()).iter().map(|p| String::from_utf8_lossy(p.expose()).into_owned()).collect()
    }

    #[test]
    fn a_key_in_pem() {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", LINES.join("\n"));
        let found = texts(&pem);
        for line in LINES {
            assert!(found.contains(&line.to_owned()), "{line}");
        }
        assert!(found.contains(&LINES.concat()));
        let bytes = BASE64.decode(LINES.concat().as_bytes()).unwrap();
        assert!(parts(pem.as_bytes()).contains(&Secret::new(bytes)));
        assert!(!found.iter().any(|p| p.contains("BEGIN")), "what every key has is no secret");
        let public = pem.replace("PRIVATE", "PUBLIC");
        assert!(texts(&public).is_empty());
        let both = format!("{public}{pem}");
        assert_eq!(texts(&both).len(), found.len());
        let windows = pem
            .replace('\n', "\r\n")
            .replace("KEY-----\r\nMII", "KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\nMII");
        assert_eq!(texts(&windows).len(), found.len());
    }

    #[test]
    fn a_service_account_in_json() {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", LINES.join("\n"));
        let document = serde_json::json!({
            "type": "service_account",
            "private_key_id": "0123456789abcdef0123456789abcdef01234567",
            "private_key": pem,
            "client_email": "robot@project.iam.example",
            "token_uri": "https://oauth2.example.com/token",
            "nested": {"client-secret": ["a-long-enough-secret", "short"], "note": pem},
        });
        let found = texts(&document.to_string());
        assert!(found.contains(&pem) && found.contains(&LINES.concat()));
        assert!(found.contains(&"a-long-enough-secret".to_owned()));
        for harmless in ["https://oauth2.example.com/token", "robot@project.iam.example", "short"] {
            assert!(!found.contains(&harmless.to_owned()), "{harmless}");
        }
        assert!(!found.iter().any(|p| p.starts_with("0123456789abcdef")));
    }

    #[test]
    fn what_is_neither_has_no_parts() {
        assert!(texts("just a text\nof two lines").is_empty());
        assert!(parts(&[0xff; 64]).is_empty());
        let deep = "[".repeat(3000) + &"]".repeat(3000);
        assert!(texts(&deep).is_empty());
    }
}
