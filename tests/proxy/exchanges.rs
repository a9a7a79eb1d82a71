//! Many random exchanges, byte for byte: sizes, framings, codings, methods, both protocols on both sides.
//! `KATANA_TEST_EXCHANGES` says how many (600), `KATANA_TEST_SEED` repeats a run.

use super::Site;
use crate::support::random::Random;
use crate::support::{Answer, Ask, CROSSINGS, Client, Proto, Received, Reply, block_on, codec};

const LANES: usize = 8;
const MOST: usize = 5 << 20;

/// Both halves of an exchange, as they should arrive.
struct Exchange {
    path: String,
    ask: Ask,
    reply: Reply,
    request_body: Vec<u8>,
    response_body: Vec<u8>,
}

#[test]
fn random_exchanges_are_identical_both_ways() {
    let count: u64 =
        std::env::var("KATANA_TEST_EXCHANGES").map_or(600, |t| t.parse().expect("a number of exchanges"));
    let seed = Random::run_seed();
    eprintln!("KATANA_TEST_SEED={seed} for these {count} exchanges");
    let site = Site::new();
    block_on(async {
        let lanes = (0..LANES).map(|lane| run(&site, seed, count, lane));
        futures_util::future::join_all(lanes).await;
    });
}

async fn run(site: &Site, seed: u64, count: u64, lane: usize) {
    let (client, server) = CROSSINGS[lane % CROSSINGS.len()];
    let mut session = Client::new(&site.katana).open(Site::host(server), client).await;
    let origin = site.origin(server);
    for i in (lane as u64..count).step_by(LANES) {
        let exchange = make(&mut Random::new(seed.wrapping_add(i)), i, client);
        origin.on(&exchange.path, exchange.reply.clone());
        let answer = session.ask(exchange.ask.clone()).await;
        let label = format!(
            "exchange {i} of seed {seed}, {client:?} to {server:?}: {} {}",
            exchange.ask.method, exchange.path
        );
        assert_eq!(answer.header("x-katana-code"), "", "{label}: {}", answer.text());
        compare(&exchange, &origin.take(&exchange.path), &answer, &label);
    }
}

fn make(random: &mut Random, i: u64, client: Proto) -> Exchange {
    let method =
        random.pick(&["GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    let path = format!("/x/{i}");
    let mut ask = Ask::new(method, &format!("{path}?n={}", random.next()));
    let mut request_body = Vec::new();
    if !matches!(method, "GET" | "HEAD" | "OPTIONS") || random.chance(5) {
        let codings = codings(random);
        request_body = codec::encode_all(&codings, &body(random));
        if !codings.is_empty() {
            ask = ask.header("content-encoding", codings.join(", "));
        }
        let sized = random.chance(50) || request_body.is_empty();
        let trailer = !sized && random.chance(30);
        ask = Ask { sized, ..ask.pieces(random.pieces(&request_body)) };
        if trailer {
            ask = ask.trailer("x-trailer", "after all");
            if client == Proto::H2 {
                // what is not announced cannot follow a streamed body over HTTP/1.1
                ask = ask.header("trailer", "x-trailer");
            }
        }
    }
    for n in 0..random.below(12) {
        let value = random.bytes(12).iter().map(|b| format!("{:x}", b % 16)).collect::<String>();
        ask = ask.header(&format!("x-random-{n}"), value);
    }
    ask = ask.header("te", "trailers");
    let (reply, response_body) = answer_to(random, method, client);
    Exchange { path, ask, reply, request_body, response_body }
}

fn answer_to(random: &mut Random, method: &str, client: Proto) -> (Reply, Vec<u8>) {
    let status = random.pick(&[200, 200, 200, 200, 201, 203, 204, 304, 400, 404, 418, 500, 503]);
    if matches!(status, 204 | 304) {
        return (Reply::empty(status).header("x-random", "none"), Vec::new());
    }
    let codings = codings(random);
    let body = codec::encode_all(&codings, &body(random));
    let mut reply = Reply::pieces(random.pieces(&body)).status(status).header("x-random", "some");
    if !codings.is_empty() {
        reply = reply.header("content-encoding", &codings.join(", "));
    }
    if method == "HEAD" {
        return (reply.sized(true), Vec::new());
    }
    reply = reply.sized(random.chance(50));
    if !reply.sized && random.chance(30) && (client == Proto::H2 || !body.is_empty()) {
        reply = reply.trailer("x-after", "words");
    }
    (reply, body)
}

fn codings(random: &mut Random) -> Vec<&'static str> {
    match random.below(10) {
        0..5 => Vec::new(),
        5..9 => vec![random.pick(&codec::CODINGS)],
        _ => vec![random.pick(&codec::CODINGS), random.pick(&codec::CODINGS)],
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    let size = random.size(MOST);
    random.bytes(size)
}

fn compare(exchange: &Exchange, got: &Received, answer: &Answer, label: &str) {
    assert_eq!(got.method, exchange.ask.method, "{label}");
    assert_eq!(got.target, exchange.ask.path, "{label}");
    assert!(got.body == exchange.request_body, "{label}: the request's body differs");
    for (name, value) in exchange.ask.headers.iter().filter(|(n, _)| n != "te") {
        assert_eq!(got.header(name).as_bytes(), value, "{label}: {name}");
    }
    let trailers: Vec<_> =
        exchange.ask.trailers.iter().map(|(n, v)| (n.clone(), v.as_bytes().to_vec())).collect();
    assert_eq!(got.trailers, trailers, "{label}");
    assert_eq!(answer.status.as_u16(), exchange.reply.status, "{label}");
    assert!(answer.complete, "{label}: the answer broke off");
    assert!(answer.body == exchange.response_body, "{label}: the response's body differs");
    for (name, value) in exchange.reply.headers.iter().filter(|(n, _)| n != "trailer") {
        assert_eq!(answer.header(name).as_bytes(), value, "{label}: {name}");
    }
    let trailers = crate::support::client::headers(&exchange.reply.trailers);
    assert_eq!(answer.trailers, trailers, "{label}");
}
