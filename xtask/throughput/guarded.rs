//! What a team would write to guard an operation: the token is verified, its scope held, and a
//! request under a key that is known gets the first answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use symbolon_server::DevelopmentIdentity;

use crate::bare::{Violation, placed, problem, valid};
use crate::{AUDIENCE, ISSUER};

pub struct Guard {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
    answers: Mutex<HashMap<(String, String), Entry>>,
}

struct Entry {
    fingerprint: [u8; 32],
    answer: Option<(StatusCode, String, Bytes)>,
}

#[derive(Deserialize)]
struct Claims {
    tenant: String,
    scope: String,
}

impl Guard {
    pub fn new(identity: &DevelopmentIdentity) -> Result<Arc<Self>, crate::Error> {
        let set: JwkSet = serde_json::from_value(identity.key_set().clone())?;
        let mut keys = HashMap::new();
        for key in &set.keys {
            let id = key.common.key_id.clone().ok_or("a key has an id")?;
            keys.insert(id, DecodingKey::from_jwk(key)?);
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_nbf = true;
        Ok(Arc::new(Self { keys, validation, answers: Mutex::default() }))
    }

    fn claims(&self, headers: &HeaderMap) -> Option<Claims> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = value.strip_prefix("Bearer ")?;
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.get(&id)?;
        Some(jsonwebtoken::decode(token, key, &self.validation).ok()?.claims)
    }
}

pub async fn place_order(
    State(guard): State<Arc<Guard>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(claims) = guard.claims(&headers) else {
        let answer = problem(StatusCode::UNAUTHORIZED, "unauthenticated", Vec::new());
        return ([(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response();
    };
    if !claims.scope.split(' ').any(|scope| scope == "orders:write") {
        return problem(StatusCode::FORBIDDEN, "forbidden", Vec::new());
    }
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key.filter(|key| (1..=255).contains(&key.len())) else {
        let missing = Violation::new("/idempotency-key".into(), "required", "must be given".into());
        return problem(StatusCode::BAD_REQUEST, "invalid-request", vec![missing]);
    };
    let order = match valid(&headers, &body) {
        Ok(order) => order,
        Err(refused) => return *refused,
    };
    let key = (claims.tenant, key.to_owned());
    let fingerprint: [u8; 32] = Sha256::digest(&body).into();
    {
        let mut answers = guard.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(&key) {
            Some(entry) if entry.fingerprint != fingerprint => {
                let reused = "idempotency-key-reused";
                return problem(StatusCode::UNPROCESSABLE_ENTITY, reused, Vec::new());
            }
            Some(Entry { answer: Some((status, location, body)), .. }) => {
                return answer(*status, location.clone(), body.clone());
            }
            Some(_) => {
                return problem(StatusCode::CONFLICT, "idempotency-in-flight", Vec::new());
            }
            None => answers.insert(key.clone(), Entry { fingerprint, answer: None }),
        };
    }
    let (status, location, body) = placed(order);
    let mut answers = guard.answers.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = Some((status, location.clone(), body.clone()));
    answers.insert(key, Entry { fingerprint, answer: kept });
    answer(status, location, body)
}

fn answer(status: StatusCode, location: String, body: Bytes) -> Response {
    let headers =
        [(header::LOCATION, location), (header::CONTENT_TYPE, "application/json".to_owned())];
    (status, headers, body).into_response()
}
