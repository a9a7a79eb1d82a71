//! The configuration a test's katana gets: defaults that keep it in its own corner, and what the test sets over them.
//! Written as JSON, which every YAML reader reads.

use serde_json::{Value, json};
use std::path::Path;

/// What every test's katana has: port 0, a key file, the tests' roots.
pub(crate) fn base(roots: &Path) -> Value {
    json!({
        "log_level": "debug",
        "proxy": {
            "listen": "127.0.0.1:0",
            "upstream": { "extra_roots": [roots], "resolve": [] },
            "allow_private_destinations": [],
        },
        "vault": { "key_source": "file" },
    })
}

/// Lays one value over another: objects by key, lists appended, anything else replaced.
pub(crate) fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(under), Value::Array(over)) => under.extend(over.iter().cloned()),
        (under, over) => *under = over.clone(),
    }
}

/// Sends `name` (any port, or the port after a colon) to an address, and lets it be reached.
pub(crate) fn reach(name: &str, addr: std::net::SocketAddr) -> Value {
    let host = name.split(':').next().unwrap_or(name);
    json!({ "proxy": {
        "upstream": { "resolve": [format!("{name}={addr}")] },
        "allow_private_destinations": [host],
    }})
}

#[test]
fn a_value_laid_over_keeps_what_it_does_not_name() {
    let mut all = base(Path::new("/r.pem"));
    lay_over(&mut all, &json!({"proxy": {"mode": "max"}}));
    lay_over(&mut all, &reach("a.test", "127.0.0.1:9".parse().unwrap()));
    assert_eq!(all["proxy"]["listen"], "127.0.0.1:0");
    assert_eq!(all["proxy"]["mode"], "max");
    assert_eq!(all["proxy"]["upstream"]["resolve"], json!(["a.test=127.0.0.1:9"]));
}
