//! The proxy from outside: bytes in, bytes out, and the record of it.

mod basics;
mod streaming;
mod exchanges;
mod authority;
mod destinations;
mod scrub;
mod splits;
mod inject;
mod belonging;
mod bypasses;
mod slots;
mod slots_together;
mod uses;
mod echo;
mod wire;
mod answers;
mod limits;
mod via;
mod lifecycle;
mod reload;
mod upstream;
mod denials;
mod vanishing;
mod hiding;
mod judged;

use crate::support::{CROSSINGS, Client, Katana, Origin, Proto, Raw, Session, block_on, katana, origin};

/// A katana between clients and two origins: `origin.test` speaks HTTP/1.1 only, `other.test` HTTP/2 only.
pub(crate) struct Site {
    pub(crate) h1: Origin,
    pub(crate) h2: Origin,
    pub(crate) katana: Katana,
}

impl Site {
    /// With the default configuration and these vault entries.
    pub(crate) fn with(secrets: &[(&str, &str)]) -> Self {
        let (h1, h2) = (origin().only(Proto::H1).start(), origin().only(Proto::H2).start());
        let katana = katana().reach("origin.test", h1.addr).reach("other.test", h2.addr);
        let katana = secrets.iter().fold(katana, |k, (name, value)| k.secret(name, value)).start();
        Self { h1, h2, katana }
    }

    /// With an empty vault.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The name of the origin that speaks this.
    pub(crate) fn host(proto: Proto) -> &'static str {
        match proto {
            Proto::H1 => "origin.test",
            Proto::H2 => "other.test",
        }
    }

    /// The origin that speaks this.
    pub(crate) fn origin(&self, proto: Proto) -> &Origin {
        match proto {
            Proto::H1 => &self.h1,
            Proto::H2 => &self.h2,
        }
    }

    /// Runs a test over HTTP/1.1 and HTTP/2 on either side, all four ways.
    pub(crate) fn each_crossing(&self, test: impl AsyncFn(&mut Session, &Origin)) {
        block_on(async {
            for (client, server) in CROSSINGS {
                eprintln!("client {client:?}, origin {server:?}");
                let mut session = Client::new(&self.katana).open(Self::host(server), client).await;
                test(&mut session, self.origin(server)).await;
            }
        });
    }
}

/// A CONNECT tunnel of plain bytes to `host:port`.
pub(crate) fn tunnel(katana: &Katana, authority: &str) -> Raw {
    let mut raw = Raw::open(katana.addr);
    raw.say(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
    let heard = raw.try_hear("CONNECT").expect("an answer to CONNECT");
    assert_eq!(heard.status, 200, "{}", heard.head);
    raw
}

/// A tunnel to `origin.test` with TLS in it, for HTTP/1.1 in plain bytes.
pub(crate) fn inside(katana: &Katana) -> Raw {
    tunnel(katana, "origin.test:443").tls(&katana.ca, "origin.test", &[b"http/1.1"]).unwrap()
}
