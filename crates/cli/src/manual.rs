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
    let mut page = options::command();
    page.build();
    if let Some(folder) = folder {
        return clap_mangen::generate_to(page, folder)
            .map_err(|error| Failure::Usage(format!("{}: {error}", folder.display())));
    }
    let mut page = &page;
    for name in command {
        let none = || Failure::Usage(format!("there is no command {}", command.join(" ")));
        page = page.find_subcommand(name).ok_or_else(none)?;
    }
    let mut text = Vec::new();
    Man::new(page.clone()).render(&mut text)?;
    Ok(io::stdout().write_all(&text)?)
}
