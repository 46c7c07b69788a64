//! Arguments as tokens, the way kingpin, the flag parser of the Go programs, takes them apart.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::error::{self, UsageError};

/// How many argument files may be read, so that one that names itself comes to an end.
const MAX_FILES: usize = 100;

/// One thing on the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// `--name`; a value behind `=` follows as an argument.
    Long(String),
    /// One letter behind a single dash.
    Short(char),
    /// Anything else.
    Argument(String),
}

/// Reads tokens from arguments.
pub(super) struct Tokens<'a> {
    arguments: VecDeque<String>,
    /// What followed the `=` of the last long flag.
    attached: Option<String>,
    /// Whether `--` was seen.
    has_ended_flags: bool,
    read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    files_read: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(
        arguments: impl IntoIterator<Item = String>,
        read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    ) -> Self {
        Self {
            arguments: arguments.into_iter().collect(),
            attached: None,
            has_ended_flags: false,
            read_file,
            files_read: 0,
        }
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, UsageError> {
        if let Some(value) = self.attached.take() {
            return Ok(Some(Token::Argument(value)));
        }
        while let Some(argument) = self.arguments.pop_front() {
            if self.has_ended_flags {
                return Ok(Some(Token::Argument(argument)));
            }
            if argument == "--" {
                self.has_ended_flags = true;
            } else if let Some(file) = argument.strip_prefix('@') {
                self.expand(file)?;
            } else {
                return Ok(Some(self.token_of(argument)));
            }
        }
        Ok(None)
    }

    fn token_of(&mut self, argument: String) -> Token {
        if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            self.attached = value;
            return Token::Long(name.to_owned());
        }
        let mut letters = argument.chars();
        if letters.next() == Some('-')
            && let Some(letter) = letters.next()
        {
            // Short flags take no value, so that further letters are further flags.
            if !letters.as_str().is_empty() {
                self.arguments.push_front(format!("-{}", letters.as_str()));
            }
            return Token::Short(letter);
        }
        Token::Argument(argument)
    }

    /// Puts the lines of the file, blank ones and comments aside, in front of the other arguments.
    fn expand(&mut self, file: &str) -> Result<(), UsageError> {
        if file.is_empty() {
            return Err(UsageError::NoArgumentFile);
        }
        self.files_read += 1;
        if self.files_read > MAX_FILES {
            return Err(UsageError::TooManyFiles {
                file: file.to_owned(),
                limit: MAX_FILES,
            });
        }
        let text = (self.read_file)(Path::new(file)).map_err(|io| UsageError::ArgumentFile {
            file: file.to_owned(),
            reason: error::reason(&io),
        })?;
        let is_argument = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        for line in text.lines().filter(is_argument).rev() {
            self.arguments.push_front(line.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Path) -> io::Result<String> {
        match file.to_str() {
            Some("args") => Ok("# flags\n\n--c=d e\n  \n@more\r\n-h".into()),
            Some("more") => Ok("--more".into()),
            Some("self") => Ok("--again\n@self".into()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    /// The tokens with a space between them, flags with their dashes, then what went wrong.
    fn tokens(line: &str) -> Vec<String> {
        let mut tokens = Tokens::new(line.split(' ').map(str::to_owned), &read);
        let mut all = Vec::new();
        loop {
            match tokens.next() {
                Ok(Some(Token::Long(name))) => all.push(format!("--{name}")),
                Ok(Some(Token::Short(letter))) => all.push(format!("-{letter}")),
                Ok(Some(Token::Argument(argument))) => all.push(argument),
                Ok(None) => return all,
                Err(error) => {
                    all.push(error.to_string());
                    return all;
                }
            }
        }
    }

    #[test]
    fn takes_flags_apart() {
        assert_eq!(
            tokens("--a=b=c --d e -xy -"),
            ["--a", "b=c", "--d", "e", "-x", "-y", "-"]
        );
        assert_eq!(tokens("--a="), ["--a", ""]);
    }

    #[test]
    fn two_dashes_end_flags_and_files() {
        assert_eq!(tokens("--a -- --b @args --"), ["--a", "--b", "@args", "--"]);
    }

    #[test]
    fn a_file_stands_for_its_lines() {
        assert_eq!(
            tokens("--a @args --b"),
            ["--a", "--c", "d e", "--more", "-h", "--b"]
        );
        assert_eq!(tokens("--a=@args"), ["--a", "@args"]);
        assert_eq!(
            tokens("@nope"),
            ["failed to open arguments file \"nope\": open nope: entity not found"]
        );
        assert_eq!(tokens("@"), ["expected @ file to expand arguments from"]);
    }

    #[test]
    fn a_file_that_names_itself_comes_to_an_end() {
        let all = tokens("@self");
        assert_eq!(
            all.last().unwrap(),
            "more than 100 argument files, the last of them self"
        );
    }
}
