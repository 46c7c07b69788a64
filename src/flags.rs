//! The command line: as typed, then as meant.
//!
//! The flags of the Go Pushgateway are parsed as its parser, kingpin, does it; nothing is taken from the
//! environment. [`table`] declares each flag once: parser, help, documentation and [`FlagMap`] follow from it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::build_info::BUILD_INFO;

mod config;
#[cfg(test)]
mod documentation;
mod duration;
mod error;
mod export;
mod external_url;
mod flag;
mod flag_map;
mod help;
mod parser;
mod paths;
mod self_test;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod typed;
mod value;

pub use config::{
    BasicAuthFiles, BodyLimits, Config, ConsistencyCheck, ListenConfig, ListenOn,
    PersistenceConfig, PushConfig, ServerLimits, StoreLimits, WebConfig,
};
pub use error::{ConfigError, Error, UsageError};
pub use export::{ExportConfig, ExportFormat, ExportOutput};
pub use flag_map::FlagMap;
pub use self_test::{ClientCertificateFiles, SelfTestConfig, ServerIdentity};

use parser::Request;
use tokens::Tokens;

/// The positional arguments there are, each as the first: commands.
const EXPORT: &str = "export";
const SELF_TEST: &str = "self-test";

/// What the command line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// To run the gateway.
    Run(Box<Config>),
    /// To export what a persistence file holds.
    Export(ExportConfig),
    /// To ask a running gateway to keep a metric.
    SelfTest(Box<SelfTestConfig>),
    /// To print a text on standard output.
    Print(String),
}

/// Reads a command line, which begins with the name of the program.
///
/// `read_file` gets the text of argument files: `@file` stands for the lines of the file.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    read_file: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<Command, Error> {
    let mut arguments = arguments.into_iter();
    let program = program_name(arguments.next().as_deref());
    let text = |argument: OsString| argument.into_string().map_err(UsageError::NotUtf8);
    let mut arguments: Vec<String> = arguments.map(text).collect::<Result<_, _>>()?;
    let command = match arguments.first().map(String::as_str) {
        Some(EXPORT) => Some(parse_export as ParseCommand),
        Some(SELF_TEST) => Some(parse_self_test as ParseCommand),
        _ => None,
    };
    if let Some(parse_command) = command {
        arguments.remove(0);
        return parse_command(&program, Tokens::new(arguments, read_file));
    }
    let mut tokens = Tokens::new(arguments, read_file);
    Ok(match parser::parse(&table::FLAGS, &mut tokens)? {
        Request::Do(flags) => Command::Run(Box::new(Config::new(flags)?)),
        Request::Help => Command::Print(help::main_help(&program)),
        Request::Version => Command::Print(format!("{BUILD_INFO}\n")),
    })
}

/// What stands before error messages: the file name of the program.
pub fn program_name(argument: Option<&OsStr>) -> String {
    let file_name = argument.map(Path::new).and_then(Path::file_name);
    let file_name = file_name.map(OsStr::to_string_lossy);
    file_name.map_or_else(|| env!("CARGO_PKG_NAME").into(), Cow::into_owned)
}

/// Reads what follows the name of a command.
type ParseCommand = fn(&str, Tokens<'_>) -> Result<Command, Error>;

fn parse_export(program: &str, mut tokens: Tokens<'_>) -> Result<Command, Error> {
    Ok(match parser::parse(&export::EXPORT_FLAGS, &mut tokens)? {
        Request::Do(flags) => Command::Export(ExportConfig::new(flags)?),
        Request::Help => Command::Print(help::export_help(program)),
        Request::Version => Command::Print(format!("{BUILD_INFO}\n")),
    })
}

fn parse_self_test(program: &str, mut tokens: Tokens<'_>) -> Result<Command, Error> {
    Ok(
        match parser::parse(&self_test::SELF_TEST_FLAGS, &mut tokens)? {
            Request::Do(flags) => Command::SelfTest(Box::new(SelfTestConfig::new(flags)?)),
            Request::Help => Command::Print(help::self_test_help(program)),
            Request::Version => Command::Print(format!("{BUILD_INFO}\n")),
        },
    )
}
