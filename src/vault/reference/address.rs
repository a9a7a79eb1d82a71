//! `vault://mount/path#field`: where a field of a secret lies in HashiCorp Vault's KV version 2 engine.

/// Mount, path, field, and a version if not the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The path in the API, less the host: `/v1/mount/data/path`, with `?version=N`.
    pub(super) path: String,
    /// The key in the secret's data.
    pub(super) field: String,
}

impl Address {
    /// Reads what stands behind `vault:`. A `/` inside the mount's name is written `%2F`.
    pub(super) fn parse(rest: &str) -> Result<Self, &'static str> {
        const NONE: &str = "is no address in a vault: vault://mount/path#field is";
        let (place, field) = rest.strip_prefix("//").and_then(|r| r.split_once('#')).ok_or(NONE)?;
        let (place, version) = match place.split_once("?version=") {
            None => (place, None),
            Some((place, version)) => (place, Some(version)),
        };
        let numbers = |v: &str| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit());
        if field.is_empty() || version.is_some_and(|v| !numbers(v)) || place.contains('?') {
            return Err(NONE);
        }
        let mut segments = place.split('/').map(segment);
        let mount = segments.next().flatten().ok_or(NONE)?;
        let path: Vec<String> = segments.collect::<Option<_>>().ok_or(NONE)?;
        if path.is_empty() {
            return Err(NONE);
        }
        // the engine's own word stands between the mount and the path, and a mount may have several segments
        let mount = mount.replace("%2F", "/").replace("%2f", "/");
        let version = version.map_or(String::new(), |v| format!("?version={v}"));
        Ok(Self { path: format!("/v1/{mount}/data/{}{version}", path.join("/")), field: field.to_owned() })
    }
}

/// A segment as it stands in a URL; none that leads elsewhere.
fn segment(text: &str) -> Option<String> {
    let plain = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    if plain.is_empty()
        || plain.split('/').any(|p| matches!(p, "." | ".." | ""))
        || plain.chars().any(char::is_control)
    {
        return None;
    }
    Some(percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_what_is_none() {
        for (text, path, field) in [
            ("//kv/app#key", "/v1/kv/data/app", "key"),
            ("//kv/app/db#p#q", "/v1/kv/data/app/db", "p#q"),
            ("//team%2Fkv/app#key", "/v1/team/kv/data/app", "key"),
            ("//kv/app?version=3#key", "/v1/kv/data/app?version=3", "key"),
            ("//kv/a b#key", "/v1/kv/data/a%20b", "key"),
        ] {
            let got = Address::parse(text).unwrap();
            assert_eq!((&*got.path, &*got.field), (path, field), "{text}");
        }
        for bad in [
            "kv/app#key",
            "//kv#key",
            "//kv/app",
            "//kv/app#",
            "//kv//app#k",
            "//kv/../sys#k",
            "///app#k",
            "//kv/%2e%2e/x#k",
            "//kv/app?version=x#k",
            "//kv/app?list=true#k",
            "//kv/a%2F..%2Fb#k",
            "//%2e%2e/a#k",
            "//kv/app/#k",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
