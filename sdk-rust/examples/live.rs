//! Watches service calls as they go on, over a WebSocket that comes back when it is cut off.
//!
//! `cargo run -p symbolon-sdk --example live -- http://127.0.0.1:8080 TOKEN`

use std::error::Error as StdError;

use symbolon_sdk::calls::wire::service_calls::submit_service_call;
use symbolon_sdk::calls::wire::sockets::live_service_calls::{
    ClientMessage, Request, ServerMessage,
};
use symbolon_sdk::calls::wire::types::{
    HttpMethod, HttpRequest, SubmitServiceCall, Watch, WatchType,
};
use symbolon_sdk::calls::{Bearer, Client};
use symbolon_wire::socket::Message;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: live URL TOKEN".into());
    };
    let client = Client::new(&url, Bearer::new(token))?;
    let calls = client.service_calls();

    // The server forgets what is watched with the connection, and is told again with the next.
    let everything = || Watch { type_: WatchType::Watch, ids: None, types: None };
    let mut live = calls
        .live_service_calls(Request::default())
        .greeting(move || vec![ClientMessage::Watch(everything())])
        .resume(|request, last| request.after = place(last).or(request.after))
        .await?;
    while let Some(message) = live.try_next().await? {
        match message.known() {
            Some(ServerMessage::Watching(_)) => {
                let request = HttpRequest {
                    method: HttpMethod::Get,
                    url: format!("{url}/version"),
                    headers: None,
                    body: None,
                };
                let accepted = calls
                    .submit_service_call(submit_service_call::Request {
                        idempotency_key: String::new(),
                        body: SubmitServiceCall {
                            name: "live".to_owned(),
                            request,
                            due_at: None,
                            policy: None,
                            tags: None,
                        },
                    })
                    .await?;
                println!("watching {}", accepted.into_body().service_call_id);
            }
            Some(ServerMessage::ServiceCallSucceeded(event)) => {
                println!("succeeded {} {:?}", event.aggregate_id, event.data);
                break;
            }
            Some(other) => println!("event    {}", other.name()),
            // What an SDK does not know yet is kept as text.
            None => println!("unknown  {message:?}"),
        }
    }
    live.close().await;
    Ok(())
}

/// Where a message is among the events of the tenant.
fn place(message: &ServerMessage) -> Option<Uuid> {
    Some(match message {
        ServerMessage::Watching(watching) => watching.after,
        ServerMessage::Unwatched(_) => return None,
        ServerMessage::ServiceCallSubmitted(event) => event.message_id,
        ServerMessage::ServiceCallScheduled(event) => event.message_id,
        ServerMessage::DueTimeReached(event) => event.message_id,
        ServerMessage::AttemptStarted(event) => event.message_id,
        ServerMessage::AttemptSucceeded(event) => event.message_id,
        ServerMessage::AttemptFailed(event) => event.message_id,
        ServerMessage::ServiceCallSucceeded(event) => event.message_id,
        ServerMessage::ServiceCallFailed(event) => event.message_id,
        ServerMessage::ServiceCallCancelled(event) => event.message_id,
        ServerMessage::ServiceCallSkipped(event) => event.message_id,
    })
}
