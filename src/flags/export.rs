//! The command `export`, which writes what a persistence file holds in another form.

use std::path::PathBuf;

use super::error::UsageError;
use super::flag::{Flag, Group};
use super::value::{InvalidValue, Value};

/// What to export.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportConfig {
    /// The persistence file to read.
    pub persistence_file: PathBuf,
    /// The form to write.
    pub format: ExportFormat,
    /// Where to write it.
    pub output: ExportOutput,
}

/// The form of what is exported.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ExportFormat {
    /// That of the persistence file, without what is superseded.
    #[default]
    Native,
    /// That of the Go Pushgateway's persistence file.
    Gob,
}

/// Where to write what is exported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExportOutput {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

/// The flags of the command as typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ExportFlags {
    persistence_file: String,
    format: ExportFormat,
    output: String,
}

const PERSISTENCE_FILE: &str = "persistence.file";

/// All flags of the command.
pub(super) static EXPORT_FLAGS: [Flag<ExportFlags>; 3] = [
    Flag {
        name: PERSISTENCE_FILE,
        place: |flags| &mut flags.persistence_file,
        default: "",
        placeholder: "FILE",
        help: "Persistence file to read, of this program or of the Go Pushgateway. Required.",
        group: Group::Export,
    },
    Flag {
        name: "format",
        place: |flags| &mut flags.format,
        default: "native",
        placeholder: "FORMAT",
        help: "native: a compact persistence file of this program. gob: one that the Go Pushgateway reads.",
        group: Group::Export,
    },
    Flag {
        name: "output",
        place: |flags| &mut flags.output,
        default: "-",
        placeholder: "FILE",
        help: "File to write; - is standard output.",
        group: Group::Export,
    },
];

impl ExportConfig {
    /// What these flags mean.
    pub(super) fn new(flags: ExportFlags) -> Result<Self, UsageError> {
        if flags.persistence_file.is_empty() {
            return Err(UsageError::Required(PERSISTENCE_FILE));
        }
        Ok(Self {
            persistence_file: flags.persistence_file.into(),
            format: flags.format,
            output: match flags.output.as_str() {
                "-" => ExportOutput::Stdout,
                file => ExportOutput::File(file.into()),
            },
        })
    }
}

impl Value for ExportFormat {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        *self = match typed {
            "native" => Self::Native,
            "gob" => Self::Gob,
            _ => {
                let reason = format!("invalid format {typed:?}: want native or gob");
                return Err(InvalidValue::Own(reason));
            }
        };
        Ok(())
    }

    fn shown(&self) -> String {
        match self {
            Self::Native => "native".into(),
            Self::Gob => "gob".into(),
        }
    }
}
