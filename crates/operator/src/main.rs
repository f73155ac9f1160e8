//! The binary `acivnet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    acivnet_operator::cli::main()
}
