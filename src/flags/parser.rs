//! From tokens to the values of flags, with kingpin's rules and its precedence of errors.

use super::error::UsageError;
use super::flag::Flag;
use super::tokens::{Token, Tokens};
use super::value::Arity;

/// What a command line asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Request<T> {
    /// To do something with these values.
    Do(T),
    /// To be told how.
    Help,
    /// To be told which version this is.
    Version,
}

/// Reads what is left of the command line as flags of this table.
pub(super) fn parse<T: Default>(
    table: &'static [Flag<T>],
    tokens: &mut Tokens<'_>,
) -> Result<Request<T>, UsageError> {
    let mut given = Vec::new();
    let end = read_all(table, tokens, &mut given);
    // These two answer even if what follows makes no sense, and the first of them wins.
    for one in &given {
        match one {
            Given::LongHelp => return Ok(Request::Help),
            Given::Version => return Ok(Request::Version),
            Given::Help | Given::Flag(..) => {}
        }
    }
    end?;
    if given.iter().any(|one| matches!(one, Given::Help)) {
        return Ok(Request::Help);
    }
    Ok(Request::Do(apply(table, &given)?))
}

/// A flag on the command line.
enum Given<T: 'static> {
    Help,
    LongHelp,
    Version,
    Flag(&'static Flag<T>, String),
}

/// Reads until the end or the first thing that makes no sense, which does not undo what was read.
fn read_all<T: Default>(
    table: &'static [Flag<T>],
    tokens: &mut Tokens<'_>,
    given: &mut Vec<Given<T>>,
) -> Result<(), UsageError> {
    while let Some(token) = tokens.next()? {
        given.push(match token {
            Token::Argument(argument) if argument == "-" => {
                return Err(UsageError::UnknownShortFlag(None));
            }
            Token::Argument(argument) => return Err(UsageError::Unexpected(argument)),
            Token::Short('h') => Given::Help,
            Token::Short(letter) => return Err(UsageError::UnknownShortFlag(Some(letter))),
            Token::Long(name) => match name.strip_prefix("no-").unwrap_or(&name) {
                "help" => Given::Help,
                "help-long" => Given::LongHelp,
                "version" => Given::Version,
                _ => read_flag(table, tokens, name)?,
            },
        });
    }
    Ok(())
}

fn read_flag<T: Default>(
    table: &'static [Flag<T>],
    tokens: &mut Tokens<'_>,
    name: String,
) -> Result<Given<T>, UsageError> {
    let find = |name: &str| table.iter().find(|flag| flag.name == name);
    if let Some(flag) = find(&name) {
        if flag.arity() == Arity::Switch {
            return Ok(Given::Flag(flag, "true".into()));
        }
        let Ok(Some(Token::Argument(argument))) = tokens.next() else {
            return Err(UsageError::ExpectedArgument(name));
        };
        return Ok(Given::Flag(flag, argument));
    }
    let inverted = name.strip_prefix("no-").and_then(find);
    match inverted.filter(|flag| flag.arity() == Arity::Switch) {
        Some(flag) => Ok(Given::Flag(flag, "false".into())),
        None => Err(UsageError::UnknownLongFlag(name)),
    }
}

fn is_given<T>(flag: &Flag<T>, given: &[Given<T>]) -> bool {
    let is_it = |one: &Given<T>| matches!(one, Given::Flag(other, _) if other.name == flag.name);
    given.iter().any(is_it)
}

/// Defaults where nothing was given, then what was given, in that order.
fn apply<T: Default>(table: &'static [Flag<T>], given: &[Given<T>]) -> Result<T, UsageError> {
    let mut values = T::default();
    let mut set = |flag: &Flag<T>, typed: &str| {
        let result = (flag.place)(&mut values).set(typed);
        result.map_err(|invalid| invalid.of_flag(flag.name))
    };
    for flag in table {
        if !is_given(flag, given) && !flag.default.is_empty() {
            set(flag, flag.default)?;
        }
    }
    for (at, one) in given.iter().enumerate() {
        if let Given::Flag(flag, typed) = one {
            if flag.arity() != Arity::Many && is_given(flag, &given[..at]) {
                return Err(UsageError::Repeated(flag.name));
            }
            set(flag, typed)?;
        }
    }
    Ok(values)
}
