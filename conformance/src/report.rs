//! What a run found, for people and as data.

use std::fmt;

use serde::Serialize;
use symbolon_codegen::source::Cursor;

use crate::contract::written;
use crate::coverage::Row;

/// Everything a run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What differs from the contract, or could not be judged.
    pub findings: Vec<Finding>,
    /// What was exercised, by operation.
    pub coverage: Vec<Row>,
    /// The messages of the AsyncAPI document, and how many of each were seen.
    pub events: Vec<Seen>,
    /// The workflows, and how each went.
    pub workflows: Vec<Ran>,
    /// Requests sent.
    pub requests: usize,
    /// The seed of the fresh values.
    pub seed: u64,
    /// How long the run took, in milliseconds.
    pub elapsed_ms: u64,
}

/// How often a message was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// The message.
    pub message: String,
    /// Valid events of it.
    pub count: usize,
}

/// How a workflow went.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    /// The workflow.
    pub workflow: String,
    /// Whether every step met its criteria.
    pub passed: bool,
}

/// Why something is a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The server differs from the contract.
    Failure,
    /// Nothing can be said, because the run was not given what it needs.
    Gap,
}

/// One difference between the server and the contract, or one thing that was not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Why it is one.
    pub kind: Kind,
    /// The operation, workflow or message it is about.
    pub subject: String,
    /// What was checked, and in which request.
    pub check: String,
    /// The file of the contract that says so.
    pub file: String,
    /// The line, counting from 1.
    pub line: usize,
    /// The column, counting from 1.
    pub column: usize,
    /// The JSON pointer of that place.
    pub pointer: String,
    /// What the contract wants.
    pub expected: String,
    /// What there was.
    pub got: String,
    /// How to do it again, if it was one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curl: Option<String>,
    /// What to do about it, if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A finding in the making: what was checked where.
#[derive(Debug, Clone)]
pub(crate) struct Complaint<'c> {
    pub(crate) check: String,
    pub(crate) at: Cursor<'c>,
    pub(crate) expected: String,
    pub(crate) got: String,
}

impl<'c> Complaint<'c> {
    pub(crate) fn new(
        check: impl Into<String>,
        at: &Cursor<'c>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        let (check, expected, got) = (check.into(), expected.into(), got.into());
        Self { check, at: at.clone(), expected, got }
    }

    /// The finding about this subject.
    pub(crate) fn about(self, kind: Kind, subject: &str) -> Finding {
        let (place, found) = written(&self.at);
        Finding {
            kind,
            subject: subject.to_owned(),
            check: self.check,
            file: place.file,
            line: found.line,
            column: found.column,
            pointer: place.pointer.to_string(),
            expected: self.expected,
            got: self.got,
            curl: None,
            hint: None,
        }
    }
}

impl Report {
    /// Whether the server keeps the contract and all of it was judged.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self.kind {
            Kind::Failure => "FAIL",
            Kind::Gap => "GAP ",
        };
        let Self { subject, check, file, line, column, expected, got, .. } = self;
        writeln!(out, "{label}  {subject} · {check}   {file}:{line}:{column}")?;
        writeln!(out, "      expected {expected}, got {got}")?;
        if let Some(curl) = &self.curl {
            writeln!(out, "      {curl}")?;
        }
        match &self.hint {
            Some(hint) => writeln!(out, "      = help: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(out, "{finding}")?;
        }
        for row in &self.coverage {
            write!(out, "{row}")?;
        }
        let passed = self.workflows.iter().filter(|ran| ran.passed).count();
        if !self.workflows.is_empty() {
            writeln!(
                out,
                "workflows   {} {passed} of {}",
                bar(passed, self.workflows.len()),
                self.workflows.len()
            )?;
            for ran in &self.workflows {
                let outcome = if ran.passed { "passed" } else { "failed" };
                writeln!(out, "  {:<28} {outcome}", ran.workflow)?;
            }
        }
        let seen = self.events.iter().filter(|seen| seen.count > 0).count();
        if !self.events.is_empty() {
            writeln!(
                out,
                "events      {} {seen} of {}",
                bar(seen, self.events.len()),
                self.events.len()
            )?;
            for seen in &self.events {
                writeln!(out, "  {:<28} {} seen", seen.message, seen.count)?;
            }
        }
        let gaps = self.findings.iter().filter(|finding| finding.kind == Kind::Gap).count();
        let failures = self.findings.len() - gaps;
        let seconds = self.elapsed_ms / 1000;
        let hundredths = self.elapsed_ms % 1000 / 10;
        let (requests, seed) = (self.requests, self.seed);
        writeln!(
            out,
            "{failures} failures, {gaps} gaps in {requests} requests   \
             {seconds}.{hundredths:02} s   seed {seed}"
        )
    }
}

/// How much of something, as ten blocks.
pub(crate) fn bar(part: usize, whole: usize) -> String {
    let filled = (part * 10).checked_div(whole).unwrap_or(10);
    "█".repeat(filled) + &"░".repeat(10 - filled)
}
