//! Changes: what each leaves as it was, and what the request path is told of it.
use super::*;
use crate::vault::bench::Bench;
use crate::vault::held::{Barred, Held};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn list(items: &[&str]) -> Option<Vec<String>> {
    Some(items.iter().map(|i| (*i).to_owned()).collect())
}

fn held(bench: &Bench, name: &str) -> Held {
    let all = bench.open().unwrap().hold().unwrap();
    all.into_iter().find(|h| &*h.name == name).unwrap()
}

fn texts(held: &Held) -> Vec<&str> {
    held.older.iter().map(|s| std::str::from_utf8(s.expose()).unwrap()).collect()
}

#[test]
fn the_last_versions_are_kept_looked_for_and_told_by_number() {
    let bench = Bench::new();
    for n in 1..=7 {
        bench.set("A", &format!("value-number-{n}")).unwrap();
    }
    assert_eq!(
        texts(&held(&bench, "A")),
        ["value-number-6", "value-number-5", "value-number-4", "value-number-3"]
    );
    let vault = bench.open().unwrap();
    assert_eq!(vault.get_version(&name("A"), 3).unwrap().expose(), b"value-number-3");
    assert_eq!(vault.get_version(&name("A"), 7).unwrap(), vault.get(&name("A")).unwrap());
    let e = vault.get_version(&name("A"), 2).unwrap_err();
    assert_eq!((e.code(), e.to_string().contains("7, 6, 5, 4, 3")), ("vault_no_version", true), "{e}");
    let listed = &vault.list().unwrap()[0];
    assert_eq!((listed.version, listed.versions.len()), (7, 5));
    assert!(listed.versions.iter().all(|v| v.created.is_some_and(|t| t >= listed.created)));
    bench.set("A", "value-number-7").unwrap();
    assert!(!texts(&held(&bench, "A")).contains(&"value-number-7"), "the same twice is looked for once");
}

#[test]
fn flags_change_what_they_name_and_nothing_else() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    let at = Timestamp(Timestamp::now().0 + 60_000);
    let goes = Going::Said {
        hosts: list(&["api.example.com"]),
        slot: Some("header:X-Key".into()),
        methods: list(&["get"]),
        paths: None,
    };
    let meta = Meta { expires: Some(Expiry::At(at)), goes: Some(goes), ..Meta::default() };
    let placeholder = vault.set(&name("A"), &Secret::from("a-first-value"), meta).unwrap();
    bench.set("A", "a-second-value").unwrap();
    let now = held(&bench, "A");
    assert_eq!((now.expires, now.barred), (Some(at), None));
    let credential = now.goes.unwrap();
    assert_eq!((credential.secret.as_str(), credential.methods), ("A", vec!["GET".to_owned()]));
    let only = Going::Said { hosts: None, slot: None, methods: Some(Vec::new()), paths: list(&["/v1/**"]) };
    let again = vault.amend(&name("A"), &Meta { goes: Some(only), ..Meta::default() }).unwrap();
    assert_eq!(again, placeholder);
    let listed = vault.list().unwrap().remove(0);
    let goes = listed.goes.unwrap();
    assert_eq!((goes.hosts, goes.slot.as_str()), (vec!["api.example.com".to_owned()], "header:X-Key"));
    assert!(goes.methods.is_empty() && goes.paths == ["/v1/**"]);
    assert_eq!((listed.expires, listed.version), (Some(at), 2), "the value was left alone");
    let none = Meta { expires: Some(Expiry::Never), goes: Some(Going::Unsaid), ..Meta::default() };
    vault.amend(&name("A"), &none).unwrap();
    let now = held(&bench, "A");
    assert!(now.expires.is_none() && now.goes.is_none() && now.value.expose() == b"a-second-value");
    assert_eq!(vault.amend(&name("B"), &none).unwrap_err().code(), "vault_no_entry");
}

#[test]
fn where_a_secret_cannot_go_is_refused_and_nothing_is_written() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    let said = |hosts: Option<Vec<String>>, slot: Option<&str>| Meta {
        goes: Some(Going::Said { hosts, slot: slot.map(str::to_owned), methods: None, paths: None }),
        ..Meta::default()
    };
    for bad in [
        said(list(&["api.example.com"]), None),
        said(None, Some("header:X-Key")),
        said(list(&["*"]), Some("header:X-Key")),
        said(list(&["api.example.com"]), Some("header:Host")),
    ] {
        let e = vault.set(&name("A"), &Secret::from("a-value-here"), bad).unwrap_err();
        assert_eq!(e.code(), "vault_bad_goes", "{e}");
    }
    assert_eq!(vault.list().unwrap(), []);
    let document = Meta { document: true, ..said(list(&["a.example"]), Some("query:k")) };
    let e = vault.set(&name("A"), &Secret::from("line one\nline two\n"), document).unwrap_err();
    assert_eq!(e.code(), "vault_bad_goes");
}

#[test]
fn what_has_expired_is_barred_and_still_looked_for() {
    let bench = Bench::new();
    let at = Timestamp(Timestamp::now().0 - 1);
    let meta = Meta { expires: Some(Expiry::At(at)), ..Meta::default() };
    bench.open().unwrap().set(&name("A"), &Secret::from("a-first-value"), meta).unwrap();
    let now = held(&bench, "A");
    assert_eq!((now.barred, now.value.expose()), (Some(Barred::Expired(at)), &b"a-first-value"[..]));
}

#[test]
fn a_document_has_lines_and_stays_one() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    let pem = Secret::from("-----BEGIN KEY-----\nQUJD\n-----END KEY-----\n");
    assert_eq!(vault.set(&name("K"), &pem, Meta::default()).unwrap_err().code(), "vault_bad_value");
    vault.set(&name("K"), &pem, Meta { document: true, ..Meta::default() }).unwrap();
    vault.set(&name("K"), &pem, Meta::default()).unwrap();
    let now = held(&bench, "K");
    assert!(now.document && now.value == pem);
}

#[test]
fn a_reference_is_kept_sealed_and_barred_until_somebody_resolves_it() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    let reference = Meta { reference: true, ..Meta::default() };
    bench.set("A", "a-plain-value").unwrap();
    vault.set(&name("A"), &Secret::from("env:THE_TOKEN"), reference.clone()).unwrap();
    let now = held(&bench, "A");
    assert_eq!(now.barred, Some(Barred::Unresolved("reference")));
    assert_eq!(now.reference.as_ref().unwrap().expose(), b"env:THE_TOKEN");
    assert!(now.value.is_empty() && texts(&now) == ["a-plain-value"]);
    assert_eq!(vault.list().unwrap()[0].from.as_deref(), Some("env"));
    assert!(!bench.vault_text().contains("THE_TOKEN"));
    bench.set("A", "plain-once-more").unwrap();
    let now = held(&bench, "A");
    assert_eq!(
        (texts(&now), now.barred),
        (vec!["a-plain-value"], None),
        "a reference is no value to look for"
    );
    for bad in ["THE_TOKEN", "env:", "gopher:x"] {
        let e = vault.set(&name("B"), &Secret::from(bad), reference.clone()).unwrap_err();
        assert_eq!(e.code(), "vault_bad_value", "{bad}");
    }
}

#[test]
fn a_renewed_secret_honours_the_old_one_for_the_overlap() {
    let mut bench = Bench::new();
    bench.place.keep = 1;
    let old = bench.set("A", "the-old-value").unwrap();
    let vault = bench.open().unwrap();
    let until = Timestamp(Timestamp::now().0 + 3_600_000);
    let overlap = Overlap { until, placeholder: true };
    let new = vault.renew(&name("A"), &Secret::from("the-new-value"), &Meta::default(), overlap).unwrap();
    assert_ne!(old, new);
    let now = held(&bench, "A");
    assert_eq!((texts(&now), &now.placeholder), (vec!["the-old-value"], &new), "kept, though one is kept");
    assert_eq!((&now.aliases[0].placeholder, now.aliases[0].until), (&old, Some(until)));
    assert_eq!(bench.set("B", &old).unwrap_err().code(), "vault_bad_value", "still a placeholder");
    let ended = Overlap { until: Timestamp(0), placeholder: false };
    assert_eq!(
        vault.renew(&name("A"), &Secret::from("the-third-value"), &Meta::default(), ended).unwrap(),
        new
    );
    assert_eq!(texts(&held(&bench, "A")), ["the-old-value"]);
    let e = vault.renew(&name("B"), &Secret::from("a-value-here"), &Meta::default(), ended).unwrap_err();
    assert_eq!(e.code(), "vault_no_entry");
}

#[test]
fn every_run_has_placeholders_of_its_own() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    assert_eq!(vault.issue_run("r0").unwrap(), [], "nothing to stand for");
    vault.end_run("r0").unwrap();
    assert!(!bench.place.file.exists(), "and nothing written for it");
    let own = bench.set("OPENAI_API_KEY", "sk-proj-the-real-one").unwrap();
    bench.set("B", "another-value").unwrap();
    let issued = vault.issue_run("r1").unwrap();
    let issued: Vec<_> = issued.iter().map(|(n, p)| (&**n, &**p)).collect();
    assert!(issued[1].0 == "OPENAI_API_KEY" && issued[1].1.starts_with("sk-proj-") && issued[1].1 != &*own);
    assert_eq!(vault.issue_run("r1").unwrap_err().code(), "vault_bad_run");
    assert_eq!(vault.issue_run("r 1").unwrap_err().code(), "vault_bad_run");
    let now = held(&bench, "OPENAI_API_KEY");
    assert_eq!((now.aliases.len(), now.aliases[0].run.as_deref()), (1, Some("r1")));
    assert_eq!((&*now.aliases[0].placeholder, now.aliases[0].until), (issued[1].1, None));
    vault.end_run("r1").unwrap();
    let ended = held(&bench, "OPENAI_API_KEY").aliases[0].until;
    assert!(ended.is_some_and(|t| t <= Timestamp::now()));
    assert_eq!(bench.set("C", issued[0].1).unwrap_err().code(), "vault_bad_value");
    vault.issue_run("live").unwrap();
    for n in 0..70 {
        vault.issue_run(&format!("n{n}")).unwrap();
        vault.end_run(&format!("n{n}")).unwrap();
    }
    let now = held(&bench, "B");
    let runs: Vec<_> = now.aliases.iter().filter_map(|a| a.run.as_deref()).collect();
    assert_eq!((runs.len(), runs.contains(&"live"), runs.contains(&"r1")), (64, true, false));
    vault.remove(&name("B")).unwrap();
    assert!(!bench.vault_text().contains("\"B\""), "its runs forget it too");
}

#[test]
fn a_value_that_would_break_the_slot_of_its_provider_is_refused() {
    let bench = Bench::new();
    for (name, value) in [("OPENAI_API_KEY", "sk-with\ta-tab"), ("STRIPE_KEY", "sk_test:with-a-colon")] {
        assert_eq!(bench.set(name, value).unwrap_err().code(), "vault_bad_value", "{name}");
        bench.set("NOBODYS", value).unwrap();
    }
}
