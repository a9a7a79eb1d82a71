//! A credential that katana put in, sent back by the origin: the agent sees the placeholder.

use super::inject::provided;
use crate::support::{Answer, Ask, Client, Proto, Reply, block_on, oracle};

const KEY: &str = "sk-test-Vb6nM3cX8zL1kJ4hG7fD";

fn never_in(answer: &Answer, body: &[u8], label: &str) {
    assert!(oracle::reads(body, KEY).is_none(), "{label}: {}", String::from_utf8_lossy(body));
    for (name, value) in answer.headers.iter().chain(&answer.trailers) {
        assert!(oracle::reads(value.as_bytes(), KEY).is_none(), "{label}: in {name}");
    }
}

#[test]
fn the_agent_never_sees_what_was_injected() {
    let (origin, katana) = provided();
    let placeholder = katana.placeholder("OPENAI_API_KEY");
    let all: [&'static [&'static str]; 6] =
        [&[], &["gzip"], &["deflate"], &["br"], &["zstd"], &["gzip", "br"]];
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = Client::new(&katana).open("api.openai.com", proto).await;
            for codings in all {
                for gap in [0, 2] {
                    origin.on("/v1/echo", Reply::reflect("authorization", codings).gap(gap));
                    let answer = session.try_ask(Ask::get("/v1/echo")).await;
                    let Some(answer) = answer.filter(|a| a.complete) else {
                        // on a slow machine the pieces come as a stream: what is encoded there is cut off
                        assert!(!codings.is_empty() && gap > 0, "{proto:?} {codings:?}");
                        origin.clear();
                        session = Client::new(&katana).open("api.openai.com", proto).await;
                        continue;
                    };
                    let label = format!("{proto:?} {codings:?}, pieces {gap} ms apart");
                    assert_eq!(origin.take("/v1/echo").header("authorization"), format!("Bearer {KEY}"));
                    let coding = answer.header("content-encoding");
                    let body = crate::support::codec::decode_all(coding, &answer.body).unwrap();
                    never_in(&answer, &body, &label);
                    let text = String::from_utf8_lossy(&body).into_owned();
                    assert_eq!(text, format!("you sent <Bearer {placeholder}>, did you not?"), "{label}");
                    assert_eq!(answer.header("x-reflected"), format!("Bearer {placeholder}"), "{label}");
                }
            }
        }
    });
    katana.never_tells(KEY);
}

#[test]
fn the_forms_in_which_servers_reflect_are_caught_too() {
    let (origin, katana) = provided();
    block_on(async {
        let mut session = Client::new(&katana).open("api.openai.com", Proto::H1).await;
        let reflected = |name: &str| name == "raw" || name.starts_with("hex") || name.starts_with("base64");
        for (name, form) in crate::support::forms::forms(KEY) {
            if !reflected(&name) || name == "hex-escape" {
                continue; // no server encodes so of its own accord
            }
            let body = [b"<<", &form[..], b">>"].concat();
            let header = String::from_utf8_lossy(&form).into_owned();
            let reply =
                Reply::new(body).header("x-echo", &header).header("set-cookie", &format!("k={header}"));
            origin.on("/v1/forms", reply);
            let answer = session.ask(Ask::get("/v1/forms")).await;
            never_in(&answer, &answer.body, &name);
        }
    });
}

#[test]
fn an_echo_in_a_large_stream_is_caught_wherever_it_stands() {
    let (origin, katana) = provided();
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = Client::new(&katana).open("api.openai.com", proto).await;
            for before in [0, 1, 16_384 - 5, 65_536 - 1, (1 << 20) - 10, (2 << 20) + 3] {
                let body = [vec![b'.'; before], KEY.as_bytes().to_vec(), vec![b','; 100_000]].concat();
                origin.on("/v1/large", Reply::pieces(body.chunks(8191).map(<[u8]>::to_vec)));
                let answer = session.ask(Ask::get("/v1/large")).await;
                assert!(
                    !answer.body.windows(KEY.len()).any(|w| w == KEY.as_bytes()),
                    "{proto:?} at {before}"
                );
                assert!(answer.body[..before].iter().all(|b| *b == b'.'));
                assert_eq!(answer.body.iter().filter(|b| **b == b',').count(), 100_000);
            }
        }
    });
}
