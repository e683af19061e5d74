//! The laws of the ledger, as rules that a whole database is held to.

use crate::database::Connection;
use crate::database::inspection::{Finding, Rule, broken};
use crate::error::Error;

/// What of the laws of the ledger does not hold, in the books of all tenants; [`inspect`] looks at
/// these and at all other rules of the kernel. It reads everything.
///
/// [`inspect`]: crate::inspect
///
/// # Errors
/// When the database fails.
pub async fn check(connection: &mut Connection) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for rule in &RULES {
        findings.extend(broken(connection, rule).await?);
    }
    Ok(findings)
}

pub(crate) const RULES: [Rule; 9] = [
    Rule {
        name: "an account holds what its last entry says",
        broken: "SELECT DISTINCT a.tenant_id || ' ' || a.account AS what \
                 FROM ledger_accounts a \
                 LEFT JOIN ledger_entries e ON e.tenant_id = a.tenant_id \
                 AND e.account = a.account AND e.number = a.entries \
                 LEFT JOIN ledger_entries n ON n.tenant_id = a.tenant_id \
                 AND n.account = a.account AND n.number > a.entries \
                 WHERE a.total <> COALESCE(e.total_after, 0) \
                 OR a.reserved <> COALESCE(e.reserved_after, 0) \
                 OR a.changed_at <> COALESCE(e.posted_at, a.opened_at) OR (a.entries <> 0 \
                 AND e.number IS NULL) OR n.number IS NOT NULL",
    },
    Rule {
        name: "entries of an account are numbered 1, 2, 3, and each begins where the last ended",
        broken: "SELECT DISTINCT e.tenant_id || ' ' || e.account AS what \
                 FROM ledger_entries e \
                 LEFT JOIN ledger_entries p ON p.tenant_id = e.tenant_id \
                 AND p.account = e.account AND p.number = e.number - 1 \
                 WHERE e.total_after <> COALESCE(p.total_after, 0) + e.total_delta \
                 OR e.reserved_after <> COALESCE(p.reserved_after, 0) + e.reserved_delta \
                 OR p.posted_at > e.posted_at OR (p.number IS NULL AND e.number <> 1)",
    },
    Rule {
        name: "an entry belongs to an account in its currency, and to a transfer or a hold",
        broken: "SELECT DISTINCT e.tenant_id || ' ' || e.account AS what \
                 FROM ledger_entries e \
                 LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id \
                 AND a.account = e.account \
                 LEFT JOIN ledger_transfers t ON t.tenant_id = e.tenant_id \
                 AND t.transfer_id = e.transfer_id \
                 LEFT JOIN ledger_holds h ON h.tenant_id = e.tenant_id \
                 AND h.hold_id = e.hold_id \
                 WHERE a.account IS NULL OR a.currency <> e.currency \
                 OR a.opened_at > e.posted_at OR (e.transfer_id IS NULL \
                 AND (e.hold_id IS NULL OR e.total_delta <> 0)) OR (e.transfer_id IS NOT NULL \
                 AND t.transfer_id IS NULL) OR (e.hold_id IS NOT NULL AND (h.hold_id IS NULL \
                 OR h.account <> e.account)) OR (e.hold_id IS NULL AND e.reserved_delta <> 0) \
                 OR (t.transfer_id IS NOT NULL AND e.hold_id IS NOT NULL \
                 AND e.hold_id <> COALESCE(t.hold_id, ''))",
    },
    Rule {
        name: "a transfer has entries, and they have its time",
        broken: "SELECT t.tenant_id || ' ' || t.transfer_id AS what FROM ledger_transfers t \
                 LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id \
                 AND e.transfer_id = t.transfer_id \
                 GROUP BY t.tenant_id, t.transfer_id, t.posted_at, t.hold_id \
                 HAVING COUNT(e.number) = 0 OR MIN(e.posted_at) <> t.posted_at \
                 OR MAX(e.posted_at) <> t.posted_at OR (t.hold_id IS NOT NULL \
                 AND COUNT(e.hold_id) <> 1)",
    },
    Rule {
        name: "the entries of a transfer sum to zero in each currency",
        // In two halves: the sum of a few of the largest amounts is more than a number of
        // SQLite's, also when others make up for it.
        broken: "SELECT DISTINCT tenant_id || ' ' || transfer_id AS what FROM ledger_entries \
                 WHERE transfer_id IS NOT NULL \
                 GROUP BY tenant_id, transfer_id, currency \
                 HAVING SUM(total_delta / 1073741824) * 1073741824 \
                 + SUM(total_delta % 1073741824) <> 0",
    },
    Rule {
        name: "no account is taken below its floor but by a transfer that says so",
        broken: "SELECT DISTINCT e.tenant_id || ' ' || e.account AS what \
                 FROM ledger_entries e JOIN ledger_accounts a ON a.tenant_id = e.tenant_id \
                 AND a.account = e.account \
                 LEFT JOIN ledger_transfers t ON t.tenant_id = e.tenant_id \
                 AND t.transfer_id = e.transfer_id \
                 WHERE e.total_after - e.reserved_after < a.floor \
                 AND e.total_delta < e.reserved_delta AND COALESCE(t.floors, 'kept') = 'kept'",
    },
    Rule {
        name: "what is reserved on an account is what its holds have left",
        broken: "SELECT a.tenant_id || ' ' || a.account AS what FROM ledger_accounts a \
                 LEFT JOIN (SELECT tenant_id, account, SUM(remaining) AS remaining \
                 FROM ledger_holds \
                 GROUP BY tenant_id, account) h ON h.tenant_id = a.tenant_id \
                 AND h.account = a.account \
                 WHERE a.reserved <> COALESCE(h.remaining, 0)",
    },
    Rule {
        name: "a hold has left what its entries say, and is open while that is something",
        broken: "SELECT h.tenant_id || ' ' || h.hold_id AS what FROM ledger_holds h \
                 LEFT JOIN (SELECT tenant_id, hold_id, SUM(reserved_delta) AS remaining, \
                 SUM(CASE WHEN reserved_delta > 0 THEN reserved_delta ELSE 0 END) AS amount \
                 FROM ledger_entries \
                 WHERE hold_id IS NOT NULL \
                 GROUP BY tenant_id, hold_id) e ON e.tenant_id = h.tenant_id \
                 AND e.hold_id = h.hold_id \
                 WHERE h.remaining <> COALESCE(e.remaining, 0) \
                 OR h.amount <> COALESCE(e.amount, 0) \
                 OR h.state NOT IN ('open', 'posted', 'voided', 'expired') \
                 OR (h.state = 'open' AND h.remaining = 0) OR (h.state <> 'open' \
                 AND h.remaining <> 0)",
    },
    Rule {
        name: "a reversal is the mirror image of a transfer",
        broken: "SELECT DISTINCT r.tenant_id || ' ' || r.transfer_id AS what \
                 FROM ledger_transfers r \
                 LEFT JOIN ledger_transfers t ON t.tenant_id = r.tenant_id \
                 AND t.transfer_id = r.reverses \
                 LEFT JOIN ledger_entries o ON o.tenant_id = r.tenant_id \
                 AND o.transfer_id = r.reverses \
                 LEFT JOIN ledger_entries m ON m.tenant_id = r.tenant_id \
                 AND m.transfer_id = r.transfer_id AND m.account = o.account \
                 WHERE r.reverses IS NOT NULL AND (t.transfer_id IS NULL \
                 OR t.reverses IS NOT NULL OR m.total_delta IS NULL \
                 OR m.total_delta <> -o.total_delta OR (SELECT COUNT(*) FROM ledger_entries c \
                 WHERE c.tenant_id = r.tenant_id AND c.transfer_id = r.transfer_id) \
                 <> (SELECT COUNT(*) FROM ledger_entries c \
                 WHERE c.tenant_id = r.tenant_id AND c.transfer_id = r.reverses))",
    },
];
