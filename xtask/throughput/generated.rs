//! What the generator makes of the contract, with handlers of a few lines.

use std::sync::Arc;

use axum::Router;
use symbolon_server::{Call, DevelopmentIdentity, Edge, MemoryAnswers, Outcome};
use throughput_server::{guarded, orders, plain};
use throughput_wire::guarded::place_guarded_order;
use throughput_wire::orders::place_order;
use throughput_wire::plain::place_plain_order;
use throughput_wire::types::{Order, OrderSide, Placed, PlacedSide};

struct Service;

impl plain::Plain for Service {
    async fn place_plain_order(
        &self,
        call: Call<plain::PlacePlainOrder>,
    ) -> Outcome<plain::PlacePlainOrder> {
        let order = call.request.body;
        let side = if order.side == "buy" { PlacedSide::Buy } else { PlacedSide::Sell };
        let body = Placed {
            id: "0192f3c4".to_owned(),
            symbol: order.symbol,
            side: side.into(),
            quantity: order.quantity,
            legs: order.legs.len() as i64,
        };
        Ok(place_plain_order::Response::Created { location: location(&body), body })
    }
}

impl orders::Orders for Service {
    async fn place_order(&self, call: Call<orders::PlaceOrder>) -> Outcome<orders::PlaceOrder> {
        let body = placed(call.request.body);
        Ok(place_order::Response::Created { location: location(&body), body })
    }
}

impl guarded::Guarded for Service {
    async fn place_guarded_order(
        &self,
        call: Call<guarded::PlaceGuardedOrder>,
    ) -> Outcome<guarded::PlaceGuardedOrder> {
        let body = placed(call.request.body);
        Ok(place_guarded_order::Response::Created { location: location(&body), body })
    }
}

fn placed(order: Order) -> Placed {
    let side = match order.side {
        OrderSide::Buy => PlacedSide::Buy,
        OrderSide::Sell => PlacedSide::Sell,
    };
    Placed {
        id: "0192f3c4".to_owned(),
        symbol: order.symbol,
        side: side.into(),
        quantity: order.quantity,
        legs: order.legs.len() as i64,
    }
}

fn location(placed: &Placed) -> String {
    format!("/v1/orders/{}", placed.id)
}

pub fn router(identity: &DevelopmentIdentity) -> Result<Router, crate::Error> {
    let service = Arc::new(Service);
    let routes = vec![
        plain::routes(Arc::clone(&service)),
        orders::routes(Arc::clone(&service)),
        guarded::routes(service),
    ];
    Ok(Edge::new("throughput", "1.0.0")
        .authenticator(identity.authenticator()?)
        .idempotency(MemoryAnswers::new().capacity(usize::MAX))
        .router(routes)?)
}
