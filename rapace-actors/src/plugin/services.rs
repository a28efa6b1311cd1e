//! The services that one side provides to the other.

use std::sync::Arc;

use rapace_session::{RequestSink, ServiceOffer, ServiceResolver, limits};

use crate::service::descriptor::{RefusedService, ServiceDescriptor};
use crate::service::handle::ServiceHandle;

/// Services by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services(Vec<ServiceHandle>);

impl Services {
    /// Adds a service; [`check`](Self::check) finds two with the same name.
    pub(crate) fn add(&mut self, served: ServiceHandle) {
        self.0.push(served);
    }

    pub(crate) fn service_offers(&self) -> Vec<ServiceOffer> {
        self.0
            .iter()
            .map(|served| served.descriptor.offer())
            .collect()
    }

    /// Checks that every type can be serialized, and that all services fit in one hello.
    pub(crate) fn check(&self) -> Result<(), RefusedService> {
        let services = || self.0.iter().map(|served| served.descriptor);
        let named = services().map(|service| (service.name, service.method_names()));
        limits::check_services(named).map_err(RefusedService::Limit)?;
        services().try_for_each(ServiceDescriptor::check)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ServiceHandle> {
        self.0.iter()
    }
}

impl ServiceResolver for Services {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        let found = self
            .0
            .iter()
            .find(|served| served.descriptor.name == service);
        match found {
            Some(served) => Ok((Arc::clone(&served.sink), served.capacity)),
            None => {
                let names = self.0.iter().map(|s| s.descriptor.name).collect::<Vec<_>>();
                Err(format!(
                    "no service `{service}` here; there are: {}",
                    names.join(", ")
                ))
            }
        }
    }
}
