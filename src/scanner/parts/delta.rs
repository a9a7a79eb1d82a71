//! What one event of a model's stream adds: to the arguments of a call, or to its text. OpenAI's two APIs, Anthropic's, Bedrock's and
//! Cohere's; what comes whole in one event is found as in any other answer.

use super::string::unescape;
use super::tape::{Item, Kind, Tape};

/// What an event adds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A call begins, or its tool becomes known.
    Begin { key: u64, tool: Vec<u8> },
    /// More of its arguments.
    More { key: u64, arguments: Vec<u8> },
    /// It is complete.
    Complete { key: u64 },
    /// All are.
    AllComplete,
    /// More of the model's text.
    Text(Vec<u8>),
}

/// Reads an event.
pub(super) fn read(tape: &Tape, data: &[u8], out: &mut Vec<Piece>) {
    for root in tape.roots(data) {
        if root.has(b"jsonrpc") {
            continue;
        }
        choices(root, out);
        blocks(root, out);
        bedrock(root, out);
        cohere(root, out);
    }
}

/// Chat completions: `choices[].delta.tool_calls[]`.
fn choices(root: Item<'_>, out: &mut Vec<Piece>) {
    for (c, choice) in root.all(b"choices").flat_map(Item::items).enumerate() {
        let choice_at = number(choice, b"index").unwrap_or(c as u64);
        for delta in choice.all(b"delta") {
            delta.all(b"content").for_each(|t| text(t, out));
            for (t, call) in delta.all(b"tool_calls").flat_map(Item::items).enumerate() {
                let key = choice_at << 32 | number(call, b"index").unwrap_or(t as u64);
                call.all(b"function").for_each(|f| function(key, f, out));
                call.all(b"custom").for_each(|f| function(key, f, out));
            }
            delta.all(b"function_call").for_each(|f| function(choice_at << 32 | 0xffff, f, out));
        }
        if choice.all(b"finish_reason").any(|r| r.kind() == Kind::Text) {
            out.push(Piece::AllComplete);
        }
    }
}

fn function(key: u64, item: Item<'_>, out: &mut Vec<Piece>) {
    if let Some(tool) = item.word(b"name") {
        out.push(Piece::Begin { key, tool: tool.to_vec() });
    }
    for part in item.all(b"arguments").chain(item.all(b"input")) {
        more(key, part, out);
    }
}

/// Anthropic's `content_block_…`, and the `response.…` events of OpenAI's responses.
fn blocks(root: Item<'_>, out: &mut Vec<Piece>) {
    let key = || {
        let index = number(root, b"index").or_else(|| number(root, b"output_index"));
        index.or_else(|| root.word(b"item_id").map(hashed)).unwrap_or(0)
    };
    let is = |kinds: &[&[u8]]| root.says(b"type", kinds);
    if is(&[b"content_block_start"]) {
        let named = root.all(b"content_block").filter_map(|b| b.word(b"name"));
        named.for_each(|tool| out.push(Piece::Begin { key: key(), tool: tool.to_vec() }));
    } else if is(&[b"content_block_delta"]) {
        for delta in root.all(b"delta") {
            delta.all(b"partial_json").for_each(|p| more(key(), p, out));
            delta.all(b"text").for_each(|t| text(t, out));
        }
    } else if is(&[b"content_block_stop", b"response.output_item.done"]) {
        out.push(Piece::Complete { key: key() });
    } else if is(&[b"message_stop", b"response.completed", b"response.incomplete"]) {
        out.push(Piece::AllComplete);
    } else if is(&[b"response.output_item.added"]) {
        let named = root.all(b"item").filter_map(|b| b.word(b"name"));
        named.for_each(|tool| out.push(Piece::Begin { key: key(), tool: tool.to_vec() }));
    } else if is(&[
        b"response.function_call_arguments.delta",
        b"response.custom_tool_call_input.delta",
        b"response.mcp_call_arguments.delta",
        b"response.code_interpreter_call_code.delta",
    ]) {
        root.all(b"delta").for_each(|p| more(key(), p, out));
    } else if is(&[
        b"response.function_call_arguments.done",
        b"response.custom_tool_call_input.done",
        b"response.mcp_call_arguments.done",
        b"response.code_interpreter_call_code.done",
    ]) {
        out.push(Piece::Complete { key: key() });
    } else if is(&[b"response.output_text.delta"]) {
        root.all(b"delta").for_each(|t| text(t, out));
    }
}

fn bedrock(root: Item<'_>, out: &mut Vec<Piece>) {
    let Some(key) = number(root, b"contentBlockIndex") else { return };
    let mut ends = true;
    for tool in root.all(b"start").flat_map(|s| s.all(b"toolUse")).filter_map(|t| t.word(b"name")) {
        ends = false;
        out.push(Piece::Begin { key, tool: tool.to_vec() });
    }
    for delta in root.all(b"delta") {
        ends = false;
        delta.all(b"toolUse").flat_map(|t| t.all(b"input")).for_each(|p| more(key, p, out));
        delta.all(b"text").for_each(|t| text(t, out));
    }
    if ends {
        out.push(Piece::Complete { key });
    }
}

fn cohere(root: Item<'_>, out: &mut Vec<Piece>) {
    let key = number(root, b"index").unwrap_or(0);
    if root.says(b"type", &[b"tool-call-start", b"tool-call-delta"]) {
        let messages = root.all(b"delta").flat_map(|d| d.all(b"message"));
        let calls = messages.flat_map(|m| m.all(b"tool_calls"));
        calls.flat_map(|c| c.all(b"function")).for_each(|f| function(key, f, out));
    } else if root.says(b"type", &[b"tool-call-end"]) {
        out.push(Piece::Complete { key });
    }
}

fn more(key: u64, item: Item<'_>, out: &mut Vec<Piece>) {
    if item.kind() == Kind::Text && !item.raw().is_empty() {
        out.push(Piece::More { key, arguments: said(item) });
    }
}

fn text(item: Item<'_>, out: &mut Vec<Piece>) {
    if item.kind() == Kind::Text && !item.raw().is_empty() {
        out.push(Piece::Text(said(item)));
    }
}

fn said(item: Item<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(item.raw().len());
    unescape(item.raw(), &mut text);
    text
}

fn number(item: Item<'_>, key: &'static [u8]) -> Option<u64> {
    let raw = item.all(key).find(|v| v.kind() == Kind::Other)?.raw();
    std::str::from_utf8(raw).ok()?.parse().ok()
}

fn hashed(id: &[u8]) -> u64 {
    id.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
