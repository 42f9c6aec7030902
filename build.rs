//! Compiles `proto/` with protox, so that no `protoc` is needed to build durahub.
//!
//! Two passes over one description: the messages become `durahub::model::pb` (the vocabulary of every room), the
//! service becomes part of `api::grpc` and only refers to them. `WorkItem` and `HistoryChunk` are the exceptions: on the way
//! out they carry history as bytes that are already encoded (see `workers/grpc/wire.rs` and `api/grpc/history.rs`).
//!
//! It also lists the files of the dashboard, which become part of the program, if they have been built (`ui/`).

use prost::Message as _;
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const DESCRIPTION: &str = "durabletask.proto";
/// Where `npm run build` in `ui/` leaves the dashboard.
const STATIC: &str = "static";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile([DESCRIPTION], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let messages = out.join("messages");
    let service = out.join("service");
    fs::create_dir_all(&messages)?;
    fs::create_dir_all(&service)?;
    dashboard(&out)?;
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
    // For a test that asks whether somebody has decided about each of them.
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    let rpcs: Vec<_> = services.flat_map(|service| service.method.iter().map(|rpc| rpc.name())).collect();
    fs::write(out.join("rpcs"), rpcs.join("\n"))?;
    service_only.out_dir(&service).compile_fds(descriptors)?;
    Ok(())
}

/// Writes `dashboard.rs`: every file with its path below [`STATIC`], sorted. An empty list if nothing has been built.
fn dashboard(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={STATIC}");
    let root = fs::canonicalize(STATIC)?;
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != ".gitignore") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut list = String::from("[\n");
    for file in files {
        let name = file.strip_prefix(&root)?.to_str().ok_or("a file of the dashboard has no UTF-8 name")?;
        writeln!(list, "    ({name:?}, include_bytes!({file:?}).as_slice()),")?;
    }
    fs::write(out.join("dashboard.rs"), list + "]\n")?;
    Ok(())
}
