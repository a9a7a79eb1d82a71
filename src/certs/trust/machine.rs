//! The machine as the stores see it: where its root and this user's home are, which tools it has, and how they are run.

use super::{Fault, Kind};
use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where everything is. Tests have one of their own.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Before every absolute path.
    pub root: PathBuf,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// `$JAVA_HOME`.
    pub java_home: Option<PathBuf>,
    /// Where tools are looked for, in order.
    pub path: Vec<PathBuf>,
    /// The command that does the same as root; ` --store KIND` is put after it.
    pub again: String,
}

impl Machine {
    /// This machine and this user.
    #[must_use]
    pub fn from_env(again: String) -> Self {
        let var = |name: &str| env::var_os(name).filter(|v| !v.is_empty());
        let mut path: Vec<PathBuf> = var("PATH")
            .map(|p| env::split_paths(&p).filter(|d| d.is_absolute()).collect())
            .unwrap_or_default();
        // a person's PATH often lacks them
        path.extend(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from));
        let dir = |name: &str| var(name).map(PathBuf::from).filter(|d| d.is_absolute());
        Self { root: "/".into(), home: dir("HOME"), java_home: dir("JAVA_HOME"), path, again }
    }

    /// An absolute path on this machine.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A tool by its name.
    pub(super) fn tool(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|dir| dir.join(name)).find(|p| executable(p))
    }

    /// What is said where only root can help.
    pub(super) fn needs_root(&self, kind: Kind, place: &Path) -> Fault {
        Fault {
            code: "trust_needs_root",
            why: format!("{} is not writable for this user", place.display()),
            remedy: format!("{} --store {}", self.again, kind.as_str()),
        }
    }

    /// Runs a tool to its end; its stdout. It gets no variable but those it needs: no key, no token.
    pub(super) fn run<S: AsRef<OsStr>>(
        &self,
        tool: &Path,
        args: &[S],
        stdin: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let failed = |why: String| Fault {
            code: "trust_tool_failed",
            why: format!("{}: {why}", tool.display()),
            remedy: "run it by hand to see more, or look at what it complains of".into(),
        };
        let mut command = Command::new(tool);
        command.args(args).env_clear().env("LC_ALL", "C");
        if let Ok(path) = env::join_paths(&self.path) {
            command.env("PATH", path);
        }
        for name in ["HOME", "TMPDIR"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        let mut child = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        if let Some(mut pipe) = child.stdin.take() {
            let _ = pipe.write_all(stdin); // one that does not read says what it thinks by its exit code
        }
        let out = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
        if out.status.success() {
            return Ok(out.stdout);
        }
        let said = [out.stderr, out.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        let last =
            said.lines().map(str::trim).filter(|l| !l.is_empty()).take(3).collect::<Vec<_>>().join("; ");
        let said = if last.is_empty() { String::new() } else { format!(": {last}") };
        Err(failed(format!("{}{said}", out.status)))
    }
}

/// May this user write there? Of what is not there yet: into the nearest directory that is.
pub(super) fn writable(path: &Path) -> bool {
    let there = path.ancestors().find(|p| p.exists());
    there.is_some_and(|p| rustix::fs::access(p, rustix::fs::Access::WRITE_OK).is_ok())
}

pub(super) fn executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
