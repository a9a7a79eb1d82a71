//! The `proxy` section: tree → checked values.

use super::check::path_text;
use super::field::Field;
use super::reader::Section;
use super::values::{self, Wrong, wrong};
use super::yaml::Value;
use super::{BodyScan, Limits, Mode, OnSecret, PrivateDestinations, Proxy, Timeouts, Upstream};
use std::path::Path;
use std::time::Duration;

pub(super) const MODES: &[(&str, Mode)] =
    &[("permissive", Mode::Permissive), ("strict", Mode::Strict), ("max", Mode::Max)];
pub(super) const ON_SECRET: &[(&str, OnSecret)] = &[("scrub", OnSecret::Scrub), ("block", OnSecret::Block)];

/// Reads the section over the defaults that `to` holds.
pub(super) fn read(mut s: Section<'_>, to: &mut Proxy, base: &Path) {
    to.listen = s.read("listen", to.listen.clone(), |f| values::listen(f.text()?));
    to.mode = s.read("mode", to.mode, |f| f.choice(MODES));
    if let Some(hosts) = s.list("ignore_hosts", |f| values::host(f.text()?, false)) {
        to.ignore_hosts = hosts;
    }
    if let Some(hosts) = s.list("allowed_domains", |f| values::host(f.text()?, true)) {
        to.allowed_domains = hosts;
    }
    if let Some(hosts) = s.list("denied_domains", |f| values::host(f.text()?, true)) {
        to.denied_domains = hosts;
    }
    if let Some(private) = private(&mut s) {
        to.private = private;
    }
    to.inject_credentials = s.read("inject_credentials", to.inject_credentials, |f| f.switch());
    body_scan(&mut s, "scan_request_bodies", &mut to.scan_request_bodies);
    body_scan(&mut s, "scan_response_bodies", &mut to.scan_response_bodies);
    to.on_secret = s.read("on_secret", to.on_secret, |f| f.choice(ON_SECRET));
    limits(s.section("limits"), &mut to.limits);
    upstream(s.section("upstream"), &mut to.upstream, base);
    s.finish();
}

/// `true`, `false`, or a list of networks and hosts.
fn private(s: &mut Section<'_>) -> Option<PrivateDestinations> {
    let field = s.field("allow_private_destinations")?;
    let mut to = PrivateDestinations::default();
    if let Ok(all) = field.switch() {
        to.all = all;
        return Some(to);
    }
    if !matches!(field.value, Value::List(_)) && matches!(field.place, super::problem::Place::File { .. }) {
        let w = wrong::<()>(
            "is neither true, false nor a list",
            "write true, false, or [10.0.0.0/8, build.internal]",
        );
        s.refuse(&field, true, w);
        return None;
    }
    for item in s.items(&field)? {
        s.refuse(&item, true, one_private(&item, &mut to));
    }
    Some(to)
}

fn one_private(item: &Field, to: &mut PrivateDestinations) -> Result<(), Wrong> {
    let text = item.text()?;
    if !values::looks_like_net(text) {
        to.hosts.push(values::host(text, false)?);
        return Ok(());
    }
    match text.parse() {
        Ok(net) => {
            to.nets.push(net);
            Ok(())
        }
        Err(e) => wrong(format!("is not a network: {e}"), "write ADDRESS/BITS, as in 10.0.0.0/8"),
    }
}

/// `true`, `false`, or `{default, hosts: [{host, scan}]}`.
fn body_scan(s: &mut Section<'_>, key: &str, to: &mut BodyScan) {
    let Some(field) = s.field(key) else { return };
    if !matches!(field.value, Value::Map(_)) {
        let read = field.switch().map_err(|_| Wrong {
            what: "is neither true, false nor a section".into(),
            instead: "write true, false, or {default: true, hosts: [{host: \"*.example.com\", scan: false}]}"
                .into(),
        });
        if let Some(on) = s.refuse(&field, true, read) {
            *to = BodyScan { default: on, hosts: Vec::new() };
        }
        return;
    }
    let Some(mut inner) = s.open(&field) else { return };
    to.default = inner.read("default", to.default, |f| f.switch());
    if let Some(hosts) = inner.field_in_file("hosts") {
        to.hosts.clear();
        for item in inner.items(&hosts).unwrap_or_default() {
            let Some(mut entry) = inner.open(&item) else { continue };
            let host = entry.field("host").and_then(|f| {
                let read = f.text().and_then(|t| values::host(t, true));
                entry.refuse(&f, true, read)
            });
            let scan = entry.field("scan").and_then(|f| entry.refuse(&f, true, f.switch()));
            if let (Some(host), Some(scan)) = (host, scan) {
                to.hosts.push((host, scan));
            } else if matches!(&item.value, Value::Map(m) if m.len() < 2) {
                entry.problem(Wrong {
                    what: "lacks `host` or `scan`".into(),
                    instead: "write {host: NAME, scan: true|false}".into(),
                });
            }
            entry.finish();
        }
    }
    inner.finish();
}

fn upstream(mut s: Section<'_>, to: &mut Upstream, base: &Path) {
    to.tls_verify = s.read("tls_verify", to.tls_verify, |f| f.switch());
    if let Some(roots) = s.list("extra_roots", |f| path_text(f.text()?, &f.place, base)) {
        to.extra_roots = roots;
    }
    if let Some(resolve) = s.list("resolve", |f| values::resolve(f.text()?)) {
        to.resolve = resolve;
    }
    s.finish();
}

fn limits(mut s: Section<'_>, to: &mut Limits) {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let mut size = |key: &str, to: &mut usize, least: u64, most: u64| {
        let n = s.read(key, *to as u64, |f| f.size(least, most));
        *to = usize::try_from(n).unwrap_or(*to);
    };
    size("header_bytes", &mut to.header_bytes, KIB, 16 * MIB);
    size("whole_body", &mut to.whole_body, 0, 1024 * MIB);
    let mut number = |key: &str, to: &mut usize, least: u64, most: u64| {
        let n = s.read(key, *to as u64, |f| f.number(least, most));
        *to = usize::try_from(n).unwrap_or(*to);
    };
    number("header_count", &mut to.header_count, 1, 10_000);
    number("decompression_ratio", &mut to.decompression_ratio, 1, 100_000);
    number("connections", &mut to.connections, 1, 1_000_000);
    number("connections_per_client", &mut to.connections_per_client, 1, 1_000_000);
    let mut small = |key: &str, to: &mut u32, least: u64| {
        let n = s.read(key, u64::from(*to), |f| f.number(least, 1_000_000_000));
        *to = u32::try_from(n).unwrap_or(*to);
    };
    small("requests_per_second", &mut to.requests_per_second, 0);
    small("h2_streams", &mut to.h2_streams, 1);
    to.bytes_per_second = s.read("bytes_per_second", to.bytes_per_second, |f| f.size(0, 1 << 40));
    timeouts(s.section("timeouts"), &mut to.timeouts);
    s.finish();
}

fn timeouts(mut s: Section<'_>, to: &mut Timeouts) {
    let mut time = |key: &str, to: &mut Duration, least: Duration| {
        *to = s.read(key, *to, |f| {
            let text = f.text().map_err(|_| Wrong {
                what: "has no unit".into(),
                instead: "write a number with its unit: 500ms, 10s, 5m, 1h".into(),
            });
            let read = values::duration(text?)?;
            if read >= least && read <= Duration::from_secs(86_400) {
                Ok(read)
            } else {
                wrong(
                    "is out of range",
                    format!("write a time from {} to 1day", humantime::format_duration(least)),
                )
            }
        });
    };
    let least = Duration::from_millis(1);
    time("handshake", &mut to.handshake, least);
    time("headers", &mut to.headers, least);
    time("idle", &mut to.idle, least);
    time("connect", &mut to.connect, least);
    time("response", &mut to.response, least);
    time("drain", &mut to.drain, Duration::ZERO);
    s.finish();
}
