//! Credentials that are obtained or made: through the program as it is, against an origin that is token endpoint and API.

mod tokens;
mod endpoint;
mod trouble;
mod assertions;
mod echo;
mod signing;
mod botocore;

use crate::support::{Answer, Ask, Client, Katana, Origin, Proto, Reply, katana, origin, until};
use serde_json::{Value, json};

/// What the origin's token endpoint is asked at.
pub(crate) const TOKEN_PATH: &str = "/oauth/token";
pub(crate) const REFRESH: &str = "refresh-Kj7Hg5Fd3Sa1Qw9Er";
pub(crate) const CLIENT: &str = "client-Zx8Cv6Bn4Mm2Lk0Po";
pub(crate) const TOKEN: &str = "token-Uy7Tr5Ew3Qa1Sd9Fg";

/// An answer of a token endpoint.
pub(crate) fn granted(token: &str, seconds: u64) -> Reply {
    reply(json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds }))
}

/// A JSON answer.
pub(crate) fn reply(document: Value) -> Reply {
    Reply::new(document.to_string()).header("content-type", "application/json")
}

/// A refresh-token account for `origin.test`, whose endpoint is at `api.example.test`.
pub(crate) fn oauth(over: Value) -> Value {
    let mut all = json!({
        "kind": "oauth2", "grant": "refresh_token", "token_url": format!("https://api.example.test{TOKEN_PATH}"),
        "client_id": "me", "client_secret": "CLIENT", "secret": "REFRESH", "hosts": ["origin.test"],
    });
    for (key, value) in over.as_object().unwrap() {
        all[key] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    all
}

/// An origin under every name, and a katana with these credentials, whose vault holds the tests' secrets.
pub(crate) fn field(credentials: Value, secrets: &[(&str, &str)]) -> (Origin, Katana) {
    field_with(credentials, secrets, json!({}))
}

/// The same, with other configuration laid over.
pub(crate) fn field_with(credentials: Value, secrets: &[(&str, &str)], over: Value) -> (Origin, Katana) {
    let origin = origin().start();
    origin.on(TOKEN_PATH, granted(TOKEN, 3600));
    let katana = katana().origin(&origin).config(json!({ "credentials": [credentials] })).config(over);
    let katana = katana.secret("REFRESH", REFRESH).secret("CLIENT", CLIENT);
    let katana = secrets.iter().fold(katana, |k, (name, value)| k.secret(name, value));
    (origin, katana.start())
}

/// One request on a connection of its own.
pub(crate) async fn ask(katana: &Katana, host: &str, proto: Proto, ask: Ask) -> Answer {
    Client::new(katana).open(host, proto).await.ask(ask).await
}

/// How many calls for a token came.
pub(crate) fn calls(origin: &Origin) -> usize {
    origin.received().iter().filter(|r| r.target == TOKEN_PATH).count()
}

/// The records of katana's own calls, once there are `count`.
pub(crate) fn call_records(katana: &Katana, count: usize) -> Vec<Value> {
    records(katana, count, |r| r["tool_name"] == "credential.token")
}

/// The records of a kind, once there are `count`; more of them is a failure.
pub(crate) fn records(katana: &Katana, count: usize, is: impl Fn(&Value) -> bool) -> Vec<Value> {
    let find = || katana.audit().into_iter().filter(&is).collect::<Vec<_>>();
    let found = until("the records", || Some(find()).filter(|found| found.len() >= count));
    assert_eq!(found.len(), count, "{found:#?}");
    found
}
