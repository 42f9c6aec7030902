//! `RestartInstance`.

use super::status;
use crate::{
    manager::{Manager, Restart, Under},
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
    let under = if restart_with_new_instance_id { Under::MadeUp } else { Under::Same };
    let restart = Restart { under, ended_only: true, ..Restart::default() };
    let restarted = manager.restart(hub, &InstanceId::lookup(instance_id), restart).await;
    let started = restarted.map_err(status::of_manager)?;
    Ok(pb::RestartInstanceResponse { instance_id: started.id.to_string() })
}
