//! `RestartInstance`.

use super::status;
use crate::{
    manager::{Manager, Restart},
    model::{HubId, InstanceId, pb},
};
use tonic::Status;

/// Runs an ended instance again. SDKs know FAILED_PRECONDITION for one that has not ended, whether or not it would get a new id; over
/// HTTP the latter is allowed.
pub(super) async fn restart(
    manager: &Manager,
    hub: HubId,
    request: pb::RestartInstanceRequest,
) -> Result<pb::RestartInstanceResponse, Status> {
    let pb::RestartInstanceRequest { instance_id, restart_with_new_instance_id } = request;
    let restart = Restart { new_instance_id: restart_with_new_instance_id, ended_only: true, trace: None };
    let restarted = manager.restart(hub, &InstanceId::lookup(instance_id), restart).await;
    let id = restarted.map_err(status::of_manager)?;
    Ok(pb::RestartInstanceResponse { instance_id: id.to_string() })
}
