//! Answers of models: the calls of tools they hold, and what tools that ran at the provider gave. The model's own text is no part.

use super::call;
use super::tape::{Item, Tape};
use super::walk::{Of, Show};
use crate::scanner::Surface;

/// What blocks are called that call a tool.
const CALLS: &[&[u8]] = &[
    b"tool_use",
    b"server_tool_use",
    b"mcp_tool_use",
    b"function_call",
    b"custom_tool_call",
    b"local_shell_call",
    b"shell_call",
    b"mcp_call",
    b"code_interpreter_call",
    b"computer_call",
    b"apply_patch_call",
];
/// Blocks with what a tool gave.
const RESULTS: &[&[u8]] = &[
    b"mcp_tool_result",
    b"web_search_tool_result",
    b"web_fetch_tool_result",
    b"code_execution_tool_result",
    b"mcp_call",
];
/// Objects that are a call by the name they stand under.
const NAMED: [&[u8]; 4] = [b"function", b"functionCall", b"function_call", b"toolUse"];
/// What a tool is called with.
const ARGUMENTS: [&[u8]; 6] = [b"arguments", b"input", b"args", b"parameters", b"action", b"code"];

/// Calls in calls are shown by themselves so deep; what they say was shown with the outer ones too. Else a body of nothing but
/// calls in calls would be shown as often as they are deep.
const NESTED: usize = 4;

/// Shows every call of a tool in it, wherever it stands.
pub(super) fn calls(tape: &Tape, text: &[u8], show: &mut Show<'_, '_>) {
    // where the calls end in which an object stands
    let mut within: Vec<usize> = Vec::new();
    for object in tape.objects(text) {
        let reach = object.reach();
        while within.last().is_some_and(|end| *end <= reach.start) {
            within.pop();
        }
        if within.len() >= NESTED {
            continue;
        }
        if object.says(b"type", CALLS) || NAMED.iter().any(|key| object.has(key)) {
            within.push(reach.end);
        }
        if object.says(b"type", CALLS) {
            let tool = object.word(b"name").or_else(|| object.word(b"type"));
            one(tool, object, show);
        }
        for inner in NAMED.iter().flat_map(|key| object.all(key)) {
            one(inner.word(b"name"), inner, show);
        }
        for code in object.all(b"executableCode").flat_map(|c| c.all(b"code")) {
            call::arguments(Some(b"code"), code, show);
        }
    }
}

fn one(tool: Option<&[u8]>, object: Item<'_>, show: &mut Show<'_, '_>) {
    for arguments in ARGUMENTS.iter().flat_map(|key| object.all(key)) {
        call::arguments(tool, arguments, show);
    }
}

/// Shows what tools gave that the provider ran.
pub(super) fn results(root: Item<'_>, show: &mut Show<'_, '_>) {
    for block in [&b"content"[..], b"output"].iter().flat_map(|key| root.all(key)).flat_map(Item::items) {
        if block.says(b"type", RESULTS) {
            let of = Of::new(Surface::ToolResult, block.word(b"name"));
            [&b"content"[..], b"output"]
                .iter()
                .flat_map(|key| block.all(key))
                .for_each(|v| show.every(v, of));
        }
        if block.says(b"type", &[b"mcp_list_tools"]) {
            block.all(b"tools").flat_map(Item::items).for_each(|t| super::chat::description(t, show));
        }
    }
}
