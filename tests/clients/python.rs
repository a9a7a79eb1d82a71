//! Python: urllib, and requests, httpx and aiohttp where they are installed.

use super::{Field, field, there};
use std::process::Command;

/// The interpreter itself, not a shim that wants its own home.
pub(crate) fn interpreter() -> Option<String> {
    let ask = ["-c", "import sys; print(sys.executable)"];
    if !there("python3", &ask) {
        return None;
    }
    let out = Command::new("python3").args(ask).output().ok()?;
    Some(String::from_utf8(out.stdout).ok()?.trim().to_owned())
}

/// Runs `script` with `get(url) -> bytes` and `post(url, bytes) -> bytes` defined by `library`.
fn exercise(name: &str, library: &str) {
    let Some(python) = interpreter() else { return };
    if !there(&python, &["-c", &format!("import {name}")]) {
        return;
    }
    let field: Field = field();
    let script = format!(
        "{library}\n\
         body = open('upload', 'rb').read()\n\
         assert get('https://origin.test/get') == b'hello from the origin'\n\
         assert get('https://origin.test/moved') == b'hello from the origin'\n\
         assert post('https://origin.test/up', body) == body\n\
         assert len(get('https://origin.test/down')) == {}\n",
        field.down
    );
    std::fs::write(field.file("client.py"), script).unwrap();
    field.run(&[&python, "client.py"]);
    field.uploaded();
    field.accounted();
}

#[test]
fn urllib() {
    exercise(
        "urllib.request",
        "import urllib.request\n\
         def get(url): return urllib.request.urlopen(url).read()\n\
         def post(url, body): return urllib.request.urlopen(urllib.request.Request(url, data=body)).read()",
    );
}

#[test]
fn requests() {
    exercise(
        "requests",
        "import requests\n\
         s = requests.Session()\n\
         def get(url): return s.get(url).content\n\
         def post(url, body): return s.post(url, data=body).content",
    );
}

#[test]
fn httpx() {
    exercise(
        "httpx",
        "import httpx\n\
         c = httpx.Client(follow_redirects=True, timeout=60)\n\
         def get(url): return c.get(url).content\n\
         def post(url, body): return c.post(url, content=body).content",
    );
}

#[test]
fn aiohttp() {
    exercise(
        "aiohttp",
        "import aiohttp, asyncio\n\
         async def ask(method, url, body=None):\n\
         \x20   async with aiohttp.ClientSession() as s:\n\
         \x20       async with s.request(method, url, data=body) as r:\n\
         \x20           return await r.read()\n\
         def get(url): return asyncio.run(ask('GET', url))\n\
         def post(url, body): return asyncio.run(ask('POST', url, body))",
    );
}
