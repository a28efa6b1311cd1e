//! Proxies used as kameo's `ActorRef` or `Recipient`.

mod inherited;
mod references;
