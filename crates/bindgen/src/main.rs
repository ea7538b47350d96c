//! The wasm-bindgen step of the SDK's build: `micro-chat-bindgen <compiled.wasm> <folder>`.
//!
//! Writes `micro_chat.js`, `micro_chat.d.ts` and `micro_chat_bg.wasm` into the folder. It is a program of the
//! workspace, and not the installed `wasm-bindgen`, so that Cargo.lock keeps it at the library's own version
//! and nobody waits for the command-line tool to build.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

/// The stem of the files written, whatever the input is called.
const NAME: &str = "micro_chat";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, folder] = arguments.as_slice() else {
        eprintln!("usage: micro-chat-bindgen <compiled.wasm> <folder>");
        return ExitCode::from(2);
    };

    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name(NAME)
        .typescript(true)
        // The page's own loader says where the wasm is; a default would make bundlers ship it twice.
        .omit_default_module_path(true)
        .debug(false)
        .keep_debug(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // An instance that panicked stays dead: the client says so instead of starting over.
        .reset_state_function(false);

    match bindgen.web(true).and_then(|bindgen| bindgen.generate(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("micro-chat-bindgen: {}: {error:#}", wasm.display());
            ExitCode::FAILURE
        }
    }
}
