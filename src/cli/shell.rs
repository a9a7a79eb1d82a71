//! `katana completions` and `katana man`: what shells and manual readers are given, made from the same tree as the help.

/// Completions for a shell.
pub(super) mod completions {
    use crate::cli::context::Context;
    use crate::cli::outcome::{Exit, Outcome};

    /// Print completions for a shell on stdout
    #[derive(Debug, clap::Args)]
    #[command(after_help = "\
Examples:
  katana completions bash > ~/.local/share/bash-completion/completions/katana
  katana completions zsh > ~/.zfunc/_katana
  katana completions fish > ~/.config/fish/completions/katana.fish")]
    pub(crate) struct Args {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    }

    /// Prints them.
    #[expect(
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "every command has this shape"
    )]
    pub(crate) fn run(args: Args, ctx: &Context) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(args.shell, &mut crate::cli::tree(), "katana", &mut text);
        ctx.out_bytes(&text);
        Ok(Exit::Done)
    }
}

/// The manual.
pub(super) mod man {
    use crate::cli::context::Context;
    use crate::cli::outcome::{Exit, Failure, Outcome};

    /// Print the manual page (roff) on stdout
    #[derive(Debug, clap::Args)]
    #[command(after_help = "\
Examples:
  katana man | man -l -
  katana man config > katana-config.1")]
    pub(crate) struct Args {
        /// The page of a command, by its words: `katana man config check`
        command: Vec<String>,
    }

    /// Prints it.
    #[expect(clippy::needless_pass_by_value, reason = "every command has this shape")]
    pub(crate) fn run(args: Args, ctx: &Context) -> Outcome {
        let mut tree = crate::cli::tree();
        tree.build();
        let mut page = &tree;
        for word in &args.command {
            page = page.find_subcommand(word).ok_or_else(|| {
                let what = format!("there is no page for `{}`", args.command.join(" "));
                Failure::new(
                    Exit::Unevaluated,
                    "no_such_page",
                    what,
                    "no such command",
                    "`katana --help` lists them",
                )
            })?;
        }
        let mut text = Vec::new();
        let title = page.get_bin_name().unwrap_or("katana").replace(' ', "-");
        let rendered = clap_mangen::Man::new(page.clone()).title(title.to_uppercase()).render(&mut text);
        rendered.map_err(|e| {
            Failure::new(
                Exit::Unevaluated,
                "page_not_written",
                "the page cannot be written",
                e,
                "report this as a bug",
            )
        })?;
        ctx.out_bytes(&text);
        Ok(Exit::Done)
    }
}
