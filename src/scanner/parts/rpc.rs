//! JSON-RPC between agents and their servers: MCP and A2A. What a server says is not the user's word, whatever the method: what
//! it says of its tools is a description, all else a result.

use super::tape::{Item, Kind};
use super::walk::{Of, Show};
use super::{call, chat};
use crate::scanner::{Direction, Surface};

/// Lists in which a server describes what it has.
const LISTS: &[&[u8]] = &[b"tools", b"prompts", b"resources", b"resourceTemplates", b"skills"];

/// Shows the parts of one message.
pub(super) fn message(direction: Direction, item: Item<'_>, show: &mut Show<'_, '_>) {
    match direction {
        Direction::Request => sent(item, show),
        Direction::Response => received(item, show),
    }
}

/// From the agent: calls of tools, and what it tells other agents.
fn sent(item: Item<'_>, show: &mut Show<'_, '_>) {
    let calls = item.says(b"method", &[b"tools/call"]);
    for params in item.all(b"params") {
        if calls {
            for arguments in params.all(b"arguments") {
                call::arguments(params.word(b"name"), arguments, show);
            }
        } else {
            params.all(b"message").for_each(|m| show.every(m, Of::new(Surface::UserTurn, None)));
        }
    }
}

/// From the server: an answer, or something that it asks or tells by itself.
fn received(item: Item<'_>, show: &mut Show<'_, '_>) {
    for (key, value) in item.fields() {
        match key.raw() {
            b"result" => result(value, show),
            b"jsonrpc" | b"id" | b"method" => {}
            // an error, or the parameters of what the server asks: sampling, elicitation, notifications
            _ => show.every(value, Of::new(Surface::ToolResult, None)),
        }
    }
}

fn result(value: Item<'_>, show: &mut Show<'_, '_>) {
    let of = Of::new(Surface::ToolResult, None);
    if value.kind() != Kind::Object {
        return show.every(value, of);
    }
    for (key, inner) in value.fields() {
        if key.raw() == b"tools" {
            inner.items().for_each(|entry| show.entry(entry, entry.word(b"name")));
        }
        if LISTS.contains(&key.raw()) {
            inner.items().for_each(|entry| chat::description(entry, show));
        } else if key.raw() == b"instructions" || key.raw() == b"serverInfo" {
            show.every(inner, Of { field: Some(key.raw()), ..Of::new(Surface::ToolDescription, None) });
        } else {
            show.every(inner, Of { field: Some(key.raw()), ..of });
        }
    }
}
