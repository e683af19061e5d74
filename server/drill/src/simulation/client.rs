//! Clients: they ask any process, wait only so long, and ask again under the same key until they
//! are answered.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use symbolon_kernel::ledger::LedgerError;
use symbolon_kernel::simulation::Machine;
use symbolon_kernel::{
    BoxError, Cause, Claim, Claimed, Error, Expected, Kernel, NewEvent, TenantId,
};
use tokio::sync::oneshot;

use super::History;
use super::plan::Ask;
use crate::audit::Acknowledged;
use crate::load::{self, Step};
use crate::shop::{ORDERS, stream};
use crate::till;

/// The event of [`Ask::Note`].
const NOTED: &str = "OrderNoted";

impl History {
    /// Everything one client asks for.
    pub(super) async fn serve(&self, number: usize) {
        let client = &self.plan.clients[number];
        for ask in &client.asks {
            let version = self.until_answered(client.tenant, &client.order, *ask).await;
            let (tenant, order) = (client.tenant.to_owned(), client.order.clone());
            self.world.note(0, || format!("{ask:?} of {order} is acknowledged: {version}"));
            self.book().acknowledged.push(Acknowledged { tenant, order, version });
        }
        self.book().clients -= 1;
    }

    async fn until_answered(&self, tenant: &'static str, order: &str, ask: Ask) -> i64 {
        loop {
            let patience = Duration::from_micros(2_000 + self.world.roll(80_000));
            if let Some((machine, kernel)) = self.any() {
                let (teller, told) = oneshot::channel();
                let (owned, open) = (order.to_owned(), Arc::clone(&self.book().requests));
                let request = self.world.spawn(machine, async move {
                    let open = open;
                    let answer = answer(&kernel, tenant, &owned, ask).await;
                    // Nobody may be waiting any more.
                    let _ = teller.send(answer);
                    drop(open);
                });
                tokio::select! {
                    biased;
                    told = told => match told {
                        Ok(Ok(version)) => return version,
                        Ok(Err(error)) => self.world.note(2, || format!("{ask:?}: {error}")),
                        Err(_) => {}
                    },
                    () = self.world.sleep(patience) => {
                        // A server may notice that nobody waits, or not.
                        if self.world.roll(2) == 0 {
                            request.abort();
                        }
                    }
                }
            }
            self.world.sleep(Duration::from_micros(500 + self.world.roll(4_000))).await;
        }
    }

    /// A process that is there.
    fn any(&self) -> Option<(Machine, Kernel)> {
        let book = self.book();
        let count = book.kernels.len() as u64;
        let index = usize::try_from(self.world.roll(count)).unwrap_or(0);
        book.kernels.iter().nth(index).map(|(machine, kernel)| (*machine, kernel.clone()))
    }
}

async fn answer(kernel: &Kernel, tenant: &str, order: &str, ask: Ask) -> Result<i64, BoxError> {
    match ask {
        Ask::Place => load::take(kernel, tenant, order, Step::Place).await,
        Ask::Amend => load::take(kernel, tenant, order, Step::Amend).await,
        Ask::Repeat => load::take(kernel, tenant, order, Step::Repeat).await,
        Ask::Reuse => reuse(kernel, tenant, order).await,
        Ask::Note => note(kernel, tenant, order).await,
        Ask::Overdraw => overdraw(kernel, tenant, order).await,
    }
}

async fn reuse(kernel: &Kernel, tenant: &str, order: &str) -> Result<i64, BoxError> {
    let unit = kernel.unit(&TenantId::new(tenant)?, Cause::request(order)).await?;
    let claim = Claim {
        operation: "placeOrder",
        key: order,
        fingerprint: "something else",
        resource: "another",
    };
    match unit.claim(claim).await? {
        Claimed::KeyReused => Ok(1),
        Claimed::Fresh(_) | Claimed::Replay { .. } => Err("a key was given twice".into()),
    }
}

/// Reads, lets others in, and writes after what it has read.
async fn note(kernel: &Kernel, tenant: &str, order: &str) -> Result<i64, BoxError> {
    let tenant = TenantId::new(tenant)?;
    let version = kernel.read(&tenant).await?.version(&stream(order)).await?;
    let noted = NewEvent::new(ORDERS, NOTED, 1, &json!({ "orderId": order, "after": version }))?;
    let mut unit = kernel.unit(&tenant, Cause::request(order)).await?;
    let expected = Expected::Version(version);
    let appended = unit.append(&stream(order), expected, vec![noted]).await?;
    unit.commit().await?;
    Ok(appended[0].version)
}

async fn overdraw(kernel: &Kernel, tenant: &str, order: &str) -> Result<i64, BoxError> {
    let mut unit = kernel.unit(&TenantId::new(tenant)?, Cause::request(order)).await?;
    match till::overdraw(&mut unit, order).await {
        Err(Error::Ledger(LedgerError::InsufficientFunds { .. })) => {
            // The refusal has left the unit as it was.
            unit.commit().await?;
            Ok(1)
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err("more was taken than there was".into()),
    }
}
