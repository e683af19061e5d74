//! Reads a whole database and tells what of the kernel's guarantees does not hold there.
//!
//! It needs no kernel and disturbs none: anyone can run it on a database that is in use.

use std::fmt;

use sqlx::{AssertSqlSafe, Row};

use crate::database::{Connection, Database, Location};
use crate::error::Error;
use crate::ledger;

/// Of the rows that break a rule so many are named.
const NAMED: i64 = 5;

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// How many rows break it.
    pub count: i64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, count, examples } = self;
        write!(formatter, "{rule}: broken {count} times, e.g. {}", examples.join(", "))
    }
}

/// A rule and a query for the rows that break it, each told in one column `what`.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) broken: &'static str,
}

const RULES: [Rule; 9] = [
    Rule {
        name: "the events of a stream are numbered 1, 2, 3 up to its version",
        broken: "SELECT s.tenant_id || ' ' || s.aggregate_type || '/' || s.aggregate_id AS what \
                 FROM streams s LEFT JOIN (SELECT tenant_id, aggregate_type, aggregate_id, \
                 COUNT(*) AS events, MIN(version) AS first, MAX(version) AS last FROM messages \
                 WHERE version IS NOT NULL GROUP BY tenant_id, aggregate_type, aggregate_id) m \
                 ON m.tenant_id = s.tenant_id AND m.aggregate_type = s.aggregate_type \
                 AND m.aggregate_id = s.aggregate_id WHERE m.events IS NULL \
                 OR m.events <> s.version OR m.first <> 1 OR m.last <> s.version",
    },
    Rule {
        name: "every event belongs to a stream",
        broken: "SELECT m.message_id AS what FROM messages m WHERE m.version IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM streams s WHERE s.tenant_id = m.tenant_id \
                 AND s.aggregate_type = m.aggregate_type AND s.aggregate_id = m.aggregate_id)",
    },
    Rule {
        name: "every message is published, or waits to be, and not both",
        broken: "SELECT m.message_id AS what FROM messages m \
                 LEFT JOIN log l ON l.seq = m.seq LEFT JOIN outbox o ON o.seq = m.seq \
                 WHERE (l.seq IS NULL) = (o.seq IS NULL)",
    },
    Rule {
        name: "whatever is published, or waits to be, is a message",
        broken: "SELECT CAST(p.seq AS TEXT) AS what FROM (SELECT seq FROM log UNION ALL \
                 SELECT seq FROM outbox) p LEFT JOIN messages m ON m.seq = p.seq \
                 WHERE m.seq IS NULL",
    },
    Rule {
        name: "the log is numbered 1, 2, 3",
        broken: "SELECT CAST(position AS TEXT) AS what FROM (SELECT position, \
                 ROW_NUMBER() OVER (ORDER BY position) AS place FROM log) p \
                 WHERE position <> place",
    },
    Rule {
        name: "the events of a stream are published in their order",
        broken: "SELECT message_id AS what FROM (SELECT m.message_id, m.version, \
                 LAG(m.version) OVER (PARTITION BY m.tenant_id, m.aggregate_type, \
                 m.aggregate_id ORDER BY l.position) AS before FROM log l \
                 JOIN messages m ON m.seq = l.seq WHERE m.version IS NOT NULL) p \
                 WHERE before >= version",
    },
    Rule {
        name: "a message is published under its own tenant",
        broken: "SELECT m.message_id AS what FROM log l JOIN messages m ON m.seq = l.seq \
                 WHERE l.tenant_id <> m.tenant_id",
    },
    Rule {
        name: "nobody has read further than the log goes",
        broken: "SELECT reader AS what FROM checkpoints \
                 WHERE position > (SELECT COALESCE(MAX(position), 0) FROM log)",
    },
    Rule {
        name: "whatever a consumer has handled is a message",
        // On Kafka there are messages of others, and what is none.
        broken: "SELECT i.consumer || ' ' || i.message_id AS what FROM inbox i \
                 LEFT JOIN messages m ON m.message_id = i.message_id WHERE m.seq IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE reader = 'bus:kafka')",
    },
];

/// What does not hold in a database.
///
/// # Errors
/// When the database cannot be read.
pub async fn inspect(location: &Location) -> Result<Vec<Finding>, Error> {
    examine(&mut Database::look(location).await?).await
}

pub(crate) async fn examine(connection: &mut Connection) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for rule in RULES.iter().chain(&ledger::RULES) {
        findings.extend(broken(connection, rule).await?);
    }
    Ok(findings)
}

/// Whether a rule is broken, how often and where.
pub(crate) async fn broken(
    connection: &mut Connection,
    rule: &Rule,
) -> Result<Option<Finding>, Error> {
    let count = format!("SELECT COUNT(*) AS broken FROM ({}) AS found", rule.broken);
    let count = sqlx::query(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
    let count: i64 = count.try_get("broken")?;
    if count == 0 {
        return Ok(None);
    }
    let examples = format!("{} LIMIT {NAMED}", rule.broken);
    let rows = sqlx::query(AssertSqlSafe(examples)).fetch_all(connection).await?;
    let examples = rows.iter().map(|row| row.try_get("what")).collect::<Result<_, _>>()?;
    Ok(Some(Finding { rule: rule.name, count, examples }))
}
