//! What an operator writes in words: YAML, the configuration, the policy, hosts and times.

use super::input::Input;
use katana::base::clock::Timestamp;
use katana::base::glob::{Glob, HostPattern};
use katana::base::host::{Authority, Host};
use katana::base::net::Cidr;
use katana::config::{Config, Preset, Slot, yaml};
use katana::policy::{Engine, Request, normalise_path};
use std::path::Path;

/// Any text is a tree or an error with its place.
pub(super) fn yaml_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(why) = yaml::tree(text, "a.yaml") {
        assert!(why.to_string().starts_with("a.yaml:"));
    }
    if let Ok(value) = yaml::parse::<serde_json::Value>(text, "a.yaml") {
        let printed = yaml::print(&value).expect("what was read can be written");
        let again =
            yaml::parse::<serde_json::Value>(&printed, "a.yaml").expect("what was written can be read");
        assert_eq!(again, value, "{printed}");
    }
}

/// A configuration is taken, or all that is wrong with it is said.
pub(super) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problems) = Config::from_text(text, Path::new("/etc/katana/config.yaml"), []) {
        assert!(!problems.to_string().is_empty());
    }
}

/// A policy is taken or refused; one that is taken decides, and explains what it decides.
pub(super) fn policy(data: &[u8]) {
    let mut input = Input(data);
    let path = ["/", "/a/../b", "/x%2fy/%2e%2e", "/v1/models?key=1"][usize::from(input.byte()) % 4];
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    let Ok(engine) = Engine::build(Preset::Balanced, Some(("policy.yaml", text)), &[], &[]) else { return };
    for host in ["api.example.test", "10.0.0.1", "[::1]"] {
        let host = Host::parse(host).expect("a host");
        let header = |name: &str| (name == "x-tool").then_some("value");
        let request = Request { host: &host, port: 443, method: "POST", path, header: &header };
        let decision = engine.decide(&request);
        let steps = engine.explain(&request);
        let decided = steps.iter().find(|s| s.passed_over.is_none());
        assert!(decided.is_some_and(|s| s.rule == decision.rule), "{decision:?} by {steps:?}");
        let _early = engine.connect(&host, 443);
    }
    let _listed = (engine.rules(), engine.check_examples());
}

/// Hosts, patterns, networks and times are what they are written as; a path that is made plain is plain.
pub(super) fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(host) = Host::parse(first) {
        assert_eq!(Host::parse(&host.to_string()).as_ref(), Ok(&host));
        assert!(host.name().is_some() != host.addr().is_some());
        if let Ok(pattern) = HostPattern::parse(second) {
            let _fits = pattern.matches(&host);
            assert!(HostPattern::parse(&pattern.to_string()).is_ok(), "{pattern}");
        }
    }
    if let Ok(authority) = Authority::parse(first, Some(443)) {
        assert_eq!(Authority::parse(&authority.to_string(), None).as_ref(), Ok(&authority));
    }
    if let Ok(net) = first.parse::<Cidr>() {
        assert_eq!(net.to_string().parse::<Cidr>().as_ref(), Ok(&net));
    }
    if let Some(at) = Timestamp::parse(first) {
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    }
    if let Ok(slot) = first.parse::<Slot>() {
        let _body = slot.is_in_body();
    }
    let glob = Glob::new(first);
    let _fits = glob.matches(second);
    let plain = normalise_path(first);
    assert_eq!(normalise_path(&plain), plain);
}
