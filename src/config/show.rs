//! The effective configuration in the file's own shape: what `config show` prints can be read back, and its hash is the digest.

use super::show_credentials::credential;
use super::values::{print_host_port, print_size};
use super::{BodyScan, Config, Limits, Listen, PrivateDestinations, check, check_proxy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::time::Duration;

impl Config {
    /// Every key with its effective value, as it would stand in the file. Keys without a value are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = json!({
            "policy_preset": word(check::PRESETS, &self.policy_preset),
            "policy_path": self.policy_path,
            "scan_inputs": self.scan_inputs,
            "scan_outputs": self.scan_outputs,
            "log_level": word(check::LEVELS, &self.log_level),
            "log_format": word(check::FORMATS, &self.log_json),
            "proxy": self.proxy_json(),
            "credentials": self.credentials.iter().map(credential).collect::<Vec<_>>(),
            "vault": {
                "key_source": word(check::KEY_SOURCES, &self.vault.key_source),
                "key_file": self.vault.key_file,
                "keep_versions": self.vault.keep_versions,
                "reference_ttl": time(self.vault.reference_ttl),
                "reference_failure_ttl": time(self.vault.reference_failure_ttl),
                "reference_timeout": time(self.vault.reference_timeout),
                "passphrase_file": self.vault.passphrase_file,
            },
            "ca": { "key_protection": word(check::PROTECTIONS, &self.ca.sealed) },
            "audit": {
                "max_size_mb": self.audit.max_size_mb,
                "durability": word(check::DURABILITY, &self.audit.sync),
                "batch_delay": time(self.audit.batch_delay),
            },
        });
        drop_nulls(&mut all);
        all
    }

    /// [`Config::to_json`] as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        // JSON is YAML, should the printer ever fail
        super::yaml::print(&self.to_json()).unwrap_or_else(|_| self.to_json().to_string())
    }

    /// First 16 hex digits of the SHA-256 of the effective values.
    pub(super) fn fingerprint(&self) -> String {
        let hash = Sha256::digest(self.to_json().to_string().as_bytes());
        data_encoding::HEXLOWER.encode(&hash[..8])
    }

    fn proxy_json(&self) -> Value {
        let p = &self.proxy;
        json!({
            "listen": match &p.listen {
                Listen::Tcp(addr) => addr.to_string(),
                Listen::Unix(path) => format!("unix:{}", path.display()),
            },
            "mode": word(check_proxy::MODES, &p.mode),
            "ignore_hosts": texts(&p.ignore_hosts),
            "allowed_domains": texts(&p.allowed_domains),
            "denied_domains": texts(&p.denied_domains),
            "allow_private_destinations": private(&p.private),
            "inject_credentials": p.inject_credentials,
            "scan_request_bodies": body_scan(&p.scan_request_bodies),
            "scan_response_bodies": body_scan(&p.scan_response_bodies),
            "on_secret": word(check_proxy::ON_SECRET, &p.on_secret),
            "limits": limits(&p.limits),
            "upstream": {
                "tls_verify": p.upstream.tls_verify,
                "extra_roots": p.upstream.extra_roots,
                "resolve": p.upstream.resolve.iter()
                    .map(|(host, port, to)| format!("{}={to}", print_host_port(&(host.clone(), *port))))
                    .collect::<Vec<_>>(),
            },
        })
    }
}

fn limits(l: &Limits) -> Value {
    let t = &l.timeouts;
    json!({
        "header_bytes": print_size(l.header_bytes as u64),
        "header_count": l.header_count,
        "whole_body": print_size(l.whole_body as u64),
        "decompression_ratio": l.decompression_ratio,
        "connections": l.connections,
        "connections_per_client": l.connections_per_client,
        "requests_per_second": l.requests_per_second,
        "bytes_per_second": print_size(l.bytes_per_second),
        "h2_streams": l.h2_streams,
        "timeouts": {
            "handshake": time(t.handshake),
            "headers": time(t.headers),
            "idle": time(t.idle),
            "connect": time(t.connect),
            "response": time(t.response),
            "drain": time(t.drain),
        },
    })
}

fn private(p: &PrivateDestinations) -> Value {
    if p.all || (p.hosts.is_empty() && p.nets.is_empty()) {
        return p.all.into();
    }
    texts(&p.nets).into_iter().chain(texts(&p.hosts)).collect()
}

fn body_scan(b: &BodyScan) -> Value {
    if b.hosts.is_empty() {
        return b.default.into();
    }
    let hosts: Vec<_> =
        b.hosts.iter().map(|(h, scan)| json!({"host": h.to_string(), "scan": scan})).collect();
    json!({ "default": b.default, "hosts": hosts })
}

pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("?", |(w, _)| w)
}

pub(super) fn texts<T: Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn time(d: Duration) -> String {
    humantime::format_duration(d).to_string()
}

pub(super) fn drop_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, v| !v.is_null());
        map.values_mut().for_each(drop_nulls);
    }
}
