//! Server reflection, so that tools such as grpcurl can list and call the rpcs without a description at hand.

use tonic_reflection::server::{Builder, v1, v1alpha};

/// What `proto/` says, encoded by `build.rs`.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

const VALID: &str = "build.rs writes valid descriptors";

/// The current protocol of reflection.
pub fn current() -> v1::ServerReflectionServer<impl v1::ServerReflection> {
    described().build_v1().expect(VALID)
}

/// The older one, which many tools still speak.
pub fn older() -> v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection> {
    described().build_v1alpha().expect(VALID)
}

fn described<'a>() -> Builder<'a> {
    Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
