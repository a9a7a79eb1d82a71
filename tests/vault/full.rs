//! A disk that fills up, and a limit on file sizes: whatever could not be written, the vault is what it was.

use super::{filled, set, state, whole};
use crate::cli::{Small, said};
use crate::support::katana;
use crate::support::katana::PROGRAM;
use std::process::Command;

#[test]
fn wherever_the_disk_is_full_nothing_is_lost() {
    let home = katana().home();
    let Some(disk) = Small::mount(state(&home), "256k") else { return };
    let mut values = filled(&home, 4);
    let (mut failed, mut worked) = (0, 0);
    for free in 0..12 {
        disk.fill_but(free * 4096);
        for args in [&["vault", "rotate", "-q"][..], &["vault", "set", "NAME_0", "-q"]] {
            let new = format!("with-{free}-pages-left-Pq5wE2");
            let out = home.katana_in(args, &new);
            match out.status.code() {
                Some(0) => worked += 1,
                Some(3) => failed += 1,
                other => panic!("{free} pages, {args:?}: {other:?} {}", said(&out)),
            }
            if out.status.success() && args[1] == "set" {
                values.insert("NAME_0".into(), new);
            }
            assert_eq!(super::verified(&home)["entries"], 4, "{free} pages, {args:?}: {}", said(&out));
        }
    }
    assert!(failed > 0 && worked > 0, "{failed} failed, {worked} worked");
    disk.free();
    // what is read goes into the audit, which has room again
    whole(&home, &values);
    set(&home, "NAME_0", &values["NAME_0"]);
    let out = home.katana(&["vault", "rotate"]);
    assert!(out.status.success(), "{}", said(&out));
    whole(&home, &values);
}

#[test]
fn a_limit_on_the_size_of_files_costs_nothing_but_the_write() {
    let home = katana().home();
    let values = filled(&home, 8);
    // with the signal: the process dies in the middle of a write; without: the write fails
    for trap in ["", "trap '' XFSZ; "] {
        for blocks in [0, 1, 2, 4] {
            for what in ["rotate", "set NAME_0"] {
                let mut command = Command::new("sh");
                home.furnish(&mut command);
                let line = format!("{trap}ulimit -f {blocks}; exec {PROGRAM} vault {what} -q");
                command.args(["-c", &line]).stdin(std::process::Stdio::null());
                let out = command.output().unwrap();
                assert!(!out.status.success(), "{line}");
                assert_eq!(super::verified(&home)["entries"], 8, "{line}: {}", said(&out));
            }
        }
    }
    whole(&home, &values);
}
