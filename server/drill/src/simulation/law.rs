//! The closing audit of a history: everything has come to rest, and everything is as it must be.

use std::sync::Arc;
use std::time::Duration;

use symbolon_kernel::{BoxError, Kernel, TenantId};

use super::History;
use super::plan::Transport;
use crate::audit::{compare, replay_all};
use crate::shop::TENANTS;

/// A rule and a query for what breaks it.
struct Law {
    name: &'static str,
    broken: &'static str,
}

/// So often, one after the other, nothing must be left to do.
const LOOKS: u32 = 2;

/// What is left to do.
const LEFT: &str = "SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM timers) \
     + (SELECT COUNT(*) FROM dead_letters) + (SELECT COUNT(*) FROM jobs) \
     + (SELECT COUNT(*) FROM projections WHERE is_requested = 1 OR building IS NOT NULL) \
     + (SELECT COUNT(*) FROM (SELECT 'projection:overview' AS reader \
     UNION ALL SELECT 'consumer:bookkeeping' WHERE $1 = 0 UNION ALL SELECT 'consumer:grumpy' \
     WHERE $1 = 0 UNION ALL SELECT 'bus:kafka' WHERE $1 = 1) r \
     WHERE COALESCE((SELECT position FROM checkpoints c WHERE c.reader = r.reader), 0) \
     < (SELECT COALESCE(MAX(position), 0) FROM log))";

const LAWS: [Law; 8] = [
    Law {
        name: "the projection is what the messages say",
        broken: "SELECT tenant_id || ' ' || order_id AS what FROM (SELECT tenant_id, order_id, \
                 messages, version FROM overview EXCEPT SELECT tenant_id, aggregate_id, COUNT(*), \
                 MAX(COALESCE(version, 0)) FROM messages GROUP BY tenant_id, aggregate_id) a \
                 UNION ALL SELECT tenant_id || ' ' || aggregate_id FROM (SELECT tenant_id, \
                 aggregate_id, COUNT(*), MAX(COALESCE(version, 0)) FROM messages \
                 GROUP BY tenant_id, aggregate_id EXCEPT SELECT tenant_id, order_id, messages, \
                 version FROM overview) b",
    },
    Law {
        name: "a projection built anew is what it was",
        broken: "SELECT name AS what FROM projections WHERE differences > 0",
    },
    Law {
        name: "an order has its key, its account and its line in the audit log, or nothing",
        broken: "SELECT id AS what FROM (SELECT aggregate_id AS id FROM streams UNION ALL \
                 SELECT resource FROM idempotency UNION ALL SELECT subject FROM audit_log \
                 UNION ALL SELECT SUBSTR(account, 7) FROM ledger_accounts \
                 WHERE account LIKE 'order:%') x GROUP BY id HAVING COUNT(*) <> 4",
    },
    Law {
        name: "an order is its tenant's, wherever it is named",
        broken: "SELECT what FROM (SELECT tenant_id, aggregate_id AS what FROM messages UNION ALL \
                 SELECT tenant_id, order_id FROM effects UNION ALL \
                 SELECT tenant_id, order_id FROM overview UNION ALL \
                 SELECT tenant_id, aggregate_id FROM streams UNION ALL \
                 SELECT tenant_id, resource FROM idempotency UNION ALL \
                 SELECT tenant_id, subject FROM audit_log UNION ALL \
                 SELECT tenant_id, hold_id FROM ledger_holds UNION ALL \
                 SELECT tenant_id, SUBSTR(account, 7) FROM ledger_accounts \
                 WHERE account LIKE 'order:%') x WHERE what NOT LIKE tenant_id || '-%'",
    },
    Law {
        name: "an event comes right after the version its writer has read",
        broken: "SELECT message_id AS what FROM messages WHERE type = 'OrderNoted' \
                 AND CAST(json_extract(data, '$.after') AS BIGINT) + 1 <> version",
    },
    Law { name: "no letter is left", broken: "SELECT id AS what FROM dead_letters" },
    Law {
        name: "a hold that is over reserves nothing",
        broken: "SELECT hold_id AS what FROM ledger_holds WHERE state = 'open' OR remaining > 0",
    },
    Law {
        name: "money comes from the till alone",
        broken: "SELECT tenant_id AS what FROM ledger_accounts GROUP BY tenant_id \
                 HAVING SUM(total) <> 0",
    },
];

impl History {
    /// Waits until nothing is left to do, and notes what does not hold.
    pub(super) async fn close(&self, until: i64) {
        let findings = match self.audit(until).await {
            Ok(findings) => findings,
            Err(error) => vec![format!("the audit failed: {error}")],
        };
        let mut book = self.book();
        book.findings.extend(findings);
        book.is_over = true;
    }

    async fn audit(&self, until: i64) -> Result<Vec<String>, BoxError> {
        let kernel = loop {
            let kernel = self.book().kernels.values().next().cloned();
            match kernel {
                Some(kernel) => break kernel,
                None if self.world.now() > until => return Err("no process starts".into()),
                None => self.world.sleep(Duration::from_millis(1)).await,
            }
        };
        // A commit is carried through when its request is gone: it may be under way at the first.
        let mut looks = 0;
        while looks < LOOKS {
            let left = self.left(&kernel).await?;
            if left > 0 && self.world.roll(4) == 0 {
                replay_all(&kernel).await?;
            }
            let is_quiet = left == 0 && Arc::strong_count(&self.book().requests) == 1;
            looks = if is_quiet { looks + 1 } else { 0 };
            if self.world.now() > until {
                return Ok(vec![format!("{left} things are never done")]);
            }
            self.world.sleep(Duration::from_millis(20)).await;
        }
        let mut findings: Vec<String> =
            self.engine.inspect().await?.iter().map(ToString::to_string).collect();
        let acknowledged = std::mem::take(&mut self.book().acknowledged);
        findings.extend(compare(&kernel, &acknowledged).await?);
        let mut view = kernel.read(&TenantId::new(TENANTS[0])?).await?;
        for law in &LAWS {
            let broken: Vec<String> =
                sqlx::query_scalar(law.broken).fetch_all(&mut *view.sql().1).await?;
            if !broken.is_empty() {
                findings.push(format!("{}: not {}", law.name, broken.join(", ")));
            }
        }
        Ok(findings)
    }

    async fn left(&self, kernel: &Kernel) -> Result<i64, BoxError> {
        let mut view = kernel.read(&TenantId::new(TENANTS[0])?).await?;
        let (is_on_bus, unread) = match self.plan.transport {
            Transport::Log => (0_i64, 0),
            Transport::Bus => (1, i64::try_from(self.bus.lag())?),
        };
        let left: i64 = sqlx::query_scalar(LEFT).bind(is_on_bus).fetch_one(view.sql().1).await?;
        Ok(left + unread)
    }
}
