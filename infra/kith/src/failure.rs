//! Why a command fails, for people.

use std::fmt;
use std::process::ExitCode;

use shared::domain::error::Error;

/// The exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Why a command fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The message says it all.
    Message(String),
    /// An import cannot resume from its state: it has to start again with `--restart`.
    Restart(String),
    /// The command was interrupted by Ctrl-C or SIGTERM; the message says how far it came.
    Interrupted(String),
    /// The table refused an operation on this resource, or failed.
    Table(Resource, Error),
}

/// The resource that a command works on. It names what is missing if the table does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Client,
    Definition,
    Key,
    Tenant,
    User,
}

impl Resource {
    const fn not_found(self) -> &'static str {
        match self {
            Self::Client => "there is no such client",
            Self::Definition => "the definition was deleted meanwhile",
            Self::Key => "no published key has this id; see `kith key list`",
            Self::Tenant => "there is no such tenant; see `kith tenant list`",
            Self::User => "there is no such user",
        }
    }

    /// Turns an error of an operation on this resource into a failure of the command.
    pub(crate) fn failed(self) -> impl Fn(Error) -> Failure {
        move |error| Failure::Table(self, error)
    }
}

impl Failure {
    /// The exit code of a program that fails so.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted(_) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(words) | Self::Restart(words) | Self::Interrupted(words) => {
                f.write_str(words)
            }
            Self::Table(resource, Error::NotFound) => f.write_str(resource.not_found()),
            Self::Table(_, error) => f.write_str(&in_words(error)),
        }
    }
}

/// An error of the domain in words; one line for each violation.
pub(crate) fn in_words(error: &Error) -> String {
    match error {
        Error::Invalid(violations) => {
            let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
        Error::Unavailable(what) => format!("the table does not answer ({what}); try again"),
        Error::InUse(what) | Error::Conflict(what) | Error::Unexpected(what) => what.clone(),
        other => other.to_string(),
    }
}

impl std::error::Error for Failure {}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self::Message(words)
    }
}

impl From<&str> for Failure {
    fn from(words: &str) -> Self {
        Self::Message(words.to_owned())
    }
}

impl From<local::Failure> for Failure {
    fn from(failure: local::Failure) -> Self {
        Self::Message(failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::error::{Code, Violation};

    use super::*;

    #[test]
    fn what_is_not_found_is_named() {
        for (resource, due) in [
            (Resource::Client, "there is no such client"),
            (Resource::Definition, "the definition was deleted meanwhile"),
            (Resource::Key, "no published key has this id; see `kith key list`"),
            (Resource::Tenant, "there is no such tenant; see `kith tenant list`"),
            (Resource::User, "there is no such user"),
        ] {
            assert_eq!(resource.failed()(Error::NotFound).to_string(), due);
        }
    }

    #[test]
    fn other_errors_say_why_whatever_the_resource() {
        let violation = |pointer: &str| Violation {
            pointer: pointer.to_owned(),
            code: Code::Required,
            detail: "is required".to_owned(),
        };
        for (error, due) in [
            (
                Error::Unavailable("timeout".to_owned()),
                "the table does not answer (timeout); try again",
            ),
            (Error::InUse("by a persona".to_owned()), "by a persona"),
            (Error::Conflict("decided".to_owned()), "decided"),
            (Error::Unexpected("no version".to_owned()), "no version"),
            (
                Error::Invalid(vec![violation("/name"), violation("/scopes")]),
                "/name: is required\n/scopes: is required",
            ),
        ] {
            assert_eq!(Resource::Client.failed()(error).to_string(), due);
        }
    }

    #[test]
    fn an_interrupted_command_has_the_exit_code_of_the_signal() {
        let code = |failure: Failure| format!("{:?}", failure.exit_code());
        assert_eq!(code(Failure::Interrupted(String::new())), format!("{:?}", ExitCode::from(130)));
        assert_eq!(code(Failure::from("no")), format!("{:?}", ExitCode::FAILURE));
    }
}
