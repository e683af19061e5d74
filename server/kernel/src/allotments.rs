//! Rates that several processes count together: each is allotted some tokens of a bucket, and
//! spends them without asking.

use std::time::Duration;

use sqlx::Row;

use crate::error::Error;
use crate::kernel::Kernel;

/// How often something may happen: `requests` tokens in a bucket, which is full again a `window`
/// after it was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency {
    /// So many at once, and in a window on average; 1 at least.
    pub requests: u32,
    /// A second at least, and a year at most.
    pub window: Duration,
}

/// What a process was allotted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allotted {
    /// How many tokens: as many as were asked for, fewer, or none.
    pub granted: u32,
    /// After how long the bucket is full again.
    pub full_in: Duration,
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Frequency {
    fn window_ns(self) -> i64 {
        let window = self.window.clamp(Duration::from_secs(1), YEAR);
        i64::try_from(window.as_nanos()).unwrap_or(i64::MAX)
    }

    fn interval_ns(self) -> i64 {
        (self.window_ns() / i64::from(self.requests.max(1))).max(1)
    }
}

impl Kernel {
    /// Takes up to so many tokens of a bucket that all processes on this database share, in one
    /// short transaction. Their clocks are to be alike: one that is ahead by a second finds the
    /// tokens of that second already there.
    ///
    /// # Errors
    /// When the database fails; nothing was taken then, or nobody knows.
    pub async fn allot(
        &self,
        bucket: &str,
        frequency: Frequency,
        wanted: u32,
    ) -> Result<Allotted, Error> {
        let now = self.now().as_microsecond().saturating_mul(1_000);
        let mut turn = self.inner().database.turn().await?;
        let row = sqlx::query(
            "INSERT INTO allotments (bucket, full_at, granted) VALUES ($1, $2 + $3 * $4, $3) \
             ON CONFLICT (bucket) DO UPDATE SET \
             granted = CASE \
               WHEN allotments.full_at <= $2 THEN $3 \
               WHEN $2 + $5 - allotments.full_at >= $3 * $4 THEN $3 \
               WHEN $2 + $5 <= allotments.full_at THEN 0 \
               ELSE ($2 + $5 - allotments.full_at) / $4 END, \
             full_at = CASE \
               WHEN allotments.full_at <= $2 THEN $2 + $3 * $4 \
               WHEN $2 + $5 - allotments.full_at >= $3 * $4 THEN allotments.full_at + $3 * $4 \
               WHEN $2 + $5 <= allotments.full_at THEN allotments.full_at \
               ELSE allotments.full_at \
                 + (($2 + $5 - allotments.full_at) / $4) * $4 END \
             RETURNING granted, full_at",
        )
        .bind(bucket)
        .bind(now)
        .bind(i64::from(wanted.clamp(1, frequency.requests.max(1))))
        .bind(frequency.interval_ns())
        .bind(frequency.window_ns())
        .fetch_one(turn.connection())
        .await?;
        let (granted, full_at): (i64, i64) = (row.try_get("granted")?, row.try_get("full_at")?);
        turn.commit().await?;
        let full_in = Duration::from_nanos(u64::try_from(full_at - now).unwrap_or(0));
        Ok(Allotted { granted: u32::try_from(granted).unwrap_or(0), full_in })
    }
}
