//! The service is described here, so that nobody needs a protobuf compiler.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let echo = Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type("crate::Payload")
        .output_type("crate::Payload")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let service = Service::builder()
        .name("Echo")
        .package("bench")
        .method(echo)
        .build();
    Builder::new().compile(&[service]);
}
