//! Operations as the generator writes them.

use serde::{Deserialize, Serialize};
use symbolon_client::{DecodeError, Incoming, Info, Method, Operation, Outgoing, Paged, Security};
use symbolon_wire::{Binary, Parameter, Problem, Style};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pet {
    pub(crate) name: String,
    pub(crate) age: u8,
}

#[derive(Debug)]
pub(crate) struct GetPet;

#[derive(Debug, Clone, Default)]
pub(crate) struct GetPetRequest {
    pub(crate) pet_id: String,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) session: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum GetPetResponse {
    Ok { age: Option<u32>, near: Option<Vec<Pet>>, body: Pet },
    Accepted { location: String },
}

#[derive(Debug, PartialEq)]
pub(crate) enum GetPetError {
    Asleep(Problem),
}

impl Operation for GetPet {
    type Request = GetPetRequest;
    type Response = GetPetResponse;
    type Error = GetPetError;
    const INFO: Info = Info::new("getPet", Method::GET, "/pets/{petId}.json");

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.required(Parameter::path("petId"), &request.pet_id);
        out.optional(Parameter::query("tag"), &request.tags);
        out.optional(Parameter::cookie("session"), &request.session);
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        match incoming.status() {
            200 => Ok(Ok(Self::Response::Ok {
                age: incoming.optional_header("X-Age")?,
                near: incoming
                    .optional_header_as(Parameter::header("X-Near").style(Style::Json))?,
                body: incoming.json()?,
            })),
            202 => Ok(Ok(Self::Response::Accepted { location: incoming.header("Location")? })),
            _ => match incoming.problem_code() {
                Some("asleep") => Ok(Err(Self::Error::Asleep(incoming.json()?))),
                _ => Err(incoming.undocumented()),
            },
        }
    }
}

#[derive(Debug)]
pub(crate) struct AddPet;

#[derive(Debug, Clone)]
pub(crate) struct AddPetRequest {
    pub(crate) idempotency_key: String,
    pub(crate) body: AddPetBody,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Photos {
    pub(crate) name: String,
    pub(crate) ages: Vec<u8>,
    pub(crate) nothing: Option<String>,
    pub(crate) spread: Pet,
    pub(crate) meta: Pet,
    pub(crate) photos: Vec<Binary>,
}

#[derive(Debug, Clone)]
pub(crate) enum AddPetBody {
    Json(Pet),
    Form(Pet),
    Text(String),
    Bytes(Binary),
    Multipart(Photos),
    Parts(Vec<Binary>),
}

impl Operation for AddPet {
    type Request = AddPetRequest;
    type Response = ();
    type Error = u16;
    const INFO: Info = Info::new("addPet", Method::POST, "/pets").idempotency("Idempotency-Key");

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.required(Parameter::header("Idempotency-Key"), &request.idempotency_key);
        match &request.body {
            AddPetBody::Json(pet) => out.json(pet),
            AddPetBody::Form(pet) => out.form(pet),
            AddPetBody::Text(text) => out.text("text/plain; charset=utf-8", text),
            AddPetBody::Bytes(bytes) => out.bytes("application/octet-stream", bytes),
            AddPetBody::Parts(parts) => out.parts("multipart/mixed", parts),
            AddPetBody::Multipart(body) => {
                out.multipart_spread(&["spread"], &[("meta", "application/json")], body);
            }
        }
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        match incoming.status() {
            204 => Ok(Ok(())),
            status @ 400..500 => Ok(Err(status)),
            _ => Err(incoming.undocumented()),
        }
    }
}

/// Neither idempotent nor with a key, and open to everyone.
#[derive(Debug)]
pub(crate) struct PatPet;

impl Operation for PatPet {
    type Request = String;
    type Response = String;
    type Error = std::convert::Infallible;
    const INFO: Info = Info::new("patPet", Method::POST, "/pats").security(Security::None);

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.required(Parameter::query("where").style(Style::DeepObject), &[request]);
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        match incoming.status() {
            200 => Ok(Ok(incoming.text()?)),
            _ => Err(incoming.undocumented()),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ListPets;

#[derive(Debug, Clone, Default)]
pub(crate) struct ListPetsRequest {
    pub(crate) tag: Option<String>,
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) items: Vec<u32>,
    pub(crate) next_cursor: Option<String>,
}

impl Operation for ListPets {
    type Request = ListPetsRequest;
    type Response = Page;
    type Error = std::convert::Infallible;
    const INFO: Info = Info::new("listPets", Method::GET, "/pets");

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.optional(Parameter::query("tag"), &request.tag);
        out.optional(Parameter::query("cursor"), &request.cursor);
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        match incoming.status() {
            200 => Ok(Ok(incoming.json()?)),
            _ => Err(incoming.undocumented()),
        }
    }
}

impl Paged for ListPets {
    type Item = u32;
    type Cursor = String;

    fn split(response: Self::Response) -> (Vec<Self::Item>, Option<Self::Cursor>) {
        (response.items, response.next_cursor)
    }

    fn resume(request: &mut Self::Request, cursor: Self::Cursor) {
        request.cursor = Some(cursor);
    }
}
