//! Requests to models: OpenAI's chat completions and responses, Anthropic's messages, Google's generateContent, Ollama, Bedrock's
//! converse, Cohere. All of them at once: no field means one thing to one of them and another to the next.

use super::tape::{Item, Kind};
use super::walk::{Of, Show};
use crate::scanner::Surface;

const SYSTEM: &[&[u8]] = &[b"system", b"developer", b"SYSTEM"];
const TOOL: &[&[u8]] = &[b"tool", b"function", b"TOOL"];
const MODEL: &[&[u8]] = &[b"assistant", b"model", b"CHATBOT"];
/// What a block that a tool gave is called; blocks of documents and search results are as little the user's own words.
const RESULTS: &[&[u8]] = &[
    b"tool_result",
    b"function_call_output",
    b"custom_tool_call_output",
    b"computer_call_output",
    b"local_shell_call_output",
    b"shell_call_output",
    b"web_search_tool_result",
    b"web_fetch_tool_result",
    b"mcp_tool_result",
    b"code_execution_tool_result",
    b"document",
    b"search_result",
    b"mcp_call",
    b"mcp_list_tools",
];

/// Shows the parts of a request.
pub(super) fn request(root: Item<'_>, show: &mut Show<'_, '_>) {
    if root.fields().any(|(key, _)| key.raw().contains(&b'\\')) {
        escaped(root, show);
    }
    for (key, value) in root.fields() {
        match key.raw() {
            b"messages" | b"contents" | b"chat_history" | b"input" => turns(value, show),
            b"prompt" | b"message" | b"inputs" => show.every(value, Of::new(Surface::UserTurn, None)),
            b"system"
            | b"instructions"
            | b"preamble"
            | b"systemInstruction"
            | b"system_instruction"
            | b"system_prompt" => {
                show.every(value, Of::new(Surface::SystemPrompt, None));
            }
            b"tools" | b"functions" => tools(value, show),
            b"toolConfig" => value.all(b"tools").for_each(|t| tools(t, show)),
            b"tool_results" | b"documents" => show.every(value, Of::new(Surface::ToolResult, None)),
            // the request as somebody else's body carries it
            b"body" | b"request" | b"params" if value.has(b"messages") || value.has(b"contents") => {
                request(value, show);
            }
            _ => {}
        }
    }
}

/// The same where keys are written with escapes.
fn escaped(root: Item<'_>, show: &mut Show<'_, '_>) {
    for key in [&b"messages"[..], b"contents", b"input"] {
        for (k, value) in root.fields() {
            if k.raw() != key && super::string::is_same(k.raw(), key) {
                turns(value, show);
            }
        }
    }
}

/// A conversation, or one text that stands for it.
pub(super) fn turns(value: Item<'_>, show: &mut Show<'_, '_>) {
    match value.kind() {
        Kind::Array => value.items().for_each(|t| turn(t, show)),
        Kind::Object => turn(value, show),
        _ => show.one(value, Of::new(Surface::UserTurn, None)),
    }
}

fn turn(item: Item<'_>, show: &mut Show<'_, '_>) {
    let tool = item.word(b"name").or_else(|| item.word(b"tool_name"));
    let is = |roles: &[&[u8]]| item.says(b"role", roles);
    // a role may stand there twice, and each reader takes another
    let surface = match () {
        () if is(TOOL) || item.says(b"type", RESULTS) => Some(Surface::ToolResult),
        () if is(SYSTEM) => Some(Surface::SystemPrompt),
        () if is(MODEL) => None,
        () => Some(Surface::UserTurn),
    };
    if item.kind() == Kind::Text {
        return show.one(item, Of::new(Surface::UserTurn, None));
    }
    let keys: &[&'static [u8]] = match surface {
        Some(Surface::ToolResult) => &[b"content", b"output", b"parts", b"results", b"tools", b"result"],
        _ => &[b"content", b"parts", b"message", b"text"],
    };
    for value in keys.iter().flat_map(|key| item.all(key)) {
        content(value, surface, tool, show);
    }
}

/// A turn's content: a text, or blocks, of which some are another's words.
fn content(value: Item<'_>, surface: Option<Surface>, tool: Option<&[u8]>, show: &mut Show<'_, '_>) {
    if value.kind() == Kind::Array {
        return value.items().for_each(|block| content(block, surface, tool, show));
    }
    if value.kind() == Kind::Object {
        let given = [&b"functionResponse"[..], b"function_response", b"toolResult"];
        let mut others = false;
        for (key, inner) in value.fields() {
            if given.contains(&key.raw()) {
                others = true;
                let tool = inner.word(b"name").or(tool);
                show.every(inner, Of::new(Surface::ToolResult, tool));
            }
        }
        if !others && value.says(b"type", RESULTS) {
            others = true;
            show.every(value, Of::new(Surface::ToolResult, value.word(b"name").or(tool)));
        }
        if others {
            return;
        }
    }
    if let Some(surface) = surface {
        show.every(value, Of::new(surface, tool));
    }
}

/// What tools say of themselves.
pub(super) fn tools(value: Item<'_>, show: &mut Show<'_, '_>) {
    for tool in value.items() {
        let mut described = false;
        for key in [&b"function"[..], b"toolSpec"] {
            for spec in tool.all(key) {
                described = true;
                description(spec, show);
            }
        }
        for key in [&b"functionDeclarations"[..], b"function_declarations", b"tools"] {
            for spec in tool.all(key).flat_map(Item::items) {
                described = true;
                description(spec, show);
            }
        }
        if !described {
            description(tool, show);
        }
    }
}

/// One tool: its description, and all that its parameters say.
pub(super) fn description(tool: Item<'_>, show: &mut Show<'_, '_>) {
    show.every(tool, Of::new(Surface::ToolDescription, tool.word(b"name")));
}
