//! A request sink of the user that panics: the session ends, and both sides get the reason.

use std::sync::Arc;

use rapace_codec::{EncodeError, Writer};
use rapace_session::transport::memory::{self, MemoryConfig};
use rapace_session::{
    CallOptions, Encode, EndReason, IncomingCall, RequestSink, ServiceResolver, Session,
    SessionConfig,
};

struct Nothing;

impl Encode for Nothing {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}

struct Panics;

impl RequestSink for Panics {
    fn deliver(&self, _: IncomingCall) -> Result<(), IncomingCall> {
        panic!("the sink is broken")
    }
}

impl ServiceResolver for Panics {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::new(Self), 8))
    }
}

#[tokio::test]
async fn a_reader_that_panics_is_not_taken_for_a_runtime_that_is_gone() {
    for _ in 0..50 {
        let mut serves = SessionConfig::new("serves");
        serves.resolver = Arc::new(Panics);
        let (a, b) = memory::pair(MemoryConfig::default());
        let (caller, server) = tokio::try_join!(
            Session::establish(a, SessionConfig::new("calls")),
            Session::establish(b, serves),
        )
        .unwrap();
        let channel = caller.open("Any").await.unwrap();
        let call = channel.call(0, &Nothing, &CallOptions::default()).await;
        assert!(call.is_err());
        let EndReason::Internal(why) = server.ended().await else {
            panic!("{:?}", server.end_reason());
        };
        assert!(why.contains("the sink is broken"), "{why}");
    }
}
