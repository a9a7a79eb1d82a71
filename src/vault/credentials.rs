//! Which secret belongs where: what entries of the vault say themselves, the configuration's `credentials`, the built-in
//! providers; looked up per request by host, port, method and path. Built once per generation.

use super::held::Held;
use super::placeholder::Grammar;
use super::providers::{Provider, ProviderHost, Providers};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use crate::config::account::{Account, AwsSigV4};
use crate::config::{Credential, Slot};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A secret and a slot of its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The vault entry's name.
    pub secret: Arc<str>,
    /// Its index in the generation's `held`; `None`: the vault has no such entry.
    pub held: Option<usize>,
    /// Where it stands in a request.
    pub slot: Slot,
    /// The provider's name; `config` for an entry of `credentials`, `vault` for what an entry of the vault says itself.
    pub provider: Arc<str>,
    /// Is the slot filled where it is empty?
    pub fill: bool,
    /// What the secret's placeholders look like.
    pub grammar: Grammar,
    /// What the value is obtained or signed with, when it is not the secret itself.
    pub account: Option<Arc<Account>>,
}

/// Every binding, by host. An entry of `credentials` that names a host and port takes that host and port over from the
/// built-in providers whole: what it does not allow by method or path, no built-in allows either.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// In order of precedence.
    rows: Vec<Row>,
    /// `name` and `.suffix`; no name begins with a dot, so one map does.
    names: HashMap<Box<str>, Vec<usize>>,
    /// `-suffix`, apart from the names because a name may begin with a dash.
    dashed: HashMap<Box<str>, Vec<usize>>,
    addresses: HashMap<IpAddr, Vec<usize>>,
    anywhere: Vec<usize>,
    has_below: bool,
    accounts: Vec<Arc<Account>>,
}

#[derive(Clone, Debug)]
struct Row {
    binding: Binding,
    host: String,
    port: Option<u16>,
    methods: Box<[String]>,
    paths: Box<[Glob]>,
    builtin: bool,
}

impl Bindings {
    /// All bindings; `held` is the generation's.
    #[must_use]
    pub fn build(held: &[Held], providers: &Providers, credentials: &[Credential]) -> Self {
        let index: HashMap<&str, usize> = held.iter().enumerate().map(|(i, h)| (&*h.name, i)).collect();
        // a document is for signing with: it goes nowhere itself
        let find =
            |name: &str, signing: bool| index.get(name).copied().filter(|i| signing || !held[*i].document);
        let mut bindings = Self::default();
        let own = held.iter().filter_map(|h| Some(("vault", &*h.name, h.goes.as_ref()?)));
        for (said, name, c) in own {
            let binding = Binding {
                secret: name.into(),
                held: find(name, false),
                slot: c.slot.clone(),
                provider: said.into(),
                fill: c.slot.can_be_made(),
                grammar: providers.grammar(name),
                account: None,
            };
            bindings.take(c, &c.hosts, &binding);
        }
        for c in credentials {
            bindings.accounts.extend(c.account.clone());
            for (secret, slot, hosts) in places(c) {
                let binding = Binding {
                    secret: secret.into(),
                    held: find(secret, c.account.is_some()),
                    fill: slot.can_be_made(),
                    slot,
                    provider: "config".into(),
                    grammar: providers.grammar(secret),
                    account: c.account.clone(),
                };
                bindings.take(c, hosts, &binding);
            }
        }
        for p in providers {
            for secret in p.names() {
                let at = find(secret, false);
                // what was set for hosts of its own is for these alone
                if at.is_none_or(|i| held[i].goes.is_none()) {
                    bindings.provide(p, secret, at, providers);
                }
            }
        }
        bindings
    }

    /// Rows of what was said by a person.
    fn take(&mut self, c: &Credential, hosts: &[(HostPattern, Option<u16>)], binding: &Binding) {
        for (host, port) in hosts {
            let row = Row {
                binding: binding.clone(),
                host: host.to_string(),
                port: *port,
                methods: c.methods.clone().into(),
                paths: c.paths.clone().into(),
                builtin: false,
            };
            self.add(&ProviderHost::Pattern(host.clone()), row);
        }
    }

    fn provide(&mut self, p: &Provider, secret: &Arc<str>, held: Option<usize>, providers: &Providers) {
        for (nth, slot) in p.slots.iter().enumerate() {
            let binding = Binding {
                secret: Arc::clone(secret),
                held,
                slot: slot.clone(),
                provider: Arc::clone(&p.name),
                fill: nth == 0 && p.fill && slot.can_be_made(),
                grammar: providers.grammar(secret),
                account: None,
            };
            for host in &p.hosts {
                let row = Row {
                    binding: binding.clone(),
                    host: host.to_string(),
                    port: Some(443),
                    methods: p.methods.clone().into(),
                    paths: p.paths.clone().into(),
                    builtin: true,
                };
                self.add(host, row);
            }
        }
    }

    /// Every binding for this request, the first to count first: what entries of the vault say themselves, `credentials`
    /// in the order of the file, then the built-in providers. `method` in upper case, `path` without the query.
    #[must_use]
    pub fn all(&self, host: &Host, port: u16, method: &str, path: &str) -> Vec<&Binding> {
        let mut found = Vec::new();
        let mut taken_over = false;
        self.visit(host, |i| {
            let row = &self.rows[i];
            if row.on(port) {
                taken_over |= !row.builtin;
                if row.allows(method, path) {
                    found.push(i);
                }
            }
        });
        found.sort_unstable();
        let rows = found.into_iter().map(|i| &self.rows[i]);
        rows.filter(|r| !r.builtin || !taken_over).map(|r| &r.binding).collect()
    }

    /// Every account of the configuration, wherever it is bound.
    #[must_use]
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.accounts
    }

    /// Is this host bound at all, whatever method and path?
    #[must_use]
    pub fn knows(&self, host: &Host, port: u16) -> bool {
        let mut known = false;
        self.visit(host, |i| known |= self.rows[i].on(port));
        known
    }

    /// Every secret of the vault that is bound to this host, whatever method and path; each once, in order.
    #[must_use]
    pub fn held_on(&self, host: &Host, port: u16) -> Vec<usize> {
        let mut held = Vec::new();
        self.visit(host, |i| held.extend(self.rows[i].binding.held.filter(|_| self.rows[i].on(port))));
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Where a secret goes, for people: `api.openai.com:443`; a host that is bound on every port stands alone.
    #[must_use]
    pub fn hosts(&self, secret: &str) -> Vec<String> {
        let mut hosts = Vec::new();
        for row in self.rows.iter().filter(|r| &*r.binding.secret == secret) {
            let host = row.port.map_or_else(|| row.host.clone(), |p| format!("{}:{p}", row.host));
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// Where in a request a secret goes, for people: `header:authorization:Bearer`, each slot once.
    #[must_use]
    pub fn slots(&self, secret: &str) -> Vec<String> {
        let mut slots = Vec::new();
        for row in self.rows.iter().filter(|r| &*r.binding.secret == secret) {
            let slot = row.binding.slot.to_string();
            if !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        slots
    }

    /// Every row whose host pattern holds this host, in no order.
    fn visit(&self, host: &Host, mut see: impl FnMut(usize)) {
        let mut all = |rows: Option<&Vec<usize>>| rows.into_iter().flatten().for_each(|i| see(*i));
        all(Some(&self.anywhere));
        match host {
            Host::Addr(a) => all(self.addresses.get(&a.to_canonical())),
            Host::Name(name) => {
                all(self.names.get(&**name));
                if self.has_below {
                    for (at, _) in name.match_indices('.').filter(|(at, _)| *at > 0) {
                        all(self.names.get(&name[at..]));
                    }
                }
                if !self.dashed.is_empty() {
                    let label = name.split('.').next().unwrap_or_default();
                    for (at, _) in label.match_indices('-').filter(|(at, _)| *at > 0) {
                        all(self.dashed.get(&name[at..]));
                    }
                }
            }
        }
    }

    fn add(&mut self, host: &ProviderHost, row: Row) {
        let place = match host {
            ProviderHost::Pattern(HostPattern::Any) => &mut self.anywhere,
            ProviderHost::Pattern(HostPattern::Exact(Host::Addr(a))) => {
                self.addresses.entry(a.to_canonical()).or_default()
            }
            ProviderHost::Pattern(HostPattern::Exact(Host::Name(n))) => {
                self.names.entry((**n).into()).or_default()
            }
            ProviderHost::Pattern(HostPattern::Below(suffix)) => {
                self.has_below = true;
                self.names.entry(suffix.clone()).or_default()
            }
            ProviderHost::Dashed(suffix) => self.dashed.entry(suffix.clone()).or_default(),
        };
        place.push(self.rows.len());
        self.rows.push(row);
    }
}

/// Hosts, each with a port or any.
type Hosts<'a> = &'a [(HostPattern, Option<u16>)];

/// Every entry of a credential that an agent may hold a placeholder of, where that stands, and on which hosts.
fn places(c: &Credential) -> Vec<(&str, Slot, Hosts<'_>)> {
    let mut all = vec![(c.secret.as_str(), c.slot.clone(), c.hosts.as_slice())];
    if let Some(Account::AwsSigV4(_)) = c.account.as_deref() {
        all.push((c.secret.as_str(), Slot::Query { name: "X-Amz-Credential".into() }, c.hosts.as_slice()));
    }
    match c.account.as_deref() {
        Some(Account::GithubApp(g)) => {
            // git sends what it was given as a password
            all.push((c.secret.as_str(), Slot::Basic { user: "x-access-token".into() }, &g.git_hosts));
        }
        Some(Account::AwsSigV4(AwsSigV4 { session_token: Some(token), .. })) => {
            let slot = Slot::Header { name: "x-amz-security-token".into(), scheme: None };
            all.push((token.as_str(), slot, c.hosts.as_slice()));
            all.push((
                token.as_str(),
                Slot::Query { name: "X-Amz-Security-Token".into() },
                c.hosts.as_slice(),
            ));
        }
        _ => {}
    }
    all
}

impl Row {
    fn on(&self, port: u16) -> bool {
        self.port.is_none_or(|p| p == port)
    }

    fn allows(&self, method: &str, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|m| m == method))
            && (self.paths.is_empty() || self.paths.iter().any(|p| p.matches(path)))
    }
}

#[cfg(test)]
mod tests;
