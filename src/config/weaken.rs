//! What a reload takes away: each protection that is less than it was, in one clause each, for the log and the audit.

use super::{BodyScan, Config, KeySource, Listen, OnSecret, Preset, Proxy};
use crate::base::glob::HostPattern;
use std::fmt::Display;

impl Config {
    /// Which protections of `old` this configuration lacks or narrows. Empty: none.
    #[must_use]
    pub fn weakened_from(&self, old: &Self) -> Vec<String> {
        let mut out = Vec::new();
        let mut say = |less: bool, what: &str| {
            if less {
                out.push(what.to_owned());
            }
        };
        let (new, was) = (&self.proxy, &old.proxy);
        say(
            new.mode < was.mode,
            &format!("proxy.mode lowered from {:?} to {:?}", was.mode, new.mode).to_lowercase(),
        );
        say(rank(self.policy_preset) < rank(old.policy_preset), "policy_preset lowered");
        say(old.scan_inputs && !self.scan_inputs, "scan_inputs turned off");
        say(old.scan_outputs && !self.scan_outputs, "scan_outputs turned off");
        say(
            was.on_secret == OnSecret::Block && new.on_secret == OnSecret::Scrub,
            "proxy.on_secret from block to scrub",
        );
        say(was.upstream.tls_verify && !new.upstream.tls_verify, "proxy.upstream.tls_verify turned off");
        say(!is_open(was) && is_open(new), "proxy.listen reaches beyond this machine");
        say(old.audit.sync && !self.audit.sync, "audit.durability from sync to batch");
        say(
            guarded(old.vault.key_source) && !guarded(self.vault.key_source),
            "vault.key_source to where the key lies open to whoever reads this user's files",
        );
        say(old.ca.sealed && !self.ca.sealed, "ca.key_protection from vault to file");
        less_scanned(
            &mut out,
            "proxy.scan_request_bodies",
            &was.scan_request_bodies,
            &new.scan_request_bodies,
        );
        less_scanned(
            &mut out,
            "proxy.scan_response_bodies",
            &was.scan_response_bodies,
            &new.scan_response_bodies,
        );
        listed(&mut out, "proxy.denied_domains lost", &was.denied_domains, &new.denied_domains);
        listed(&mut out, "proxy.ignore_hosts gained", &new.ignore_hosts, &was.ignore_hosts);
        if !was.allowed_domains.is_empty() {
            if new.allowed_domains.is_empty() {
                out.push("proxy.allowed_domains emptied: all are allowed".into());
            } else {
                listed(&mut out, "proxy.allowed_domains gained", &new.allowed_domains, &was.allowed_domains);
            }
        }
        if new.private.all && !was.private.all {
            out.push("proxy.allow_private_destinations opened to all".into());
        } else if !was.private.all {
            let gained = "proxy.allow_private_destinations gained";
            listed(&mut out, gained, &new.private.nets, &was.private.nets);
            listed(&mut out, gained, &new.private.hosts, &was.private.hosts);
        }
        let roots =
            |p: &Proxy| p.upstream.extra_roots.iter().map(|r| r.display().to_string()).collect::<Vec<_>>();
        listed(&mut out, "proxy.upstream.extra_roots gained", &roots(new), &roots(was));
        out
    }
}

fn rank(p: Preset) -> u8 {
    match p {
        Preset::Permissive => 0,
        Preset::Balanced => 1,
        Preset::Max => 2,
    }
}

/// Sources that no one can read the key from who only reads files.
fn guarded(source: KeySource) -> bool {
    !matches!(source, KeySource::Auto | KeySource::File | KeySource::Env)
}

fn is_open(p: &Proxy) -> bool {
    matches!(p.listen, Listen::Tcp(addr) if !addr.ip().to_canonical().is_loopback())
}

fn less_scanned(out: &mut Vec<String>, key: &str, was: &BodyScan, new: &BodyScan) {
    let named = |b: &BodyScan, scan: bool| -> Vec<HostPattern> {
        b.hosts.iter().filter(|(_, s)| *s == scan).map(|(h, _)| h.clone()).collect()
    };
    if was.default && !new.default {
        out.push(format!("{key} turned off"));
    } else if was.default {
        listed(out, &format!("{key} off for"), &named(new, false), &named(was, false));
    }
    if !new.default {
        listed(out, &format!("{key} no longer on for"), &named(was, true), &named(new, true));
    }
}

/// Says what stands in `more` and not in `less`.
fn listed<T: PartialEq + Display>(out: &mut Vec<String>, what: &str, more: &[T], less: &[T]) {
    let extra: Vec<String> = more.iter().filter(|m| !less.contains(m)).map(ToString::to_string).collect();
    if !extra.is_empty() {
        out.push(format!("{what} {}", extra.join(", ")));
    }
}
