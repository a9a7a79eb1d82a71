//! The built-in table, and what a table may not say.

use super::*;

#[test]
fn the_table_begins_with_the_twelve() {
    let table = Providers::builtin().unwrap();
    let names: Vec<&str> = table.iter().take(12).map(|p| &*p.name).collect();
    assert_eq!(
        names,
        [
            "openai",
            "anthropic",
            "google",
            "groq",
            "together",
            "openrouter",
            "vercel",
            "deepseek",
            "mistral",
            "cohere",
            "replicate",
            "huggingface",
        ]
    );
    for p in table.iter().take(12) {
        let usual = format!("{}_API_KEY", p.name.to_ascii_uppercase());
        let want = if &*p.name == "replicate" { "REPLICATE_API_TOKEN" } else { &usual };
        assert_eq!(&*p.secret, want);
        let slot = match &*p.name {
            "anthropic" => Slot::Header { name: "x-api-key".into(), scheme: None },
            "google" => Slot::Header { name: "x-goog-api-key".into(), scheme: None },
            _ => Slot::Header { name: "authorization".into(), scheme: Some("Bearer".into()) },
        };
        assert_eq!(p.slots[0], slot, "{}", p.name);
        assert!(p.fill);
    }
}

#[test]
fn every_host_of_the_first_twelve() {
    let table = Providers::builtin().unwrap();
    let hosts: Vec<String> = table.iter().take(12).flat_map(|p| &p.hosts).map(ToString::to_string).collect();
    assert_eq!(
        hosts.join(" "),
        "api.openai.com api.anthropic.com generativelanguage.googleapis.com aiplatform.googleapis.com \
         *-aiplatform.googleapis.com api.groq.com api.together.xyz api.together.ai openrouter.ai api.vercel.com \
         sdk.vercel.ai api.deepseek.com api.mistral.ai api.cohere.ai api.cohere.com api.replicate.com \
         api-inference.huggingface.co huggingface.co"
    );
}

#[test]
fn placeholders_look_like_the_providers_keys() {
    let table = Providers::builtin().unwrap();
    for (secret, prefix, length) in [
        ("OPENAI_API_KEY", "sk-proj-", 164),
        ("ANTHROPIC_API_KEY", "sk-ant-api03-", 108),
        ("GOOGLE_API_KEY", "AIza", 39),
        ("GROQ_API_KEY", "gsk_", 56),
        ("TOGETHER_API_KEY", "", 64),
        ("OPENROUTER_API_KEY", "sk-or-v1-", 73),
        ("VERCEL_API_KEY", "", 24),
        ("DEEPSEEK_API_KEY", "sk-", 35),
        ("MISTRAL_API_KEY", "", 32),
        ("COHERE_API_KEY", "", 40),
        ("REPLICATE_API_TOKEN", "r8_", 40),
        ("HUGGINGFACE_API_KEY", "hf_", 37),
        ("WHATEVER", "katana_", 39),
    ] {
        let p = table.placeholder(secret).unwrap();
        assert!(p.starts_with(prefix) && p.len() == length, "{secret}: {p}");
        assert!(p.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b)), "{p}");
        assert_ne!(p, table.placeholder(secret).unwrap());
    }
}

#[test]
fn a_broken_table_says_where() {
    let with = |line: &str| {
        let text = format!(
            "providers:\n  - name: x\n    secret: X\n    hosts: [x.com]\n{line}    \
             placeholder: {{ random: 32, alphabet: base62 }}\n"
        );
        Providers::parse(&text, "t").map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(with(""), Ok(()));
    for (line, word) in [
        ("    colour: red\n", "colour"),
        ("    slots: [\"header:a b\"]\n", "provider x: its slot header:a b has a header name"),
        ("    methods: [get]\n", "method"),
        ("    paths: [v1]\n", "path"),
        ("    fill: often\n", "often"),
        ("    secret: \"a b\"\n", "secret"),
    ] {
        let e = with(line).unwrap_err();
        assert!(e.contains(word), "{e}");
    }
    for bad in ["*", "*-com", "1.2.3", "a b", "*.*.x"] {
        assert!(host(bad).is_err(), "{bad}");
    }
}

#[test]
fn no_two_rows_contradict_each_other() {
    let table = Providers::builtin().unwrap();
    assert!(table.iter().count() >= 42, "twelve and thirty");
    let mut grammars = std::collections::HashMap::new();
    for p in &table {
        for name in p.names() {
            let first = grammars.entry(name.clone()).or_insert(p.secret.clone());
            assert_eq!(*first, p.secret, "{name} is the key of two providers");
        }
        let tenants =
            p.hosts.iter().any(|h| h.to_string().starts_with("*.") && !OWN_NAMES.contains(&&*h.to_string()));
        assert!(!tenants || !p.fill, "{}: any customer's host would be sent the key unasked", p.name);
        let mut slots = p.slots.clone();
        slots.dedup();
        assert_eq!(slots.len(), p.slots.len(), "{}", p.name);
    }
}

/// Names below which only the provider itself has hosts.
const OWN_NAMES: &[&str] = &["*.api.x.ai", "*.sentry.io", "*.api.mailchimp.com"];

#[test]
fn every_placeholder_fits_the_first_slot_it_goes_into() {
    let table = Providers::builtin().unwrap();
    for p in &table {
        let made = table.placeholder(&p.secret).unwrap();
        assert!(table.grammar(&p.secret).fits(made.as_bytes()), "{made}");
        assert!(crate::vault::slot_takes(&p.slots[0], &made.as_str().into()).is_ok(), "{}: {made}", p.name);
        let edges = [made.bytes().next(), made.bytes().last()];
        assert!(edges.iter().flatten().all(u8::is_ascii_alphanumeric), "{made}");
    }
}

/// The table of docs/credentials.md, as the providers have it. `KATANA_WRITE_DOCS=1` writes it.
#[test]
fn the_page_lists_every_provider() {
    const MARKS: (&str, &str) = ("<!-- providers -->\n", "<!-- /providers -->");
    let code = |all: Vec<String>| all.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(" ");
    let mut table = "| Provider | Secret | Hosts | Slots | Filled |\n|---|---|---|---|---|\n".to_owned();
    for p in &Providers::builtin().unwrap() {
        let mut only = Vec::new();
        only.extend(p.methods.iter().cloned());
        only.extend(p.paths.iter().map(|g| g.as_str().to_owned()));
        let only = if only.is_empty() { String::new() } else { format!("; only {}", code(only)) };
        table += &format!(
            "| {} | {} | {}{only} | {} | {} |\n",
            p.name,
            code(p.names().map(ToString::to_string).collect()),
            code(p.hosts.iter().map(ToString::to_string).collect()),
            code(p.slots.iter().map(ToString::to_string).collect()),
            if p.fill && p.slots[0].can_be_made() { "yes" } else { "never" },
        );
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/credentials.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(MARKS.0).unwrap();
    let (told, after) = rest.split_once(MARKS.1).unwrap();
    if std::env::var_os("KATANA_WRITE_DOCS").is_some() {
        std::fs::write(&path, [before, MARKS.0, &table, MARKS.1, after].concat()).unwrap();
    } else {
        assert!(
            told == table,
            "the table of docs/credentials.md is not that of config/providers.yaml: KATANA_WRITE_DOCS=1"
        );
    }
}
