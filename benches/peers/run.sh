#!/usr/bin/env bash
# Measures durahub and others that run durable orchestrations from a file on one machine: the same work, one after another, on this machine.
# docs/performance.md says what can be compared and what cannot.
#
#     benches/peers/run.sh                            everything: about six minutes, and the first time some more to install
#     benches/peers/run.sh --only durahub,restate     only these: durahub, durabletask-go, duroxide, restate, dbos
#     benches/peers/run.sh --seconds 30 --warm-up 5   how long each workload is measured, and runs before that (10 and 2)
#     benches/peers/run.sh --json                     JSON lines instead of the table
#
# The peers come from their package registries, in the versions that the lock files here name, into .work of this folder, where the data
# goes, too. All of it listens on the loopback address. A peer that cannot be installed or run is named on standard error; the others are
# measured nevertheless, and the script fails in the end.
#
# DURAHUB_BIN  the program (default: target/release/durahub; `cargo build --release` makes it)
# PYTHON       Python 3.10 or newer with venv (default: python3)
# NODE         Node.js 20 or newer (default: node)
set -uo pipefail
binary=${DURAHUB_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/target/release/durahub}
# A relative path counts from where the caller is.
[[ $binary = /* ]] || binary=$PWD/$binary
cd "$(dirname "$0")" || exit 1
peers=(durahub durabletask-go duroxide restate dbos)
python=${PYTHON:-python3}
node=${NODE:-node}
work=$PWD/.work

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' run.sh >&2; }
complain() { printf '\n!!! %s\n' "$@" >&2; }

seconds=10
warm_up=2
json=
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=${2:?} && shift ;;
    --warm-up) warm_up=${2:?} && shift ;;
    --only) IFS=, read -ra peers <<<"${2:?}" && shift ;;
    --json) json=yes ;;
    -h | --help) usage && exit ;;
    *) complain "unknown: $1" && usage && exit 2 ;;
    esac
    shift
done

mkdir -p "$work"
run=$(mktemp -d "$work/run-XXXXXX")
: >"$run/lines"
finish() {
    local code=$? child
    trap - EXIT
    trap '' INT TERM
    for child in $(jobs -p); do
        kill "$child" 2>/dev/null && wait "$child" 2>/dev/null
    done
    rm -rf "$run"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# tools NAME...: as scripts/toolchain.sh has it, but a tool that is missing is not the end of this script.
tools() {
    # shellcheck source=../../scripts/toolchain.sh disable=SC1091
    (source ../../scripts/toolchain.sh "$@") >&2 && source ../../scripts/toolchain.sh "$@"
}

# program COMMAND...: runs it to its end, with its output in $data/out. In the background, so that signals reach this script at once.
program() {
    "$@" >"$data/out" 2>"$data/log" </dev/null &
    wait $!
}

# serve_and_bench COMMAND...: starts a server that prints "Listening on URL", and measures it over gRPC.
serve_and_bench() {
    local server url code
    "$@" >"$data/server" 2>&1 </dev/null &
    server=$!
    until url=$(sed -n 's/^Listening on //p' "$data/server") && [ -n "$url" ]; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    bench() { program "$binary" bench sequence --target "$url" --activities "$activities" --in-flight "$in_flight" --json --seconds "$1"; }
    bench "$warm_up" && bench "$seconds"
    code=$?
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    return "$code"
}

# Each peer: install_PEER makes it ready and sets its version; variants_PEER names the settings it is measured with; measure_PEER VARIANT
# measures $activities and $in_flight in the folder $data, and leaves figures in $data/out.

install_durahub() {
    [ -x "$binary" ] || { complain "$binary is missing: run cargo build --release, or set DURAHUB_BIN"; return 1; }
    version=$("$binary" --version | sed 's/.* //')
}
variants_durahub() { echo default; }
measure_durahub() {
    settings="SQLite, WAL journal, synchronous=FULL"
    # The default, said because it is what is measured.
    serve_and_bench env DURAHUB__STORE__SYNCHRONOUS=full \
        "$binary" serve --listen 127.0.0.1:0 --log-level warn --store "sqlite:$data/durahub.db"
}

install_durabletask-go() {
    [ -x "$binary" ] || { complain "$binary is missing, which measures it, too"; return 1; }
    tools go && (cd go && go build -o "$work/sidecar" .) >&2 || return 1
    version=$(cd go && go list -m -f '{{.Version}}' github.com/microsoft/durabletask-go)
}
variants_durabletask-go() { echo default tuned; }
measure_durabletask-go() {
    local flags=()
    [ "$1" = default ] || flags=(-tuned)
    serve_and_bench "$work/sidecar" -db "$data/sidecar.db" "${flags[@]}" || return 1
    settings=$(sed -n 's/^Settings: //p' "$data/server")
}

install_duroxide() {
    tools rust && (cd duroxide && CARGO_TARGET_DIR=$work/duroxide cargo build --release --locked --quiet) >&2 || return 1
    version=$(sed -n '/^name = "duroxide"$/{n; s/^version = "\(.*\)"$/\1/p}' duroxide/Cargo.lock)
}
variants_duroxide() { echo default tuned; }
measure_duroxide() { in_process "$1" "$work/duroxide/release/peer-duroxide"; }

install_restate() {
    mkdir -p "$work/restate" && cp restate/* "$work/restate/" || return 1
    "$node" -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { complain "Node.js 20 or newer is missing"; return 1; }
    npm --prefix "$work/restate" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || return 1
    version=$("$node" -p 'require(process.argv[1]).version' "$work/restate/node_modules/@restatedev/restate-server/package.json")
}
variants_restate() { echo default; }
measure_restate() { in_process "$1" "$node" "$work/restate/peer.js"; }

install_dbos() {
    [ -x "$work/dbos/bin/python" ] || "$python" -m venv "$work/dbos" || return 1
    "$work/dbos/bin/python" -m pip install --quiet -r dbos/requirements.txt >&2 || return 1
    version=$("$work/dbos/bin/python" -c 'import importlib.metadata as m; print(m.version("dbos"))')
}
variants_dbos() { echo default tuned; }
measure_dbos() { in_process "$1" "$work/dbos/bin/python" dbos/peer.py; }

# in_process VARIANT COMMAND...: a program that brings its own runtime and load, and says its settings itself.
in_process() {
    local flags=()
    [ "$1" = default ] || flags=(--tuned)
    shift
    program "$@" --folder "$data" --activities "$activities" --in-flight "$in_flight" --seconds "$seconds" --warm-up "$warm_up" "${flags[@]}"
}

# measure PEER VARIANT: one workload of one peer, on a new folder that is removed afterwards.
measure() {
    data=$(mktemp -d "$run/data-XXXXXX")
    settings=
    printf '==> %s (%s): sequence of %s, %s in flight\n' "$1" "$2" "$activities" "$in_flight" >&2
    if "measure_$1" "$2" && "$python" report.py "$1" "$2" "$version" "$activities" "$in_flight" "$settings" <"$data/out" >"$run/line"; then
        cat "$run/line" >>"$run/lines"
        [ -z "$json" ] || cat "$run/line"
    else
        complain "$1 ($2) could not be measured:"
        tail -n 5 "$data"/{log,server,server.log} >&2 2>/dev/null
        failed+=("$1 ($2), sequence of $activities, $in_flight in flight")
    fi
    rm -rf "$data"
}

failed=()
for peer in "${peers[@]}"; do
    if ! declare -F "install_$peer" >/dev/null; then
        complain "there is no peer $peer"
        failed+=("$peer")
        continue
    fi
    printf '==> installing %s\n' "$peer" >&2
    if ! "install_$peer"; then
        complain "$peer CANNOT BE INSTALLED HERE, and is left out"
        failed+=("$peer")
        continue
    fi
    for variant in $("variants_$peer"); do
        for workload in "3 64" "5 64" "3 1"; do
            read -r activities in_flight <<<"$workload"
            measure "$peer" "$variant"
        done
    done
done

[ -n "$json" ] || "$python" report.py table <"$run/lines"
if [ ${#failed[@]} -gt 0 ]; then
    complain "${failed[@]/#/NOT MEASURED: }"
    exit 1
fi
