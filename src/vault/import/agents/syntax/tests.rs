//! Each syntax by itself: paths, values, and that the place of a value is where its bytes are.

use super::*;

fn read(text: &str, syntax: Syntax) -> Vec<(String, String, String)> {
    let leaves = leaves(text, syntax).unwrap();
    let stands = |l: &Leaf| l.range.clone().map_or_else(|| "-".to_owned(), |r| text[r].to_owned());
    leaves.iter().map(|l| (l.path.join("/"), l.value.to_string(), stands(l))).collect()
}

fn rows(want: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    want.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[test]
fn json() {
    let text = "\u{feff}{\"a\": {\"b\\u0041\": \"x\\\"y\", \"n\": -1.5e3, \"t\":true},\n \"l\": [\"1\", {\"k\": \"\"}, null, [] , {}]}";
    let want = rows(&[("a/bA", "x\"y", "x\\\"y"), ("l/0", "1", "1"), ("l/1/k", "", "")]);
    assert_eq!(read(text, Syntax::Json), want);
    assert_eq!(leaves(text, Syntax::Json).unwrap()[1].line, 2);
    for bad in ["{\"a\": \"secret", "{,}", "", "{\"a\": \"s\"} x"] {
        let (_, why) = leaves(bad, Syntax::Json).unwrap_err();
        assert!(!why.contains("secret"), "{why}");
    }
    assert_eq!(leaves("{\n\"a\": x}", Syntax::Json).unwrap_err().0, 2);
}

#[test]
fn yaml() {
    let text = "a:\n  b: plain value # c\n  c: \"quoted\"\nl:\n- 'single'\n- k=v\nq: \"a\\tb\"\nm: |\n  two\n  lines\nf: {x: one, y: two}\n";
    let want = rows(&[
        ("a/b", "plain value", "plain value"),
        ("a/c", "quoted", "quoted"),
        ("l/0", "single", "single"),
        ("l/1", "k=v", "k=v"),
        ("q", "a\tb", "-"),
        ("m", "two\nlines\n", "-"),
        ("f/x", "one", "one"),
        ("f/y", "two", "two"),
    ]);
    assert_eq!(read(text, Syntax::Yaml), want);
    assert!(leaves("a: [", Syntax::Yaml).is_err());
}

#[test]
fn toml() {
    let text = "[registry]\ntoken = \"abc\"\n[registries.my-own]\ntoken = 'lit' # c\nx = \"a\\tb\"\n[[l]]\nk = \"v\"\n[e.env]\nA_KEY = \"z\"\nn = 1\nt = { u = \"w\" }\ns = [\"q\"]\n";
    let want = rows(&[
        ("registry/token", "abc", "abc"),
        ("registries/my-own/token", "lit", "lit"),
        ("registries/my-own/x", "a\tb", "-"),
        ("l/0/k", "v", "v"),
        ("e/env/A_KEY", "z", "z"),
        ("e/env/t/u", "w", "w"),
        ("e/env/s/0", "q", "q"),
    ]);
    assert_eq!(read(text, Syntax::Toml), want);
    assert_eq!(leaves("a = 1\nb = \"x", Syntax::Toml).unwrap_err().0, 2);
}

#[test]
fn ini() {
    let text = "top=1\n//npm.example/:_authToken=abc\n[default]\n# c\nkey = v = w\r\nother: x\n[pip]\nurls =\n  http://u:p@h/\n  second\nq = \"in quotes\"\n";
    let want = rows(&[
        ("/top", "1", "1"),
        ("///npm.example/:_authToken", "abc", "abc"),
        ("default/key", "v = w", "v = w"),
        ("default/other", "x", "x"),
        ("pip/urls", "", ""),
        ("pip/urls", "http://u:p@h/", "http://u:p@h/"),
        ("pip/urls", "second", "second"),
        ("pip/q", "in quotes", "in quotes"),
    ]);
    assert_eq!(read(text, Syntax::Ini), want);
}

#[test]
fn netrc() {
    let text = "# c\nmachine a.example login me password one\nmachine b.example\n\tpassword \"t w\\\"o\"\nmacdef m\nmachine x password no\n\ndefault login you password three\n";
    let want = rows(&[
        ("a.example/me", "one", "one"),
        ("b.example/", "t w\"o", "t w\\\"o"),
        ("default/you", "three", "three"),
    ]);
    assert_eq!(read(text, Syntax::Netrc), want);
    assert_eq!(leaves("machine a\npasswort x", Syntax::Netrc).unwrap_err().0, 2);
    assert!(leaves("machine a password", Syntax::Netrc).is_err());
}

#[test]
fn git() {
    let text =
        "https://me:p%40ss@git.example\nhttps://git.example\nhttp://u:p@h:8080/x@y\n\nhttps://only-user@h\n";
    assert_eq!(
        read(text, Syntax::Git),
        rows(&[("git.example/me", "p@ss", "p%40ss"), ("h:8080/u", "p", "p")])
    );
}

#[test]
fn bare() {
    assert_eq!(read(" \nhf_abc\n", Syntax::Bare), rows(&[("", "hf_abc", "hf_abc")]));
    assert!(read(" \n", Syntax::Bare).is_empty());
}
