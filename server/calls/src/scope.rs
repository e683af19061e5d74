//! Whose data an operation may touch: the tenant of its caller, in units and views of the kernel.

use symbolon_kernel::{Cause, Kernel, TenantId, Unit, View};
use symbolon_server::{Call, Failure, Operation, Principal};

/// The tenant the caller acts for.
pub(crate) fn tenant<O: Operation<Principal = Principal>>(
    call: &Call<O>,
) -> Result<TenantId, Failure> {
    Ok(TenantId::new(call.principal.tenant())?)
}

/// The request, as the cause of what it leads to.
pub(crate) fn cause<O: Operation>(call: &Call<O>) -> Cause {
    Cause::request(&call.correlation_id).traced(call.traceparent)
}

/// A unit of work of a tenant.
pub(crate) async fn unit(
    kernel: &Kernel,
    tenant: &TenantId,
    cause: Cause,
) -> Result<Unit, Failure> {
    kernel.unit(tenant, cause).await.map_err(failed)
}

/// What a tenant may read.
pub(crate) async fn read(kernel: &Kernel, tenant: &TenantId) -> Result<View, Failure> {
    kernel.read(tenant).await.map_err(failed)
}

/// Of the kernel's errors only a busy database is worth another try.
pub(crate) fn failed(error: symbolon_kernel::Error) -> Failure {
    match error {
        symbolon_kernel::Error::Busy => Failure::unavailable(error),
        error => error.into(),
    }
}
