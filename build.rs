//! Compiles `proto/` with protox, so that no `protoc` is needed to build durahub.
//!
//! Two passes over one description: the messages become `durahub::model::pb` (the vocabulary of every room), the
//! service becomes part of `api::grpc` and only refers to them. `WorkItem` and `HistoryChunk` are the exceptions: on the way
//! out they carry history as bytes that are already encoded (see `workers/grpc/wire.rs` and `api/grpc/history.rs`).

use prost::Message as _;
use std::{env, fs, path::PathBuf};

const DESCRIPTION: &str = "durabletask.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile([DESCRIPTION], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let messages = out.join("messages");
    let service = out.join("service");
    fs::create_dir_all(&messages)?;
    fs::create_dir_all(&service)?;
    // For server reflection.
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .btree_map(".")
        .out_dir(&messages)
        .compile_fds(descriptors.clone())?;
    let mut service_only =
        tonic_prost_build::configure().build_client(true).build_server(true).build_transport(false);
    for file in descriptors.file.iter().filter(|file| file.name() == DESCRIPTION) {
        let messages = file.message_type.iter().map(|message| message.name());
        for name in messages.chain(file.enum_type.iter().map(|enumeration| enumeration.name())) {
            let room = match name {
                "WorkItem" => "crate::workers::grpc::wire",
                "HistoryChunk" => "crate::api::grpc::history",
                _ => "crate::model::pb",
            };
            service_only = service_only.extern_path(format!(".{name}"), format!("{room}::{name}"));
        }
    }
    service_only.out_dir(&service).compile_fds(descriptors)?;
    Ok(())
}
