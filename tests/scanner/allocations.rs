//! Clean traffic is judged without allocating: what the engines need is kept from one text to the next.

use katana::scanner::{Direction, Judge, Subject, Surface};

const WORDS: &str = "The build of the second module passes here and fails on the other machine, where an older compiler is in use. \
    We have looked at its output, and the paths in it are those of the first module. Does anybody know where they come from?";

/// A name, the way it travels, and a body.
fn bodies() -> Vec<(&'static str, Direction, String)> {
    use Direction::{Request, Response};
    let turn = |role: &str| format!(r#"{{"role":"{role}","content":"{WORDS}"}}"#);
    let chat = ["system", "user", "assistant", "user"].map(turn).join(",");
    vec![
        ("text", Request, WORDS.repeat(20)),
        ("chat", Request, format!(r#"{{"model":"m","messages":[{chat}],"temperature":0.2}}"#)),
        (
            "tool result",
            Request,
            format!(r#"{{"messages":[{{"role":"tool","tool_call_id":"c","content":"{WORDS}"}}]}}"#),
        ),
        (
            "call of a tool",
            Request,
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"note","arguments":{{"text":"{WORDS}"}}}}}}"#
            ),
        ),
        ("text", Response, WORDS.repeat(20)),
        (
            "page",
            Response,
            format!(
                "<html><head><title>News</title></head><body>{}</body></html>",
                format!("<p>{WORDS}</p>\n").repeat(9)
            ),
        ),
        (
            "answer",
            Response,
            format!(
                r#"{{"id":"1","choices":[{{"index":0,"message":{{"role":"assistant","content":"{WORDS}"}},"finish_reason":"stop"}}]}}"#
            ),
        ),
        (
            "tool result",
            Response,
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{WORDS}"}}]}}}}"#
            ),
        ),
    ]
}

#[test]
fn clean_bodies_are_judged_without_allocating() {
    let judge = Judge::builtin().unwrap();
    for (name, direction, body) in bodies() {
        let subject = Subject::new(direction, Surface::Body);
        let judged = || {
            let verdict = judge.verdict(&subject, body.as_bytes());
            assert!(verdict.findings.is_empty(), "{name}: {:?}", verdict.findings);
        };
        // patterns and buffers are made when they are first needed
        judged();
        let counted = allocation_counter::measure(judged);
        assert_eq!(counted.count_total, 0, "{name}, {direction:?}");
    }
}
