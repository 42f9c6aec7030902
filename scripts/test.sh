#!/usr/bin/env bash
# Every test there is:
#   1. cargo test            units, store conformance, the whole engine, documentation examples
#   2. cargo build           the binary that the tests below start
#   3. .venv                 Python packages of tests/sdk/python/requirements.txt (only when that file has changed)
#   4. pytest                the binary driven by the stock Python SDK, and killed with -9 in the middle
# DURAHUB_BIN=PATH tests another binary instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh rust

say "cargo test"
cargo test

requirements=tests/sdk/python/requirements.txt
if [ ! -f "$requirements" ]; then
    say "no $requirements: no tests with the SDKs in this tree"
    exit 0
fi
need_python

if [ -z "${DURAHUB_BIN:-}" ]; then
    say "cargo build"
    cargo build
    target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    export DURAHUB_BIN="$target/debug/durahub"
fi

# A stamp with what was installed, so that a second run needs no network. A broken or half-made folder is made anew.
stamp=.venv/requirements.installed
wanted=$(python3 --version; cat "$requirements")
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    say "installing $requirements into .venv"
    python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
    printf '%s\n' "$wanted" >"$stamp"
fi

for suite in tests/sdk/python tests/crash; do
    if [ -n "$(find "$suite" -name 'test_*.py' -print -quit 2>/dev/null)" ]; then
        say "pytest $suite (binary: $DURAHUB_BIN)"
        .venv/bin/python -m pytest "$suite"
    fi
done
say "all tests passed"
