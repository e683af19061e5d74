//! Which documented statuses and problems were seen, and in answer to what.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::contract::{Contract, Documented, Operation};
use crate::report::bar;

/// What was exercised of one operation.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The operation.
    pub operation: String,
    /// Its documented statuses.
    pub statuses: Vec<Cell>,
    /// Its documented problem codes.
    pub problems: Vec<Cell>,
}

/// A documented status or problem code.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// The status or code.
    pub name: String,
    /// The requests that were answered so.
    pub exercised_by: Vec<String>,
    /// Whether a server in good health can be made to answer so.
    pub reachable: bool,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    statuses: BTreeMap<(String, Documented), Vec<String>>,
    problems: BTreeMap<(String, String), Vec<String>>,
}

impl Coverage {
    /// Notes that a request was answered with a documented status, and with which problem code.
    pub(crate) fn note(
        &mut self,
        operation: &Operation<'_>,
        status: u16,
        code: Option<&str>,
        cause: &str,
    ) {
        let add = |causes: &mut Vec<String>| {
            if !causes.iter().any(|known| known == cause) {
                causes.push(cause.to_owned());
            }
        };
        if let Some(response) = operation.response(status) {
            let key = (operation.id.clone(), response.status);
            add(self.statuses.entry(key).or_default());
        }
        if let Some(code) = code {
            add(self.problems.entry((operation.id.clone(), code.to_owned())).or_default());
        }
    }

    /// Whether this documented status was seen.
    pub(crate) fn has_status(&self, operation: &Operation<'_>, status: Documented) -> bool {
        self.statuses.contains_key(&(operation.id.clone(), status))
    }

    /// Whether this problem code was seen.
    pub(crate) fn has_problem(&self, operation: &Operation<'_>, code: &str) -> bool {
        self.problems.contains_key(&(operation.id.clone(), code.to_owned()))
    }

    /// The table of all operations.
    pub(crate) fn rows(&self, contract: &Contract<'_>) -> Vec<Row> {
        contract.operations.iter().map(|operation| self.row(operation)).collect()
    }

    fn row(&self, operation: &Operation<'_>) -> Row {
        let id = || operation.id.clone();
        let statuses = operation.responses.iter().map(|response| Cell {
            name: response.status.to_string(),
            exercised_by: self.statuses.get(&(id(), response.status)).cloned().unwrap_or_default(),
            reachable: response.status.is_reachable(),
        });
        let codes = operation.problems.as_deref().unwrap_or_default();
        let problems = codes.iter().map(|code| Cell {
            name: (*code).to_owned(),
            exercised_by: self
                .problems
                .get(&(id(), (*code).to_owned()))
                .cloned()
                .unwrap_or_default(),
            reachable: true,
        });
        Row { operation: id(), statuses: statuses.collect(), problems: problems.collect() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = || self.statuses.iter().chain(&self.problems).filter(|cell| cell.reachable);
        let done = cells().filter(|cell| !cell.exercised_by.is_empty()).count();
        let all = cells().count();
        let what = if self.problems.is_empty() { "statuses" } else { "statuses and problems" };
        writeln!(out, "{}   {} {done} of {all} {what}", self.operation, bar(done, all))?;
        for cell in &self.statuses {
            writeln!(out, "  {:<28} {}", cell.name, cell.by())?;
        }
        for cell in &self.problems {
            writeln!(out, "  {:<28} {}", cell.name, cell.by())?;
        }
        Ok(())
    }
}

impl Cell {
    fn by(&self) -> String {
        match self.exercised_by.as_slice() {
            [] if self.reachable => "not exercised".to_owned(),
            [] => "not exercised; not counted".to_owned(),
            [one, two, three, rest @ ..] if !rest.is_empty() => {
                format!("{one}, {two}, {three} and {} more", rest.len())
            }
            causes => causes.join(", "),
        }
    }
}
