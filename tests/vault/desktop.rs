//! A desktop session of the test's own: a private D-Bus, and on it a real gnome-keyring.

use crate::support::katana::Home;
use crate::support::until;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Killed with the value, and with it whatever was started on its bus.
pub(super) struct Desktop {
    bus: Child,
    keyring: Option<Child>,
    address: String,
}

/// A bus that starts nothing by itself: no prompt of the machine's appears in a test.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir=DIR</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

impl Desktop {
    /// A bus without a keyring; `None`: this machine has no D-Bus daemon or no gnome-keyring, which is said.
    pub(super) fn new(home: &Home) -> Option<Self> {
        for program in ["dbus-daemon", "gnome-keyring-daemon"] {
            if Command::new(program).arg("--version").output().is_err() {
                eprintln!("skipped: {program} is not here (packages dbus, gnome-keyring)");
                return None;
            }
        }
        let dir = home.dir.path();
        let config = dir.join("bus.conf");
        fs::write(&config, BUS.replace("DIR", dir.join("tmp").to_str().unwrap())).unwrap();
        let mut bus = Self::program(home, "dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.trim().is_empty(), "the bus says where it is");
        Some(Self { bus, keyring: None, address: address.trim().to_owned() })
    }

    fn program(home: &Home, name: &str) -> Command {
        let mut command = Command::new(name);
        home.furnish(&mut command);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts the keyring: unlocked with its password, or locked as after a reboot.
    pub(super) fn keyring(&mut self, home: &Home, password: Option<&str>) {
        self.stop_keyring();
        let mut command = Self::program(home, "gnome-keyring-daemon");
        command
            .args(["--foreground", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdout(Stdio::null());
        if password.is_some() {
            command.arg("--unlock").stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let (Some(password), Some(mut stdin)) = (password, child.stdin.take()) {
            stdin.write_all(password.as_bytes()).unwrap();
        }
        self.keyring = Some(child);
        until("an answer of the keyring", || {
            let out = self.katana(home, &["vault", "key", "show", "--json"]);
            let said = String::from_utf8_lossy(&out.stdout).into_owned();
            let there = !said.contains("not provided by") && !said.contains("disconnected");
            there.then_some(())
        });
    }

    pub(super) fn stop_keyring(&mut self) {
        if let Some(mut child) = self.keyring.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A katana command in this session.
    pub(super) fn command(&self, home: &Home, args: &[&str]) -> Command {
        let mut command = home.command(args);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    pub(super) fn katana(&self, home: &Home, args: &[&str]) -> Output {
        self.katana_in(home, args, "")
    }

    pub(super) fn katana_in(&self, home: &Home, args: &[&str], stdin: &str) -> Output {
        let file = home.dir.path().join("tmp/stdin");
        fs::write(&file, stdin).unwrap();
        self.command(home, args).stdin(fs::File::open(&file).unwrap()).output().unwrap()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

/// The state directory of a home.
pub(super) fn state(home: &Home) -> std::path::PathBuf {
    home.dir.path().join(Path::new(".config/hermes-katana"))
}
