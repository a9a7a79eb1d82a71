//! Paths that globs are used to spell without writing them: `/b?n/s?`, `/e*c/p*d`.

/// Programs and files worth hiding.
const PROGRAMS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "rm", "dd", "cat", "tac", "head", "tail", "less", "more", "nl", "nc",
    "ncat", "netcat", "curl", "wget", "python3", "python", "perl", "base64", "chmod", "chown", "socat",
    "telnet", "mkfs", "shred", "scp", "ssh", "tar", "cp", "mv", "id", "whoami", "sudo", "busybox", "php",
    "ruby", "node",
];
const FOLDERS: &[&str] = &["/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/"];
const FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/gshadow",
    "/etc/crontab",
    "/etc/ssh/ssh_host_rsa_key",
    "/root/.ssh/id_rsa",
    "/root/.ssh/id_ed25519",
    "/root/.ssh/authorized_keys",
    "/home/user/.ssh/id_rsa",
    "/home/user/.ssh/id_ed25519",
    "/home/user/.aws/credentials",
    "~/.ssh/id_rsa",
    "~/.ssh/id_ed25519",
    "~/.aws/credentials",
    "/root/.bash_history",
    "/proc/self/environ",
    "/proc/1/environ",
    "/var/run/docker.sock",
];
/// Longer words spell nothing.
const LONGEST: usize = 64;

/// The path that a glob spells, if it hides one: it has a letter or sign left open in a name that is otherwise written out.
pub(super) fn spelt(glob: &str, program: bool) -> Option<&'static str> {
    if glob.len() > LONGEST || !glob.contains('/') || !glob.contains(['*', '?', '[']) {
        return None;
    }
    if program {
        let (folder, name) = glob.rsplit_once('/')?;
        if !name.chars().any(|c| c != '*') {
            return None;
        }
        let folder = format!("{folder}/");
        FOLDERS.iter().find(|f| fits(folder.as_bytes(), f.as_bytes()))?;
        return PROGRAMS.iter().copied().find(|p| fits(name.as_bytes(), p.as_bytes()));
    }
    let last = glob.rsplit('/').next()?;
    if last.trim_matches('*').is_empty() || last.starts_with("*.") {
        return None;
    }
    FILES.iter().copied().find(|f| fits(glob.as_bytes(), f.as_bytes()))
}

/// Does a glob of the shell hold all of a text? Steps back to the last star only, so quadratic at worst.
fn fits(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let one = if g < glob.len() && glob[g] != b'*' && t < text.len() {
            step(&glob[g..], text[t])
        } else {
            None
        };
        if let Some(len) = one {
            (g, t) = (g + len, t + 1);
        } else if g < glob.len() && glob[g] == b'*' {
            g += 1;
            star = Some((g, t));
        } else if t == text.len() && g == glob.len() {
            return true;
        } else if let Some((after, at)) = star.filter(|(_, at)| *at < text.len() && text[*at] != b'/') {
            star = Some((after, at + 1));
            (g, t) = (after, at + 1);
        } else {
            return false;
        }
    }
}

/// The length of what stands for this byte.
fn step(glob: &[u8], b: u8) -> Option<usize> {
    match glob[0] {
        b'?' if b != b'/' => Some(1),
        b'[' => {
            let end = glob.iter().skip(2).position(|c| *c == b']')? + 2;
            let (mut class, not) = (&glob[1..end], matches!(glob[1], b'!' | b'^'));
            if not {
                class = &class[1..];
            }
            let ranged = class.windows(3).any(|w| w[1] == b'-' && (w[0]..=w[2]).contains(&b));
            (b != b'/' && (ranged || class.contains(&b)) != not).then_some(end + 1)
        }
        c => (c == b).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_a_path_spells_it() {
        assert_eq!(spelt("/b?n/s?", true), Some("sh"));
        assert_eq!(spelt("/usr/bin/c[a-b]t", true), Some("cat"));
        assert_eq!(spelt("/e*c/p*d", false), Some("/etc/passwd"));
        assert_eq!(spelt("/etc/sh[!x]dow", false), Some("/etc/shadow"));
        for ordinary in ["/etc/*", "*.rs", "/etc/*.conf", "/tmp/*", "src/**/x?"] {
            assert_eq!(spelt(ordinary, false), None, "{ordinary}");
        }
    }
}
