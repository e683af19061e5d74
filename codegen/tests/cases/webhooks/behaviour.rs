//! Both halves of what was generated from this case, over the network.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use symbolon_client::Error;
use symbolon_server::{Call, Edge, Outcome, Unauthenticated};
use symbolon_wire::Open;
use webhooks_webhooks::access;
use webhooks_webhooks::receive::webhooks::{OrderLost, OrderShipped, Webhooks, routes};
use webhooks_webhooks::receive::{Verifier, WebhookSecret};
use webhooks_webhooks::send::{Anonymous, Sender, Signing};
use webhooks_webhooks::wire::types::{Choice, ChoiceWhy, Order, OrderState, Shipped, ShippedType};
use webhooks_webhooks::wire::webhooks::{order_lost, order_shipped};

struct Shop;

impl Webhooks for Shop {
    async fn order_lost(&self, _: Call<OrderLost>) -> Outcome<OrderLost> {
        Ok(order_lost::Response::Ok { body: Choice { again: true, why: ChoiceWhy::Late } })
    }

    async fn order_shipped(&self, call: Call<OrderShipped>) -> Outcome<OrderShipped> {
        assert_eq!(call.request.body.order.id, "o-1");
        Ok(order_shipped::Response::NoContent {})
    }
}

async fn receiver(verifier: Option<Verifier>) -> String {
    let routes = match verifier {
        Some(verifier) => routes(Arc::new(Shop)).signed(verifier),
        None => routes(Arc::new(Shop)),
    };
    let router = Edge::new("shop", "1")
        .verify(access::KEY, |_| async { Err(Unauthenticated::Invalid { reason: "nobody is known" }) })
        .router(vec![routes])
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(symbolon_server::serve(listener, router, std::future::pending()));
    url
}

fn shipped(id: &str, state: Open<OrderState>) -> order_shipped::Request {
    let order = Order { id: id.to_owned(), state };
    let body = Shipped { order, type_: ShippedType::Shipped };
    order_shipped::Request { attempt: Some(1), tag: None, x_signature: "none".to_owned(), body }
}

/// The status with which a receiver refuses.
async fn refused(sender: &Sender, request: order_shipped::Request) -> u16 {
    match sender.webhooks().order_shipped(request).await {
        Err(Error::Unexpected { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_told_is_held_against_its_constraints() {
    let url = receiver(None).await;
    let sender = Sender::to(format!("{url}/order-shipped"), Anonymous).unwrap();
    let open = || Open::Known(OrderState::Open);
    sender.webhooks().order_shipped(shipped("o-1", open())).await.unwrap();
    assert_eq!(refused(&sender, shipped("o", open())).await, 400, "minLength of a member");
    let again = order_shipped::Request { attempt: Some(0), ..shipped("o-1", open()) };
    assert_eq!(refused(&sender, again).await, 400, "minimum of a parameter");
    // Its teller may know states that this contract does not.
    let newer = shipped("o-1", Open::Unknown("returned".to_owned()));
    sender.webhooks().order_shipped(newer).await.unwrap();
}

fn secret(text: &str) -> WebhookSecret {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_is_signed_is_verified_and_nothing_else_gets_through() {
    let (known, other) =
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let url = receiver(Some(Verifier::new(secret(known)))).await + "/order-shipped";
    let request = || shipped("o-1", Open::Known(OrderState::Open));
    let signed = |signing| Sender::signed(&url, Anonymous, signing).unwrap();
    signed(Signing::new(secret(known))).webhooks().order_shipped(request()).await.unwrap();
    let both = Signing::new(secret(other)).and(secret(known));
    signed(both).webhooks().order_shipped(request()).await.unwrap();

    assert_eq!(refused(&Sender::to(&url, Anonymous).unwrap(), request()).await, 401, "unsigned");
    assert_eq!(refused(&signed(Signing::new(secret(other))), request()).await, 401, "other secret");
    let hour_ago = || SystemTime::now() - Duration::from_secs(3600);
    let old = Signing::new(secret(known)).clock(hour_ago);
    assert_eq!(refused(&signed(old), request()).await, 401, "too old");
}
