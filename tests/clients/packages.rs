//! Package managers and Java, against a registry of the test's own.

use super::{Field, field, there};
use crate::support::Reply;
use sha2::Digest;
use std::process::Command;

/// Packs `folder` (below the home) as a gzipped tar.
fn packed(field: &Field, folder: &str) -> Vec<u8> {
    let out = Command::new("tar").args(["-cz", "-C"]).arg(field.file("")).args(["-f", "-", folder]).output();
    out.unwrap().stdout
}

fn put(field: &Field, file: &str, text: &str) {
    let path = field.file(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn npm_installs() {
    if !there("npm", &["--version"]) || !there("tar", &["--version"]) {
        return;
    }
    let field = field();
    put(&field, "package/package.json", r#"{"name":"thing","version":"1.0.0","main":"index.js"}"#);
    put(&field, "package/index.js", "module.exports = 'from the registry';\n");
    field.origin.on("/npm/thing.tgz", Reply::new(packed(&field, "package")));
    let about = r#"{"name":"thing","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"thing","version":"1.0.0",
        "dist":{"tarball":"https://origin.test/npm/thing.tgz"}}}}"#;
    field.origin.on("/npm/thing", Reply::new(about).header("content-type", "application/json"));
    put(&field, "app/package.json", r#"{"name":"app","version":"1.0.0"}"#);
    let at = field.file("app");
    field.run(&[
        "npm",
        "--prefix",
        at.to_str().unwrap(),
        "--registry=https://origin.test/npm/",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "install",
        "thing",
    ]);
    let said = Command::new("node").args(["-p", "require('thing')"]).current_dir(at).output().unwrap().stdout;
    assert_eq!(said, b"from the registry\n");
    field.accounted();
}

#[test]
fn pip_downloads() {
    let Some(python) = super::python::interpreter() else { return };
    if !there(&python, &["-m", "pip", "--version"]) {
        return;
    }
    let field = field();
    let make = "import zipfile; z = zipfile.ZipFile('thing.whl', 'w'); d = 'thing-1.0.dist-info/'\n\
                for n, t in [('thing.py', 'x = 1\\n'), (d + 'METADATA', 'Metadata-Version: 2.1\\nName: thing\\nVersion: 1.0\\n'),\n\
                \x20   (d + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'), (d + 'RECORD', '')]:\n\
                \x20   z.writestr(n, t)\n\
                z.close()";
    let made = Command::new(&python).args(["-c", make]).current_dir(field.file("")).status().unwrap();
    assert!(made.success());
    let wheel = std::fs::read(field.file("thing.whl")).unwrap();
    field.origin.on("/pip/thing-1.0-py3-none-any.whl", Reply::new(wheel.clone()));
    let page = "<!DOCTYPE html><a href=\"https://origin.test/pip/thing-1.0-py3-none-any.whl\">thing-1.0-py3-none-any.whl</a>";
    field.origin.on("/simple/thing/", Reply::new(page).header("content-type", "text/html"));
    field.run(&[
        &python,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--index-url",
        "https://origin.test/simple/",
        "-d",
        "got",
        "thing",
    ]);
    assert!(std::fs::read(field.file("got/thing-1.0-py3-none-any.whl")).unwrap() == wheel);
    field.accounted();
}

#[test]
fn cargo_fetches() {
    let cargo = env!("CARGO");
    if !there(cargo, &["--version"]) || !there("tar", &["--version"]) {
        return;
    }
    let field = field();
    put(
        &field,
        "thing-1.0.0/Cargo.toml",
        "[package]\nname = \"thing\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
    );
    put(&field, "thing-1.0.0/src/lib.rs", "// from the registry\n");
    let packed = packed(&field, "thing-1.0.0");
    let sum = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&packed));
    field.origin.on("/index/config.json", Reply::new(r#"{"dl":"https://origin.test/crates"}"#));
    let line = format!(
        "{{\"name\":\"thing\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
    );
    field.origin.on("/index/th/in/thing", Reply::new(line));
    field.origin.on("/crates/thing/1.0.0/download", Reply::new(packed));
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\n\
                    thing = { version = \"1\", registry = \"local\" }\n";
    put(&field, "app/Cargo.toml", manifest);
    put(&field, "app/src/main.rs", "fn main() {}\n");
    put(&field, ".cargo/config.toml", "[registries.local]\nindex = \"sparse+https://origin.test/index/\"\n");
    let manifest = field.file("app/Cargo.toml");
    // its rustc beside it: the one on PATH may be a shim that wants a home of its own
    let rustc = format!("RUSTC={}", std::path::Path::new(cargo).with_file_name("rustc").display());
    field.run(&["env", &rustc, cargo, "fetch", "--manifest-path", manifest.to_str().unwrap()]);
    let lock = std::fs::read_to_string(field.file("app/Cargo.lock")).unwrap();
    assert!(lock.contains(&sum), "{lock}");
    field.accounted();
}

const JAVA: &str = r#"
import java.io.*; import java.net.*; import java.net.http.*; import java.nio.file.*; import java.util.Arrays;
public class Client {
    static void check(boolean good, String what) { if (!good) throw new AssertionError(what); }
    public static void main(String[] a) throws Exception {
        byte[] body = Files.readAllBytes(Path.of("upload"));
        HttpURLConnection c = (HttpURLConnection) new URL("https://origin.test/moved").openConnection();
        check(new String(c.getInputStream().readAllBytes()).equals("hello from the origin"), "old get");
        c = (HttpURLConnection) new URL("https://origin.test/up").openConnection();
        c.setDoOutput(true);
        try (OutputStream out = c.getOutputStream()) { out.write(body); }
        check(Arrays.equals(c.getInputStream().readAllBytes(), body), "old post");
        HttpClient client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
        HttpRequest get = HttpRequest.newBuilder(URI.create("https://origin.test/moved")).build();
        check(client.send(get, HttpResponse.BodyHandlers.ofString()).body().equals("hello from the origin"), "get");
        HttpRequest post = HttpRequest.newBuilder(URI.create("https://origin.test/up"))
            .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
        check(Arrays.equals(client.send(post, HttpResponse.BodyHandlers.ofByteArray()).body(), body), "post");
    }
}
"#;

#[test]
fn java_with_both_its_clients() {
    if !there("javac", &["-version"]) {
        return;
    }
    let field = field();
    put(&field, "Client.java", JAVA);
    field.run(&["java", "Client.java"]);
    field.uploaded();
    field.uploaded();
    field.accounted();
}
