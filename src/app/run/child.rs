//! One child in the foreground: spawned with its environment, waited for, signals passed on as a shell would.

use crate::app::service::Error;
use rustix::process::{Pid, Signal};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a shell answers for a program that cannot be run.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its own code, 128 + n for signal n, 127 not found, 126 not executable.
    pub code: u8,
    /// Why it could not be run, if so.
    pub why: Option<String>,
}

/// Runs the command with exactly this environment, on this process's terminal and in its process group.
///
/// # Errors
/// Neither the child nor this process's own fault: no runtime, no signal handlers.
pub(super) fn run(command: &[OsString], environment: Vec<(OsString, OsString)>) -> Result<Ended, Error> {
    let failed = |e: io::Error| {
        Error::new("run", "the command was not run", e, "close what uses up processes or files")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        // before the child is there, so that no signal finds us without a handler
        let mut heard = Heard::new().map_err(failed)?;
        let [program, arguments @ ..] = command else {
            return Err(Error::new("usage", "nothing to run", "no command was given", "katana run -- COMMAND …"));
        };
        let spawned = Command::new(program).args(arguments).env_clear().envs(environment).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(e) => {
                let code = if e.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
                return Ok(Ended { code, why: Some(format!("{}: {e}", program.display())) });
            }
        };
        loop {
            tokio::select! {
                status = child.wait() => return status.map(|s| Ended { code: code(s), why: None }).map_err(failed),
                kind = heard.next() => pass_on(&child, kind),
            }
        }
    })
}

fn code(status: ExitStatus) -> u8 {
    let whole = status.code().or_else(|| status.signal().map(|n| 128 + n)).unwrap_or(255);
    u8::try_from(whole).unwrap_or(255)
}

/// What the terminal sends reaches the whole group, the child with it; what was meant for us alone is passed on.
fn pass_on(child: &Child, kind: SignalKind) {
    let by_keyboard = kind == SignalKind::interrupt() || kind == SignalKind::quit();
    if by_keyboard && in_foreground() {
        return;
    }
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let named = Signal::from_named_raw(kind.as_raw_value());
    if let (Some(pid), Some(named)) = (pid, named) {
        let _ = rustix::process::kill_process(pid, named); // it may have just ended
    }
}

/// Is this process group the one its terminal talks to?
fn in_foreground() -> bool {
    fs::File::open("/dev/tty")
        .ok()
        .and_then(|tty| rustix::termios::tcgetpgrp(tty).ok())
        .is_some_and(|group| group == rustix::process::getpgrp())
}

/// The signals that are handled here; those that were ignored before us stay so, for the child too (`nohup`).
struct Heard(Vec<(SignalKind, Stream)>);

impl Heard {
    fn new() -> io::Result<Self> {
        let ignored = ignored();
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
        ];
        let wanted = kinds.into_iter().filter(|k| ignored & (1 << (k.as_raw_value() - 1)) == 0);
        wanted.map(|kind| Ok((kind, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> SignalKind {
        std::future::poll_fn(|cx| {
            for (kind, stream) in &mut self.0 {
                if stream.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*kind);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// Bit n - 1 for each signal n that is ignored.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Ended {
        let words = ["/bin/sh", "-c", script, "name", "a b", "*"].map(OsString::from);
        run(&words, vec![("GREETING".into(), "hi".into()), ("PATH".into(), "/usr/bin:/bin".into())]).unwrap()
    }

    #[test]
    fn its_code_its_arguments_and_its_environment_are_its_own() {
        let ended = |code| Ended { code, why: None };
        assert_eq!(sh("exit 0"), ended(0));
        assert_eq!(sh("exit 77"), ended(77));
        assert_eq!(sh("kill -TERM $$"), ended(143));
        assert_eq!(sh("kill -KILL $$"), ended(137));
        assert_eq!(sh(r#"test "$1/$2/$GREETING/$HOME" = "a b/*/hi/""#), ended(0));
        assert_eq!(
            sh("test \"$(ps -o pgid= -p $$ | tr -d ' ')\" = \"$(ps -o pgid= -p $PPID | tr -d ' ')\""),
            ended(0)
        );
    }

    #[test]
    fn what_cannot_be_run_has_a_shell_s_code() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("plain");
        fs::write(&plain, "x").unwrap();
        let missing = run(&["/no/such/program".into()], vec![]).unwrap();
        assert_eq!(missing.code, 127);
        assert!(missing.why.unwrap().contains("/no/such/program"));
        assert_eq!(run(&[plain.into()], vec![]).unwrap().code, 126);
        assert_eq!(run(&[], vec![]).unwrap_err().code(), "usage");
    }

    #[test]
    fn a_signal_meant_for_us_is_passed_on() {
        // signals reach a whole process, so the one they are sent to is not the one that runs the other tests
        let own = std::env::current_exe().unwrap();
        // nor may it matter how the tests were started: in the background INT is ignored, and a shell cannot trap that again
        let done = std::process::Command::new("env")
            .arg("--default-signal")
            .arg(own)
            .args(["--exact", "app::run::child::tests::alone", "--include-ignored"])
            .env("KATANA_TEST_ALONE", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }

    #[test]
    #[ignore = "the process of the test above"]
    fn alone() {
        if std::env::var_os("KATANA_TEST_ALONE").is_none() {
            return;
        }
        rustix::process::setsid().unwrap(); // away from any terminal: the keyboard is nobody's
        for name in ["TERM", "HUP", "USR1", "USR2", "INT", "QUIT"] {
            // the child signals its parent, this process, and ends when that signal comes back to it
            let script = format!("trap 'exit 9' {name}; kill -{name} $PPID; while :; do sleep 0.02; done");
            assert_eq!(sh(&script).code, 9, "{name}");
        }
    }
}
