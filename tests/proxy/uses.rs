//! Each use of a secret is in the audit: who, which, where to, how often.

use super::inject::provided;
use crate::support::katana::documents;
use crate::support::{Ask, Client, Proto, block_on, until};
use serde_json::Value;

fn uses(all: &[Value]) -> Vec<(String, String, String, u64)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let used = all.iter().filter(|r| r["event_type"] == "vault_access" && r["tool_name"] == "vault.use");
    used.map(|r| (text(&r["client"]), text(&r["subject"]), text(&r["host"]), r["count"].as_u64().unwrap()))
        .collect()
}

#[test]
fn a_use_is_told_at_once_and_the_next_ones_with_their_number_at_the_latest_when_the_proxy_ends() {
    let (_origin, mut katana) = provided();
    let bearer = format!("Bearer {}", katana.placeholder("OPENAI_API_KEY"));
    let line = |n: u64| ("127.0.0.1".to_owned(), "OPENAI_API_KEY".to_owned(), "api.openai.com".to_owned(), n);
    block_on(async {
        let mut session = Client::new(&katana).open("api.openai.com", Proto::H2).await;
        for n in 0..5 {
            let ask = Ask::get(&format!("/v1/{n}")).header("authorization", &bearer);
            assert_eq!(session.ask(ask).await.status, 404);
            if n == 0 {
                until("the first use", || (uses(&katana.audit()) == [line(1)]).then_some(()));
            }
        }
        // what is refused used nothing
        let misplaced = Ask::get("/x").header("authorization", &bearer);
        assert_eq!(Client::new(&katana).once("other.test", misplaced).await.status, 403);
    });
    assert_eq!(uses(&katana.audit()), [line(1)], "not one record for each");
    let listed = documents(&katana.home.katana(&["vault", "list", "--json"]).stdout).remove(0);
    let of = |name: &str| {
        let entries = listed["entries"].as_array().unwrap();
        entries.iter().find(|e| e["name"] == name).unwrap()["last_used"].clone()
    };
    assert!(of("OPENAI_API_KEY").is_string() && of("ANTHROPIC_API_KEY").is_null(), "{listed}");
    katana.stop();
    assert_eq!(uses(&katana.audit()), [line(1), line(4)]);
    katana.verify_audit();
}
