//! Sockets in the form generated code has, and what happens on them.

use std::sync::Arc;

use serde_json::json;
use symbolon_server::{
    Call, Info, Input, Method, Operation, Outcome, Principal, ProblemKind, Rejected, Reply,
    Requirement, Routes, SendError, Session, SocketOperation,
};
use symbolon_wire::socket::{Frame, Held, Refused, Said, json};
use symbolon_wire::{Documented, Parameter, Problem, Validate, Violations};

const READ: Requirement = Requirement { scheme: "oidc", scopes: &["orders:read"] };
const CLOSED_ROOM: ProblemKind =
    ProblemKind { code: "closed-room", status: 409, title: "Nobody may enter", type_: "" };

pub struct Enter {
    room: String,
    depth: Option<i64>,
}

impl Validate for Enter {
    fn validate(&self, at: &mut Violations) {
        at.inside(symbolon_wire::In::Query, |at| {
            at.optional("depth", &self.depth, |value, at| at.minimum(*value, 1));
        });
    }
}

pub enum Shut {
    Room(Problem),
}

impl Documented for Shut {}

/// What callers say: a text to be repeated, a number of texts to be told, or bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Say(String),
    Tell(u32),
    Bytes(Vec<u8>),
}

impl symbolon_wire::socket::Message for Asked {
    const HAS_JSON: bool = true;

    fn name(&self) -> &'static str {
        match self {
            Self::Say(_) => "Say",
            Self::Tell(_) => "Tell",
            Self::Bytes(_) => "Bytes",
        }
    }

    fn write(&self) -> Result<Frame, serde_json::Error> {
        match self {
            Self::Say(text) => json(&json!({ "type": "say", "text": text })),
            Self::Tell(times) => json(&json!({ "type": "tell", "times": times })),
            Self::Bytes(bytes) => Ok(Frame::Binary(bytes.clone())),
        }
    }

    fn read(frame: Frame, held: Held) -> Result<Self, Refused> {
        let said = match frame {
            Frame::Text(text) => Said::tagged(&text, "type")?,
            Frame::Binary(bytes) => return Ok(Self::Bytes(bytes)),
        };
        match said.tag() {
            "say" => {
                let said = said.read("Say", held, |said: &Saying, at| said.validate(at));
                said.map(|said| Self::Say(said.text))
            }
            "tell" => said.read("Tell", held, |_, _| {}).map(|it: Telling| Self::Tell(it.times)),
            _ => Err(Refused::Unknown { tag: "type" }),
        }
    }
}

#[derive(serde::Deserialize)]
struct Saying {
    text: String,
    #[serde(default)]
    number: i64,
}

impl Validate for Saying {
    fn validate(&self, at: &mut Violations) {
        at.member("text", &self.text, |value, at| at.max_length(value, 8));
        at.member("number", &self.number, |value, at| at.maximum(*value, 2));
    }
}

#[derive(serde::Deserialize)]
struct Telling {
    times: u32,
}

/// What the server says: one text at a time, of eight letters at most; or bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Said(String),
    Bytes(Vec<u8>),
}

impl symbolon_wire::socket::Message for Told {
    const HAS_JSON: bool = true;

    fn name(&self) -> &'static str {
        match self {
            Self::Said(_) => "Said",
            Self::Bytes(_) => "Bytes",
        }
    }

    fn write(&self) -> Result<Frame, serde_json::Error> {
        match self {
            Self::Said(text) => json(text),
            Self::Bytes(bytes) => Ok(Frame::Binary(bytes.clone())),
        }
    }

    fn read(frame: Frame, held: Held) -> Result<Self, Refused> {
        let said = match frame {
            Frame::Text(text) => Said::untagged(&text)?,
            Frame::Binary(bytes) => return Ok(Self::Bytes(bytes)),
        };
        let check = |text: &String, at: &mut Violations| at.max_length(text, 8);
        said.read("Said", held, check).map(Self::Said)
    }
}

macro_rules! socket {
    ($marker:ident, $info:expr) => {
        #[derive(Debug)]
        pub struct $marker;

        impl Operation for $marker {
            type Request = Enter;
            type Response = Session<Self>;
            type Error = Shut;
            type Principal = Principal;
            const INFO: Info = $info;

            fn decode(input: &mut Input) -> Result<Enter, Rejected> {
                let room = input.required(Parameter::path("room"));
                let depth = input.optional(Parameter::query("depth"));
                Ok(Enter { room: room?, depth: depth? })
            }

            fn encode(answer: Result<Session<Self>, Shut>) -> Reply {
                match answer {
                    Ok(session) => Reply::session(session),
                    Err(Shut::Room(problem)) => Reply::problem(&CLOSED_ROOM, problem),
                }
            }
        }

        impl SocketOperation for $marker {
            type Received = Asked;
            type Sent = Told;
        }
    };
}

socket!(Talk, Info::new("talk", Method::GET, "/v1/rooms/{room}").security(&[&[READ]]).socket(&[]));
socket!(
    Speak,
    Info::new("speak", Method::GET, "/v1/halls/{room}")
        .security(&[&[READ]])
        .speaking(&["loud", "soft"])
);

/// Repeats what is said. Where what is said is `fail`, `wrong` or `end`, it does that.
async fn talk<O>(call: Call<O>) -> Outcome<O>
where
    O: SocketOperation<Request = Enter, Error = Shut, Received = Asked, Sent = Told>,
{
    if call.request.room == "closed" {
        return Err(Shut::Room(Problem::new("it is full of people")).into());
    }
    Ok(Session::new(|mut socket| async move {
        while let Some(asked) = socket.receive().await {
            match asked {
                Asked::Say(text) => match text.as_str() {
                    "fail" => return Err(std::fmt::Error.into()),
                    "panic" => panic!("a secret"),
                    "end" => return Ok(()),
                    "wrong" => {
                        let told = socket.send(Told::Said("far too long".to_owned())).await;
                        assert!(matches!(told, Err(SendError::Refused(_))), "{told:?}");
                    }
                    _ => socket.send(Told::Said(text)).await?,
                },
                Asked::Tell(times) => {
                    for _ in 0..times {
                        socket.send(Told::Bytes(vec![0; 4096])).await?;
                    }
                }
                Asked::Bytes(bytes) => socket.send(Told::Bytes(bytes)).await?,
            }
        }
        Ok(())
    }))
}

/// The routes that open rooms and halls.
pub fn rooms() -> Vec<Routes> {
    let routes = Routes::new(Arc::new(()));
    let routes = routes.on::<Talk, _, _>(|_, call| talk(call));
    vec![routes.on::<Speak, _, _>(|_, call| talk(call)).finish()]
}
