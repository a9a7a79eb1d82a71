//! A program that prints a value: started without a shell, in an environment of its own, in a process group of its own that is
//! ended when its time is up. Its output is the value less one final newline; what it says on stderr is shown only in part.

use super::Fault;
use crate::base::secret::Secret;
use crate::vault::value::LONGEST;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// As much of stderr as is looked at, bytes.
const STDERR: usize = 4096;

pub(super) fn run(
    argv: &[String],
    environment: &[(OsString, OsString)],
    patience: Duration,
) -> Result<Secret, Fault> {
    let (program, args) = argv.split_first().ok_or(Fault::Reference("is no command"))?;
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .envs(environment.iter().map(|(n, v)| (n, v)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|e| not_started(program, &e))?;
    let end = Instant::now() + patience;
    let out = child.stdout.take().map(|p| reading(p, LONGEST + 3));
    let err = child.stderr.take().map(|p| reading(p, STDERR));
    let out = out.and_then(|r| r.recv_timeout(patience).ok());
    let status = out.as_ref().and_then(|_| wait(&mut child, end));
    // whatever it has started is ended too; a group that is empty is no error
    if let Ok(group) = i32::try_from(child.id()).map_err(drop).and_then(|n| Pid::from_raw(n).ok_or(())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    let (Some(out), Some(status)) = (out, status) else { return Err(Fault::TimedOut(patience.as_secs())) };
    if !status.success() {
        let said = err.and_then(|r| r.recv_timeout(Duration::from_secs(1)).ok()).unwrap_or_default();
        return Err(Fault::Failed(format!("{program} {}{}", ended(status), excerpt(&said))));
    }
    trimmed(out)
}

fn not_started(program: &str, e: &io::Error) -> Fault {
    match e.kind() {
        io::ErrorKind::NotFound => Fault::Missing(format!("the program {program}")),
        _ => Fault::Failed(format!("{program} could not be started: {e}")),
    }
}

/// The first bytes of a pipe, read on a thread of their own; the rest is thrown away, so that the writer can end.
fn reading(mut pipe: impl Read + Send + 'static, most: usize) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(most));
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        let _ = (&mut pipe).take(limit).read_to_end(&mut bytes);
        let whole = bytes.len() < most;
        let _ = send.send(std::mem::take(&mut *bytes));
        if !whole {
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
    });
    receive
}

/// Its end, if it comes in time: it has closed its output, so it is about to.
fn wait(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => {
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            _ => return None,
        }
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with {code}"),
        None => "was killed".into(),
    }
}

/// The first line of what a program complained about. A long word in it may be a secret, and is left out.
fn excerpt(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    let word = |w: &str| {
        let digits = w.bytes().any(|b| b.is_ascii_digit());
        if w.len() > 40 || (w.len() > 11 && digits) {
            "…".to_owned()
        } else {
            w.replace(char::is_control, "")
        }
    };
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    let line: String = words.join(" ").chars().take(160).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

/// A value less one final newline; not more than a value may be.
pub(super) fn trimmed(mut bytes: Vec<u8>) -> Result<Secret, Fault> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    let value = Secret::new(bytes);
    if value.len() > LONGEST { Err(Fault::Value("is longer than 64 KiB")) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn sh(script: &str, patience: Duration) -> Result<Secret, Fault> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&argv, &[("PATH".into(), "/usr/bin:/bin".into()), ("GIVEN".into(), "1".into())], patience)
    }

    fn text(script: &str) -> String {
        String::from_utf8(sh(script, LONG).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn what_it_prints_is_the_value() {
        assert_eq!(text("echo value"), "value");
        assert_eq!(text("printf 'a\\r\\n'"), "a");
        assert_eq!(text("printf 'a\\n\\n'"), "a\n");
        assert_eq!(text("echo noise >&2; printf x; exec >&-"), "x");
        assert_eq!(sh("head -c 65536 /dev/zero", LONG).unwrap().len(), LONGEST);
        assert_eq!(sh("head -c 65537 /dev/zero", LONG), Err(Fault::Value("is longer than 64 KiB")));
        assert_eq!(sh("head -c 9000000 /dev/zero", LONG).unwrap_err().code(), "reference_value");
    }

    #[test]
    fn it_sees_nothing_of_katanas_but_what_it_is_given() {
        let names = text("env | cut -d= -f1 | sort | tr '\\n' ' '");
        let own = ["_", "SHLVL", "PWD", "OLDPWD"];
        let names: Vec<&str> = names.split_whitespace().filter(|n| !own.contains(n)).collect();
        assert_eq!(names, ["GIVEN", "PATH"]);
        assert_eq!(text("pwd"), "/");
    }

    #[test]
    fn how_it_fails_is_said_without_a_secret() {
        let why = |script| sh(script, LONG).unwrap_err().to_string();
        assert_eq!(
            why("echo 'no such item' >&2; echo more >&2; exit 3"),
            "/bin/sh ended with 3: no such item"
        );
        assert_eq!(
            why("echo 'token abcdef0123456789 is bad' >&2; exit 1"),
            "/bin/sh ended with 1: token … is bad"
        );
        assert_eq!(why("kill -9 $$"), "/bin/sh was killed");
        let none = run(&["no-such-program-here".into()], &[], LONG).unwrap_err();
        assert_eq!(none.code(), "reference_missing");
    }

    #[test]
    fn it_is_ended_with_all_it_started_when_its_time_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; sleep 600", pid.display());
        let fault = sh(&script, Duration::from_millis(1500)).unwrap_err();
        assert_eq!(fault.code(), "reference_timed_out");
        let pid = std::fs::read_to_string(&pid).unwrap().trim().to_owned();
        let end = Instant::now() + LONG;
        let stat = format!("/proc/{pid}/stat");
        // gone, or dead and waiting for init to collect it
        while std::fs::read_to_string(&stat).is_ok_and(|s| !s.contains(") Z ")) {
            assert!(Instant::now() < end, "the grandchild lives on");
            thread::sleep(Duration::from_millis(10));
        }
        // closing its output does not let it live longer
        let fault = sh("exec >&-; sleep 600", Duration::from_millis(300)).unwrap_err();
        assert_eq!(fault.code(), "reference_timed_out");
    }
}
