//! Somebody goes away at every point of an exchange: one record each, that says what became of it; and nobody is told
//! that half a message is a whole one.

use crate::support::reply::End;
use crate::support::{Ask, Client, Katana, Origin, Proto, Reply, block_on, katana, origin, until};
use std::time::Duration;

fn pair(proto: Proto) -> (Origin, Katana) {
    let origin = origin().only(proto).start();
    let katana = katana().origin(&origin).start();
    (origin, katana)
}

const PROTOS: [Proto; 2] = [Proto::H1, Proto::H2];

#[test]
fn a_client_that_does_not_wait_for_the_answer_is_cancelled() {
    for server in PROTOS {
        let (origin, katana) = pair(server);
        origin.on("/thinks", Reply::new("late").delay(60_000));
        block_on(async {
            for client in PROTOS {
                let mut session = Client::new(&katana).open("origin.test", client).await;
                let asked =
                    tokio::time::timeout(Duration::from_millis(300), session.ask(Ask::get("/thinks")));
                assert!(asked.await.is_err(), "it does not answer");
            }
        });
        for record in katana.records("/thinks", 2) {
            assert_eq!(record["outcome"], "cancelled", "{record}");
        }
        katana.verify_audit();
    }
}

#[test]
fn a_client_that_leaves_mid_answer_is_cancelled() {
    for server in PROTOS {
        let (origin, katana) = pair(server);
        origin.on("/drips", Reply::pieces(vec!["x".repeat(50_000); 10_000]).gap(5));
        block_on(async {
            for client in PROTOS {
                let mut session = Client::new(&katana).open("origin.test", client).await;
                let response = session.try_begin(Ask::get("/drips")).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                drop(response); // over HTTP/2 a reset stream, on a connection that goes on
                if client == Proto::H2 {
                    assert_eq!(session.ask(Ask::get("/nothing")).await.status, 404);
                }
            }
        });
        for record in katana.records("/drips", 2) {
            assert_eq!(
                (&record["outcome"], &record["status"]),
                (&"cancelled".into(), &200.into()),
                "{record}"
            );
            assert!(record["bytes_out"].as_u64().is_some_and(|n| n > 0), "{record}");
        }
        katana.verify_audit();
    }
}

#[test]
fn a_client_that_leaves_mid_upload_is_cancelled() {
    for server in PROTOS {
        let (origin, katana) = pair(server);
        block_on(async {
            for client in PROTOS {
                for size in [1_000, 3 << 20] {
                    let mut session = Client::new(&katana).open("origin.test", client).await;
                    let (feeder, answer) = session.begin_fed(&Ask::new("POST", "/half")).await;
                    let answer = tokio::spawn(answer);
                    assert!(feeder.data(vec![b'x'; size]).await);
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    feeder.fail().await;
                    assert!(answer.await.unwrap().is_err_or_refused());
                }
            }
        });
        for record in katana.records("/half", 4) {
            assert_eq!(record["outcome"], "cancelled", "{record}");
        }
        assert!(origin.try_take("/half").is_none(), "half a request is no request");
        katana.verify_audit();
    }
}

trait Refused {
    fn is_err_or_refused(&self) -> bool;
}

impl<B> Refused for hyper::Result<http::Response<B>> {
    fn is_err_or_refused(&self) -> bool {
        self.as_ref().map_or(true, |r| r.status().is_client_error())
    }
}

#[test]
fn an_origin_that_dies_in_a_long_answer_breaks_it_for_the_client() {
    for server in PROTOS {
        let (origin, katana) = pair(server);
        for sized in [true, false] {
            let reply = Reply::pieces(vec!["y".repeat(60_000); 50]).sized(sized);
            origin.on("/dies", reply.end(End::Broken));
            block_on(async {
                for client in PROTOS {
                    let mut session = Client::new(&katana).open("origin.test", client).await;
                    let answer = session.ask(Ask::get("/dies")).await;
                    assert!(!answer.complete, "{client:?} to {server:?}, sized: {sized}");
                    assert_eq!(answer.status, 200);
                }
            });
        }
        for record in katana.records("/dies", 4) {
            assert_eq!(
                (&record["outcome"], &record["code"]),
                (&"failed".into(), &"upstream_body".into()),
                "{record}"
            );
        }
        katana.verify_audit();
    }
}

#[test]
fn a_silent_origin_is_given_up_in_the_middle_of_its_answer() {
    let origin = origin().start();
    let idle = serde_json::json!({"proxy": {"limits": {"timeouts": {"idle": "400ms"}}}});
    let katana = katana().origin(&origin).config(idle).start();
    origin.on("/stops", Reply::events(&["one"]).end(End::Silent));
    block_on(async {
        for client in PROTOS {
            let mut session = Client::new(&katana).open("origin.test", client).await;
            let answer = session.ask(Ask::get("/stops")).await;
            assert!(!answer.complete, "{client:?}: {}", answer.text());
            assert_eq!(answer.text(), "data: one\n\n");
        }
    });
    for record in katana.records("/stops", 2) {
        assert_eq!(record["code"], "upstream_silent", "{record}");
    }
}

#[test]
fn a_stream_in_which_a_credential_comes_back_is_broken_off_not_ended() {
    let (origin, katana) = super::inject::provided();
    let big = [vec![b'.'; 3 << 20], b"sk-test-Vb6nM3cX8zL1kJ4hG7fD".to_vec(), vec![b','; 1000]].concat();
    let body = crate::support::codec::encode("zstd", &big);
    let pieces: Vec<_> = body.chunks(64).map(<[u8]>::to_vec).collect();
    let reply = Reply::pieces(pieces).header("content-encoding", "zstd");
    origin.on("/v1/coded", reply.header("content-type", "text/event-stream"));
    block_on(async {
        for client in PROTOS {
            let mut session = Client::new(&katana).open("api.openai.com", client).await;
            let answer = session.try_ask(Ask::get("/v1/coded")).await;
            assert!(answer.is_none_or(|a| !a.complete), "{client:?}");
        }
    });
    for record in katana.records("/v1/coded", 2) {
        assert_eq!(record["outcome"], "denied", "{record}");
    }
    katana.verify_audit();
}

#[test]
fn a_killed_proxy_leaves_a_chain_that_holds() {
    let origin = origin().start();
    let mut katana = katana().origin(&origin).start();
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H1).await;
        for _ in 0..20 {
            session.ask(Ask::get("/before")).await;
        }
    });
    until("records on disk", || (!katana.records("/before", 20).is_empty()).then_some(()));
    katana.signal(rustix::process::Signal::KILL);
    katana.wait();
    katana.verify_audit();
    assert_eq!(katana.records("/before", 20).len(), 20);
}
