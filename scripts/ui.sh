#!/usr/bin/env bash
# Builds the dashboard from ui/ into static/, from where the Rust build takes it into the program. Installs what that needs, once. Without
# Node.js, or without a network to install from, the server is built without the dashboard and says so.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh

if ! node_works; then
    printf '\n!!! %s\n' "Node.js 20 or newer with npm is missing: the server is built WITHOUT ITS DASHBOARD." >&2
    exit 0
fi
if ! npm_install ui; then
    printf '\n!!! %s\n' "The packages of the dashboard could not be installed: the server is built with the dashboard as it was, or without." >&2
    exit 0
fi
npm --prefix ui run --silent build >/dev/null
