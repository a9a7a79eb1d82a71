//! Nobody but its owner gets at the key: not by the files, not by the control socket, not by the process, not by the proxy.

use super::desktop::state;
use crate::support::{Ask, Client, block_on, katana};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const VALUE: &str = "what-nobody-else-may-see";
/// `nobody`, on every system with such a user.
const OTHER: &str = "65534";

/// A command as another user, its output; `None`: this test is not root's, or the machine has no `setpriv`.
fn as_another(command: &str) -> Option<(bool, String)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    let done = Command::new("setpriv")
        .args(["--reuid", OTHER, "--regid", OTHER, "--clear-groups", "sh", "-c", command])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir("/")
        .output();
    match done {
        Ok(out) => Some((out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())),
        Err(e) => {
            eprintln!("skipped: setpriv: {e}");
            None
        }
    }
}

#[test]
fn another_user_reaches_neither_files_nor_socket_nor_memory() {
    let running = katana().secret("A_KEY", VALUE).start();
    let home = running.home.dir.path().to_owned();
    // the way there is open: what stops the other user is katana's own doing
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let Some((reaches, _)) = as_another(&format!("test -x {}", home.display())) else { return };
    if !reaches {
        return eprintln!("skipped: another user does not get as far as {}", home.display());
    }
    let state = state(&running.home);
    let open_to_another = |command: String| as_another(&command).is_some_and(|(worked, _)| worked);
    for file in ["vault.json", "vault.anchor", "vault.key", "ca", "audit/audit.jsonl"] {
        let path = state.join(file);
        assert!(path.exists(), "{file}");
        assert!(!open_to_another(format!("cat {0} || ls {0}", path.display())), "{file} is read");
    }
    assert!(!open_to_another(format!("ls {}", state.display())));
    let control = home.join("run/katana/control.sock");
    assert!(control.exists());
    let python = format!(
        "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"{}\")'",
        control.display()
    );
    assert!(!open_to_another(python), "the control socket lets another user in");
    // even where the directory would let them through
    fs::set_permissions(home.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fs::metadata(control.parent().unwrap()).unwrap().mode_bits(), 0o700);
    let pid = serde_json::from_slice::<serde_json::Value>(
        &running.home.katana(&["proxy", "status", "--json"]).stdout,
    )
    .unwrap()["pid"]
        .clone();
    for file in ["mem", "environ", "maps"] {
        assert!(!open_to_another(format!("head -c 1 /proc/{pid}/{file}")), "/proc/{pid}/{file} is read");
    }
}

#[test]
fn the_proxy_leads_to_no_socket_of_its_own_and_tells_no_key() {
    let running = katana().secret("A_KEY", VALUE).start();
    let key = fs::read_to_string(state(&running.home).join("vault.key")).unwrap();
    let key = key.lines().find(|l| !l.starts_with('#')).unwrap();
    let status = running.home.katana(&["proxy", "status", "--json"]);
    let told = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && !told.contains(key) && !told.contains(VALUE));
    running.never_tells(VALUE);
    running.never_tells(key);
    let itself = format!("http://{}", running.addr);
    let answer = block_on(async {
        Client::new(&running).absolute(&itself).await.ask(Ask::post("/status", "{\"op\":\"status\"}\n")).await
    });
    answer.denied(403);
    assert!(!answer.text().contains(key) && !answer.text().contains(VALUE));
}

/// The permission bits alone.
trait ModeBits {
    fn mode_bits(&self) -> u32;
}

impl ModeBits for fs::Metadata {
    fn mode_bits(&self) -> u32 {
        self.permissions().mode() & 0o777
    }
}
