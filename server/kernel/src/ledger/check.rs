//! Holds a whole database to the laws of the ledger, by reading it from end to end.

use std::fmt;

use sqlx::Row;

use crate::database::Connection;
use crate::envelope::TenantId;
use crate::error::Error;
use crate::messages::parsed;

/// What must be true of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// An account holds what its last entry says, and no entry comes after that.
    Balance,
    /// Entries of an account have the numbers 1, 2, 3; each begins where the one before it ends,
    /// and no earlier in time.
    Sequence,
    /// An entry belongs to an account in its currency, and to a transfer or a hold that there is.
    Origin,
    /// A transfer has entries, and all have its time.
    Whole,
    /// The entries of a transfer sum to zero in each currency.
    Zero,
    /// What is available falls below the floor of an account only by a transfer that says so.
    Floor,
    /// What is reserved on an account is what its open holds have left.
    Reserved,
    /// What a hold has left is what its entries say, and a hold is open while it has something.
    Hold,
    /// A reversal is the mirror image of a transfer.
    Reversal,
}

impl Law {
    const ALL: [Self; 9] = [
        Self::Balance,
        Self::Sequence,
        Self::Origin,
        Self::Whole,
        Self::Zero,
        Self::Floor,
        Self::Reserved,
        Self::Hold,
        Self::Reversal,
    ];

    /// Selects what breaks it: whose it is, and its name.
    fn violations(self) -> &'static str {
        match self {
            Self::Balance => BALANCE,
            Self::Sequence => SEQUENCE,
            Self::Origin => ORIGIN,
            Self::Whole => WHOLE,
            Self::Zero => ZERO,
            Self::Floor => FLOOR,
            Self::Reserved => RESERVED,
            Self::Hold => HOLD,
            Self::Reversal => REVERSAL,
        }
    }
}

/// A law that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The law.
    pub law: Law,
    /// Whose books they are.
    pub tenant: TenantId,
    /// The account, transfer or hold that breaks it.
    pub name: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, tenant, name } = self;
        let what = match law {
            Law::Balance => "does not hold what its last entry says",
            Law::Sequence => "has an entry that does not follow the one before it",
            Law::Origin => "has an entry that belongs to nothing, or to another currency",
            Law::Whole => "has no entries, or some of another time",
            Law::Zero => "does not sum to zero",
            Law::Floor => "was taken below its floor",
            Law::Reserved => "has reserved another amount than its holds have left",
            Law::Hold => "has left another amount than its entries say",
            Law::Reversal => "is not the mirror image of what it reverses",
        };
        write!(formatter, "`{name}` of tenant `{tenant}` {what}")
    }
}

/// Every account, transfer and hold of every tenant that breaks a law; it reads everything.
///
/// # Errors
/// When the database fails.
pub async fn check(connection: &mut Connection) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for law in Law::ALL {
        let rows = sqlx::query(law.violations()).fetch_all(&mut *connection).await?;
        for row in rows {
            let tenant = parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?;
            findings.push(Finding { law, tenant, name: row.try_get("name")? });
        }
    }
    Ok(findings)
}

const BALANCE: &str = "\
    SELECT DISTINCT a.tenant_id, a.account AS name FROM ledger_accounts a \
    LEFT JOIN ledger_entries e \
    ON e.tenant_id = a.tenant_id AND e.account = a.account AND e.number = a.entries \
    LEFT JOIN ledger_entries n \
    ON n.tenant_id = a.tenant_id AND n.account = a.account AND n.number > a.entries \
    WHERE a.total <> COALESCE(e.total_after, 0) OR a.reserved <> COALESCE(e.reserved_after, 0) \
    OR a.changed_at <> COALESCE(e.posted_at, a.opened_at) \
    OR (a.entries <> 0 AND e.number IS NULL) OR n.number IS NOT NULL";

const SEQUENCE: &str = "\
    SELECT DISTINCT e.tenant_id, e.account AS name FROM ledger_entries e \
    LEFT JOIN ledger_entries p \
    ON p.tenant_id = e.tenant_id AND p.account = e.account AND p.number = e.number - 1 \
    WHERE e.total_after <> COALESCE(p.total_after, 0) + e.total_delta \
    OR e.reserved_after <> COALESCE(p.reserved_after, 0) + e.reserved_delta \
    OR p.posted_at > e.posted_at OR (p.number IS NULL AND e.number <> 1)";

const ORIGIN: &str = "\
    SELECT DISTINCT e.tenant_id, e.account AS name FROM ledger_entries e \
    LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.account = e.account \
    LEFT JOIN ledger_transfers t \
    ON t.tenant_id = e.tenant_id AND t.transfer_id = e.transfer_id \
    LEFT JOIN ledger_holds h ON h.tenant_id = e.tenant_id AND h.hold_id = e.hold_id \
    WHERE a.account IS NULL OR a.currency <> e.currency OR a.opened_at > e.posted_at \
    OR (e.transfer_id IS NULL AND (e.hold_id IS NULL OR e.total_delta <> 0)) \
    OR (e.transfer_id IS NOT NULL AND t.transfer_id IS NULL) \
    OR (e.hold_id IS NOT NULL AND (h.hold_id IS NULL OR h.account <> e.account)) \
    OR (e.hold_id IS NULL AND e.reserved_delta <> 0) \
    OR (t.transfer_id IS NOT NULL AND e.hold_id IS NOT NULL \
    AND e.hold_id <> COALESCE(t.hold_id, ''))";

const WHOLE: &str = "\
    SELECT t.tenant_id, t.transfer_id AS name FROM ledger_transfers t \
    LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transfer_id = t.transfer_id \
    GROUP BY t.tenant_id, t.transfer_id, t.posted_at, t.hold_id \
    HAVING COUNT(e.number) = 0 OR MIN(e.posted_at) <> t.posted_at \
    OR MAX(e.posted_at) <> t.posted_at \
    OR (t.hold_id IS NOT NULL AND COUNT(e.hold_id) <> 1)";

/// In two halves: the sum of a few of the largest amounts is more than a number of SQLite's, also
/// when others make up for it.
const ZERO: &str = "\
    SELECT DISTINCT tenant_id, transfer_id AS name FROM ledger_entries \
    WHERE transfer_id IS NOT NULL GROUP BY tenant_id, transfer_id, currency \
    HAVING SUM(total_delta / 1073741824) * 1073741824 + SUM(total_delta % 1073741824) <> 0";

const FLOOR: &str = "\
    SELECT DISTINCT e.tenant_id, e.account AS name FROM ledger_entries e \
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.account = e.account \
    LEFT JOIN ledger_transfers t \
    ON t.tenant_id = e.tenant_id AND t.transfer_id = e.transfer_id \
    WHERE e.total_after - e.reserved_after < a.floor AND e.total_delta < e.reserved_delta \
    AND COALESCE(t.floors, 'kept') = 'kept'";

const RESERVED: &str = "\
    SELECT a.tenant_id, a.account AS name FROM ledger_accounts a \
    LEFT JOIN (SELECT tenant_id, account, SUM(remaining) AS remaining FROM ledger_holds \
    GROUP BY tenant_id, account) h ON h.tenant_id = a.tenant_id AND h.account = a.account \
    WHERE a.reserved <> COALESCE(h.remaining, 0)";

const HOLD: &str = "\
    SELECT h.tenant_id, h.hold_id AS name FROM ledger_holds h \
    LEFT JOIN (SELECT tenant_id, hold_id, SUM(reserved_delta) AS remaining, \
    SUM(CASE WHEN reserved_delta > 0 THEN reserved_delta ELSE 0 END) AS amount \
    FROM ledger_entries WHERE hold_id IS NOT NULL GROUP BY tenant_id, hold_id) e \
    ON e.tenant_id = h.tenant_id AND e.hold_id = h.hold_id \
    WHERE h.remaining <> COALESCE(e.remaining, 0) OR h.amount <> COALESCE(e.amount, 0) \
    OR h.state NOT IN ('open', 'posted', 'voided', 'expired') \
    OR (h.state = 'open' AND h.remaining = 0) OR (h.state <> 'open' AND h.remaining <> 0)";

const REVERSAL: &str = "\
    SELECT DISTINCT r.tenant_id, r.transfer_id AS name FROM ledger_transfers r \
    LEFT JOIN ledger_transfers t ON t.tenant_id = r.tenant_id AND t.transfer_id = r.reverses \
    LEFT JOIN ledger_entries o ON o.tenant_id = r.tenant_id AND o.transfer_id = r.reverses \
    LEFT JOIN ledger_entries m ON m.tenant_id = r.tenant_id AND m.transfer_id = r.transfer_id \
    AND m.account = o.account \
    WHERE r.reverses IS NOT NULL AND (t.transfer_id IS NULL OR t.reverses IS NOT NULL \
    OR m.total_delta IS NULL OR m.total_delta <> -o.total_delta \
    OR (SELECT COUNT(*) FROM ledger_entries c \
    WHERE c.tenant_id = r.tenant_id AND c.transfer_id = r.transfer_id) \
    <> (SELECT COUNT(*) FROM ledger_entries c \
    WHERE c.tenant_id = r.tenant_id AND c.transfer_id = r.reverses))";
