//! Programs that run another: where the other's words begin.

use super::act::Field;

/// A wrapper: its name, its flags that take a word, how many words of its own follow the flags.
struct Wrapper {
    name: &'static str,
    valued: &'static str,
    own: usize,
}

const fn wrapper(name: &'static str, valued: &'static str, own: usize) -> Wrapper {
    Wrapper { name, valued, own }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper("sudo", "-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot", 0),
    wrapper("doas", "-u -C", 0),
    wrapper("pkexec", "--user", 0),
    wrapper("gosu", "", 1),
    wrapper("su-exec", "", 1),
    wrapper("setpriv", "--reuid --regid", 0),
    wrapper("env", "-u -C --unset --chdir", 0),
    wrapper("nohup", "", 0),
    wrapper("nice", "-n", 0),
    wrapper("ionice", "-c -n", 0),
    wrapper("chrt", "-p", 1),
    wrapper("taskset", "", 1),
    wrapper("timeout", "-s -k --signal --kill-after", 1),
    wrapper("gtimeout", "-s -k --signal --kill-after", 1),
    wrapper("time", "-f -o", 0),
    wrapper("stdbuf", "-i -o -e", 0),
    wrapper("setsid", "", 0),
    wrapper("command", "", 0),
    wrapper("builtin", "", 0),
    wrapper("exec", "-a", 0),
    wrapper("noglob", "", 0),
    wrapper("nocorrect", "", 0),
    wrapper("busybox", "", 0),
    wrapper("toybox", "", 0),
    wrapper("watch", "-n -d --interval", 0),
    wrapper("strace", "-e -o -p -s", 0),
    wrapper("ltrace", "-e -o", 0),
    wrapper("chroot", "--userspec --groups", 1),
    wrapper("unshare", "--setuid --setgid -S -G", 0),
    wrapper("nsenter", "-t --target -S -G", 0),
    wrapper("systemd-run", "-p --unit -u --property --on-calendar --on-boot -E --setenv", 0),
    wrapper("systemd-inhibit", "", 0),
    wrapper("caffeinate", "-t -w", 0),
    wrapper("chronic", "", 0),
    wrapper("unbuffer", "", 0),
    wrapper("rlwrap", "", 0),
    wrapper("proot", "-b -r -w", 0),
    wrapper("fakeroot", "", 0),
    wrapper("firejail", "", 0),
    wrapper("bwrap", "", usize::MAX),
    wrapper("tini", "-p", 0),
    wrapper("dumb-init", "", 0),
    wrapper("torify", "", 0),
    wrapper("torsocks", "", 0),
    wrapper("proxychains", "-f", 0),
    wrapper("proxychains4", "-f", 0),
    wrapper("dbus-run-session", "", 0),
    wrapper("xvfb-run", "-n -s", 0),
    wrapper("xargs", "-I -n -P -L -d -E -s -a --max-args --max-procs --replace --delimiter", 0),
    wrapper("parallel", "-j --jobs", 0),
    wrapper("flock", "-w -E", 1),
    wrapper("ssh", "-p -i -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B", 1),
    wrapper("sshpass", "-p -f -e", 0),
    wrapper("start", "", 0),
];

/// How many words of a wrapper come before those it runs; none if it is no wrapper or runs nothing.
pub(super) fn inner(program: &str, args: &[Field]) -> Option<usize> {
    if matches!(program, "docker" | "podman" | "nerdctl" | "kubectl" | "oc" | "lxc") {
        return in_container(program, args);
    }
    let wrapper = WRAPPERS.iter().find(|w| w.name == program)?;
    let mut own = wrapper.own;
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        let text = arg.text.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        // `command -v x` only asks; a shell's `-c` is seen to elsewhere
        if program == "command" && matches!(text, "-v" | "-V") || program == "flock" && text == "-c" {
            return None;
        }
        if text.starts_with('-') && text.len() > 1 {
            at += if wrapper.valued.split(' ').any(|f| f == text) { 2 } else { 1 };
        } else if matches!(program, "env" | "sudo" | "doas") && is_assignment(text) {
            at += 1;
        } else if own > 0 && own != usize::MAX {
            own -= 1;
            at += 1;
        } else {
            break;
        }
    }
    (at < args.len()).then_some(at)
}

/// `docker run … image cmd`, `kubectl exec pod -- cmd`.
fn in_container(program: &str, args: &[Field]) -> Option<usize> {
    let verb = args.iter().position(|a| matches!(a.text.as_str(), "run" | "exec"))?;
    if matches!(program, "kubectl" | "oc" | "lxc") {
        return args.iter().position(|a| a.text == "--").map(|at| at + 1).filter(|at| *at < args.len());
    }
    const VALUED: &str = "-v --volume -e --env -p --publish --name -w --workdir -u --user --network --net --mount --env-file --entrypoint -h --hostname -m --memory --cpus \
        --device --cap-add --cap-drop --security-opt --label -l --platform --pid --ipc --restart --gpus --add-host --tmpfs --ulimit --shm-size --pull --log-driver";
    let mut at = verb + 1;
    while let Some(text) = args.get(at).map(|a| a.text.as_str()).filter(|t| t.starts_with('-')) {
        at += if VALUED.split_whitespace().any(|f| f == text) { 2 } else { 1 };
    }
    // the image or the container
    Some(at + 1).filter(|at| *at < args.len())
}

/// `NAME=value`.
pub(super) fn is_assignment(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    text.contains('=')
        && !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A program without its folder, `.exe` and capitals, and with letters of other scripts read as Latin.
pub(super) fn program(called: &str) -> String {
    let name = called.rsplit(['/', '\\']).next().unwrap_or(called);
    let name = name.to_lowercase();
    name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(&name).to_owned()
}

/// A shell that runs its `-c` word, a file, or what it reads.
pub(super) fn is_shell(program: &str) -> bool {
    matches!(
        program,
        "sh" | "bash"
            | "dash"
            | "zsh"
            | "ash"
            | "ksh"
            | "mksh"
            | "fish"
            | "rbash"
            | "csh"
            | "tcsh"
            | "pwsh"
            | "powershell"
            | "cmd"
            | "yash"
            | "busybox-sh"
    )
}

/// An interpreter of another language.
pub(super) fn is_interpreter(program: &str) -> bool {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    matches!(
        name,
        "python"
            | "pypy"
            | "perl"
            | "ruby"
            | "node"
            | "nodejs"
            | "php"
            | "lua"
            | "luajit"
            | "deno"
            | "bun"
            | "osascript"
            | "tclsh"
            | "rscript"
            | "guile"
            | "jshell"
            | "groovy"
            | "irb"
            | "ts-node"
            | "tsx"
            | "julia"
    )
}
