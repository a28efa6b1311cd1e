//! Proxies where kameo wants an `ActorRef` or a `Recipient`.

mod inherited;
mod references;
