//! The child's environment, as a function of the parent's: every client brought to the proxy and to its CA, nothing
//! left that leads past it, no key of the vault, and placeholders where secrets were. Touches neither files nor process.

use crate::app::service::Kept;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The way through the proxy.
#[derive(Clone, Debug)]
pub struct Way {
    /// Host of the proxy, no brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The files that go with it.
    pub files: Files,
}

/// Files a child is pointed to.
#[derive(Clone, Debug)]
pub struct Files {
    /// The CA alone: for clients that add it to their own roots.
    pub ca: PathBuf,
    /// System roots and the CA: for clients whose variable replaces their roots.
    pub bundle: PathBuf,
    /// wget's configuration.
    pub wgetrc: PathBuf,
    /// The script that brings older Node to the proxy.
    pub preload: PathBuf,
    /// A directory with the module that Python runs at its start, and nothing else.
    pub python: PathBuf,
    /// The bundle as Java reads it.
    pub truststore: PathBuf,
}

/// Hold the proxy's URL.
const URL: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "WS_PROXY",
    "ws_proxy",
    "WSS_PROXY",
    "wss_proxy",
    "GRPC_PROXY",
    "grpc_proxy",
    "PIP_PROXY",
    "CARGO_HTTP_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];

/// Name what may go past a proxy: nothing.
const PAST: &[&str] = &["NO_PROXY", "no_proxy", "NO_GRPC_PROXY", "no_grpc_proxy", "npm_config_noproxy"];

/// Replace a client's roots: get the bundle.
const ROOTS: &[&str] = &[
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "npm_config_cafile",
    "YARN_HTTPS_CA_FILE_PATH",
    "AWS_CA_BUNDLE",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "BUNDLE_SSL_CA_CERT",
    "HEX_CACERTS_PATH",
    "NIX_SSL_CERT_FILE",
    "COMPOSER_CAFILE",
    "PERL_LWP_SSL_CA_FILE",
    "JULIA_SSL_CA_ROOTS_PATH",
];

/// Add to a client's roots: get the CA alone.
const ADDED: &[&str] = &["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// Lead past the CA or the proxy where a parent set them.
const GONE: &[&str] = &["SSL_CERT_DIR", "npm_config_ca", "HTTPS_CA_FILE", "GIT_SSL_CAPATH"];

/// Belong to this process alone: keys, and systemd's channels.
const OURS: &[&str] = &[
    "CREDENTIALS_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// A value at least this long is looked for inside variables too; a shorter one only as the whole of one.
const INSIDE: usize = 8;

/// The child's whole environment. Without a way (`--no-proxy`) only keys go and placeholders come.
#[must_use]
pub fn of_child(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    way: Option<&Way>,
    secrets: &[Kept],
) -> Vec<(OsString, OsString)> {
    let mut child = Variables::default();
    for (name, value) in inherited {
        // the first of two is the one `getenv` finds
        if !is_key(&name) && child.value(&name).is_none() {
            let value = masked(value.as_bytes(), secrets).map_or(value, OsString::from_vec);
            child.0.push((name, value));
        }
    }
    for kept in secrets.iter().filter(|k| nameable(&k.name)) {
        if child.value(OsStr::new(&*kept.name)).is_none() {
            child.0.push(((&*kept.name).into(), (&*kept.placeholder).into()));
        }
    }
    if let Some(way) = way {
        lead(&mut child, way);
    }
    child.0
}

fn lead(child: &mut Variables, way: &Way) {
    let files = &way.files;
    let host = if way.host.contains(':') { format!("[{}]", way.host) } else { way.host.clone() };
    let url = format!("http://{host}:{}", way.port);
    let node = appended(child, "NODE_OPTIONS", &format!("--require {}", quoted(&files.preload)));
    let java = appended(child, "JAVA_TOOL_OPTIONS", &java(way));
    let rank: usize =
        child.value("GIT_CONFIG_COUNT".as_ref()).and_then(|v| v.to_str()?.parse().ok()).unwrap_or(0);
    for name in [URL, PAST, ROOTS, ADDED, GONE].concat() {
        child.strip(name); // in any spelling: npm reads its own in every case
    }
    for name in URL {
        child.set(name, &url);
    }
    for name in PAST {
        child.set(name, "");
    }
    for name in ROOTS {
        child.set(name, &files.bundle);
    }
    for name in ADDED {
        child.set(name, &files.ca);
    }
    child.set("NODE_USE_ENV_PROXY", "1");
    child.set("NODE_OPTIONS", &node);
    child.set("JAVA_TOOL_OPTIONS", &java);
    if let Some(path) = before(&files.python, child.value("PYTHONPATH".as_ref())) {
        child.set("PYTHONPATH", path);
    }
    child.set("WGETRC", &files.wgetrc);
    child.set("RSYNC_PROXY", format!("{host}:{}", way.port));
    child.set("CLOUDSDK_PROXY_TYPE", "http");
    child.set("CLOUDSDK_PROXY_ADDRESS", &way.host);
    child.set("CLOUDSDK_PROXY_PORT", way.port.to_string());
    // git's own `http.proxy` would win over the variables above
    child.set(&format!("GIT_CONFIG_KEY_{rank}"), "http.proxy");
    child.set(&format!("GIT_CONFIG_VALUE_{rank}"), &url);
    child.set("GIT_CONFIG_COUNT", (rank + 1).to_string());
}

fn java(way: &Way) -> String {
    let mut all = Vec::new();
    for scheme in ["http", "https"] {
        all.push(format!("-D{scheme}.proxyHost={}", way.host));
        all.push(format!("-D{scheme}.proxyPort={}", way.port));
    }
    all.push("-Dhttp.nonProxyHosts=".into()); // Java's own default lets loopback past
    all.push(format!("'-Djavax.net.ssl.trustStore={}'", way.files.truststore.display()));
    all.push("-Djavax.net.ssl.trustStoreType=JKS".into());
    all.join(" ")
}

/// As `NODE_OPTIONS` reads it: in double quotes, backslash before what is special there.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

fn appended(child: &Variables, name: &str, more: &str) -> OsString {
    let mut all = child.value(name.as_ref()).filter(|v| !v.is_empty()).map_or_else(OsString::new, |v| {
        let mut v = v.to_owned();
        v.push(" ");
        v
    });
    all.push(more);
    all
}

/// A search path with `dir` in front; `None`: the directory's own name would fall apart in it.
fn before(dir: &Path, path: Option<&OsStr>) -> Option<OsString> {
    let rest = path.filter(|p| !p.is_empty()).into_iter().flat_map(std::env::split_paths);
    std::env::join_paths(std::iter::once(dir.to_owned()).chain(rest)).ok()
}

/// Vault key material, and whatever of katana's own settings sounds like it.
fn is_key(name: &OsStr) -> bool {
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else { return false };
    let katana = name.starts_with("KATANA_") || name.starts_with("HERMES_KATANA_");
    OURS.contains(&&*name)
        || katana && ["KEY", "SECRET", "TOKEN", "PASS", "CREDENTIAL"].iter().any(|w| name.contains(w))
}

/// A name the child may be given: a shell's, and none that steers a loader, a shell or katana.
fn nameable(name: &str) -> bool {
    let steers =
        ["LD_", "DYLD_", "KATANA_", "HERMES_KATANA_", "GIT_CONFIG"].iter().any(|p| name.starts_with(p))
            || matches!(
                name,
                "PATH" | "HOME" | "SHELL" | "IFS" | "ENV" | "BASH_ENV" | "PYTHONPATH" | "PYTHONSTARTUP"
            );
    let grammar = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    grammar && !steers && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// The text with every vault value in it replaced, longest first; `None`: there was none.
fn masked(text: &[u8], secrets: &[Kept]) -> Option<Vec<u8>> {
    let mut order: Vec<&Kept> = secrets.iter().filter(|k| !k.value.is_empty()).collect();
    order.sort_by_key(|k| std::cmp::Reverse(k.value.len()));
    let mut now: Option<Vec<u8>> = None;
    for kept in order {
        let value = kept.value.expose();
        let before = now.as_deref().unwrap_or(text);
        if before == value {
            return Some(kept.placeholder.as_bytes().to_vec());
        }
        if value.len() < INSIDE {
            continue;
        }
        // in a URL it may stand percent-encoded
        let encoded = percent_encoding::percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
        for form in [value, encoded.as_bytes()] {
            let before = now.as_deref().unwrap_or(text);
            if let Some(after) = replaced(before, form, kept.placeholder.as_bytes()) {
                now = Some(after);
            }
        }
    }
    now
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut done = 0;
    for at in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(&text[done..at]);
        out.extend_from_slice(to);
        done = at + from.len();
    }
    (done > 0).then(|| {
        out.extend_from_slice(&text[done..]);
        out
    })
}

/// Names in order, each once.
#[derive(Default)]
struct Variables(Vec<(OsString, OsString)>);

impl Variables {
    fn value(&self, name: &OsStr) -> Option<&OsStr> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_os_str())
    }

    fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        let value = value.as_ref().to_owned();
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some(there) => there.1 = value,
            None => self.0.push((name.into(), value)),
        }
    }

    fn strip(&mut self, name: &str) {
        let plain = |b: &u8| if *b == b'-' { b'_' } else { b.to_ascii_lowercase() };
        self.0.retain(|(n, _)| !n.as_bytes().iter().map(plain).eq(name.as_bytes().iter().map(plain)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, value: &str) -> Kept {
        Kept { name: name.into(), value: value.into(), placeholder: format!("ph-{name}").into() }
    }

    fn way() -> Way {
        let at = |name: &str| PathBuf::from("/tmp/a b").join(name);
        Way {
            host: "127.0.0.1".into(),
            port: 4000,
            files: Files {
                ca: at("ca.pem"),
                bundle: at("bundle.pem"),
                wgetrc: at("wgetrc"),
                preload: at("p\"r.cjs"),
                python: at("python"),
                truststore: at("roots.jks"),
            },
        }
    }

    struct Child(Vec<(OsString, OsString)>);

    impl Child {
        fn of(inherited: &[(&str, &str)], way: Option<&Way>, secrets: &[Kept]) -> Self {
            Self(of_child(inherited.iter().map(|(k, v)| (k.into(), v.into())), way, secrets))
        }
        fn get(&self, name: &str) -> Option<&str> {
            let all: Vec<_> = self.0.iter().filter(|(n, _)| n == name).collect();
            assert!(all.len() < 2, "{name} stands there twice");
            all.first().map(|(_, v)| v.to_str().unwrap())
        }
    }

    #[test]
    fn every_client_is_led_to_the_proxy_and_its_ca() {
        let child = Child::of(&[("PATH", "/bin")], Some(&way()), &[]);
        for name in URL {
            assert_eq!(child.get(name), Some("http://127.0.0.1:4000"), "{name}");
        }
        for name in ROOTS {
            assert_eq!(child.get(name), Some("/tmp/a b/bundle.pem"), "{name}");
        }
        for name in ADDED {
            assert_eq!(child.get(name), Some("/tmp/a b/ca.pem"), "{name}");
        }
        assert_eq!(child.get("NODE_USE_ENV_PROXY"), Some("1"));
        assert_eq!(child.get("NODE_OPTIONS"), Some(r#"--require "/tmp/a b/p\"r.cjs""#));
        assert_eq!(child.get("WGETRC"), Some("/tmp/a b/wgetrc"));
        assert_eq!(child.get("PYTHONPATH"), Some("/tmp/a b/python"));
        let lib = Child::of(&[("PYTHONPATH", "lib::/x")], Some(&way()), &[]);
        assert_eq!(lib.get("PYTHONPATH"), Some("/tmp/a b/python:lib::/x"));
        assert_eq!(child.get("PATH"), Some("/bin"), "the rest stays");
        assert_eq!(
            (child.get("CLOUDSDK_PROXY_ADDRESS"), child.get("CLOUDSDK_PROXY_PORT")),
            (Some("127.0.0.1"), Some("4000"))
        );
        let java = child.get("JAVA_TOOL_OPTIONS").unwrap();
        assert!(java.contains(
            "-Dhttps.proxyPort=4000 -Dhttp.nonProxyHosts= '-Djavax.net.ssl.trustStore=/tmp/a b/roots.jks'"
        ));
        let six = Child::of(&[], Some(&Way { host: "::1".into(), ..way() }), &[]);
        assert_eq!(
            (six.get("http_proxy"), six.get("CLOUDSDK_PROXY_ADDRESS")),
            (Some("http://[::1]:4000"), Some("::1"))
        );
    }

    #[test]
    fn nothing_inherited_leads_past_it() {
        let inherited = [
            ("NO_PROXY", "127.0.0.1,localhost,*"),
            ("no_proxy", "*"),
            ("NPM_CONFIG_NOPROXY", "*"),
            ("npm_config_https-proxy", "http://other"),
            ("NPM_CONFIG_PROXY", "http://other"),
            ("Http_Proxy", "http://other"),
            ("SSL_CERT_DIR", "/certs"),
            ("https_proxy", "http://other"),
            ("https_proxy", "http://second"),
            ("NODE_OPTIONS", "--max-old-space-size=99"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "a.b"),
        ];
        let child = Child::of(&inherited, Some(&way()), &[]);
        for name in PAST {
            assert_eq!(child.get(name), Some(""), "{name}");
        }
        for name in
            ["SSL_CERT_DIR", "NPM_CONFIG_NOPROXY", "NPM_CONFIG_PROXY", "npm_config_https-proxy", "Http_Proxy"]
        {
            assert_eq!(child.get(name), None, "{name}");
        }
        assert!(child.0.iter().all(|(_, v)| !v.to_str().unwrap().contains("other")));
        assert!(child.get("NODE_OPTIONS").unwrap().starts_with("--max-old-space-size=99 --require "));
        assert_eq!(
            (child.get("GIT_CONFIG_COUNT"), child.get("GIT_CONFIG_KEY_1")),
            (Some("2"), Some("http.proxy"))
        );
        assert_eq!(child.get("GIT_CONFIG_KEY_0"), Some("a.b"));
    }

    #[test]
    fn keys_of_the_vault_stay_behind() {
        let inherited = [
            ("KATANA_VAULT_KEY", "k"),
            ("HERMES_KATANA_VAULT_KEY", "k"),
            ("CREDENTIALS_DIRECTORY", "/run/c"),
            ("KATANA_VAULT_PASSPHRASE", "k"),
            ("KATANA_VAULT__KEY_FILE", "k"),
            ("NOTIFY_SOCKET", "/n"),
            ("KATANA_CONFIG", "/etc/k.yaml"),
            ("MY_API_KEY", "mine"),
        ];
        for way in [None, Some(&way())] {
            let child = Child::of(&inherited, way, &[]);
            assert!(child.0.iter().all(|(_, v)| v != "k"));
            assert_eq!((child.get("CREDENTIALS_DIRECTORY"), child.get("NOTIFY_SOCKET")), (None, None));
            assert_eq!(
                (child.get("KATANA_CONFIG"), child.get("MY_API_KEY")),
                (Some("/etc/k.yaml"), Some("mine"))
            );
        }
    }

    #[test]
    fn secrets_come_as_placeholders_wherever_they_stood() {
        let secrets = [
            kept("OPENAI_API_KEY", "sk-0123456789"),
            kept("DB", "p@ss/word!"),
            kept("LONGER", "sk-0123456789-and-more"),
            kept("PIN", "1234"),
            kept("LD_PRELOAD", "value-of-preload"),
            kept("not a name", "value-of-it"),
            kept("EMPTY", ""),
        ];
        let inherited = [
            ("OTHER", "sk-0123456789"),
            ("URL", "pg://u:p%40ss%2Fword%21@h/x?k=p@ss/word!"),
            ("CODE", "1234"),
            ("RUN", "run-12345"),
            ("L", "x sk-0123456789-and-more y sk-0123456789"),
            ("DB", "a different one"),
            ("BLANK", ""),
        ];
        for way in [None, Some(&way())] {
            let child = Child::of(&inherited, way, &secrets);
            assert_eq!(child.get("OTHER"), Some("ph-OPENAI_API_KEY"));
            assert_eq!(
                child.get("OPENAI_API_KEY"),
                Some("ph-OPENAI_API_KEY"),
                "there though the parent had none"
            );
            assert_eq!(child.get("URL"), Some("pg://u:ph-DB@h/x?k=ph-DB"));
            assert_eq!(child.get("L"), Some("x ph-LONGER y ph-OPENAI_API_KEY"));
            assert_eq!((child.get("CODE"), child.get("RUN")), (Some("ph-PIN"), Some("run-12345")));
            assert_eq!(child.get("DB"), Some("a different one"), "what is not the vault's is the person's");
            assert_eq!(
                (child.get("LD_PRELOAD"), child.get("not a name"), child.get("BLANK")),
                (None, None, Some(""))
            );
        }
    }

    #[test]
    fn a_variable_that_is_not_text_passes_as_it_is() {
        let odd = OsString::from_vec(vec![0xff, b'x']);
        let child = of_child([(odd.clone(), odd.clone())], Some(&way()), &[kept("A", "0123456789")]);
        assert!(child.contains(&(odd.clone(), odd)));
    }
}
