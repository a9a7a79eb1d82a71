//! `katana run --own-placeholders`: what a child gets, how long it is good, and what is told of it elsewhere.

use crate::support::{Ask, Client, Katana, Proto, Reply, block_on, katana, origin, until};
use std::fs;
use std::process::Stdio;

const KEY: &str = "sk-test-Vb6nM3cX8zL1kJ4hG7fD";
const HOST: &str = "api.openai.com";

fn bearer(placeholder: &str) -> Ask {
    Ask::get("/v1/run").header("authorization", format!("Bearer {placeholder}"))
}

async fn ask(katana: &Katana, host: &str, ask: Ask) -> crate::support::Answer {
    Client::new(katana).open(host, Proto::H1).await.ask(ask).await
}

#[test]
fn a_run_s_placeholder_is_good_until_it_ends_and_names_it_where_it_does_not_belong() {
    let origin = origin().start();
    origin.on("/v1/run", Reply::new("ok"));
    let katana = katana().origin(&origin).secret("OPENAI_API_KEY", KEY).start();
    let usual = katana.placeholder("OPENAI_API_KEY");
    let folder = katana.home.dir.path();
    let script = r#"printf '%s\n%s\n' "$OPENAI_API_KEY" "$OTHER" > told.new && mv told.new told; until [ -e go ]; do sleep 0.05; done"#;
    let mut child = katana
        .home
        .command(&["run", "--own-placeholders", "--", "sh", "-c", script])
        .env("OPENAI_API_KEY", &usual)
        .env("OTHER", format!("key={usual}"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("what the child has", || folder.join("told").exists().then_some(()));
    let told = fs::read_to_string(folder.join("told")).unwrap();
    let (own, other) = told.trim().split_once('\n').unwrap();
    assert!(own.starts_with("sk-proj-") && own.len() == usual.len() && own != usual, "{own}");
    assert_eq!(other, format!("key={own}"), "the usual one became the run's wherever it stood");
    block_on(async {
        assert_eq!(ask(&katana, HOST, bearer(own)).await.status, 200);
        assert_eq!(origin.take("/v1/run").header("authorization"), format!("Bearer {KEY}"));
        let denial = ask(&katana, "origin.test", bearer(own)).await.denied(403);
        assert_eq!(denial["code"], "placeholder_misplaced");
        assert!(denial["message"].as_str().unwrap().contains("OPENAI_API_KEY from run run-"), "{denial}");
    });
    fs::write(folder.join("go"), "").unwrap();
    let ended = until("the end of the run", || child.try_wait().unwrap());
    assert!(ended.success());
    let mut said = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
    let run = said.strip_prefix("katana: ").and_then(|s| s.split(':').next()).unwrap().to_owned();
    assert!(
        run.starts_with("run-") && said.contains("2 requests, 1 injected, 0 scrubbed, 1 denied"),
        "{said}"
    );
    block_on(async {
        let denial = loop {
            let answer = ask(&katana, HOST, bearer(own)).await;
            if answer.status == 403 {
                break answer.denied(403);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        assert_eq!(denial["code"], "placeholder_lapsed");
        assert!(denial["message"].as_str().unwrap().contains(&run), "{denial}");
        assert_eq!(ask(&katana, HOST, bearer(&usual)).await.status, 200, "the usual one is as good as ever");
    });
    let told = format!(
        "exfiltration attempt: placeholder of OPENAI_API_KEY from run {run} in the request header to origin.test:443"
    );
    until("the record of the attempt", || {
        serde_json::Value::from(katana.audit()).to_string().contains(&told).then_some(())
    });
    katana.never_tells(own);
}

#[test]
fn behind_a_proxy_of_its_own_too() {
    let origin = origin().start();
    origin.on("/v1/run", Reply::new("ok"));
    let home = katana().origin(&origin).secret("OPENAI_API_KEY", KEY).home();
    let script = r#"printf '%s' "$OPENAI_API_KEY" > told; curl -sS -H "authorization: Bearer $OPENAI_API_KEY" https://api.openai.com/v1/run"#;
    let out = home.katana(&["run", "--private", "--own-placeholders", "--", "sh", "-c", script]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stdout), "ok");
    assert_eq!(origin.take("/v1/run").header("authorization"), format!("Bearer {KEY}"));
    let own = fs::read_to_string(home.dir.path().join("told")).unwrap();
    let listing = String::from_utf8_lossy(&home.katana(&["vault", "list", "--json"]).stdout).into_owned();
    assert!(own.starts_with("sk-proj-") && !listing.contains(&own));
    let vault = fs::read_to_string(until("the vault", || {
        [".config/hermes-katana/vault.json", ".hermes-katana/vault.json"]
            .iter()
            .map(|p| home.dir.path().join(p))
            .find(|p| p.exists())
    }))
    .unwrap();
    assert!(vault.contains(&own) && vault.contains("\"ended\""), "known for what it is, and ended");
}

#[test]
fn without_secrets_there_is_nothing_to_issue() {
    let home = katana().home();
    let out = home.katana(&["run", "--private", "--own-placeholders", "--", "true"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let out = home.katana(&["run", "--no-proxy", "--own-placeholders", "--", "true"]);
    assert!(!out.status.success());
}
