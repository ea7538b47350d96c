//! What shells and readers are told of the command line.

use std::io::{self, Write};
use std::path::Path;

use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::options;

/// Prints what a shell completes the command line with.
pub fn complete(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut options::command(), "micro", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

/// Prints a page of the manual, or writes all of them into a folder.
pub fn man(command: &[String], folder: Option<&Path>) -> Result<(), Failure> {
    // Help on help would be a page for each command.
    let mut page = options::command().disable_help_subcommand(true);
    page.build();
    if let Some(folder) = folder {
        let written = std::fs::create_dir_all(folder).and_then(|()| write_all(&page, folder));
        return written.map_err(|error| Failure::Usage(format!("{}: {error}", folder.display())));
    }
    let mut page = &page;
    for name in command {
        let none = || Failure::Usage(format!("there is no command {}", command.join(" ")));
        page = page.find_subcommand(name).ok_or_else(none)?;
    }
    let mut text = Vec::new();
    man_of(page).render(&mut text)?;
    Ok(io::stdout().write_all(&text)?)
}

fn write_all(page: &clap::Command, folder: &Path) -> io::Result<()> {
    man_of(page).generate_to(folder)?;
    page.get_subcommands().try_for_each(|page| write_all(page, folder))
}

/// The page, which is of this program's version, and of no program that is called as its command.
fn man_of(page: &clap::Command) -> Man {
    let mut page = page.clone();
    // All flags in one line are none that anybody reads: they have a section of their own.
    let usage = page.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    Man::new(page.override_usage(usage)).source(concat!("micro ", env!("CARGO_PKG_VERSION")))
}
