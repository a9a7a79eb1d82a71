//! Origins that cannot be trusted or reached: a clear 502, and katana goes on serving others.

use crate::support::pki::Leaf;
use crate::support::{Ask, Client, Proto, block_on, katana, origin};
use serde_json::json;

#[test]
fn a_bad_certificate_is_a_502_that_says_so() {
    let good = origin().start();
    for leaf in [Leaf::Expired, Leaf::WrongName, Leaf::SelfSigned] {
        let bad = origin().leaf(leaf).start();
        let katana = katana().reach("origin.test", bad.addr).reach("other.test", good.addr).start();
        block_on(async {
            let client = Client::new(&katana);
            for proto in [Proto::H1, Proto::H2] {
                let answer = client.open("origin.test", proto).await.ask(Ask::post("/x", "data")).await;
                let error = answer.denied(502);
                let told = error.to_string().to_lowercase();
                assert!(told.contains("certificate") || told.contains("tls"), "{leaf:?}: {told}");
            }
            assert_eq!(client.once("other.test", Ask::get("/")).await.status, 404, "others are served");
        });
        assert!(bad.received().is_empty(), "{leaf:?}: something was sent");
    }
}

#[test]
fn an_origin_that_is_not_there_is_a_502() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let katana = katana().reach("origin.test", gone).start();
    block_on(async {
        let answer = Client::new(&katana).once("origin.test", Ask::get("/gone")).await;
        answer.denied(502);
    });
    assert_eq!(katana.records("/gone", 1)[0]["status"], 502);
}

#[test]
fn an_origin_that_speaks_no_tls_is_a_502() {
    let plain = origin().plain().start();
    let katana = katana().reach("origin.test", plain.addr).start();
    block_on(async {
        Client::new(&katana).once("origin.test", Ask::get("/x")).await.denied(502);
    });
    assert!(plain.received().is_empty());
}

#[test]
fn a_kept_connection_that_died_is_no_error() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = Client::new(&katana).open("origin.test", proto).await;
            for _ in 0..5 {
                assert_eq!(session.ask(Ask::get("/kept")).await.status, 404);
                origin.cut();
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            }
        }
    });
}

#[test]
fn unverified_origins_and_credentials_do_not_go_together() {
    let home = katana().config(json!({"proxy": {"upstream": {"tls_verify": false}}})).home();
    let Err((code, said)) = home.try_start() else { panic!("it started") };
    assert!(matches!(code, Some(1..=4)), "{code:?}");
    assert!(said.contains("tls_verify") && said.contains("inject_credentials"), "{said}");
    let bad = origin().leaf(Leaf::SelfSigned).start();
    let off = json!({"proxy": {"inject_credentials": false, "upstream": {"tls_verify": false}}});
    let katana = katana().origin(&bad).config(off).start();
    block_on(async {
        assert_eq!(Client::new(&katana).once("origin.test", Ask::get("/")).await.status, 404);
    });
}
