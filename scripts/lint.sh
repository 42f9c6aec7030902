#!/usr/bin/env bash
# Formatting, and clippy with warnings as errors. What is banned, and why: clippy.toml and [lints] in Cargo.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh rust lint

say "cargo fmt --check"
cargo fmt --check
say "cargo clippy, warnings are errors"
cargo clippy --all-targets -- -D warnings
