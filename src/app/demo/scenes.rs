//! What the demo's agent tries, and what must come of it.

use super::{API, Agent, Cast, Check, Message, Origin, PAGES, Scene, failed};
use crate::app::service::Error;
use crate::audit::Head;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

/// All of them, in order.
pub(super) async fn play(agent: &Agent, origin: &Origin, cast: &Cast) -> Result<Vec<Scene>, Error> {
    let bearer = format!("Bearer {}", cast.placeholder);
    let leak = json!({ "note": format!("the key is {}", cast.value), "backup": cast.encoded }).to_string();
    let mut scenes = Vec::new();
    for act in [
        Act::new("A secret on its way out", SCRUBBED, Method::POST, PAGES, "/notes").body(leak),
        Act::new("A credential where it belongs", INJECTED, Method::GET, API, "/v1/models").bearer(&bearer),
        Act::new("A page that talks to the agent", STOPPED, Method::GET, PAGES, "/article"),
        Act::new("The placeholder taken elsewhere", MISPLACED, Method::GET, PAGES, "/collect")
            .bearer(&bearer),
    ] {
        scenes.push(act.play(agent, origin).await?);
    }
    for (scene, judge) in scenes.iter_mut().zip([scrubbed, injected, stopped, misplaced]) {
        scene.checks = judge(scene, cast);
    }
    Ok(scenes)
}

const SCRUBBED: &str = "It has come by the key, and puts it into a note: as it is, and in base64.";
const INJECTED: &str =
    "It calls the API with all it has, the placeholder. The API is careless and sends it back.";
const STOPPED: &str = "It reads a page from the web, with instructions in it that are not its user's.";
const MISPLACED: &str = "It sends the placeholder to a host that the key is not for.";

/// A request that is to be sent.
struct Act {
    title: &'static str,
    told: &'static str,
    method: Method,
    host: &'static str,
    path: &'static str,
    bearer: Option<String>,
    body: String,
}

impl Act {
    fn new(
        title: &'static str,
        told: &'static str,
        method: Method,
        host: &'static str,
        path: &'static str,
    ) -> Self {
        Self { title, told, method, host, path, bearer: None, body: String::new() }
    }

    fn bearer(self, value: &str) -> Self {
        Self { bearer: Some(value.to_owned()), ..self }
    }

    fn body(self, text: String) -> Self {
        Self { body: text, ..self }
    }

    async fn play(self, agent: &Agent, origin: &Origin) -> Result<Scene, Error> {
        let mut request = Request::builder().method(&self.method).uri(self.path).header(HOST, self.host);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(self.body.clone())))
            .map_err(|e| failed("has a bad request", e))?;
        let line = format!("{} https://{}{}", self.method, self.host, self.path);
        let sent = Message::new(line, request.headers(), self.body.as_bytes());
        let got = agent.send(self.host, request).await.map_err(|e| failed("got no answer", e))?;
        Ok(Scene {
            title: self.title,
            told: self.told,
            sent,
            reached: origin.reached(),
            got,
            checks: Vec::new(),
        })
    }
}

fn scrubbed(scene: &Scene, cast: &Cast) -> Vec<Check> {
    let reached = scene.reached.as_ref();
    let clean = |m: &Message| !m.holds(&cast.value) && !m.holds(&cast.encoded);
    let twice = |m: &Message| m.body.matches(&cast.placeholder).count() == 2;
    vec![
        check("the origin got neither form of the value", reached.is_some_and(clean)),
        check("the placeholder stands in both places", reached.is_some_and(twice)),
        check("the agent's request went through", scene.got.line.starts_with("200")),
    ]
}

fn injected(scene: &Scene, cast: &Cast) -> Vec<Check> {
    let real = format!("authorization: Bearer {}", cast.value);
    vec![
        check(
            "the origin got the real credential",
            scene.reached.as_ref().is_some_and(|m| m.headers.contains(&real)),
        ),
        check("the agent never saw it", !scene.sent.holds(&cast.value) && !scene.got.holds(&cast.value)),
        check("its echo came back as the placeholder", scene.got.body.contains(&cast.placeholder)),
    ]
}

fn stopped(scene: &Scene, _: &Cast) -> Vec<Check> {
    vec![
        check("the origin served the page", scene.reached.is_some()),
        check("the agent got 403 injection_detected", denied(scene, "injection_detected")),
        check("nothing of the page is in it", !scene.got.holds("Ignore all previous")),
    ]
}

fn misplaced(scene: &Scene, _: &Cast) -> Vec<Check> {
    vec![
        check("the agent got 403 placeholder_misplaced", denied(scene, "placeholder_misplaced")),
        check("nothing reached the host", scene.reached.is_none()),
    ]
}

/// Is it a denial as the agent is promised one?
fn denied(scene: &Scene, code: &str) -> bool {
    let body: Value = serde_json::from_str(&scene.got.body).unwrap_or_default();
    let fields = ["message", "rule", "exchange", "remedy"].map(|f| &body["error"][f]);
    scene.got.line.starts_with("403")
        && scene.got.headers.contains(&format!("x-katana-code: {code}"))
        && body["error"]["code"] == code
        && fields.iter().all(|f| f.as_str().is_some_and(|t| !t.is_empty()))
}

/// What must be in the audit afterwards.
pub(super) fn audit(records: &[Value], chain: &Option<Head>, cast: &Cast) -> Vec<Check> {
    let told = |at: usize, field: &str, what: Value| records.get(at).is_some_and(|r| r[field] == what);
    let text: String = records.iter().map(Value::to_string).collect();
    vec![
        check("one record for each of the four", records.len() == 4),
        check("the first names what was scrubbed", told(0, "scrubbed", json!([cast.name]))),
        check("the second names what was injected", told(1, "injected", json!([cast.name]))),
        check("the third is a denial", told(2, "code", json!("injection_detected"))),
        check("the fourth too", told(3, "code", json!("placeholder_misplaced"))),
        check("the value stands nowhere in them", !text.contains(&cast.value)),
        check("the chain holds", chain.is_some()),
    ]
}

fn check(what: &'static str, held: bool) -> Check {
    Check { what, held }
}
