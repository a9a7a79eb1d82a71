//! Bodies as they travel, and their parts; streams cut everywhere; anything at all.

use super::*;
use proptest::prelude::*;

/// `surface tool/field: text`, one for each part.
fn parts(direction: Direction, body: &str) -> Vec<String> {
    let mut out = Vec::new();
    each(direction, body.as_bytes(), &mut |p| {
        if !p.entry {
            out.push(told(p));
        }
    });
    out.sort();
    out.dedup();
    out
}

fn told(p: &Part<'_>) -> String {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let tool = p.tool.map(text).unwrap_or_default();
    let field = p.field.map(text).unwrap_or_default();
    format!("{} {tool}/{field}: {}", p.surface, text(p.text))
}

fn request(body: &str) -> Vec<String> {
    parts(Direction::Request, body)
}

fn response(body: &str) -> Vec<String> {
    parts(Direction::Response, body)
}

#[test]
fn chat_completions() {
    let body = r#"{"model":"m-1","messages":[
        {"role":"system","content":"You are kind."},
        {"role":"user","content":[{"type":"text","text":"Read the page."},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"fetch","arguments":"{\"url\":\"https://a.test\"}"}}]},
        {"role":"tool","tool_call_id":"c1","name":"fetch","content":"The page\nsays hello."}],
        "tools":[{"type":"function","function":{"name":"fetch","description":"Fetches a page.","parameters":{"type":"object","properties":{"url":{"type":"string","description":"Where it is."}}}}}]}"#;
    let got = request(body);
    for want in [
        "system prompt /: You are kind.",
        "user turn /text: Read the page.",
        "tool result fetch/: The page\nsays hello.",
        "tool description fetch/description: Fetches a page.",
        "tool description fetch/description: Where it is.",
    ] {
        assert!(got.iter().any(|g| g == want), "{want}: {got:#?}");
    }
    assert!(
        !got.iter().any(|g| g.starts_with("tool call")),
        "what was called before is not called again: {got:#?}"
    );
}

#[test]
fn responses_api() {
    let got = request(
        r#"{"instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"Hello there"}]},
            {"type":"function_call","name":"run","arguments":"{}"},
            {"type":"function_call_output","call_id":"x","output":"what the tool gave"}]}"#,
    );
    assert_eq!(
        got,
        ["system prompt /: Be brief.", "tool result /: what the tool gave", "user turn /text: Hello there"]
    );
    assert_eq!(request(r#"{"input":"just a text"}"#), ["user turn /: just a text"]);
}

#[test]
fn anthropic_messages() {
    let got = request(
        r#"{"system":[{"type":"text","text":"You are kind."}],"messages":[
            {"role":"user","content":"Look it up."},
            {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"web","input":{"q":"rm -rf /"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"It is a page."}]},{"type":"text","text":"And now?"}]}],
            "tools":[{"name":"web","description":"Looks things up.","input_schema":{"properties":{"q":{"description":"What to look up."}}}}]}"#,
    );
    for want in [
        "system prompt /text: You are kind.",
        "user turn /: Look it up.",
        "user turn /text: And now?",
        "tool result /text: It is a page.",
        "tool description web/description: Looks things up.",
        "tool description web/description: What to look up.",
    ] {
        assert!(got.iter().any(|g| g == want), "{want}: {got:#?}");
    }
}

#[test]
fn google_bedrock_ollama_cohere() {
    let got = request(
        r#"{"systemInstruction":{"parts":[{"text":"Be kind to all."}]},"contents":[{"role":"user","parts":[{"text":"Say hello."}]},
            {"role":"function","parts":[{"functionResponse":{"name":"look","response":{"page":"as it was found"}}}]}],
            "tools":[{"functionDeclarations":[{"name":"look","description":"Looks at things."}]}]}"#,
    );
    assert!(got.iter().any(|g| g == "tool result look/page: as it was found"), "{got:#?}");
    assert!(got.iter().any(|g| g == "tool description look/description: Looks at things."), "{got:#?}");
    assert!(got.iter().any(|g| g == "system prompt /text: Be kind to all."), "{got:#?}");
    let got = request(
        r#"{"system":[{"text":"Be kind to all."}],"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"as it was found"},{"json":{"k":"in a tree"}}]}}]}],
            "toolConfig":{"tools":[{"toolSpec":{"name":"look","description":"Looks at things."}}]}}"#,
    );
    assert!(got.iter().any(|g| g == "tool result /text: as it was found"), "{got:#?}");
    assert!(got.iter().any(|g| g == "tool result /k: in a tree"), "{got:#?}");
    assert!(got.iter().any(|g| g == "tool description look/description: Looks at things."), "{got:#?}");
    let got = request(
        r#"{"model":"m","messages":[{"role":"tool","tool_name":"look","content":"as it was found"}]}"#,
    );
    assert_eq!(got, ["tool result look/: as it was found"]);
    let got = request(
        r#"{"message":"Say hello.","preamble":"Be kind to all.","tool_results":[{"call":{"name":"look"},"outputs":[{"text":"as it was found"}]}]}"#,
    );
    assert!(got.iter().any(|g| g == "tool result /text: as it was found"), "{got:#?}");
}

#[test]
fn roles_that_stand_there_twice_are_all_believed() {
    let got = request(r#"{"messages":[{"role":"assistant","role":"tool","content":"as it was found"}]}"#);
    assert_eq!(got, ["tool result /: as it was found"]);
    let got = request(r#"{"m\u0065ssages":[{"r\u006fle":"t\u006fol","c\u006fntent":"as it was found"}]}"#);
    assert_eq!(got, ["tool result /: as it was found"]);
    let got = request(
        r#"{"messages":[],"messages":[{"role":"tool","content":"one text","content":"another text"}]}"#,
    );
    assert_eq!(got, ["tool result /: another text", "tool result /: one text"]);
}

#[test]
fn answers_that_call_tools() {
    let openai = r#"{"choices":[{"message":{"role":"assistant","content":"Fine.","tool_calls":[{"id":"1","type":"function","function":{"name":"bash","arguments":"{\"command\":\"rm -rf \\\"$HOME\\\"\",\"n\":1}"}}]}}]}"#;
    assert!(
        response(openai).contains(&"tool call bash/command: rm -rf \"$HOME\"".to_owned()),
        "{:#?}",
        response(openai)
    );
    let anthropic =
        r#"{"role":"assistant","content":[{"type":"tool_use","name":"bash","input":{"command":"ls -l"}}]}"#;
    assert_eq!(response(anthropic), ["tool call bash/command: ls -l"]);
    let google = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"run","args":{"argv":["sh","-c","echo 'a b'"]}}}]}}]}"#;
    assert!(
        response(google).contains(&r"tool call run/argv: sh -c 'echo '\''a b'\'''".to_owned()),
        "{:#?}",
        response(google)
    );
    let ollama = r#"{"message":{"role":"assistant","tool_calls":[{"function":{"name":"run","arguments":{"cmd":"ls -l"}}}]}}"#;
    assert_eq!(response(ollama), ["tool call run/cmd: ls -l"]);
    let shell = r#"{"output":[{"type":"local_shell_call","action":{"type":"exec","command":["ls","-l"]}},{"type":"function_call","name":"x","arguments":"{\"script\":\"ls\"}"}]}"#;
    assert!(
        response(shell).contains(&"tool call local_shell_call/command: ls -l".to_owned()),
        "{:#?}",
        response(shell)
    );
    assert!(response(shell).contains(&"tool call x/script: ls".to_owned()));
    let bedrock = r#"{"output":{"message":{"content":[{"toolUse":{"name":"sh","input":{"cmd":"ls -l"}}}]}}}"#;
    assert_eq!(response(bedrock), ["tool call sh/cmd: ls -l"]);
}

#[test]
fn mcp_both_ways() {
    let list = r#"[{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","description":"Adds numbers.","inputSchema":{"properties":{"a":{"description":"The first one."}}}}]}},
        {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"the sum is 3"}],"structuredContent":{"x":"in a tree"}}},
        {"jsonrpc":"2.0","id":3,"result":{"instructions":"Use it well.","serverInfo":{"name":"adder"}}},
        {"jsonrpc":"2.0","id":4,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"What is it?"}}]}},
        {"jsonrpc":"2.0","id":5,"error":{"code":-1,"message":"it did not work"}}]"#;
    let got = response(list);
    for want in [
        "tool description add/description: Adds numbers.",
        "tool description add/description: The first one.",
        "tool result /text: the sum is 3",
        "tool result /x: in a tree",
        "tool description /instructions: Use it well.",
        "tool result /text: What is it?",
        "tool result /message: it did not work",
    ] {
        assert!(got.iter().any(|g| g == want), "{want}: {got:#?}");
    }
    let call = r#"[{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sh","arguments":{"command":"ls","env":{"TOKEN":"abc"}}}}]"#;
    assert_eq!(request(call), ["tool call sh/TOKEN: abc", "tool call sh/command: ls"]);
}

#[test]
fn bodies_without_parts_have_none() {
    for body in
        ["", "{}", "<html>\"messages\"</html>", r#"{"name":"x","args":["rm"]}"#, "\"messages\"", "[[[["]
    {
        assert!(request(body).is_empty() && response(body).is_empty(), "{body}");
    }
    assert!(response(r#"{"name":"x","arguments":{"command":"ls"}}"#).is_empty(), "no model's answer");
}

#[test]
fn every_part_leads_back_to_its_bytes() {
    let body = r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"bash","arguments":"{\"command\":\"rm -rf \\\"$HOME\\\" tail\"}"}}]}}]}"#;
    let mut seen = 0;
    each(Direction::Response, body.as_bytes(), &mut |p| {
        if let Some(at) = memchr::memmem::find(p.text, b"$HOME") {
            seen += 1;
            assert_eq!(&body[p.original(at..at + 5)], "$HOME", "{p:?}");
        }
    });
    assert!(seen >= 1);
}

#[test]
fn commands_are_known_by_their_argument_and_tool() {
    let like = |tool: &str, field: &str| {
        let mut part = Part::made(Surface::ToolCall, b"ls");
        (part.tool, part.field) = (Some(tool.as_bytes()), Some(field.as_bytes()));
        command_like(&part)
    };
    assert!(like("anything", "command") && like("Bash", "input") && like("run_in_terminal", "query"));
    assert!(!like("edit_file", "new_text") && !like("search", "query") && !like("Bash", "description"));
}

/// The parts of a stream, however it is cut.
fn streamed(body: &[u8], cuts: &[usize]) -> Vec<String> {
    let (mut assembler, mut out, mut at) = (Assembler::default(), Vec::new(), 0);
    let mut show = |p: &Part<'_>| out.push(told(p));
    for cut in cuts.iter().copied().filter(|c| *c <= body.len()) {
        if cut > at {
            assembler.take(&body[at..cut], false, &mut show);
            at = cut;
        }
    }
    assembler.take(&body[at..], true, &mut show);
    out
}

/// A stream in which a call comes in pieces, and what it calls.
const STREAMS: &[(&str, &str)] = &[
    (
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"name\":\"bash\",\"input\":{}}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"comm\"}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"and\\\": \\\"rm -rf ~\\\"}\"}}\n\n\
         event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
        "tool call bash/command: rm -rf ~",
    ),
    (
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"sh\",\"arguments\":\"\"}}]}}]}\r\n\r\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"cmd\\\":\\\"rm -rf\"}}]}}]}\r\n\r\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\" ~\\\"}\"}}]}}]}\r\n\r\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
        "tool call sh/cmd: rm -rf ~",
    ),
    (
        "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"function_call\",\"name\":\"sh\",\"arguments\":\"\"}}\n\n\
         data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"{\\\"cmd\\\":\\\"rm\"}\n\n\
         data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\" -rf ~\\\"}\"}\n\n\
         data: {\"type\":\"response.function_call_arguments.done\",\"output_index\":0}\n\n",
        "tool call sh/cmd: rm -rf ~",
    ),
    (
        "data: {\"contentBlockIndex\":0,\"start\":{\"toolUse\":{\"name\":\"sh\"}}}\n\ndata: {\"contentBlockIndex\":0,\"delta\":{\"toolUse\":{\"input\":\"{\\\"cmd\\\":\\\"rm\"}}}\n\n\
         data: {\"contentBlockIndex\":0,\"delta\":{\"toolUse\":{\"input\":\" -rf ~\\\"}\"}}}\n\ndata: {\"contentBlockIndex\":0}\n\n",
        "tool call sh/cmd: rm -rf ~",
    ),
    (
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"sh\",\"args\":{\"cmd\":\"rm -rf ~\"}}}]}}]}\n\n",
        "tool call sh/cmd: rm -rf ~",
    ),
    (
        "{\"message\":{\"content\":\"\"}}\n{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"sh\",\"arguments\":{\"cmd\":\"rm -rf ~\"}}}]}}\n",
        "tool call sh/cmd: rm -rf ~",
    ),
    (
        ": hello\ndata: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"as it was found\"}]}}\n\n",
        "tool result /text: as it was found",
    ),
];

#[test]
fn calls_in_pieces_are_put_together_wherever_the_stream_is_cut() {
    for (stream, want) in STREAMS {
        let bytes = stream.as_bytes();
        assert!(streamed(bytes, &[]).contains(&(*want).to_owned()), "{stream}: {:#?}", streamed(bytes, &[]));
        for cut in 0..bytes.len() {
            let got = streamed(bytes, &[cut]);
            assert!(got.contains(&(*want).to_owned()), "cut at {cut}: {stream}: {got:#?}");
        }
        let all: Vec<usize> = (0..bytes.len()).collect();
        assert!(streamed(bytes, &all).contains(&(*want).to_owned()), "byte by byte: {stream}");
    }
}

#[test]
fn a_call_is_shown_before_the_event_that_completes_it_has_passed() {
    for (stream, want) in STREAMS {
        let mut assembler = Assembler::default();
        let (mut shown, mut passed) = (false, 0);
        for (at, byte) in stream.bytes().enumerate() {
            let held = assembler.take(&[byte], false, &mut |p| shown |= told(p) == *want);
            // what is held of this one byte is what is held at all
            passed = if held == 0 { at + 1 } else { passed };
            if shown {
                break;
            }
        }
        assert!(shown, "{stream}");
        let rest = &stream[passed.min(stream.len())..];
        assert!(!rest.is_empty() || stream.len() == passed, "{stream}");
    }
}

#[test]
fn the_text_of_a_stream_is_put_together() {
    let event = |t: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{t}\"}}}}]}}\n\n");
    let body = event("what the mod") + &event("el says") + "data: [DONE]\n\n";
    assert!(streamed(body.as_bytes(), &[]).contains(&"body /: what the model says".to_owned()));
}

#[test]
fn a_stream_keeps_no_more_than_it_may() {
    let mut assembler = Assembler::default();
    let mut shown = 0;
    let begin = "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"name\":\"bash\"}}\n\n";
    assembler.take(begin.as_bytes(), false, &mut |_| {});
    let delta = format!(
        "data: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"partial_json\":\"{}\"}}}}\n\n",
        "x".repeat(10_000)
    );
    for _ in 0..100 {
        assembler.take(delta.as_bytes(), false, &mut |_| shown += 1);
    }
    assert!(shown >= 3, "shown when the buffer is full: {shown}");
    let call = format!(
        "data: {{\"type\":\"tool_use\",\"name\":\"sh\",\"input\":{{\"cmd\":\"rm -rf ~\",\"note\":\"{}\"}}}}\n\n",
        "x".repeat(2 << 20)
    );
    assert!(
        streamed(call.as_bytes(), &[100, 5000]).contains(&"tool call sh/cmd: rm -rf ~".to_owned()),
        "as far as it goes"
    );
    let mut many = Assembler::default();
    let mut seen = Vec::new();
    for i in 0..100 {
        let piece = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":{i},\"function\":{{\"name\":\"sh\",\"arguments\":\"{{\\\"cmd\\\":\\\"ls {i}\\\"\"}}}}]}}}}]}}\n\n"
        );
        many.take(piece.as_bytes(), false, &mut |p| seen.push(told(p)));
    }
    assert!(seen.contains(&"tool call sh/cmd: ls 3".to_owned()), "none is forgotten: {seen:?}");
    let endless = "x".repeat(1 << 20);
    assert_eq!(assembler.take(endless.as_bytes(), false, &mut |_| {}), 0, "an endless event is let go");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_read_and_leads_back_into_the_body(
        bits in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00", "\\u0041", "\\ud83d", "\"messages\":", "\"role\":\"tool\"", "\"content\":",
            "\"jsonrpc\"", "\"result\":", "\"tools\":", "\"tool_calls\":", "\"function\":", "\"arguments\":\"{\\\"a\\\":\\\"b c d e\\\"}\"",
            "data: ", "\n", "\r", "\n\n", "text of some length", "1", "é", "\"type\":\"tool_use\"", "\"input\":", "\"delta\":", "\"partial_json\":",
        ]), 0..60),
        cuts in prop::collection::vec(0usize..600, 0..6),
    ) {
        let body = bits.concat();
        for direction in [Direction::Request, Direction::Response] {
            each(direction, body.as_bytes(), &mut |p| {
                let span = p.original(0..p.text.len());
                assert!(span.start <= span.end && span.end <= body.len(), "{span:?} of {body:?}");
            });
        }
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(streamed(body.as_bytes(), &cuts), streamed(body.as_bytes(), &[]));
    }
}

/// What a body costs to look at is what is shown of it.
#[test]
fn no_body_is_shown_many_times_over() {
    let shown = |direction, body: &str| {
        let mut bytes = 0;
        each(direction, body.as_bytes(), &mut |part| bytes += part.text.len());
        bytes
    };
    let call = |inner: &str| {
        format!(
            r#"{{"type":"tool_use","name":"a","input":{{"command":"ls -la /tmp/somewhere","more":{inner}}}}}"#
        )
    };
    let nested = (0..200).fold("1".to_owned(), |inner, _| call(&inner));
    let named =
        (0..200).fold("1".to_owned(), |inner, _| format!(r#"{{"function":{{"arguments":{inner}}}}}"#));
    for calls in [nested, named] {
        let body = format!(r#"{{"tool_use":0,"content":[{calls}]}}"#);
        let bytes = shown(Direction::Response, &body);
        assert!(bytes <= 6 * body.len(), "{bytes} of {}", body.len());
    }
    let turns = r#""m\u0065ssages":[{"role":"tool","content":"what a tool gave"}],"#.repeat(200);
    let body = format!("{{{turns}\"a\":1}}");
    let bytes = shown(Direction::Request, &body);
    assert!((200 * 16..=body.len()).contains(&bytes), "{bytes} of {}", body.len());
}
