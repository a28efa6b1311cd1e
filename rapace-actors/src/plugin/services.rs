//! The services that one side offers to the other.

use std::sync::Arc;

use rapace_session::{Acceptor, ServiceOffer, Sink};

use crate::service::descriptor::RefusedService;
use crate::service::handle::Served;

/// Services by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services(Vec<Served>);

impl Services {
    /// Adds a service; one of the same name is replaced.
    pub(crate) fn add(&mut self, served: Served) {
        self.0
            .retain(|other| other.descriptor.name != served.descriptor.name);
        self.0.push(served);
    }

    pub(crate) fn offers(&self) -> Vec<ServiceOffer> {
        self.0
            .iter()
            .map(|served| served.descriptor.offer())
            .collect()
    }

    pub(crate) fn check(&self) -> Result<(), RefusedService> {
        self.0
            .iter()
            .try_for_each(|served| served.descriptor.check())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.0.iter()
    }
}

impl Acceptor for Services {
    fn open(&self, service: &str) -> Result<(Arc<dyn Sink>, u32), String> {
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
