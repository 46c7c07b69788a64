//! What a flag is: the row from which it is parsed, helped with and documented.

use std::fmt;

use super::value::{Arity, Value};

/// A flag of a command whose values are kept in a `T`.
pub(super) struct Flag<T> {
    /// The name without the dashes.
    pub(super) name: &'static str,
    /// Where its value is kept.
    pub(super) place: fn(&mut T) -> &mut dyn Value,
    /// What the value is unless the flag is given, as one would type it.
    pub(super) default: &'static str,
    /// Stands for the argument in the help; empty for switches.
    pub(super) placeholder: &'static str,
    /// What it does, in sentences.
    pub(super) help: &'static str,
    /// Under which heading the help shows it.
    pub(super) group: Group,
}

/// The heading under which the help shows a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Group {
    /// Sockets.
    Listening,
    /// Paths and access.
    Web,
    /// What clients may push.
    Pushing,
    /// What survives a restart.
    Persistence,
    /// What is logged.
    Logging,
    /// Sockets, where the Go Pushgateway has no such flag.
    OwnListening,
    /// Access, where the Go Pushgateway has no such flag.
    OwnWeb,
    /// What clients cannot exceed; the Go Pushgateway has no limits.
    Limits,
    /// Of the command `export`.
    Export,
    /// Of the command `self-test`.
    SelfTest,
}

/// Whose flags they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// The Go Pushgateway has them too.
    Upstream,
    /// Only this program has them.
    Own,
}

impl Group {
    /// All that the main command has, in the order in which they are shown.
    pub(super) const MAIN: [Self; 8] = [
        Self::Listening,
        Self::Web,
        Self::Pushing,
        Self::Persistence,
        Self::Logging,
        Self::OwnListening,
        Self::OwnWeb,
        Self::Limits,
    ];

    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Listening | Self::OwnListening => "Listening",
            Self::Web | Self::OwnWeb => "Web",
            Self::Pushing => "Pushing",
            Self::Persistence => "Persistence",
            Self::Logging => "Logging",
            Self::Limits => "Limits",
            Self::Export => "Export",
            Self::SelfTest => "Self-test",
        }
    }

    pub(super) fn origin(self) -> Origin {
        match self {
            Self::Listening | Self::Web | Self::Pushing | Self::Persistence | Self::Logging => {
                Origin::Upstream
            }
            Self::OwnListening | Self::OwnWeb | Self::Limits | Self::Export | Self::SelfTest => {
                Origin::Own
            }
        }
    }
}

impl<T> Flag<T> {
    /// A limit in bytes.
    pub(super) const fn size(
        name: &'static str,
        place: fn(&mut T) -> &mut dyn Value,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            place,
            default,
            placeholder: "SIZE",
            help,
            group: Group::Limits,
        }
    }

    /// A limit in numbers.
    pub(super) const fn count(
        name: &'static str,
        place: fn(&mut T) -> &mut dyn Value,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        let flag = Self::size(name, place, default, help);
        Self {
            placeholder: "NUMBER",
            ..flag
        }
    }

    /// A limit in time.
    pub(super) const fn timeout(
        name: &'static str,
        place: fn(&mut T) -> &mut dyn Value,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        let flag = Self::size(name, place, default, help);
        Self {
            placeholder: "DURATION",
            ..flag
        }
    }
}

impl<T: Default> Flag<T> {
    pub(super) fn arity(&self) -> Arity {
        (self.place)(&mut T::default()).arity()
    }

    /// As one would type it: `--[no-]web.enable-lifecycle`, `--log.level=LEVEL`.
    pub(super) fn usage(&self) -> String {
        match self.arity() {
            Arity::Switch => format!("--[no-]{}", self.name),
            Arity::One => format!("--{}={}", self.name, self.placeholder),
            Arity::Many => format!("--{}={} ...", self.name, self.placeholder),
        }
    }

    /// The default worth showing: neither empty nor that of a switch.
    pub(super) fn shown_default(&self) -> Option<&'static str> {
        (!self.default.is_empty() && self.arity() != Arity::Switch).then_some(self.default)
    }
}

impl<T> fmt::Debug for Flag<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flag").field(&self.name).finish()
    }
}
