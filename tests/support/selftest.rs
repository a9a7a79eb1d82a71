//! The tools themselves, with a proxy that only connects in katana's place: what is said is what is recorded and answered.

use super::client::{Ask, Client, read};
use super::raw::Raw;
use super::reply::{End, Reply};
use super::scripted::{Step, say, scripted};
use super::{Origin, Proto, block_on, origin, pki, random::Random};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};

/// A proxy that only connects: one CONNECT, then bytes both ways.
fn tunnel(to: SocketAddr) -> Client {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            std::thread::spawn(move || block_on(relay(tcp, to)));
        }
    });
    Client::to(addr, pki::ca_pem())
}

async fn relay(tcp: std::net::TcpStream, to: SocketAddr) {
    tcp.set_nonblocking(true).unwrap();
    let mut client = tokio::net::TcpStream::from_std(tcp).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let mut origin = tokio::net::TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut origin).await;
}

async fn everything(origin: &Origin, proto: Proto) {
    let mut session = tunnel(origin.addr).open("origin.test", proto).await;
    origin.on("/a", Reply::new("hello").header("x-a", "b").trailer("x-end", "1"));
    let ask = Ask::new("PUT", "/a?q=1")
        .header("x-in", "v")
        .header("te", "trailers")
        .pieces(["one", "two"])
        .trailer("x-t", "2");
    let answer = session.ask(ask).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    assert_eq!((answer.header("x-a"), super::header(&answer.trailers, "x-end")), ("b", "1"));
    assert!(answer.complete);
    let got = origin.take("/a");
    assert_eq!((got.method.as_str(), got.target.as_str()), ("PUT", "/a?q=1"));
    assert_eq!((got.body.as_slice(), got.header("x-in").as_str()), (&b"onetwo"[..], "v"));
    assert_eq!(got.trailers, [("x-t".to_owned(), b"2".to_vec())]);
    assert_eq!((got.h2, got.authority.as_str()), (proto == Proto::H2, "origin.test"));
    for path in ["/get", "/echo", "/gz", "/cut"] {
        origin.on("/get", Reply::empty(204));
        origin.on("/echo", Reply::echo());
        origin.on("/gz", Reply::coded(&["gzip", "br"], b"packed"));
        origin.on("/cut", Reply::pieces(["part"]).end(End::Broken));
        let answer = session.ask(Ask::post(path, Random::new(1).bytes(100_000))).await;
        assert_eq!(answer.complete, path != "/cut", "{path}");
        assert_eq!(origin.take(path).body.len(), 100_000);
    }
}

#[test]
fn origin_and_client_understand_each_other() {
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            everything(&origin().start(), proto).await;
        }
    });
}

#[test]
fn a_mirror_answers_while_it_listens() {
    let origin = origin().start();
    origin.on("/mirror", Reply::mirror());
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = tunnel(origin.addr).open("origin.test", proto).await;
            let (feeder, answer) = session.begin_fed(&Ask::new("POST", "/mirror")).await;
            let answer = tokio::spawn(async move { read(answer.await.unwrap()).await });
            for piece in ["a", "b", "c"] {
                assert!(feeder.data(piece).await);
            }
            drop(feeder);
            assert_eq!(answer.await.unwrap().text(), "abc");
        }
    });
}

#[test]
fn a_scripted_origin_says_exactly_its_lines() {
    let origin = scripted(vec![
        Step::Head,
        Step::Body(2),
        say("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
        Step::Pause(10),
        say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    ]);
    let mut raw = Raw::open(origin.addr).tls(&pki::ca_pem(), "origin.test", &[b"http/1.1"]).unwrap();
    raw.say("POST / HTTP/1.1\r\nhost: origin.test\r\ncontent-length: 2\r\n\r\nhi");
    assert!(raw.try_head().unwrap().contains("103"));
    assert_eq!(raw.hear().body, b"ok");
    assert!(raw.is_over());
    assert_eq!(origin.heads().len(), 1);
    let reset = scripted(vec![Step::Head, Step::Reset]);
    let mut raw = Raw::open(reset.addr).tls(&pki::ca_pem(), "origin.test", &[]).unwrap();
    assert!(raw.say("GET / HTTP/1.1\r\n\r\n").try_hear("GET").is_none());
}

#[test]
fn bad_certificates_are_bad() {
    use pki::Leaf;
    for leaf in [Leaf::Expired, Leaf::WrongName, Leaf::SelfSigned] {
        let origin = origin().leaf(leaf).start();
        assert!(Raw::open(origin.addr).tls(&pki::ca_pem(), "origin.test", &[]).is_err(), "{leaf:?}");
    }
}
