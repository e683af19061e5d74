//! Submits a service call, waits for its result, lists calls and meets a documented problem.
//!
//! `cargo run -p symbolon-sdk --example calls -- http://127.0.0.1:8080 TOKEN`

use std::error::Error as StdError;
use std::time::Duration;

use symbolon_sdk::calls::wire::service_calls::{
    cancel_service_call, get_service_call, list_service_calls, submit_service_call,
};
use symbolon_sdk::calls::wire::types::{
    HttpMethod, HttpRequest, ServiceCallStatus, SubmitServiceCall,
};
use symbolon_sdk::calls::{Bearer, Client, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: calls URL TOKEN".into());
    };
    let client = Client::new(&url, Bearer::new(token))?;
    let calls = client.service_calls();

    let request = HttpRequest {
        method: HttpMethod::Get,
        url: format!("{url}/version"),
        headers: None,
        body: None,
    };
    let accepted = calls
        .submit_service_call(submit_service_call::Request {
            idempotency_key: String::new(), // the SDK makes one up and keeps it across retries
            body: SubmitServiceCall {
                name: "hello".to_owned(),
                request,
                due_at: None,
                policy: None,
                tags: Some(vec!["example".to_owned()]),
            },
        })
        .await?
        .into_body();
    println!("accepted {}", accepted.service_call_id);

    let service_call_id = accepted.service_call_id;
    let mut if_none_match = None; // who says which version it has is sent only another
    let finished = loop {
        let request =
            get_service_call::Request { if_none_match: if_none_match.clone(), service_call_id };
        if let get_service_call::Response::Ok { e_tag, body } =
            calls.get_service_call(request).await?
        {
            let status = body.status.known().copied();
            if status.is_some_and(|status| status.next().is_empty()) {
                break body;
            }
            if_none_match = Some(e_tag);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    println!("finished {:?} {:?}", finished.status.known(), finished.result);

    let succeeded = list_service_calls::Request {
        status: Some(ServiceCallStatus::Succeeded),
        ..list_service_calls::Request::default()
    };
    let mut listed = calls.list_service_calls(succeeded).items();
    while let Some(call) = listed.try_next().await? {
        println!("listed   {} {}", call.service_call_id, call.name);
    }

    let cancellation = cancel_service_call::Request { if_match: None, service_call_id };
    match calls.cancel_service_call(cancellation).await {
        Err(Error::Problem(cancel_service_call::Error::NotCancellable(problem))) => {
            println!("refused  {}: {}", problem.code, problem.detail.unwrap_or_default());
        }
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("a finished call was cancelled".into()),
    }
    Ok(())
}
