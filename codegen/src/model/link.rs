//! Links: how an answer leads to the next request.

use serde_json::Value;

use super::{Location, Name};

/// What an answer says of a request that can follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its key in the contract.
    pub wire: String,
    /// The key as words, unique among the links of its operation.
    pub name: Name,
    /// The id of the operation it leads to.
    pub target: String,
    /// Parameters of that operation, by place and name on the wire, and where their values are.
    pub parameters: Vec<(Location, String, Source)>,
    /// Where the body of the request is.
    pub body: Option<Source>,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// Where a callback goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The URL as the contract has it, with runtime expressions.
    pub expression: String,
    /// The ids of operations whose requests say it all, and the URL in pieces for each.
    pub owners: Vec<(String, Vec<Piece>)>,
}

/// A part of a text with expressions in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// It stands as it is.
    Text(String),
    /// It is found there.
    Value(Source),
}

/// Where a value is to be found (Runtime Expressions of OpenAPI).
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// It is this one.
    Constant(Value),
    /// A parameter of the request, by place and name on the wire.
    Parameter(Location, String),
    /// The body of the request, at this JSON pointer.
    RequestBody(String),
    /// A header of the answer.
    Header(String),
    /// The body of the answer, at this JSON pointer.
    AnswerBody(String),
    /// The status of the answer.
    Status,
    /// The method of the request.
    Method,
    /// The URL of the request.
    Url,
}

impl Source {
    /// Reads a runtime expression; nothing if it is none.
    pub fn parse(expression: &str) -> Option<Self> {
        let at = |rest: &str| match rest {
            "" => Some(String::new()),
            rest => {
                let at = rest.strip_prefix('#')?;
                (at.is_empty() || at.starts_with('/')).then(|| at.to_owned())
            }
        };
        match expression {
            "$url" => return Some(Self::Url),
            "$method" => return Some(Self::Method),
            "$statusCode" => return Some(Self::Status),
            _ => {}
        }
        if let Some(rest) = expression.strip_prefix("$request.") {
            if let Some(rest) = rest.strip_prefix("body") {
                return at(rest).map(Self::RequestBody);
            }
            let (place, name) = rest.split_once('.')?;
            let location = match place {
                "path" => Location::Path,
                "query" => Location::Query,
                "header" => Location::Header,
                _ => return None,
            };
            return (!name.is_empty()).then(|| Self::Parameter(location, name.to_owned()));
        }
        let rest = expression.strip_prefix("$response.")?;
        match rest.strip_prefix("body") {
            Some(rest) => at(rest).map(Self::AnswerBody),
            None => rest.strip_prefix("header.").map(|name| Self::Header(name.to_owned())),
        }
    }
}
