//! Which secret belongs where: the configuration's `credentials` before the built-in providers, looked up per request
//! by host, port, method and path. Built once per generation; a look-up allocates nothing.

use super::held::Held;
use super::providers::{ProviderHost, Providers};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use crate::config::account::{Account, AwsSigV4};
use crate::config::{Credential, Slot};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A secret and its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The vault entry's name.
    pub secret: Arc<str>,
    /// Its index in the generation's `held`; `None`: the vault has no such entry.
    pub held: Option<usize>,
    /// Where it stands in a request.
    pub slot: Slot,
    /// The provider's name; `config` for an entry of `credentials`.
    pub provider: Arc<str>,
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

/// What is asked of a row beside the host.
#[derive(Clone, Copy)]
struct Question<'a> {
    port: u16,
    method: &'a str,
    path: &'a str,
    held: Option<usize>,
}

impl Bindings {
    /// All bindings; `held` is the generation's.
    #[must_use]
    pub fn build(held: &[Held], providers: &Providers, credentials: &[Credential]) -> Self {
        let index: HashMap<&str, usize> = held.iter().enumerate().map(|(i, h)| (&*h.name, i)).collect();
        let mut bindings = Self::default();
        for c in credentials {
            for (secret, slot, hosts) in places(c) {
                let binding = Binding {
                    secret: secret.into(),
                    held: index.get(secret).copied(),
                    slot,
                    provider: "config".into(),
                    account: c.account.clone(),
                };
                for (host, port) in hosts {
                    let row = Row {
                        binding: binding.clone(),
                        host: host.to_string(),
                        port: *port,
                        methods: c.methods.clone().into(),
                        paths: c.paths.clone().into(),
                        builtin: false,
                    };
                    bindings.add(&ProviderHost::Pattern(host.clone()), row);
                }
            }
        }
        for p in providers {
            let binding = Binding {
                secret: Arc::clone(&p.secret),
                held: index.get(&*p.secret).copied(),
                slot: p.slot.clone(),
                provider: Arc::clone(&p.name),
                account: None,
            };
            for host in &p.hosts {
                let row = Row {
                    binding: binding.clone(),
                    host: host.to_string(),
                    port: Some(443),
                    methods: Box::default(),
                    paths: Box::default(),
                    builtin: true,
                };
                bindings.add(host, row);
            }
        }
        bindings
    }

    /// The first binding for this request: `credentials` in the order of the file, then the built-in providers.
    /// `method` in upper case, `path` without the query.
    #[must_use]
    pub fn find(&self, host: &Host, port: u16, method: &str, path: &str) -> Option<&Binding> {
        self.first(host, Question { port, method, path, held: None })
    }

    /// The first binding of one secret for this request: may its placeholder stand here, and in which slot?
    #[must_use]
    pub fn find_held(
        &self,
        host: &Host,
        port: u16,
        method: &str,
        path: &str,
        held: usize,
    ) -> Option<&Binding> {
        self.first(host, Question { port, method, path, held: Some(held) })
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
        let of = self.rows.iter().filter(|r| &*r.binding.secret == secret);
        of.map(|r| r.port.map_or_else(|| r.host.clone(), |p| format!("{}:{p}", r.host))).collect()
    }

    fn first(&self, host: &Host, q: Question<'_>) -> Option<&Binding> {
        let mut best = None::<usize>;
        let mut taken_over = false;
        self.visit(host, |i| {
            let row = &self.rows[i];
            if !row.on(q.port) {
                return;
            }
            taken_over |= !row.builtin;
            if best.is_none_or(|b| i < b) && row.allows(&q) {
                best = Some(i);
            }
        });
        let row = &self.rows[best?];
        (!row.builtin || !taken_over).then_some(&row.binding)
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

/// Every entry of a credential that an agent may hold a placeholder of, where that stands, and on which hosts.
fn places(c: &Credential) -> Vec<(&str, Slot, &[(HostPattern, Option<u16>)])> {
    let mut all = vec![(c.secret.as_str(), c.slot.clone(), c.hosts.as_slice())];
    match c.account.as_deref() {
        Some(Account::GithubApp(g)) => {
            // git sends what it was given as a password
            all.push((c.secret.as_str(), Slot::Basic { user: "x-access-token".into() }, &g.git_hosts));
        }
        Some(Account::AwsSigV4(AwsSigV4 { session_token: Some(token), .. })) => {
            let slot = Slot::Header { name: "x-amz-security-token".into(), scheme: None };
            all.push((token.as_str(), slot, c.hosts.as_slice()));
        }
        _ => {}
    }
    all
}

impl Row {
    fn on(&self, port: u16) -> bool {
        self.port.is_none_or(|p| p == port)
    }

    fn allows(&self, q: &Question<'_>) -> bool {
        (q.held.is_none() || q.held == self.binding.held)
            && (self.methods.is_empty() || self.methods.iter().any(|m| m == q.method))
            && (self.paths.is_empty() || self.paths.iter().any(|p| p.matches(q.path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    fn credential(
        secret: &str,
        hosts: &[(&str, Option<u16>)],
        methods: &[&str],
        paths: &[&str],
    ) -> Credential {
        Credential {
            secret: secret.into(),
            hosts: hosts.iter().map(|(h, p)| (HostPattern::parse(h).unwrap(), *p)).collect(),
            slot: Slot::Query { name: "key".into() },
            methods: methods.iter().map(|m| (*m).to_owned()).collect(),
            paths: paths.iter().map(|p| Glob::new(p)).collect(),
            account: None,
        }
    }

    fn bindings(credentials: &[Credential]) -> Bindings {
        let held = |name: &str| Held::new(name, Secret::from("value-value"), "placeholder");
        let held = [held("MINE"), held("OPENAI_API_KEY"), held("OTHER")];
        Bindings::build(&held, &Providers::builtin().unwrap(), credentials)
    }

    fn secret<'a>(b: &'a Bindings, at: &str, port: u16, method: &str, path: &str) -> Option<&'a str> {
        b.find(&host(at), port, method, path).map(|b| &*b.secret)
    }

    #[test]
    fn built_ins_bind_their_hosts_on_443_only() {
        let b = bindings(&[]);
        let found = b.find(&host("API.OpenAI.com."), 443, "POST", "/v1/chat").unwrap();
        assert_eq!((&*found.secret, found.held, &*found.provider), ("OPENAI_API_KEY", Some(1), "openai"));
        assert_eq!(b.find(&host("api.groq.com"), 443, "GET", "/").unwrap().held, None, "not in the vault");
        for (at, port) in [
            ("api.openai.com", 80),
            ("api.openai.com", 8443),
            ("openai.com", 443),
            ("x.api.openai.com", 443),
            ("api.openai.com.evil.org", 443),
            ("xapi.openai.com", 443),
            ("127.0.0.1", 443),
        ] {
            assert_eq!(secret(&b, at, port, "GET", "/"), None, "{at}:{port}");
            assert!(!b.knows(&host(at), port), "{at}:{port}");
        }
    }

    #[test]
    fn regional_endpoints() {
        let b = bindings(&[]);
        for (at, bound) in [
            ("us-central1-aiplatform.googleapis.com", true),
            ("aiplatform.googleapis.com", true),
            ("-aiplatform.googleapis.com", false),
            ("us-aiplatform.googleapis.com.evil.org", false),
            ("evil.us-aiplatform.googleapis.com", false),
            ("aiplatform.googleapis.com.evil-aiplatform.org", false),
            ("storage.googleapis.com", false),
        ] {
            assert_eq!(b.knows(&host(at), 443), bound, "{at}");
        }
    }

    #[test]
    fn the_configuration_wins_and_takes_the_host_over() {
        let b = bindings(&[
            credential("MINE", &[("api.openai.com", None)], &["POST"], &["/v1/**"]),
            credential("OTHER", &[("api.openai.com", Some(443)), ("*.openai.com", Some(9))], &[], &["/o/*"]),
        ]);
        assert_eq!(secret(&b, "api.openai.com", 443, "POST", "/v1/a/b"), Some("MINE"));
        assert_eq!(secret(&b, "api.openai.com", 8443, "POST", "/v1/a"), Some("MINE"), "any port");
        assert_eq!(secret(&b, "api.openai.com", 443, "GET", "/o/x"), Some("OTHER"));
        assert_eq!(
            secret(&b, "api.openai.com", 443, "GET", "/v1/a"),
            None,
            "no built-in behind a restriction"
        );
        assert_eq!(secret(&b, "api.openai.com", 9, "GET", "/o/x"), Some("OTHER"), "a suffix pattern");
        assert!(b.knows(&host("api.openai.com"), 443) && b.knows(&host("z.openai.com"), 9));
        assert!(!b.knows(&host("z.openai.com"), 443) && !b.knows(&host("openai.com"), 9));
        assert_eq!(secret(&b, "api.anthropic.com", 443, "GET", "/"), Some("ANTHROPIC_API_KEY"));
    }

    #[test]
    fn a_port_of_its_own_leaves_the_built_in_alone() {
        let b = bindings(&[credential("MINE", &[("api.openai.com", Some(8443))], &[], &[])]);
        assert_eq!(secret(&b, "api.openai.com", 443, "GET", "/"), Some("OPENAI_API_KEY"));
        assert_eq!(secret(&b, "api.openai.com", 8443, "GET", "/"), Some("MINE"));
    }

    #[test]
    fn the_order_of_the_file_decides_not_the_kind_of_pattern() {
        let any = || credential("OTHER", &[("*", None)], &[], &[]);
        let exact = || credential("MINE", &[("a.example", None), ("127.0.0.1", None)], &[], &[]);
        let first = bindings(&[any(), exact()]);
        assert_eq!(secret(&first, "a.example", 1, "GET", "/"), Some("OTHER"));
        let last = bindings(&[exact(), any()]);
        assert_eq!(secret(&last, "a.example", 1, "GET", "/"), Some("MINE"));
        assert_eq!(secret(&last, "[::ffff:127.0.0.1]", 1, "GET", "/"), Some("MINE"));
        assert_eq!(secret(&last, "b.example", 1, "GET", "/"), Some("OTHER"));
        let found = last.find_held(&host("a.example"), 1, "GET", "/", 2).unwrap();
        assert_eq!(&*found.secret, "OTHER", "the second secret of a host has its slot too");
        assert!(last.find_held(&host("a.example"), 1, "GET", "/", 1).is_none());
    }

    #[test]
    fn hosts_for_people() {
        let b = bindings(&[credential("MINE", &[("*.example.com", None), ("x.com", Some(8))], &[], &[])]);
        assert_eq!(b.hosts("MINE"), ["*.example.com", "x.com:8"]);
        assert_eq!(b.hosts("COHERE_API_KEY"), ["api.cohere.ai:443", "api.cohere.com:443"]);
    }
}
