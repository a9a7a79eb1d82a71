//! `katana vault import`: secrets from where they lie now into the vault. Chooses the source and asks for its key; what is
//! found and what becomes of it is `crate::vault::import`.

mod report;

use super::desk::{Desk, failure};
use crate::cli::context::Context;
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::vault::import::{self, AncestorKey, Choice, Error, Places, Reading};
use crate::vault::{Held, Name, Providers, Vault};
use report::{Report, Way};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Take secrets over from where they lie now: all that are found with one write, or none.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(clap::Subcommand)]
enum From {
    /// A vault of hermes-katana, version 1 to 3. Verified whole before anything of it is believed.
    Hermes {
        /// The vault file; by default the one in ~/.config/hermes-katana.
        path: Option<PathBuf>,
        /// The variable with its key, the base64 of 32 bytes. Else HERMES_KATANA_VAULT_KEY, the OS keyring, a prompt or stdin.
        #[arg(long, value_name = "NAME")]
        key_env: Option<String>,
        #[command(flatten)]
        choice: Chosen,
    },
    /// Files of NAME=value lines.
    EnvFile {
        /// The files.
        #[arg(required = true)]
        path: Vec<PathBuf>,
        #[command(flatten)]
        choice: Chosen,
        #[command(flatten)]
        rewriting: Rewriting,
    },
    /// The environment of this process: known names, or those given.
    Environment {
        /// Take these and no others, whatever they look like.
        name: Vec<String>,
        #[command(flatten)]
        choice: Chosen,
        #[command(flatten)]
        rewriting: Rewriting,
    },
    /// The files in which agents and their tools keep credentials, found where they usually lie.
    Agents {
        #[command(flatten)]
        choice: Chosen,
        #[command(flatten)]
        rewriting: Rewriting,
    },
}

#[derive(clap::Args)]
struct Chosen {
    /// Take what does not look like a secret, too, and what its program renews by itself.
    #[arg(long)]
    all: bool,
    /// Take these alone, by the source's name or the vault's.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Give a value another name in the vault.
    #[arg(long = "name", value_name = "OLD=NEW", value_parser = renaming)]
    names: Vec<(String, Name)>,
    /// Put values over those that the vault has under the same names.
    #[arg(long)]
    overwrite: bool,
    /// Take values of fewer than 8 bytes, too.
    #[arg(long)]
    allow_short: bool,
    /// Show what would happen, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args, Default)]
struct Rewriting {
    /// Put placeholders into the files, in place of the values that are in the vault then.
    #[arg(long)]
    replace: bool,
    /// Keep a copy of each file that is rewritten. The copy has the secrets in it.
    #[arg(long, requires = "replace")]
    backup: bool,
}

fn renaming(text: &str) -> Result<(String, Name), String> {
    let (old, new) = text.split_once('=').ok_or("it is OLD=NEW")?;
    Ok((old.to_owned(), Name::parse(new).map_err(|e| e.to_string())?))
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let providers = Providers::builtin().map_err(|e| failure("nothing was imported", &e))?;
    match args.from {
        From::Hermes { path, key_env, choice } => hermes(desk, path, key_env.as_deref(), choice),
        From::EnvFile { path, choice, rewriting } => {
            let read = |p: &PathBuf| import::env_file(p, ".env", &providers);
            let readings = path.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
            take(desk, &readings, &[], choice, &rewriting)
        }
        From::Environment { name, choice, rewriting } => {
            if rewriting.replace {
                let why = "a program cannot change the environment of the shell that started it";
                let next = "leave out --replace; under `katana run` a child sees placeholders instead of these values";
                return Err(Failure::new(Exit::Refused, "import_irreplaceable", NOTHING, why, next));
            }
            let reading =
                import::environment(std::env::vars_os(), &name, &providers).map_err(|e| failed(&e))?;
            take(desk, &[reading], &[], choice, &rewriting)
        }
        From::Agents { choice, rewriting } => {
            let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
            let home = variable("HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"));
            let (readings, wrong) = import::agents(&Places { home, variable: &variable }, &providers);
            take(desk, &readings, &wrong, choice, &rewriting)
        }
    }
}

const NOTHING: &str = "nothing was imported";

/// What was read is planned, shown, and carried out.
fn take(
    desk: &Desk<'_>,
    readings: &[Reading],
    wrong: &[Error],
    chosen: Chosen,
    rewriting: &Rewriting,
) -> Outcome {
    let vault = desk.open().map_err(|e| failure(NOTHING, &e))?;
    let held = vault.hold().map_err(|e| failure(NOTHING, &e))?;
    finish(desk.ctx, &vault, &held, readings, wrong, chosen, rewriting)
}

fn finish(
    ctx: &Context,
    vault: &Vault,
    held: &[Held],
    readings: &[Reading],
    wrong: &[Error],
    chosen: Chosen,
    rewriting: &Rewriting,
) -> Outcome {
    let way = Way { dry: chosen.dry_run, replace: rewriting.replace };
    let choice = choice(chosen);
    let plan = import::plan(readings, held, &choice).map_err(|e| failed(&e))?;
    let carried = if way.dry {
        None
    } else {
        let done = import::carry(vault, readings, &plan, choice.overwrite, way.replace, rewriting.backup);
        Some(done.map_err(|e| failed(&e))?)
    };
    Ok(Report { readings, plan: &plan, carried: carried.as_ref(), wrong, way }.print(ctx))
}

fn choice(chosen: Chosen) -> Choice {
    let Chosen { all, only, names, overwrite, allow_short, .. } = chosen;
    Choice { all, overwrite, allow_short, only, names }
}

/// The ancestor's file may lie where katana's own is to be: then it is laid aside, and put back if nothing comes of it.
fn hermes(desk: &Desk<'_>, path: Option<PathBuf>, key_env: Option<&str>, chosen: Chosen) -> Outcome {
    let (paths, own) = (&desk.ctx.paths, desk.ctx.paths.vault());
    let path = path.unwrap_or_else(|| import::ancestor_place(paths));
    if !path.exists() {
        return Err(failed(&Error::Missing(path)));
    }
    import::is_ancestors(&path).map_err(|e| failed(&e))?;
    let key = key(desk.ctx, &path, key_env).map_err(|e| failed(&e))?;
    let reading = import::ancestor(&path, &key).map_err(|e| failed(&e))?;
    let in_the_way = same_file(&path, &own);
    if chosen.dry_run && in_the_way {
        let way = Way { dry: true, replace: false };
        let readings = [reading];
        let plan = import::plan(&readings, &[], &choice(chosen)).map_err(|e| failed(&e))?;
        return Ok(
            Report { readings: &readings, plan: &plan, carried: None, wrong: &[], way }.print(desk.ctx)
        );
    }
    if !in_the_way {
        return take(desk, &[reading], &[], chosen, &Rewriting::default());
    }
    // a vault that is locked says so before anything is moved
    desk.place.open_to_all().map_err(|e| failure(NOTHING, &e))?;
    let aside = import::set_aside(&own, paths).map_err(|e| failed(&e))?;
    let done = take(desk, &[reading], &[], chosen, &Rewriting::default());
    match (aside, own.exists()) {
        (Some(aside), true) => desk.ctx.note(format!(
            "the old vault is {} now; katana does not read it any more, and it still holds the secrets under the old key",
            aside.display()
        )),
        (Some(aside), false) => {
            std::fs::rename(&aside, &own).map_err(|e| {
                let why = format!("the old vault is at {} and could not be put back: {e}", aside.display());
                Failure::new(Exit::Unevaluated, "import_io", NOTHING, why, "move it back yourself")
            })?;
        }
        (None, _) => {}
    }
    done
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

const VARIABLE: &str = "HERMES_KATANA_VAULT_KEY";

fn key(ctx: &Context, path: &Path, named: Option<&str>) -> Result<AncestorKey, Error> {
    let variable = |name: &str| {
        let text = Zeroizing::new(std::env::var_os(name)?.into_string().ok()?);
        (!text.trim().is_empty()).then(|| AncestorKey::parse(&text, format!("the variable {name}")))
    };
    if let Some(name) = named {
        return variable(name).unwrap_or_else(|| Err(Error::Key(format!("{name} is not set"))));
    }
    if let Some(key) = variable(VARIABLE) {
        return key;
    }
    match import::key_from_keyring() {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => {}
        // no keyring is the rule on a server, and the reason why somebody has to be asked
        Err(e) => ctx.note(format!("the OS keyring was not asked: {e}")),
    }
    let none = |e: io::Error| Error::Key(e.to_string());
    let text = if io::stdin().is_terminal() {
        let prompt = format!("key of {} (base64)", path.display());
        let asked = dialoguer::Password::new().with_prompt(prompt).interact();
        asked.map_err(|dialoguer::Error::IO(e)| none(e))?
    } else {
        let mut text = String::new();
        io::stdin().lock().take(4096).read_to_string(&mut text).map_err(none)?;
        text
    };
    let text = Zeroizing::new(text);
    if text.trim().is_empty() {
        let why = format!("neither {VARIABLE}, the keyring nor stdin has one");
        return Err(Error::Key(why));
    }
    AncestorKey::parse(&text, "what was typed or piped in")
}

fn failed(e: &Error) -> Failure {
    match e {
        Error::Vault(e) => failure(NOTHING, e),
        Error::ReadBack(_) => Failure::new(Exit::Refused, e.code(), "the import is in doubt", e, e.remedy()),
        e => {
            let exit = if e.is_refusal() { Exit::Refused } else { Exit::Unevaluated };
            Failure::new(exit, e.code(), NOTHING, e, e.remedy())
        }
    }
}
