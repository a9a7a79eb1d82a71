//! Files that a program writes because its words say so.

use super::act::Act;

/// The files that a program's words tell it to write.
pub(super) fn named_writes(act: &Act) -> Vec<String> {
    let args: Vec<&str> = act.args.iter().map(|a| a.text.as_str()).collect();
    let operands = || args.iter().filter(|a| !a.starts_with('-')).map(|a| (*a).to_owned());
    let after = |flags: &[&str]| after(&args, flags);
    match act.program.as_str() {
        "tee" | "sponge" | "truncate" | "touch" => operands().collect(),
        "cp" | "mv" | "install" | "ln" | "rsync" | "scp" if operands().count() > 1 => {
            after(&["-t", "--target-directory"]).into_iter().chain(operands().next_back()).collect()
        }
        "dd" => args.iter().filter_map(|a| a.strip_prefix("of=")).map(str::to_owned).collect(),
        "sed" | "perl"
            if args.iter().any(|a| a.starts_with("-i") || *a == "--in-place" || a.starts_with("-pi")) =>
        {
            operands().skip(1).collect()
        }
        "curl" | "wget" => fetched(&act.program, &args),
        "tar" | "bsdtar" | "gtar" => {
            let packed = args
                .windows(2)
                .filter(|w| {
                    !w[0].contains('/') && !w[0].starts_with("--") && w[0].contains('f') && w[0].contains('c')
                })
                .map(|w| w[1].to_owned());
            packed.chain(after(&["--file"])).collect()
        }
        "zip" => operands().take(1).collect(),
        "7z" | "7za" | "rar" => operands().skip(1).take(1).collect(),
        "openssl" | "gpg" | "age" | "gcc" | "cc" | "go" | "sqlite3" | "pg_dump" | "mysqldump" => {
            after(&["-out", "-o", "--output", "-f"])
        }
        _ => Vec::new(),
    }
}

fn after(args: &[&str], flags: &[&str]) -> Vec<String> {
    args.windows(2).filter(|w| flags.contains(&w[0])).map(|w| w[1].to_owned()).collect()
}

/// What `curl` and `wget` put what they fetch in.
fn fetched(program: &str, args: &[&str]) -> Vec<String> {
    let after = |flags: &[&str]| after(args, flags);
    let base = |url: &str| {
        url.split(['?', '#'])
            .next()
            .and_then(|u| u.rsplit('/').next())
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
    };
    let urls = || args.iter().filter(|a| a.contains("://"));
    match program {
        "curl" => {
            let named = after(&["-o", "--output", "-Lo", "-sLo", "-fsSLo", "-sSLo", "-so", "-fLo", "-sSfLo"]);
            let remote = args.iter().any(|a| {
                *a == "--remote-name" || a.starts_with('-') && !a.starts_with("--") && a.contains('O')
            });
            named.into_iter().chain(urls().filter(|_| remote).filter_map(|u| base(u))).collect()
        }
        _ => {
            let mut named = after(&["-O", "--output-document", "-qO"]);
            named.extend(
                args.iter()
                    .filter_map(|a| {
                        a.strip_prefix("--output-document=")
                            .or_else(|| a.strip_prefix("-O"))
                            .filter(|f| !f.is_empty())
                    })
                    .map(str::to_owned),
            );
            if named.is_empty() {
                urls().filter_map(|u| base(u)).collect()
            } else {
                named.into_iter().filter(|n| n != "-").collect()
            }
        }
    }
}
