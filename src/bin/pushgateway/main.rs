//! The gateway's program: from the command line to a running server.

use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;
use std::{env, fs, io};

use anyhow::Result;
use pushgateway::build_info::BUILD_INFO;
use pushgateway::flags::{self, Command};
use pushgateway::telemetry;
use tracing::info;

mod export;
mod self_test;
mod serve;

fn main() -> ExitCode {
    let program = flags::program_name(env::args_os().next().as_deref());
    let result = match flags::parse(env::args_os(), &|file| fs::read_to_string(file)) {
        Ok(command) => obey(command),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error cannot be written to, the exit status has to do.
            let _ = writeln!(io::stderr(), "{program}: error: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> Result<()> {
    match command {
        Command::Run(config) => {
            telemetry::init(config.logging, SystemTime::now)?;
            info!(version = %BUILD_INFO.version_summary(), "starting pushgateway");
            info!(build_context = %BUILD_INFO.build_context(), "Build context");
            serve::run(*config)
        }
        Command::Export(config) => export::run(&config),
        Command::SelfTest(config) => {
            let passed = self_test::run(*config)?;
            Ok(io::stdout().write_all(passed.as_bytes())?)
        }
        Command::Print(text) => Ok(io::stdout().write_all(text.as_bytes())?),
    }
}

/// An error with its causes, as far as it does not tell of them already.
fn one_line(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |mut line, cause| {
            if line.is_empty() {
                return cause;
            }
            if !line.contains(&cause) {
                line.push_str(": ");
                line.push_str(&cause);
            }
            line
        })
}
