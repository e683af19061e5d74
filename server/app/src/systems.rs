//! The systems of this binary, put together on one kernel.

use calls_server::{admin, service_calls, sockets};
use symbolon_calls::{Calls, Loopback, Propagation, Settings, StopHandle};
use symbolon_kernel::{Handlers, Kernel};
use symbolon_server::Routes;

use crate::configuration::{Serve, System};

/// Those that were asked for.
pub(crate) struct Systems {
    calls: Option<Calls>,
}

impl Systems {
    /// Puts them together; nothing runs yet.
    pub(crate) async fn open(configuration: &Serve, kernel: &Kernel) -> anyhow::Result<Self> {
        let mut systems = Self { calls: None };
        for system in &configuration.systems {
            match system {
                System::Calls => {
                    let calls = Calls::open(kernel.clone(), settings(configuration)).await?;
                    systems.calls = Some(calls);
                }
            }
        }
        Ok(systems)
    }

    /// Their operations.
    pub(crate) fn routes(&self) -> Vec<Routes> {
        let of = |calls: &Calls| {
            [
                service_calls::routes(calls.service()),
                sockets::live_service_calls(calls.service()),
                admin::routes(calls.admin()),
            ]
        };
        self.calls.iter().flat_map(of).collect()
    }

    /// What they do on events and timers.
    pub(crate) fn handlers(&self) -> Handlers {
        self.calls.iter().fold(Handlers::new(), |handlers, calls| calls.handlers(handlers))
    }

    /// Begins what they do besides.
    pub(crate) fn start(self) -> Vec<StopHandle> {
        self.calls.into_iter().map(Calls::start).collect()
    }
}

fn settings(configuration: &Serve) -> Settings {
    let loopback = if configuration.allow_loopback { Loopback::Allowed } else { Loopback::Denied };
    if loopback == Loopback::Allowed {
        tracing::warn!("calls may reach this machine: not for production");
    }
    let is_told = configuration.telemetry.trace_targets;
    let propagation = if is_told { Propagation::Everywhere } else { Propagation::Nowhere };
    let concurrency = configuration.call_concurrency;
    Settings {
        loopback,
        concurrency,
        tenant_concurrency: configuration
            .call_tenant_concurrency
            .unwrap_or(concurrency.div_ceil(2)),
        tenant_rate: configuration.call_tenant_rate,
        propagation,
        ..Settings::default()
    }
}
