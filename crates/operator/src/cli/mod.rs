//! What the binary `acivnet` does.

pub mod args;
pub mod crd;
pub mod uninstall;
pub mod version;

use crate::{kubernetes::client, monitoring::telemetry, start};
use args::{Arguments, Command, LogFormat, LogLevel, RunArguments, UninstallArguments};
use clap::{CommandFactory, Parser, error::ErrorKind};
use std::{io::Write, process::ExitCode};
use uninstall::{Mode, uninstall};

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Crd => print_crds(),
        Command::Run(arguments) => run(*arguments),
        Command::Uninstall(arguments) => look_at_what_is_held(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Both definitions, as two YAML documents.
fn print_crds() -> Result<(), String> {
    telemetry::start(LogFormat::Auto, LogLevel::Info);
    let text = crd::text()?;
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
}

fn run(arguments: RunArguments) -> Result<(), String> {
    telemetry::start(arguments.log_format, arguments.log_level);
    let settings = arguments
        .settings()
        .unwrap_or_else(|error| Arguments::command().error(ErrorKind::ArgumentConflict, error).exit());
    choose_tls()?;
    // the work is waiting; with one thread memory is one heap, which leaves half as much of it unused
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // what came from outside is looked at after so many steps of tasks: by default 61, for which one who waits for an
    // answer would wait behind others who compute
    let runtime = runtime.enable_all().event_interval(8).build();
    let runtime = runtime.map_err(|error| format!("no runtime can be started: {error}"))?;
    runtime.block_on(start::run(settings))
}

/// Fails while anything is held.
fn look_at_what_is_held(arguments: UninstallArguments) -> Result<(), String> {
    telemetry::start(LogFormat::Auto, LogLevel::Info);
    choose_tls()?;
    let mode = if arguments.release { Mode::Release } else { Mode::Check };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime can be started: {error}"))?;
    runtime.block_on(async {
        let free = uninstall(&client::administrator().await?, mode, &mut std::io::stdout()).await?;
        if free { Ok(()) } else { Err("finalizers hold what is listed".to_owned()) }
    })
}

fn choose_tls() -> Result<(), String> {
    let chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chosen.map_err(|_| "another TLS provider was chosen before".to_owned())
}
