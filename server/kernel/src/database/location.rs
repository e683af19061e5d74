//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

/// Where a database is: the path of a file for SQLite, or a URL `postgres://…`.
///
/// Whoever prints it sees no password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of SQLite's, made if there is none.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Server(Url),
}

/// A text is no location of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// There is no text.
    #[error("a database has a path, or a url that begins with postgres://")]
    Empty,
    /// It looks like a URL of another kind.
    #[error("a database url begins with postgres:// or postgresql://; anything else is a path")]
    Scheme,
    /// It begins like a URL of PostgreSQL and is none.
    #[error("the url of a database reads postgres://user:password@host:port/database")]
    Url(#[from] url::ParseError),
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        match text.split_once("://") {
            None if text.is_empty() => Err(InvalidLocation::Empty),
            None => Ok(Self::File(PathBuf::from(text))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Server(Url::parse(text)?)),
            Some(_) => Err(InvalidLocation::Scheme),
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Server(url) => {
                let host = url.host_str().unwrap_or("localhost");
                let port = url.port().unwrap_or(5432);
                write!(formatter, "postgres://{host}:{port}{}", url.path())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_postgres_url_and_tells_no_password() {
        for (text, expected) in [
            ("data/x.sqlite", Ok("data/x.sqlite")),
            ("postgres://me:secret@db/calls?sslmode=require", Ok("postgres://db:5432/calls")),
            ("postgresql://db:6000/calls", Ok("postgres://db:6000/calls")),
            ("", Err(InvalidLocation::Empty)),
            ("mysql://db/calls", Err(InvalidLocation::Scheme)),
        ] {
            let read = text.parse::<Location>().map(|location| format!("{location:?}"));
            assert_eq!(read, expected.map(|text| format!("Location({text})")), "{text}");
        }
    }
}
