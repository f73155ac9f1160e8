//! The operator's binary, built with the tests: they stop and end it by signals.

use std::process::ExitCode;

fn main() -> ExitCode {
    acivnet_operator::cli::main()
}
