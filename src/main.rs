//! The program: parse, dispatch, error → exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    katana::cli::main(std::env::args_os()).code().into()
}
