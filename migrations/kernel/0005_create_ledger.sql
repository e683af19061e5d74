-- Double-entry bookkeeping. Amounts are whole minor units of a currency, never beyond 2^62 - 1
-- either way, so that the sum or difference of two of them is a number still.

-- What an account holds now; `entries` is the number of its last entry. `floor` is what its
-- available balance, `total - reserved`, is not taken below; none, if there is no such bound.
CREATE TABLE ledger_accounts (
    tenant_id TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    floor BIGINT,
    total BIGINT NOT NULL
        CHECK (total BETWEEN -4611686018427387903 AND 4611686018427387903),
    reserved BIGINT NOT NULL CHECK (reserved BETWEEN 0 AND 4611686018427387903),
    entries BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account)
) {clustered};

-- What moved money. `floors` is `kept` or `ignored`; `reverses` the transfer it corrects. One out
-- of a hold says what it consumed of it: `all`, or `consumed` and then `keep` or `release`.
CREATE TABLE ledger_transfers (
    tenant_id TEXT NOT NULL,
    transfer_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    metadata TEXT NOT NULL,
    floors TEXT NOT NULL,
    reverses TEXT,
    hold_id TEXT,
    consumption TEXT,
    consumed BIGINT,
    posted_at BIGINT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id)
) {clustered};

CREATE UNIQUE INDEX ledger_reversals ON ledger_transfers (tenant_id, reverses)
    WHERE reverses IS NOT NULL;

-- What is set aside on an account. `state` is `open`, `posted`, `voided` or `expired`; `remaining`
-- is 0 unless it is open.
CREATE TABLE ledger_holds (
    tenant_id TEXT NOT NULL,
    hold_id TEXT NOT NULL,
    account TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 4611686018427387903),
    remaining BIGINT NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    state TEXT NOT NULL,
    expires_at BIGINT,
    reserved_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hold_id)
) {clustered};

-- Each change of each account, in order: `number` is 1, 2, 3 without gaps, `posted_at` never goes
-- back. Those of one transfer have one time. An entry without a transfer is a move of a hold: made,
-- voided or expired.
CREATE TABLE ledger_entries (
    tenant_id TEXT NOT NULL,
    account TEXT NOT NULL,
    number BIGINT NOT NULL,
    currency TEXT NOT NULL,
    transfer_id TEXT,
    hold_id TEXT,
    total_delta BIGINT NOT NULL
        CHECK (total_delta BETWEEN -4611686018427387903 AND 4611686018427387903),
    reserved_delta BIGINT NOT NULL
        CHECK (reserved_delta BETWEEN -4611686018427387903 AND 4611686018427387903),
    total_after BIGINT NOT NULL
        CHECK (total_after BETWEEN -4611686018427387903 AND 4611686018427387903),
    reserved_after BIGINT NOT NULL CHECK (reserved_after BETWEEN 0 AND 4611686018427387903),
    posted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account, number)
) {clustered};

CREATE INDEX ledger_entries_by_time ON ledger_entries (tenant_id, account, posted_at, number);
CREATE INDEX ledger_entries_by_transfer ON ledger_entries (tenant_id, transfer_id);

{immutable ledger_transfers}
{immutable ledger_entries}
