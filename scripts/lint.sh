#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, and what the dependencies may be. What is banned, and why: clippy.toml, [lints] in
# Cargo.toml, deny.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh rust lint

say "cargo fmt --check"
cargo fmt --check
say "cargo clippy, warnings are errors"
cargo clippy --all-targets -- -D warnings

say "dependencies: licences, sources, versions (deny.toml)"
if python3 -c 'import tomllib' 2>/dev/null; then
    python3 scripts/dependencies.py
else
    printf '\n!!! %s\n' "Python 3.11 or newer is missing: the dependencies WERE NOT CHECKED against deny.toml." >&2
fi
