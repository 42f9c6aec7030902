#!/usr/bin/env bash
# Starts a server and a worker in each language on the loopback address, has them plan a trip together, prints the plan, and ends what
# it started.
#
#     examples/mixed_team/run.sh             everything; what is missing is installed below this folder
#     examples/mixed_team/run.sh --check     only tells which tools are missing, one a line; succeeds if none is
#
# DURAHUB_BIN  the server (default: target/debug/durahub; `cargo build` makes it)
# PYTHON       a Python that has durabletask (default: one in python/.venv, made if need be)
# NODE         Node.js 22 or newer (default: node)
# NODE_PATH    where @microsoft/durabletask-js is installed (default: javascript/node_modules, made if need be)
set -euo pipefail
binary=${DURAHUB_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/target/debug/durahub}
# A relative path counts from where the caller is.
[[ $binary = /* ]] || binary=$PWD/$binary
cd "$(dirname "$0")"
node=${NODE:-node}

missing() {
    [ -x "$binary" ] || echo "the server ($binary): run cargo build, or set DURAHUB_BIN"
    command -v "${PYTHON:-python3}" >/dev/null || echo "Python 3.10 or newer"
    "$node" -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' 2>/dev/null || echo "Node.js 22 or newer"
    command -v mvn >/dev/null || echo "Maven with a JDK, 17 or newer"
    command -v go >/dev/null || echo "Go 1.22 or newer"
    command -v curl >/dev/null || echo "curl"
}
lacking=$(missing)
if [ -n "$lacking" ]; then
    printf '%s\n' "$lacking" | sed 's/^/missing: /' >&2
    exit 1
fi
[ "${1:-}" != --check ] || exit 0

work=$(mktemp -d)
pids=()
finish() {
    local code=$?
    trap - EXIT
    trap '' INT TERM
    set +e
    # All that was begun, also what has no place among the pids yet. The server goes last, so that no worker complains about its absence.
    local begun
    mapfile -t begun < <(jobs -p)
    for ((i = ${#begun[@]} - 1; i >= 0; i--)); do
        kill "${begun[i]}" 2>/dev/null && wait "${begun[i]}" 2>/dev/null
    done
    if [ "$code" -ne 0 ]; then
        tail -n 20 "$work"/*.log >&2
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# begin NAME COMMAND...: runs it in the background, with a log of its own. COMMAND must be a process, not a function around one.
begin() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    pids+=($!)
}

if [ -z "${PYTHON:-}" ]; then
    PYTHON=$PWD/python/.venv/bin/python
    [ -x "$PYTHON" ] || { python3 -m venv python/.venv && "$PYTHON" -m pip install --quiet -r python/requirements.txt; }
fi
if [ -z "${NODE_PATH:-}" ] && [ ! -d javascript/node_modules ]; then
    npm --prefix javascript install --no-audit --no-fund --no-package-lock --loglevel=error >&2
fi
(cd go && go build -o "$work/worker" .)

begin server "$binary" serve --listen 127.0.0.1:0 --store sqlite::memory:
until address=$(sed -n 's|^.*Listening on http://\(127\.0\.0\.1:[0-9]*\).*|\1|p' "$work/server.log") && [ -n "$address" ]; do
    kill -0 "${pids[0]}" || exit 1
    sleep 0.05
done
echo "the server is at $address" >&2

# In any order, and none has to be there when the trip is asked for: work waits for the worker that names it.
begin python "$PYTHON" python/worker.py "$address"
begin javascript "$node" javascript/worker.js "$address"
begin java mvn --batch-mode --quiet --file java/pom.xml compile exec:java "-Dexec.args=$address"
begin go "$work/worker" "$address"

begin client curl --silent --show-error --output "$work/plan" --write-out '%{http_code}' \
    --request POST "http://$address/runtime/webhooks/durabletask/orchestrators/plan_trip?timeout=220" \
    --header 'Content-Type: application/json' --data '["Tokyo","Seattle","London"]'
# The client is the only one that ends by itself.
wait -n "${pids[@]}" || true
if kill -0 "${pids[-1]}" 2>/dev/null; then
    echo "a worker or the server has ended" >&2
    exit 1
fi
cat "$work/plan" 2>/dev/null && echo
[ "$(cat "$work/client.log")" = 200 ]
