//! Runs a projection: messages in the order of the log, written together with the checkpoint.
//!
//! A projection that names its tables can be built anew: beside the generation that is read, from
//! the first message on, until it has seen the same messages; then the two are compared, change
//! places in one short transaction, and the old tables are discarded in slices. That happens when
//! somebody asks for it, and by itself when the statements that make the tables have changed. Until
//! then the old tables stand still and are read.

pub(crate) mod generations;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::Instrument as _;

pub use self::generations::ProjectionStats;
use self::generations::Standing;
use crate::database::Connection;
use crate::delivery::deliveries::{self, Given};
use crate::delivery::inbox::{checkpoint, forget_checkpoint, move_checkpoint};
use crate::delivery::messages;
use crate::envelope::{Cause, Envelope, Recorded};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{AnyProjection, BoxError, ReadModel};
use crate::kernel::Kernel;
use crate::tasks;
use crate::unit::Unit;
use crate::work::leases::Lease;

const BATCH: i64 = 256;
const PAUSE: Duration = Duration::from_secs(1);

/// The name under which a projection's checkpoint is kept.
pub(crate) fn reader(projection: &str) -> String {
    format!("projection:{projection}")
}

/// Makes the tables of a projection that has none yet, so that they can be read.
pub(crate) async fn found(kernel: &Kernel, projection: &dyn AnyProjection) -> Result<(), Error> {
    let (name, statements) = (projection.name(), projection.tables());
    if statements.is_empty() {
        return Ok(());
    }
    let mut turn = kernel.inner().database.turn().await?;
    if !generations::claim(turn.connection(), name).await? {
        return turn.rollback().await;
    }
    generations::begin(turn.connection(), name, Standing::default(), statements).await?;
    turn.commit().await
}

/// One generation, and how far it is.
#[derive(Debug)]
struct Track {
    /// Under which its checkpoint is kept.
    reader: String,
    generation: i64,
    /// How many messages are taken at once: one, up to the one that fails.
    limit: i64,
    attempts: u32,
    retry_at: Option<Timestamp>,
}

impl Track {
    fn new(reader: String, generation: i64) -> Self {
        Self { reader, generation, limit: BATCH, attempts: 0, retry_at: None }
    }
}

/// What came of looking after a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Advanced,
    /// It has seen everything that is published, up to this position.
    CaughtUp(i64),
    Failed,
}

struct Runner {
    kernel: Kernel,
    projection: Arc<dyn AnyProjection>,
    lease: Lease,
    published: watch::Receiver<i64>,
    standing: Standing,
    live: Option<Track>,
    building: Option<Track>,
    /// What came of comparing the generation that was built, once that is done.
    compared: Option<Compared>,
    /// Whether what is discarded could not be dropped.
    is_stuck: bool,
}

/// In how many rows two generations differ, if they are made by the same statements.
#[derive(Debug, Clone, Copy)]
struct Compared(Option<i64>);

/// Projects until the lease ends.
pub(crate) async fn run(kernel: Kernel, projection: Arc<dyn AnyProjection>, lease: Lease) {
    let ended = lease.ended().clone();
    let published = kernel.inner().bus.published();
    let mut rebuilds = kernel.inner().rebuilds.subscribe();
    let mut runner = Runner {
        kernel,
        projection,
        lease,
        published,
        standing: Standing::default(),
        live: None,
        building: None,
        compared: None,
        is_stuck: false,
    };
    let mut news = News::Start;
    let mut look = pin!(tasks::sleep(PAUSE));
    while !ended.is_cancelled() {
        let went_on = runner.turn(news).await;
        let has_failed = went_on.is_err();
        match went_on {
            Ok(true) => {
                news = News::Messages;
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                let reader = reader(runner.projection.name());
                tracing::warn!(reader, cause = ?error, "a projection could not go on");
            }
        }
        let clock = runner.kernel.clock();
        let tracks = [&runner.live, &runner.building];
        let retry_at = tracks.into_iter().flatten().filter_map(|track| track.retry_at).min();
        let heard = tokio::select! {
            biased;
            () = ended.cancelled() => News::Messages,
            Ok(()) = rebuilds.changed() => News::Request,
            // Another process may have asked for a rebuild, however much there is to read.
            () = &mut look => {
                look.set(tasks::sleep(PAUSE));
                News::Request
            }
            Ok(()) = runner.published.changed(), if !has_failed => News::Messages,
            () = clock.sleep_until(retry_at.unwrap_or(Timestamp::MAX)), if retry_at.is_some() => {
                News::Messages
            }
        };
        // What was begun and has failed is begun again.
        news = if has_failed { News::Start } else { heard };
    }
}

/// Why the tracks are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Nothing is known yet.
    Start,
    /// There may be a request to build anew.
    Request,
    /// There may be messages.
    Messages,
}

impl Runner {
    /// Looks after both tracks once; says whether there is more to do at once.
    async fn turn(&mut self, news: News) -> Result<bool, Error> {
        let is_to_prepare = match news {
            News::Start => true,
            News::Request => self.is_requested().await?,
            News::Messages => false,
        };
        if is_to_prepare {
            self.prepare().await?;
        }
        let through = *self.published.borrow_and_update();
        let live = self.advance(Which::Live, through).await?;
        let building = self.advance(Which::Building, through).await?;
        match (live, building) {
            // A live track is stale when the statements have changed: nothing to wait for.
            (None, Some(Progress::CaughtUp(_))) => self.follow().await.map(|()| true),
            (Some(Progress::CaughtUp(one)), Some(Progress::CaughtUp(other))) if one == other => {
                self.follow().await.map(|()| true)
            }
            (live, building) => {
                let is_advancing = |progress| progress == Some(Progress::Advanced);
                let has_discarded = self.discard().await;
                Ok(has_discarded || is_advancing(live) || is_advancing(building))
            }
        }
    }

    /// Compares the generation that was built, and then lets it be read.
    async fn follow(&mut self) -> Result<(), Error> {
        match self.compared {
            None => self.compare().await,
            Some(Compared(differences)) => self.swap(differences).await,
        }
    }

    /// Compares both generations as they are in one snapshot: nobody waits for that.
    async fn compare(&mut self) -> Result<(), Error> {
        let mut snapshot = self.kernel.inner().database.read().await?;
        let differences = generations::differences(snapshot.connection(), &self.standing).await?;
        self.compared = Some(Compared(differences));
        Ok(())
    }

    /// Discards a part of what is not read any more; says whether there was anything. What cannot
    /// be discarded is left until it is begun with anew: nothing depends on it.
    async fn discard(&mut self) -> bool {
        if self.standing.discarded.is_empty() || self.is_stuck {
            return false;
        }
        let discarded = self.discard_some().await;
        if let Err(error) = &discarded {
            let name = self.projection.name();
            tracing::warn!(name, cause = ?error, "what is not read any more could not be dropped");
        }
        self.is_stuck = discarded.is_err();
        discarded.is_ok()
    }

    async fn discard_some(&mut self) -> Result<(), Error> {
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        let (name, standing) = (self.projection.name(), self.standing.clone());
        let standing = generations::discard(turn.connection(), name, standing).await?;
        turn.commit().await?;
        self.standing = standing;
        Ok(())
    }

    async fn is_requested(&self) -> Result<bool, Error> {
        if self.projection.tables().is_empty() {
            return Ok(false);
        }
        let mut snapshot = self.kernel.inner().database.read().await?;
        let name = self.projection.name();
        Ok(generations::standing(snapshot.connection(), name).await?.is_requested)
    }

    /// Finds out which generations there are, and begins one where one is needed.
    async fn prepare(&mut self) -> Result<(), Error> {
        let (name, statements) = (self.projection.name(), self.projection.tables());
        if statements.is_empty() {
            self.live = Some(Track::new(reader(name), 0));
            return Ok(());
        }
        let mut turn = self.kernel.inner().database.turn().await?;
        let connection = turn.connection();
        self.lease.hold(connection).await?;
        let standing = generations::standing(connection, name).await?;
        let fingerprint = generations::fingerprint(statements);
        let is_ours = |it: &generations::Generation| it.fingerprint == fingerprint;
        let is_building = standing.building.as_ref().is_some_and(is_ours);
        let is_live = standing.live.as_ref().is_some_and(is_ours);
        let needs_one = standing.is_requested || !(is_live || is_building);
        let goes_on = is_building && !standing.is_requested;
        if needs_one && !goes_on {
            if let Some(given_up) = &standing.building {
                forget_checkpoint(connection, &building_reader(name, given_up.number)).await?;
            }
            self.standing = generations::begin(connection, name, standing, statements).await?;
        } else {
            self.standing = standing;
        }
        turn.commit().await?;
        (self.compared, self.is_stuck) = (None, false);
        let track =
            |reader, generation: &generations::Generation| Track::new(reader, generation.number);
        let live = self.standing.live.as_ref().filter(|live| is_ours(live));
        self.live = live.map(|live| track(reader(name), live));
        let building = self.standing.building.as_ref().filter(|building| is_ours(building));
        self.building = building.map(|it| track(building_reader(name, it.number), it));
        Ok(())
    }

    /// Applies the next batch to a track, if there is such a track.
    async fn advance(&mut self, which: Which, through: i64) -> Result<Option<Progress>, Error> {
        let track = match which {
            Which::Live => &mut self.live,
            Which::Building => &mut self.building,
        };
        let Some(track) = track else { return Ok(None) };
        let now = self.kernel.clock().now();
        if track.retry_at.is_some_and(|retry_at| retry_at > now) {
            return Ok(Some(Progress::Failed));
        }
        track.retry_at = None;
        let batch = next(&self.kernel, &track.reader, through, track.limit).await?;
        if batch.from >= batch.through {
            return Ok(Some(Progress::CaughtUp(batch.from)));
        }
        let step = Step {
            kernel: self.kernel.clone(),
            projection: Arc::clone(&self.projection),
            lease: self.lease.clone(),
            reader: track.reader.clone(),
            generation: track.generation,
        };
        // A task of its own, so that a panic of the projection is one more way to fail.
        let applied = match tasks::spawn(step.take(batch)).await {
            Ok(applied) => applied,
            Err(stopped) => Err(stopped.into()),
        };
        let Err(error) = applied else {
            (track.limit, track.attempts) = ((track.limit * 2).min(BATCH), 0);
            return Ok(Some(Progress::Advanced));
        };
        tracing::warn!(
            reader = track.reader,
            error,
            attempts = track.attempts,
            "a projection failed"
        );
        // One at a time up to the message that fails; that one is tried again and again.
        if track.limit == 1 {
            track.attempts += 1;
            let backoff = &self.kernel.inner().settings.backoff;
            track.retry_at = Some(backoff.after(now, track.attempts));
        }
        track.limit = 1;
        Ok(Some(if track.retry_at.is_some() { Progress::Failed } else { Progress::Advanced }))
    }

    /// Lets the generation that was built be read.
    async fn swap(&mut self, differences: Option<i64>) -> Result<(), Error> {
        let name = self.projection.name();
        let Some(built) = &self.building else { return Ok(()) };
        let mut turn = self.kernel.inner().database.turn().await?;
        let connection = turn.connection();
        self.lease.hold(connection).await?;
        fault!("projection.swap.before");
        let position = checkpoint(connection, &built.reader).await?;
        let standing = self.standing.clone();
        let standing = generations::swap(connection, name, standing, differences).await?;
        move_checkpoint(connection, &reader(name), position).await?;
        forget_checkpoint(connection, &built.reader).await?;
        fault!("projection.swap.after");
        turn.commit().await?;
        match differences {
            Some(1..) => tracing::error!(name, differences, "a projection was not what it says"),
            Some(_) | None => tracing::info!(name, position, "a projection was built anew"),
        }
        self.standing = standing;
        self.live = Some(Track::new(reader(name), built.generation));
        (self.building, self.compared) = (None, None);
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Live,
    Building,
}

fn building_reader(projection: &str, generation: i64) -> String {
    format!("{}#{generation}", reader(projection))
}

struct Batch {
    from: i64,
    through: i64,
    events: Vec<Recorded>,
}

async fn next(kernel: &Kernel, reader: &str, through: i64, limit: i64) -> Result<Batch, Error> {
    let mut snapshot = kernel.inner().database.read().await?;
    let from = checkpoint(snapshot.connection(), reader).await?;
    let (units, mut events): (Vec<i64>, Vec<Recorded>) =
        messages::log(snapshot.connection(), from, through, limit).await?.into_iter().unzip();
    let is_full = events.len() as i64 == limit;
    events.truncate(messages::whole_units(&units, limit));
    let through = match events.last() {
        Some(last) if is_full => last.position,
        Some(_) | None => through,
    };
    Ok(Batch { from, through, events })
}

/// One transaction of a track.
struct Step {
    kernel: Kernel,
    projection: Arc<dyn AnyProjection>,
    lease: Lease,
    reader: String,
    generation: i64,
}

impl Step {
    async fn take(self, batch: Batch) -> Result<(), BoxError> {
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        let Some(first) = batch.events.first() else {
            advance(turn.connection(), &self.reader, &batch).await?;
            return Ok(turn.commit().await?);
        };
        if broken!(ProjectionTorn) {
            advance(turn.connection(), &self.reader, &batch).await?;
            turn.commit().await?;
            turn = self.kernel.inner().database.turn().await?;
        }
        fault!("projection.begun");
        let tenant = first.envelope.tenant_id.clone();
        let mut unit = Unit::new(&self.kernel, turn, tenant, Cause::event(&first.envelope));
        for recorded in &batch.events {
            if !self.projection.accepts(&recorded.envelope.event_type) {
                continue;
            }
            unit.turn_to(&recorded.envelope);
            let span = crate::spans::project(&recorded.envelope, self.projection.name());
            let mut model = ReadModel::new(&mut unit, self.generation);
            let applied = self.projection.apply(&recorded.envelope, &mut model);
            match applied.instrument(span).await {
                Err(error) if deliveries::is_refusal(&error) => {
                    self.refuse(&mut unit, &recorded.envelope, &error.to_string()).await?;
                }
                applied => applied?,
            }
        }
        fault!("projection.applied");
        if !broken!(ProjectionTorn) {
            advance(unit.sql().1, &self.reader, &batch).await?;
        }
        Ok(unit.commit().await?)
    }
}

impl Step {
    /// Puts an event away that the projection cannot read, once however often it is built anew.
    async fn refuse(&self, unit: &mut Unit, event: &Envelope, reason: &str) -> Result<(), Error> {
        let (kernel, source) = (&self.kernel, reader(self.projection.name()));
        let connection = unit.sql().1;
        let id = event.message_id.to_string();
        if deliveries::record(connection, &source, &id, kernel.now()).await? {
            let given = Given { source: &source, spot: None, reason, attempts: 1 };
            deliveries::put_away(kernel, connection, event, given).await?;
        }
        tracing::error!(
            source, tenant = %event.tenant_id, stream = %event.stream(), reason,
            correlation_id = event.correlation_id, "a projection cannot read an event"
        );
        Ok(())
    }
}

/// Moves the checkpoint, if it still is where this batch began.
async fn advance(connection: &mut Connection, reader: &str, batch: &Batch) -> Result<(), Error> {
    let moved = sqlx::query(
        "INSERT INTO checkpoints (reader, position) VALUES ($1, $2) ON CONFLICT (reader) \
         DO UPDATE SET position = excluded.position WHERE checkpoints.position = $3",
    )
    .bind(reader)
    .bind(batch.through)
    .bind(batch.from)
    .execute(connection)
    .await?;
    match moved.rows_affected() {
        0 => Err(Error::Checkpoint(reader.to_owned())),
        _ => Ok(()),
    }
}
