//! `katana config check|show|init`.

use super::context::{Context, Tone, count};
use super::outcome::{Exit, Failure, Outcome};
use crate::base::atomic;
use crate::config::{COMMENTED, Config};
use crate::scanner::{self, Judge};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Check, show or write the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana config init                     write ~/.hermes-katana/config.yaml, commented
  katana config check                    every mistake at once, with file, line and column
  katana config show --json | jq .proxy  what holds, the environment included
  KATANA_PROXY__MODE=max katana config show")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Find every mistake; exit 1 when there is one
    Check {
        /// The file; default: the one that would be used
        path: Option<PathBuf>,
    },
    /// Print what holds: file, environment and defaults together
    Show,
    /// Write a commented configuration with every key at its default
    Init {
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
}

pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    match args.command {
        Command::Check { path } => Ok(check(path.as_deref(), ctx)),
        Command::Show => show(ctx),
        Command::Init { force } => init(force, ctx),
    }
}

/// What is wrong with the operator's own rules and allow-list.
fn rules_are_wrong(why: &scanner::Error, ctx: &Context) -> Exit {
    let problems = match why {
        scanner::Error::Own { problems } => problems.clone(),
        other => vec![other.to_string()],
    };
    if ctx.json {
        let all: Vec<Value> = problems.iter().map(|p| json!({ "what": p })).collect();
        ctx.out_json(&json!({"ok": false, "problems": all, "warnings": []}));
    } else {
        problems.iter().for_each(|p| ctx.out(p.clone()));
        ctx.note(ctx.paint(Tone::Bad, &count(problems.len(), "problem", "problems")));
    }
    Exit::Bad
}

fn check(path: Option<&Path>, ctx: &Context) -> Exit {
    let named = path.or(ctx.config.as_deref());
    match Config::load(named, &ctx.paths, Config::process_env()) {
        Ok(config) => {
            let warnings = match Judge::load(&ctx.paths.rules) {
                Ok(judge) => judge.warnings(),
                Err(why) => return rules_are_wrong(&why, ctx),
            };
            let source = config.source.as_ref().map(|p| p.display().to_string());
            if ctx.json {
                ctx.out_json(&json!({
                    "ok": true, "source": source, "digest": config.digest, "problems": [],
                    "warnings": ([config.warnings, warnings].concat()),
                }));
                return Exit::Done;
            }
            for warning in config.warnings.iter().chain(&warnings) {
                ctx.note(format!("{}: {warning}", ctx.paint(Tone::Warn, "warning")));
            }
            let what = source.unwrap_or_else(|| format!("no {}: defaults", ctx.paths.config.display()));
            ctx.out(format!("{} {what} (digest {})", ctx.paint(Tone::Good, "ok"), config.digest));
            Exit::Done
        }
        Err(problems) => {
            if ctx.json {
                ctx.out_json(&json!({"ok": false, "problems": problems.to_json(), "warnings": []}));
            } else {
                for problem in &problems.0 {
                    ctx.out(problem.to_string());
                }
                let number = count(problems.0.len(), "problem", "problems");
                ctx.note(ctx.paint(Tone::Bad, &number));
            }
            Exit::Bad
        }
    }
}

fn show(ctx: &Context) -> Outcome {
    let config = ctx.load_config()?;
    let source = config.source.as_ref().map(|p| p.display().to_string());
    if ctx.json {
        let origins: serde_json::Map<_, _> =
            config.origins.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let mut all = config.to_json();
        if let Some(map) = all.as_object_mut() {
            map.insert("_source".into(), json!(source));
            map.insert("_digest".into(), json!(config.digest));
            map.insert("_origins".into(), origins.into());
        }
        ctx.out_json(&all);
        return Ok(Exit::Done);
    }
    ctx.out(format!("# {} (digest {})", source.as_deref().unwrap_or("defaults"), config.digest));
    for (key, place) in &config.origins {
        ctx.out(format!("# {key}: {place}"));
    }
    ctx.out(config.to_yaml().trim_end());
    Ok(Exit::Done)
}

fn init(force: bool, ctx: &Context) -> Outcome {
    let path = ctx.config.as_ref().unwrap_or(&ctx.paths.config);
    let what = || format!("{} was not written", path.display());
    if !force && path.symlink_metadata().is_ok() {
        let next = "look at it with `katana config show`; --force replaces it";
        return Err(Failure::new(Exit::Refused, "config_exists", what(), "a file is there already", next));
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    atomic::private_dir(parent).and_then(|()| atomic::write(path, COMMENTED.as_bytes(), 0o600)).map_err(
        |e| {
            let next = format!(
                "make {} writable for this user, or name another place with --config",
                parent.display()
            );
            Failure::new(Exit::Unevaluated, "config_not_written", what(), e, next)
        },
    )?;
    if ctx.json {
        ctx.out_json(&json!({"written": path.display().to_string()}));
    } else {
        ctx.out(format!("{} {}", ctx.paint(Tone::Good, "written"), path.display()));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::paths::Paths;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn context(home: &Path) -> Context {
        let home = home.to_path_buf();
        let paths = Paths::from_lookup(&|k| (k == "HOME").then(|| home.clone()));
        Context { json: false, quiet: true, verbose: 0, color: false, config: None, paths }
    }

    #[test]
    fn init_writes_privately_and_replaces_only_when_told() {
        let home = tempfile::tempdir().unwrap();
        let ctx = context(home.path());
        assert_eq!(init(false, &ctx), Ok(Exit::Done));
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&ctx.paths.config), mode(ctx.paths.config.parent().unwrap())), (0o600, 0o700));
        fs::write(&ctx.paths.config, "log_level: debug\n").unwrap();
        let refused = init(false, &ctx).unwrap_err();
        assert_eq!((refused.exit, refused.code), (Exit::Refused, "config_exists"));
        assert_eq!(fs::read_to_string(&ctx.paths.config).unwrap(), "log_level: debug\n");
        assert_eq!(init(true, &ctx), Ok(Exit::Done));
        assert_eq!(fs::read_to_string(&ctx.paths.config).unwrap(), COMMENTED);
    }

    #[test]
    fn check_tells_good_from_bad_and_other_commands_do_not_start_on_bad() {
        let home = tempfile::tempdir().unwrap();
        let mut ctx = context(home.path());
        assert_eq!(check(None, &ctx), Exit::Done);
        let bad = home.path().join("bad.yaml");
        fs::write(&bad, "log_level: loud\nproxy: {mode: lax}\n").unwrap();
        assert_eq!(check(Some(&bad), &ctx), Exit::Bad);
        ctx.config = Some(bad);
        let failure = show(&ctx).unwrap_err();
        assert_eq!((failure.exit, failure.code), (Exit::Unevaluated, "config_invalid"));
        assert!(failure.why.starts_with("2 things are wrong"), "{failure}");
    }
}
