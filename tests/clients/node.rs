//! Node: `fetch` and `https`, as old as 20.

use super::{field, there};

const COMMON: &str = r"
const fs = require('node:fs'), assert = require('node:assert');
const body = fs.readFileSync('upload');
async function all(get, post, down) {
  assert.equal((await get('https://origin.test/get')).toString(), 'hello from the origin');
  assert.ok((await post('https://origin.test/up', body)).equals(body), 'the echo differs');
  assert.equal((await get('https://origin.test/down')).length, down);
}
";

const FETCH: &str = r"
const bytes = async (r) => Buffer.from(await r.arrayBuffer());
const get = async (url) => bytes(await fetch(url));
const post = async (url, body) => bytes(await fetch(url, { method: 'POST', body }));
(async () => {
  await all(get, post, DOWN);
  assert.equal((await get('https://origin.test/moved')).toString(), 'hello from the origin');
})();
";

const HTTPS: &str = r"
const https = require('node:https');
const ask = (url, options, body) => new Promise((done, fail) => {
  const r = https.request(url, options, (answer) => {
    const parts = [];
    answer.on('data', (p) => parts.push(p)).on('end', () => done(Buffer.concat(parts))).on('error', fail);
  });
  r.on('error', fail);
  r.end(body);
});
all((url) => ask(url, {}), (url, body) => ask(url, { method: 'POST' }, body), DOWN);
";

fn exercise(script: &str) {
    if !there("node", &["--version"]) {
        return;
    }
    let field = field();
    let script = format!("{COMMON}{}", script.replace("DOWN", &field.down.to_string()));
    std::fs::write(field.file("client.cjs"), script).unwrap();
    field.run(&["node", "client.cjs"]);
    field.uploaded();
    field.accounted();
}

#[test]
fn fetch() {
    exercise(FETCH);
}

#[test]
fn https() {
    exercise(HTTPS);
}
