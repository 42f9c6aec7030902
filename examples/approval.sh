#!/usr/bin/env bash
# Starts the sample HumanApproval, looks at it while it waits, decides, and shows how it ended. Needs a running server and curl.
#
#     examples/approval.sh                 approve
#     examples/approval.sh false           reject
#     DURAHUB_URL=http://127.0.0.1:8080 examples/approval.sh
set -euo pipefail

decision=${1:-true}
api=${DURAHUB_URL:-http://127.0.0.1:7071}/runtime/webhooks/durabletask
id=trip-$(date +%s)-$$
json='Content-Type: application/json'

# Prints the status until it holds the text that is waited for.
status_with() {
    local status
    for _ in $(seq 50); do
        status=$(curl -sS --fail "$api/instances/$id")
        if [[ $status == *"$1"* ]]; then
            printf '%s\n' "$status"
            return
        fi
        sleep 0.2
    done
    echo "gave up waiting for $1: $status" >&2
    return 1
}

echo "== start $id"
curl -sS --fail -o /dev/null -X POST "$api/orchestrators/HumanApproval/$id" -H "$json" -d '{"timeoutSeconds":60}'

echo "== it waits"
status_with '"waitingFor":"Approval"'

echo "== the decision: $decision"
curl -sS --fail -X POST "$api/instances/$id/raiseEvent/Approval" -H "$json" -d "$decision"

echo "== the end"
status_with '"runtimeStatus":"Completed"'

echo "== clean up"
curl -sS --fail -X DELETE "$api/instances/$id"
echo
