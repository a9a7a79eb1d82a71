//! What developers and their agents send all day, made of what lies on this machine: each file in the shapes in which it
//! travels, judged as the request path judges it. None of it may be refused. A sample by default; `KATANA_ORDINARY=all` takes every file.

use super::ordinary::{REAL, files};
use katana::scanner::{Direction, Judge, Subject, Surface};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Pieces of traffic in a sample, and the most bytes of a file in one.
const PIECES: usize = 10_000;
const MOST: usize = 3 * 1024;

/// One shape in which a file travels: the way, and the message around the text.
struct Shape {
    name: &'static str,
    direction: Direction,
    around: fn(&str) -> Vec<u8>,
}

const SHAPES: &[Shape] = &[
    Shape { name: "upload", direction: Direction::Request, around: plain },
    Shape { name: "download", direction: Direction::Response, around: plain },
    Shape { name: "page", direction: Direction::Response, around: page },
    Shape { name: "question", direction: Direction::Request, around: question },
    Shape { name: "tool result", direction: Direction::Request, around: tool_result },
    Shape { name: "function output", direction: Direction::Request, around: output },
    Shape { name: "answer", direction: Direction::Response, around: answer },
    Shape { name: "stream", direction: Direction::Response, around: stream },
    Shape { name: "mcp result", direction: Direction::Response, around: mcp_result },
    Shape { name: "write call", direction: Direction::Response, around: write_call },
];

fn plain(text: &str) -> Vec<u8> {
    text.into()
}

fn page(text: &str) -> Vec<u8> {
    let shown = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<!doctype html><html><head><title>file</title><script>window.x = 1;</script></head><body><pre>{shown}</pre></body></html>").into()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into()
}

fn question(text: &str) -> Vec<u8> {
    bytes(&json!({ "model": "gpt-5", "messages": [
        { "role": "system", "content": "You are a helpful coding assistant. Follow the instructions of the user." },
        { "role": "user", "content": format!("Explain this file:\n\n```\n{text}\n```") },
    ]}))
}

fn tool_result(text: &str) -> Vec<u8> {
    bytes(
        &json!({ "model": "claude", "max_tokens": 4096, "system": "You are an agent with tools.", "messages": [
            { "role": "user", "content": "fix the build" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "toolu_01", "name": "read_file", "input": { "path": "src/lib.rs" } }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_01", "content": text }] },
        ]}),
    )
}

fn output(text: &str) -> Vec<u8> {
    bytes(&json!({ "model": "gpt-5", "input": [
        { "type": "function_call", "call_id": "call_1", "name": "shell", "arguments": "{\"command\":[\"cat\",\"README.md\"]}" },
        { "type": "function_call_output", "call_id": "call_1", "output": text },
    ]}))
}

fn answer(text: &str) -> Vec<u8> {
    bytes(&json!({ "id": "chatcmpl-1", "object": "chat.completion", "choices": [
        { "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" },
    ]}))
}

fn stream(text: &str) -> Vec<u8> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let mut events = String::new();
    for few in words.chunks(8) {
        let delta = json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": few.concat() } });
        events.push_str(&format!("event: content_block_delta\ndata: {delta}\n\n"));
    }
    events.into()
}

fn mcp_result(text: &str) -> Vec<u8> {
    bytes(
        &json!({ "jsonrpc": "2.0", "id": 7, "result": { "content": [{ "type": "text", "text": text }], "isError": false } }),
    )
}

fn write_call(text: &str) -> Vec<u8> {
    let arguments = json!({ "path": "notes/file.txt", "content": text }).to_string();
    bytes(
        &json!({ "choices": [{ "index": 0, "message": { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": "write_file", "arguments": arguments } },
        ]}}]}),
    )
}

/// Which files, the same ones each time, spread over all; and how much of each.
fn sample() -> (Vec<PathBuf>, usize) {
    let all = files();
    if std::env::var("KATANA_ORDINARY").is_ok_and(|v| v == "all") {
        return (all, usize::MAX);
    }
    let step = (all.len() / PIECES).max(1);
    (all.into_iter().step_by(step).take(PIECES).collect(), MOST)
}

#[test]
fn what_developers_and_agents_send_all_day_is_not_refused() {
    let judge = Judge::builtin().unwrap();
    let (sample, most) = sample();
    let (mut pieces, mut total, mut wrong) = (0, 0, Vec::new());
    for (i, path) in sample.iter().enumerate() {
        let Ok(content) = std::fs::read(path) else { continue };
        let shape = &SHAPES[i % SHAPES.len()];
        // a binary travels as it is, text in its shape
        let body = match std::str::from_utf8(&content) {
            Ok(text) => (shape.around)(&text[..text.floor_char_boundary(most)]),
            Err(_) => content[..content.len().min(most)].to_vec(),
        };
        (pieces, total) = (pieces + 1, total + body.len());
        let subject = Subject::new(shape.direction, Surface::Body);
        let verdict = judge.verdict(&subject, &body);
        // these stand in source trees as what they are: keys made for tests
        let is_key = verdict.findings.iter().any(|f| REAL.contains(&&*f.rule));
        if verdict.blocking && !is_key {
            let rules: Vec<String> = verdict
                .findings
                .iter()
                .map(|f| format!("{} ({}) {:?}", f.rule, f.confidence, f.path))
                .collect();
            wrong.push(format!("{} as {}: {}", path.display(), shape.name, rules.join(", ")));
        }
    }
    eprintln!("{pieces} pieces, {total} bytes: {} refused", wrong.len());
    assert!(pieces >= 500 || sample.len() < 500, "only {pieces} pieces");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
