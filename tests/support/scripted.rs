//! An origin that says exactly these bytes: for answers that no proper server gives.

use super::origin::NAMES;
use super::pki::{self, Leaf};
use super::raw::Raw;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does next on a connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Reads up to the empty line.
    Head,
    /// Reads this many bytes.
    Body(usize),
    /// Writes.
    Say(Vec<u8>),
    /// Waits.
    Pause(u64),
    /// Sends TCP RST.
    Reset,
}

/// Says these bytes.
pub(crate) fn say(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

/// A scripted origin; its threads end with their connections.
pub(crate) struct Scripted {
    pub(crate) addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// The heads it has read.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Does the same steps on every connection, inside TLS (HTTP/1.1), then closes.
pub(crate) fn scripted(steps: Vec<Step>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = heads.clone();
    let tls = pki::server(&NAMES, Leaf::Good, &[b"http/1.1"]);
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let (steps, heads, tls) = (steps.clone(), kept.clone(), tls.clone());
            std::thread::spawn(move || {
                if let Some(raw) = Raw::accept(tcp, tls) {
                    play(raw, &steps, &heads);
                }
            });
        }
    });
    Scripted { addr, heads }
}

fn play(mut raw: Raw, steps: &[Step], heads: &Mutex<Vec<String>>) {
    for step in steps {
        match step {
            Step::Head => match raw.try_head() {
                Some(head) => heads.lock().unwrap().push(head),
                None => return,
            },
            Step::Body(length) => {
                raw.exact(*length);
            }
            Step::Say(bytes) => {
                if !raw.try_say(bytes) {
                    return;
                }
            }
            Step::Pause(millis) => std::thread::sleep(Duration::from_millis(*millis)),
            Step::Reset => return raw.reset(),
        }
    }
    raw.close();
}
