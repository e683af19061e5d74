//! What is done with dead letters, each in one unit with its entry in the audit log.

use calls_wire::types::{DeadLetterReader, DueTimeReachedData, ExecuteCallData};
use symbolon_kernel::{Action, DeadLetter, Error, NewEvent, StreamId, Unit};
use uuid::Uuid;

use crate::service_calls::{AGGREGATE_TYPE, COMMANDED, Command, Event, READ_MODEL};

/// Why a letter of a drill is as it is.
const DRILL: &str = "a drill";

/// What came of asking for a replay.
pub(super) enum Replayed {
    Asked(Box<DeadLetter>),
    Unknown,
    /// Nobody can handle it again.
    Useless,
}

/// Leaves a letter about a call that does not exist: whoever handles it finds nothing to do.
pub(super) async fn drill(
    mut unit: Unit,
    reader: DeadLetterReader,
    actor: String,
) -> Result<Option<DeadLetter>, Error> {
    let (source, message) = match reader {
        DeadLetterReader::Consumer => {
            let command = Command::ExecuteCall(ExecuteCallData { attempt: 1 });
            (format!("consumer:{COMMANDED}"), NewEvent::from(command))
        }
        DeadLetterReader::Projection => {
            let event = Event::DueTimeReached(DueTimeReachedData { due_at: unit.now() });
            (format!("projection:{READ_MODEL}"), NewEvent::from(event))
        }
    };
    let nothing = StreamId::new(AGGREGATE_TYPE, unit.new_id().to_string());
    let id = unit.give_up(&source, &nothing, message, DRILL).await?;
    let left = unit.dead_letter(id).await?;
    audited(unit, "dead-letter.drilled", id, actor).await?;
    Ok(left)
}

/// Has a letter handled once more.
pub(super) async fn replay(mut unit: Unit, id: Uuid, actor: String) -> Result<Replayed, Error> {
    let found = unit.dead_letter(id).await?;
    let Some(letter) = found else {
        unit.rollback().await?;
        return Ok(Replayed::Unknown);
    };
    if !letter.is_replayable() {
        unit.rollback().await?;
        return Ok(Replayed::Useless);
    }
    if !unit.replay(id).await? {
        // It was handled while this was asked.
        unit.rollback().await?;
        return Ok(Replayed::Unknown);
    }
    audited(unit, "dead-letter.replayed", id, actor).await?;
    Ok(Replayed::Asked(Box::new(DeadLetter { is_replaying: true, ..letter })))
}

/// Throws a letter away; says whether there was one.
pub(super) async fn discard(mut unit: Unit, id: Uuid, actor: String) -> Result<bool, Error> {
    if !unit.discard(id).await? {
        unit.rollback().await?;
        return Ok(false);
    }
    audited(unit, "dead-letter.discarded", id, actor).await?;
    Ok(true)
}

async fn audited(mut unit: Unit, action: &str, letter: Uuid, actor: String) -> Result<(), Error> {
    unit.audit(Action::new(action, format!("dead-letter/{letter}")).by(actor)).await?;
    unit.commit().await
}
