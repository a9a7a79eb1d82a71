//! The machine under katana: its clock, what it lets a process do for its memory, and who may look into its directories.

use super::{Finding, Patient, State};
use crate::audit::query::{Filter, newest};
use crate::base::clock::Timestamp;
use crate::vault::hardening;
use serde_json::json;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// This program did not exist before: 2026-01-01. A clock that says so has not been set.
const FIRST: Timestamp = Timestamp(1_767_225_600_000);
/// How far a record may lie ahead of the clock, in milliseconds, before somebody has set the clock back.
const SLACK: i64 = 60_000;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    vec![clock(patient), memory(), permissions(patient)]
}

fn clock(patient: &Patient<'_>) -> Finding {
    let now = Timestamp::now();
    let last = newest(&patient.paths.audit(), &Filter::default(), 1).ok().and_then(|r| {
        let record = r.into_iter().next()?;
        Timestamp::parse(record["timestamp"].as_str()?)
    });
    let details = json!({ "now": now.to_string(), "last_record": last.map(|t| t.to_string()) });
    let finding = |state, what: String| Finding::new("clock", state, what).details(details.clone());
    let remedy = "set the clock of this machine: certificates and expiry depend on it";
    if now < FIRST {
        return finding(State::Bad, format!("{now} is before this program was written")).next(remedy);
    }
    match last {
        Some(last) if last.0 > now.0 + SLACK => {
            let what = format!("{now}, but the audit has a record of {last}: it was set back");
            finding(State::Warning, what).next(remedy)
        }
        _ => finding(State::Good, now.to_string()),
    }
}

fn memory() -> Finding {
    let now = hardening();
    let swap = fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1);
    let details = json!({
        "no_core": now.no_core, "undumpable": now.undumpable, "keys_locked": now.keys_locked,
        "all_locked": now.all_locked, "swap": swap,
    });
    let finding = |state, what: &str| Finding::new("memory", state, what).details(details.clone());
    if !now.no_core {
        return finding(State::Bad, "core files cannot be switched off").next("`ulimit -c 0` before katana");
    }
    if !now.keys_locked {
        return finding(State::Warning, "no core files; keys cannot be kept out of swap")
            .next("raise the limit on locked memory: `ulimit -l 8192`, LimitMEMLOCK= in the unit");
    }
    match (now.all_locked, swap) {
        (true, _) => finding(State::Good, "no core files; all memory of the proxy is locked"),
        (false, false) => finding(State::Good, "no core files; keys are locked, and there is no swap"),
        (false, true) => finding(State::Good, "no core files; keys are locked, values may reach the swap")
            .next("LimitMEMLOCK=infinity in the unit locks all of it; or encrypt the swap"),
    }
}

/// Directories and files that only their owner may open.
fn permissions(patient: &Patient<'_>) -> Finding {
    let paths = patient.paths;
    let vault = paths.vault();
    let beside = |ending: &str| vault.with_extension(ending);
    let directories = [paths.state.clone(), paths.ca(), paths.runtime.clone()];
    let audit = paths.audit();
    let directories = directories.into_iter().chain(audit.parent().map(Path::to_owned));
    let files =
        [vault.clone(), beside("anchor"), beside("key"), beside("kdf"), paths.log(), paths.pid.clone()];
    let of = |dir: bool| move |p: PathBuf| Some((wrong(&p, dir)?, p));
    let faults: Vec<(String, PathBuf)> =
        directories.filter_map(of(true)).chain(files.into_iter().filter_map(of(false))).collect();
    let Some((why, path)) = faults.first() else {
        return Finding::new("permissions", State::Good, "only this user can look into what katana keeps");
    };
    let more = if faults.len() > 1 { format!(", and {} more", faults.len() - 1) } else { String::new() };
    let mode = if path.is_dir() { "700" } else { "600" };
    Finding::new("permissions", State::Bad, format!("{} {why}{more}", path.display()))
        .next(format!("`chmod {mode} {}`, and ask who opened it", path.display()))
        .details(json!(faults.iter().map(|(why, p)| json!({ "path": p, "why": why })).collect::<Vec<_>>()))
}

/// What is wrong with it; `None`: nothing, or it is not there.
fn wrong(path: &Path, dir: bool) -> Option<String> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        Err(e) => return Some(format!("cannot be looked at: {e}")),
    };
    let me = rustix::process::geteuid().as_raw();
    if meta.is_symlink() {
        return Some("is a symlink".into());
    }
    if meta.is_dir() != dir {
        return Some(if dir { "is no directory" } else { "is no plain file" }.into());
    }
    if meta.uid() != me && meta.uid() != 0 {
        return Some(format!("belongs to uid {}", meta.uid()));
    }
    (meta.mode() & 0o077 != 0).then(|| format!("has mode {:04o}, which lets others in", meta.mode() & 0o7777))
}
