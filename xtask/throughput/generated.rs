//! What the generator makes of the contract, with a handler of a few lines.

use std::sync::Arc;

use axum::Router;
use symbolon_server::{Call, Edge, EdgeError, Outcome};
use throughput_server::orders::{Orders, PlaceOrder, routes};
use throughput_wire::orders::place_order::Response;
use throughput_wire::types::{OrderSide, Placed, PlacedSide};

struct Service;

impl Orders for Service {
    async fn place_order(&self, call: Call<PlaceOrder>) -> Outcome<PlaceOrder> {
        let order = call.request.body;
        let side = match order.side {
            OrderSide::Buy => PlacedSide::Buy,
            OrderSide::Sell => PlacedSide::Sell,
        };
        let body = Placed {
            id: "0192f3c4".to_owned(),
            symbol: order.symbol,
            side: side.into(),
            quantity: order.quantity,
            legs: order.legs.len() as i64,
        };
        Ok(Response::Created { location: format!("/v1/orders/{}", body.id), body })
    }
}

pub fn router() -> Result<Router, EdgeError> {
    Edge::new("throughput", "1.0.0").router(vec![routes(Arc::new(Service))])
}
