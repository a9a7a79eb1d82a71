//! `Goes`: where one secret goes, in the words of an entry of `credentials`. The vault keeps these words beside a secret;
//! they are read by the configuration's own parsers, so that both places mean the same.

use super::Credential;
use super::values::{self, Wrong};
use serde::{Deserialize, Serialize};

/// Hosts, slot, methods and paths as they are written in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goes {
    /// `api.example.com`, `*.example.com:8443`, …; at least one.
    pub hosts: Vec<String>,
    /// `header:NAME[:SCHEME]`, …
    pub slot: String,
    /// `GET`, …; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// `/v1/**`, …; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl Goes {
    /// The entry of `credentials` that says the same of this secret.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn credential(&self, secret: &str) -> Result<Credential, String> {
        let said = |what: &str, text: &str, w: Wrong| format!("{what} `{text}` {}: {}", w.what, w.instead);
        let all = |what, texts: &[String]| {
            texts.iter().map(move |text| (what, text.clone())).collect::<Vec<(&str, String)>>()
        };
        if self.hosts.is_empty() {
            return Err("a secret that goes somewhere needs at least one host".into());
        }
        let hosts = all("the host", &self.hosts).into_iter();
        let hosts = hosts.map(|(what, t)| values::host_port(&t, false).map_err(|w| said(what, &t, w)));
        let methods = all("the method", &self.methods).into_iter();
        let methods = methods.map(|(what, t)| values::method(&t).map_err(|w| said(what, &t, w)));
        let paths = all("the path", &self.paths).into_iter();
        let paths = paths.map(|(what, t)| values::path_glob(&t).map_err(|w| said(what, &t, w)));
        Ok(Credential {
            secret: secret.to_owned(),
            hosts: hosts.collect::<Result<_, _>>()?,
            slot: values::slot(&self.slot).map_err(|w| said("the slot", &self.slot, w))?,
            methods: methods.collect::<Result<_, _>>()?,
            paths: paths.collect::<Result<_, _>>()?,
            account: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(host: &str, slot: &str, method: &str, path: &str) -> Goes {
        let list = |t: &str| Vec::from([t.to_owned()]);
        Goes { hosts: list(host), slot: slot.into(), methods: list(method), paths: list(path) }
    }

    #[test]
    fn means_what_the_configuration_means() {
        let good = goes("*.example.com:8443", "header:X-Token:Custom", "get", "/v1/**");
        let c = good.credential("A").unwrap();
        assert_eq!((c.secret.as_str(), c.hosts[0].1, c.methods[0].as_str()), ("A", Some(8443), "GET"));
        assert_eq!(c.paths[0].as_str(), "/v1/**");
        for (bad, word) in [
            (goes("*", "query:k", "GET", "/"), "every host"),
            (goes("a", "query:", "GET", "/"), "slot"),
            (goes("a", "query:k", "G T", "/"), "method"),
            (goes("a", "query:k", "GET", "v1"), "path"),
            (Goes { hosts: Vec::new(), ..good }, "host"),
        ] {
            let e = bad.credential("A").unwrap_err();
            assert!(e.contains(word), "{e}");
        }
    }
}
