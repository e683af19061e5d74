//! A channel as the generator writes it, of messages that count things.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use symbolon_kernel::{Channel, Event, Handled, Handler, NewEvent, Refused, Unit};
use symbolon_wire::channel::{self, Known};
use symbolon_wire::{Validate, Violations};

use crate::fixture::note;

/// What happens to counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Counts {
    Counted(Count),
    Forgotten,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) number: i64,
}

impl Validate for Count {
    fn validate(&self, at: &mut Violations) {
        at.member("number", &self.number, |value, at| at.minimum(*value, 0));
    }
}

impl Channel for Counts {
    const ADDRESS: &'static str = "counts";
    const MESSAGES: &'static [Known] = &[
        Known { event_type: "Counted", versions: &[1] },
        Known { event_type: "Forgotten", versions: &[1] },
    ];

    fn event_type(&self) -> &'static str {
        match self {
            Self::Counted(_) => "Counted",
            Self::Forgotten => "Forgotten",
        }
    }

    fn schema_version(&self) -> u32 {
        1
    }

    fn to_value(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Counted(count) => serde_json::to_value(count),
            Self::Forgotten => Ok(Value::Null),
        }
    }

    fn check(event: &Event<Value>) -> Result<(), Refused> {
        match (event.event_type.as_str(), event.schema_version) {
            ("Counted", 1) => channel::check_data::<Count>(event, Validate::validate),
            ("Forgotten", 1) => channel::check_data::<()>(event, |_, _| {}),
            (name, version) => Err(channel::unknown::<Self>(name, version)),
        }
    }

    fn parse(event_type: &str, schema_version: u32, data: &Value) -> Result<Self, Refused> {
        match (event_type, schema_version) {
            ("Counted", 1) => channel::parse(event_type, data).map(Self::Counted),
            ("Forgotten", 1) => channel::parse(event_type, data).map(|()| Self::Forgotten),
            (name, version) => Err(channel::unknown::<Self>(name, version)),
        }
    }
}

/// A message as somebody writes it who has no contract.
pub(crate) fn unheld(event_type: &str, schema_version: u32, data: Value) -> NewEvent {
    NewEvent::new(Counts::ADDRESS, event_type, schema_version, &data).unwrap()
}

/// What breaks the contract of [`Counts`], and why each is refused.
pub(crate) fn broken() -> [(NewEvent, &'static str); 4] {
    [
        (
            unheld("Counted", 1, json!({ "number": -1 })),
            "`Counted` breaks its schema: `/number` must be at least 0",
        ),
        (unheld("Counted", 1, json!({})), "`Counted` breaks its schema: `/number` must be given"),
        (unheld("Counted", 9, json!({})), "schema version 9 of `Counted` is unknown here"),
        (unheld("Vanished", 1, json!({})), "`Vanished` is no message of `counts`"),
    ]
}

/// Writes down what is counted, and has no method for anything else.
pub(crate) struct Tally;

impl Handler<Counts, Unit> for Tally {
    async fn handle(&self, event: Event<Counts>, unit: &mut Unit) -> Handled {
        let (said, event) = event.split();
        match said {
            Counts::Counted(count) => {
                note(unit.sql(), "tally", &event.aggregate_id, count.number).await;
                Ok(())
            }
            Counts::Forgotten => channel::ignore(event, unit).await,
        }
    }
}
