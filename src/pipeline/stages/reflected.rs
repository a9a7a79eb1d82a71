//! Echoes in what upstream answers, whosever they are: which hits count, and headers with the placeholder put back.

use crate::pipeline::StageError;
use crate::pipeline::exchange::Exchange;
use crate::vault::scrub::Hit;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Hits in order; of those that overlap, the one that begins first and reaches farthest.
pub(super) fn apart(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end)));
    let mut end = 0;
    hits.retain(|h| {
        let keep = h.start >= end;
        end = if keep { h.end } else { end };
        keep
    });
    hits
}

/// Turns echoes in headers back; a header whose very name holds one goes. `find`: the echoes of a text, [`apart`];
/// `back`: the entry and the placeholder of one.
pub(super) fn unecho<'a>(
    ex: &Exchange,
    headers: &mut HeaderMap,
    find: impl Fn(&[u8]) -> Vec<Hit>,
    back: impl Fn(&Hit) -> Option<(usize, &'a str)>,
) -> Result<(), StageError> {
    let named: Vec<HeaderName> =
        headers.keys().filter(|n| !find(n.as_str().as_bytes()).is_empty()).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        let hits = find(value.as_bytes());
        if hits.is_empty() {
            continue;
        }
        let (mut out, mut at) = (Vec::new(), 0);
        for hit in &hits {
            let Some((entry, placeholder)) = back(hit) else { continue };
            ex.unechoed(entry);
            out.extend_from_slice(&value.as_bytes()[at..hit.start]);
            out.extend_from_slice(placeholder.as_bytes());
            at = hit.end;
        }
        out.extend_from_slice(&value.as_bytes()[at..]);
        *value =
            HeaderValue::from_bytes(&out).map_err(|_| StageError("an echo could not be taken out".into()))?;
    }
    Ok(())
}
