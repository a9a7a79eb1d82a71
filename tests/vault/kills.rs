//! `kill -9` at random instants and at every system call that changes a file: no secret is lost, the next open heals what was
//! begun. `KATANA_KILLS=1000` for the long run.

use super::{Values, filled, get, set, verified, whole};
use crate::support::katana;
use crate::support::katana::{Home, PROGRAM};
use crate::support::random::Random;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn rounds() -> usize {
    std::env::var("KATANA_KILLS").ok().and_then(|t| t.parse().ok()).unwrap_or(40)
}

/// Runs it and kills it after `after`. `true`: it had ended well before.
fn killed(home: &Home, args: &[&str], stdin: &str, after: Duration) -> bool {
    let mut command = home.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap().success()
}

/// How long it takes when nobody kills it.
fn undisturbed(work: impl Fn()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn within(random: &mut Random, whole: Duration) -> Duration {
    let micros = usize::try_from(whole.as_micros()).unwrap();
    Duration::from_micros(u64::try_from(random.below(micros * 11 / 10)).unwrap())
}

#[test]
fn a_rotation_killed_at_any_instant_loses_nothing() {
    let home = katana().home();
    let mut values = filled(&home, 12);
    let seed = Random::run_seed();
    eprintln!("KATANA_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let rotate = ["vault", "rotate", "-q"];
    let whole_time = undisturbed(|| assert!(home.katana(&rotate).status.success()));
    let (mut healed, mut done) = (Values::new(), 0);
    for round in 0..rounds() {
        done += usize::from(killed(&home, &rotate, "", within(&mut random, whole_time)));
        let found = verified(&home);
        assert_eq!(found["entries"], values.len(), "round {round}");
        if let Some(how) = found["healed"].as_str() {
            healed.insert(how.to_owned(), round.to_string());
        }
        let name = format!("NAME_{}", random.below(12));
        assert_eq!(&get(&home, &name), &values[&name], "round {round}");
        if random.chance(20) {
            let value = format!("round-{round}-Pq5wE2rT8yU1");
            set(&home, &name, &value);
            values.insert(name, value);
        }
    }
    eprintln!("{done} of {} rotations were done before the kill; healed: {healed:?}", rounds());
    whole(&home, &values);
    if rounds() >= 1000 {
        assert_eq!(healed.len(), 2, "some are finished and some undone: {healed:?}");
    }
}

#[test]
fn a_set_killed_at_any_instant_leaves_the_old_value_or_the_new_one() {
    let home = katana().home();
    let mut values = filled(&home, 3);
    let mut random = Random::new(Random::run_seed());
    let whole_time = undisturbed(|| set(&home, "NAME_0", &values["NAME_0"]));
    for round in 0..rounds() {
        let name = format!("NAME_{}", random.below(3));
        let new = format!("round-{round}-Pq5wE2rT8yU1");
        let done = killed(&home, &["vault", "set", &name, "-q"], &new, within(&mut random, whole_time));
        assert_eq!(verified(&home)["entries"], 3, "round {round}");
        let now = get(&home, &name);
        assert!(now == new || (!done && now == values[&name]), "round {round}: {now}");
        values.insert(name, now);
    }
    whole(&home, &values);
}

#[test]
fn killed_at_every_call_that_changes_a_file_it_heals() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not here");
        return;
    }
    let home = katana().home();
    let values = filled(&home, 3);
    let (mut seen, mut nth) = (Vec::new(), 0);
    // the audit is written when all is done; what counts is before that
    while nth < 60 {
        nth += 1;
        let calls = "openat,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync";
        let mut command = Command::new("strace");
        home.furnish(&mut command);
        let inject = format!("inject={calls}:signal=KILL:when={nth}");
        let trace = format!("trace={calls}");
        // only calls on the vault's own files are counted
        let files = ["vault.json", "vault.anchor", "vault.key"].map(|f| super::state(&home).join(f));
        command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
        command.arg("-P").arg(super::state(&home));
        for file in &files {
            command.arg("-P").arg(file);
        }
        let out = command.args([PROGRAM, "vault", "rotate", "-q"]).output().unwrap();
        let found = verified(&home);
        assert_eq!(found["entries"], 3, "killed at call {nth}");
        seen.extend(found["healed"].as_str().map(str::to_owned));
        if out.status.success() {
            break;
        }
    }
    whole(&home, &values);
    eprintln!("{nth} kills; {seen:?}");
    for how in ["undone", "finished"] {
        assert!(seen.iter().any(|s| s == how), "{how} in {seen:?}");
    }
}
