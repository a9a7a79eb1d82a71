//! A new configuration while the old one serves: taken whole, or not at all.

use crate::support::config::lay_over;
use crate::support::{Answer, Ask, Client, Katana, Origin, Proto, block_on, katana, origin, until};
use rustix::process::Signal;
use serde_json::{Value, json};

fn running() -> (Origin, Katana) {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    (origin, katana)
}

fn changed(katana: &Katana, over: &Value) -> Value {
    let mut settings = katana.home.settings.clone();
    lay_over(&mut settings, over);
    settings
}

/// Is `other.test` denied?
fn denied(katana: &Katana) -> bool {
    block_on(async { Client::new(katana).connect("other.test:443").await.is_err() })
}

fn deny_other() -> Value {
    json!({"proxy": {"denied_domains": ["other.test"]}})
}

#[test]
fn a_changed_file_is_taken_by_itself_by_signal_and_by_command() {
    for way in ["file", "signal", "command"] {
        let (_origin, katana) = running();
        assert!(!denied(&katana));
        katana.home.configure(&changed(&katana, &deny_other()));
        match way {
            "signal" => katana.signal(Signal::HUP),
            "command" => {
                let out = katana.home.katana(&["proxy", "reload"]);
                assert_eq!(out.status.code(), Some(0), "{out:?}");
                assert!(denied(&katana), "the command returns once it is done");
            }
            _ => (),
        }
        until(&format!("the new rules, by {way}"), || denied(&katana).then_some(()));
        until("a record of the change", || {
            katana.audit().iter().any(|r| r["event_type"] == "config_change").then_some(())
        });
    }
}

#[test]
fn a_bad_configuration_changes_nothing_and_is_said() {
    let (_origin, katana) = running();
    katana.home.configure(&changed(&katana, &deny_other()));
    assert_eq!(katana.home.katana(&["proxy", "reload"]).status.code(), Some(0));
    for bad in ["proxy: {listn: x}", "proxy: [", "policy_preset: nonsense"] {
        katana.home.configure_text(bad);
        let out = katana.home.katana(&["proxy", "reload"]);
        assert_ne!(out.status.code(), Some(0), "{bad}");
        assert!(denied(&katana), "the old rules stay: {bad}");
    }
    until("a record of the refusal", || {
        let failed = |r: &Value| r["event_type"] == "config_change" && r["decision"] != "allow";
        katana.audit().iter().any(failed).then_some(())
    });
}

#[test]
fn requests_under_way_do_not_notice_a_reload() {
    let (origin, katana) = running();
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H2).await;
        let mut ask = async |path: &str| -> Answer { session.ask(Ask::get(path)).await };
        for i in 0..10 {
            katana
                .home
                .configure(&changed(&katana, &json!({"proxy": {"limits": {"header_count": 100 + i}}})));
            katana.signal(Signal::HUP);
            for _ in 0..20 {
                assert_eq!(ask("/steady").await.status, 404);
            }
        }
    });
    assert_eq!(origin.received().len(), 200);
}

#[test]
fn a_new_secret_is_scrubbed_without_a_restart() {
    let (origin, katana) = running();
    let value = "New8Kj5Hg2Fd9Sa6Po3Iu";
    let out = katana.home.katana_in(&["vault", "set", "LATER"], value);
    assert!(out.status.success(), "{out:?}");
    assert_eq!(katana.home.katana(&["proxy", "reload"]).status.code(), Some(0));
    block_on(async {
        Client::new(&katana).once("origin.test", Ask::post("/later", format!("<{value}>"))).await;
    });
    let got = origin.take("/later");
    assert!(!String::from_utf8_lossy(&got.body).contains(value));
}

#[test]
fn five_errors_are_five_lines_with_their_places() {
    let home = katana().home();
    home.configure_text(
        "policy_preset: wild\nproxy:\n  listen: here\n  mode: 3\n  unknown_key: 1\n  limits:\n    header_count: many\n",
    );
    let out = home.katana(&["config", "check"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    for (line, text) in [(1, "wild"), (3, "here"), (4, "3"), (5, "unknown_key"), (7, "many")] {
        assert!(said.contains(&format!(":{line}:")) && said.contains(text), "line {line}, {text}:\n{said}");
    }
    let Err((code, _)) = home.try_start() else { panic!("it started over a bad file") };
    assert!(code.is_some_and(|c| c != 0));
}

#[test]
fn a_policy_that_refuses_later_is_told_to_be_weaker() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let write = |score: u8| {
        let text = format!("name: ours\nextends: balanced\ndefaults: {{refuse_at: {score}}}\n");
        std::fs::write(&path, text).unwrap();
    };
    write(60);
    let origin = origin().start();
    let katana = katana().origin(&origin).config(json!({"policy_path": path})).start();
    let reload = |score| {
        write(score);
        let out = katana.home.katana(&["proxy", "reload"]);
        assert_eq!(out.status.code(), Some(0), "{out:?}");
    };
    let told = |what: &str| katana.audit().iter().any(|r| r.to_string().contains(what));
    reload(90);
    let what = "weaker: findings are refused from a score of 90 on, no longer 60";
    until("a record that it is weaker", || told(what).then_some(()));
    reload(70);
    assert!(!told("from a score of 70"), "what is stricter is not weaker");
}
