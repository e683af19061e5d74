//! Rates of tenants in the database that the processes share.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use symbolon_kernel::{Frequency, Kernel, Location};
use symbolon_server::{Allotment, Allotments, Bucket, Edge, Failure, Rate, SharedRateLimits};

/// Has an edge count with the other processes on its database; a file has none.
pub(crate) fn count(edge: Edge, kernel: &Kernel, database: &Location) -> Edge {
    match database {
        Location::File(_) => edge,
        Location::Server(_) => edge.rate_limits(SharedRateLimits::new(Buckets(kernel.clone()))),
    }
}

struct Buckets(Kernel);

impl Allotments for Buckets {
    fn allot<'a>(
        &'a self,
        bucket: &'a Bucket,
        rate: Rate,
        wanted: u32,
    ) -> BoxFuture<'a, Result<Allotment, Failure>> {
        let window = Duration::from_secs(rate.window_s.into());
        let frequency = Frequency { requests: rate.requests, window };
        async move {
            let name = format!("{} {}", bucket.policy, bucket.caller);
            let allotted = self.0.allot(&name, frequency, wanted).await?;
            Ok(Allotment { granted: allotted.granted, full_in: allotted.full_in })
        }
        .boxed()
    }
}
