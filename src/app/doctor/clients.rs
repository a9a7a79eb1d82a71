//! The environment that doctor was called in: does it lead clients to the proxy, and do they trust what they find there?

use super::{Finding, Patient, State};
use crate::certs;
use serde_json::json;
use std::fs;

/// Variables that replace or extend the roots of a client.
const ROOTS: [&str; 9] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
];

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let text =
        |name: &str| (patient.var)(name).map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty());
    let proxy = text("HTTPS_PROXY").or_else(|| text("https_proxy"));
    let ours = patient.proxy.and_then(|s| s["url"].as_str()).map(|u| u.trim_end_matches('/'));
    let through = proxy.as_deref().is_some_and(|p| Some(p.trim_end_matches('/')) == ours);
    let finding = |state, what: String| Finding::new("clients", state, what);
    if !through {
        let what = match proxy {
            Some(other) => format!("HTTPS_PROXY of this shell leads elsewhere, to {}", host_only(&other)),
            None => "this shell does not lead its clients to the proxy".into(),
        };
        return finding(State::Absent, what).next("`katana run -- COMMAND` sets all that a command needs");
    }
    let Some(ca) = certs::known(&patient.paths.ca()).ok().and_then(|k| k.trusted.into_iter().next()) else {
        return finding(State::Unknown, "the authority cannot be read".into()).next("`katana ca show`");
    };
    let set: Vec<(&str, String)> = ROOTS.iter().filter_map(|n| Some((*n, text(n)?))).collect();
    let without = |file: &str| !fs::read_to_string(file).is_ok_and(|pem| pem.contains(ca.pem().trim()));
    let blind: Vec<&str> = set.iter().filter(|(_, file)| without(file)).map(|(name, _)| *name).collect();
    let details = json!({ "set": set.iter().map(|(n, _)| n).collect::<Vec<_>>(), "without_ca": blind });
    let bundle = "`katana ca export --bundle --out katana-ca.pem`, and let the variables name that file";
    if !blind.is_empty() {
        let what = format!("{} names a file without katana's authority", blind.join(", "));
        return finding(State::Bad, what).next(bundle).details(details);
    }
    if set.is_empty() && !certs::system_trusts(&ca) {
        let what = "this shell leads to the proxy, and nothing tells its clients to trust it".into();
        return finding(State::Bad, what).next(bundle).details(details);
    }
    finding(State::Good, format!("this shell leads to the proxy, {} variables name its authority", set.len()))
        .details(details)
}

/// Without user and password.
fn host_only(url: &str) -> &str {
    url.rsplit('@').next().unwrap_or_default()
}
