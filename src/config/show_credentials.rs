//! `credentials` in the file's own shape.

use super::Credential;
use super::account::{AccessKeyId, Account};
use super::check_accounts::{AUTHS, GRANTS};
use super::show::{drop_nulls, texts, word};
use super::values::print_host_port;
use crate::base::glob::Glob;
use serde_json::{Value, json};

/// One entry. Keys that say nothing are left out.
pub(super) fn credential(c: &Credential) -> Value {
    let mut all = match &c.account {
        None => json!({ "secret": c.secret, "slot": c.slot.to_string() }),
        Some(account) => account_json(account),
    };
    all["hosts"] = c.hosts.iter().map(print_host_port).collect();
    all["methods"] = c.methods.as_slice().into();
    all["paths"] = c.paths.iter().map(Glob::as_str).collect();
    drop_nulls(&mut all);
    all
}

fn account_json(account: &Account) -> Value {
    let kind = account.kind();
    match account {
        Account::OAuth2(o) => json!({
            "kind": kind,
            "grant": word(GRANTS, &o.grant),
            "token_url": o.token_url.to_string(),
            "client_id": o.client_id,
            "client_secret": o.client_secret,
            "secret": o.secret,
            "scopes": o.scopes,
            "audience": o.audience,
            "subject": o.subject,
            "key_id": o.key_id,
            "auth": word(AUTHS, &o.auth),
        }),
        Account::AwsSigV4(a) => {
            let (literal, entry) = match &a.access_key_id {
                AccessKeyId::Literal(id) => (Some(id), None),
                AccessKeyId::Entry(entry) => (None, Some(entry)),
            };
            json!({
                "kind": kind,
                "access_key_id": literal,
                "access_key_id_secret": entry,
                "secret": a.secret,
                "session_token": a.session_token,
                "regions": a.regions.iter().map(Glob::as_str).collect::<Vec<_>>(),
                "services": a.services.iter().map(Glob::as_str).collect::<Vec<_>>(),
            })
        }
        Account::GithubApp(g) => json!({
            "kind": kind,
            "app_id": g.app_id,
            "installation_id": g.installation_id,
            "secret": g.secret,
            "api": g.api.to_string(),
            "git_hosts": g.git_hosts.iter().map(print_host_port).collect::<Vec<_>>(),
        }),
        Account::GcpServiceAccount(g) => json!({
            "kind": kind,
            "secret": g.secret,
            "scopes": g.scopes,
            "subject": g.subject,
            "token_hosts": texts(&g.token_hosts),
        }),
    }
}
