//! HashiCorp Vault's KV version 2 engine, by its HTTP API: one GET, with the token and the namespace of katana's environment.
//! No redirect is followed, since it would carry the token elsewhere, and no proxy is asked, since that may be katana itself.

use super::{Address, Fault, World};
use crate::base::secret::Secret;
use crate::vault::value::LONGEST;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use zeroize::Zeroizing;

/// More is no answer of this API to one secret.
const MOST: u64 = 1024 * 1024;

pub(super) fn read(address: &Address, world: &World, patience: Duration) -> Result<Secret, Fault> {
    let base = world.text("VAULT_ADDR").ok_or_else(|| Fault::Unset("VAULT_ADDR is not set".into()))?;
    let base = base.trim_end_matches('/');
    may_carry_a_token(base)?;
    let token = token(world)?;
    let mut request = agent(world, patience)?
        .get(format!("{base}{}", address.path))
        .header("X-Vault-Token", text(&token)?)
        .header("X-Vault-Request", "true");
    if let Some(namespace) = world.text("VAULT_NAMESPACE") {
        request = request.header("X-Vault-Namespace", namespace);
    }
    let response = request.call().map_err(|e| unreachable(&e, patience))?;
    let status = response.status().as_u16();
    match status {
        200 => {}
        // a deleted version answers 404, too
        404 => return Err(Fault::Missing("the secret, or this version of it,".into())),
        401 | 403 => {
            return Err(Fault::Denied(format!(
                "the vault answers {status}: the token may not read it, or has ended"
            )));
        }
        503 => return Err(Fault::Unreachable("the vault answers 503: it is sealed".into())),
        _ => return Err(Fault::Unreachable(format!("the vault answers {status}"))),
    }
    let mut body = Zeroizing::new(Vec::new());
    let read = response.into_body().into_reader().take(MOST).read_to_end(&mut body);
    read.map_err(|e| Fault::Unreachable(format!("the answer breaks off: {e}")))?;
    field(&body, &address.field)
}

fn field(body: &[u8], field: &str) -> Result<Secret, Fault> {
    let not_it = Fault::Unreachable("the answer is not that of a KV engine, version 2".into());
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return Err(not_it) };
    let Some(data) = answer["data"]["data"].as_object_mut() else { return Err(not_it) };
    let found = data.remove(field);
    match found {
        Some(Value::String(text)) if text.len() > LONGEST => Err(Fault::Value("is longer than 64 KiB")),
        Some(Value::String(text)) => Ok(Secret::from(text)),
        Some(_) => Err(Fault::Value("is no text")),
        None => Err(Fault::Missing(format!("the field {field}"))),
    }
}

/// A token goes out encrypted, or not beyond this machine.
fn may_carry_a_token(base: &str) -> Result<(), Fault> {
    if base.contains(['@', '?', '#']) {
        return Err(Fault::Unset("VAULT_ADDR is more than a scheme, a host and a port".into()));
    }
    let http = base.strip_prefix("http://");
    let host = http.and_then(|h| h.split('/').next()).map(|h| h.rsplit_once(':').map_or(h, |(host, _)| host));
    match host {
        None if base.starts_with("https://") => Ok(()),
        None => Err(Fault::Unset("VAULT_ADDR is no https:// address".into())),
        Some("localhost" | "127.0.0.1" | "[::1]") => Ok(()),
        Some(_) => {
            Err(Fault::Denied("VAULT_ADDR is not https://, so the token would go out in clear".into()))
        }
    }
}

/// `VAULT_TOKEN`, else the file of `VAULT_TOKEN_FILE`, else the one that `vault login` leaves.
fn token(world: &World) -> Result<Secret, Fault> {
    if let Some(token) = world.text("VAULT_TOKEN") {
        return Ok(Secret::from(token));
    }
    let named = world.variable("VAULT_TOKEN_FILE").map(PathBuf::from);
    let left = || Some(PathBuf::from(world.variable("HOME")?).join(".vault-token")).filter(|p| p.exists());
    match named.or_else(left) {
        Some(path) => super::local::file(&path),
        None => Err(Fault::Unset(
            "neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set, and there is no ~/.vault-token".into(),
        )),
    }
}

fn text(token: &Secret) -> Result<&str, Fault> {
    let text = std::str::from_utf8(token.expose()).unwrap_or_default().trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Fault::Unset("the vault's token is none".into()));
    }
    Ok(text)
}

fn agent(world: &World, patience: Duration) -> Result<Agent, Fault> {
    let named = world.variable("VAULT_CACERT").map(PathBuf::from);
    let roots = match named {
        Some(path) => pem(&path)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|c| Certificate::from_der(c).to_owned())
            .collect(),
    };
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(patience))
        .user_agent(concat!("katana/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(Agent::new_with_config(config))
}

fn pem(path: &Path) -> Result<Vec<Certificate<'static>>, Fault> {
    let none = |why: String| Fault::Unset(format!("VAULT_CACERT, {}: {why}", path.display()));
    let text = fs::read(path).map_err(|e| none(e.to_string()))?;
    let certificates = ureq::tls::parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(c)) => Some(c),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() { Err(none("it has no certificate in it".into())) } else { Ok(certificates) }
}

fn unreachable(e: &ureq::Error, patience: Duration) -> Fault {
    match e {
        ureq::Error::Timeout(_) => Fault::TimedOut(patience.as_secs()),
        // what it says names host and port at most
        e => Fault::Unreachable(format!("the vault cannot be reached: {e}")),
    }
}
