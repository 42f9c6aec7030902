#!/usr/bin/env bash
# Every test there is:
#   1. scripts/ui.sh         the dashboard, which becomes part of the binary, where Node.js 20 or newer is present
#   2. cargo test            units, store conformance, the whole engine, documentation examples; cargo build
#   3. .venv                 Python packages of tests/sdk/*/requirements.txt and tests/openapi/requirements.txt (only when one of these
#                            files has changed)
#   4. pytest                the binary driven by the stock Python SDK and HTTP client, held against openapi.yaml, and killed with -9 in
#                            the middle
#   5. go test               the binary driven by the stock Go SDK
#   6. node --test           the binary driven by the stock JavaScript client, where Node.js 20 or newer is present
#   7. tests/sdk/js/run.js   the binary driven by the stock JavaScript SDK, with the Node.js 22 that npm installs beside it
#   8. mvn test              the binary driven by the stock Java SDK (Maven keeps its packages where it always does)
#   9. tests/ui              the dashboard in Chromium, where that and Node.js are present
#  10. pytest tests/examples examples/mixed_team: one orchestration whose work is done in Python, JavaScript, Java, Go and Rust
# DURAHUB_BIN=PATH tests another binary instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh rust

say "the dashboard"
scripts/ui.sh

# What is drawn at random is the same each time, so that what failed fails again; `cargo test` alone draws anew.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1}"
say "cargo test (PROPTEST_RNG_SEED=$PROPTEST_RNG_SEED)"
cargo test

requirements=()
for file in tests/sdk/{python,http}/requirements.txt tests/openapi/requirements.txt; do
    if [ -f "$file" ]; then
        requirements+=("$file")
    fi
done
if [ ${#requirements[@]} -eq 0 ]; then
    say "no requirements.txt in tests/sdk: no tests with the SDKs in this tree"
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
wanted=$(python3 --version; cat "${requirements[@]}")
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    say "installing ${requirements[*]} into .venv"
    python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}"
    printf '%s\n' "$wanted" >"$stamp"
fi

for suite in tests/sdk/python tests/sdk/http tests/openapi tests/crash; do
    if [ -n "$(find "$suite" -name 'test_*.py' -print -quit 2>/dev/null)" ]; then
        say "pytest $suite (binary: $DURAHUB_BIN)"
        .venv/bin/python -m pytest "$suite"
    fi
done

# The Go SDK. go.sum pins every module; -count=1, because Go would not notice that the binary has changed.
if [ -f tests/sdk/go/go.mod ]; then
    need_go
    say "gofmt, go vet, go test in tests/sdk/go (binary: $DURAHUB_BIN)"
    (
        cd tests/sdk/go
        export GOTOOLCHAIN=local
        unformatted=$(gofmt -l .)
        [ -z "$unformatted" ] || give_up "not as gofmt writes it: $unformatted"
        go vet ./...
        go test -count=1 -parallel 16 -timeout 900s ./...
    )
fi

# The JavaScript client.
javascript=tests/sdk/http/js
if [ -f "$javascript/package-lock.json" ]; then
    if ! node_works; then
        printf '\n!!! %s\n' "Node.js 20 or newer with npm is missing: the tests with the JavaScript client ($javascript) WERE NOT RUN." >&2
    else
        npm_install "$javascript"
        say "node --test $javascript (binary: $DURAHUB_BIN)"
        node --test "$javascript"/*.test.js
    fi
fi

# The JavaScript SDK. It needs a newer Node.js than most machines have; npm installs one in tests/sdk/js, and run.js starts it.
javascript=tests/sdk/js
if [ -f "$javascript/package-lock.json" ]; then
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        printf '\n!!! %s\n' "Node.js with npm is missing: the tests with the JavaScript SDK ($javascript) WERE NOT RUN." >&2
    else
        npm_install "$javascript"
        if ! node "$javascript/run.js" --check; then
            printf '\n!!! %s\n' "Node.js 22 or newer is missing: the tests with the JavaScript SDK ($javascript) WERE NOT RUN." >&2
        else
            say "node --test $javascript (binary: $DURAHUB_BIN)"
            node "$javascript/run.js"
        fi
    fi
fi

# The Java SDK. Quiet but for failures and Surefire's summary.
java=tests/sdk/java
if [ -f "$java/pom.xml" ]; then
    need_java
    say "mvn test in $java (binary: $DURAHUB_BIN)"
    mvn --batch-mode --quiet --no-transfer-progress -Dstyle.color=never \
        -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugin.surefire=info --file "$java/pom.xml" test
fi

# The dashboard, in a browser.
dashboard=tests/ui
if [ -f "$dashboard/package-lock.json" ]; then
    [ -n "$(chromium_path)" ] || apt_install chromium
    if ! node_works; then
        printf '\n!!! %s\n' "Node.js 20 or newer with npm is missing: the dashboard WAS NOT BUILT and its tests ($dashboard) WERE NOT RUN." >&2
    elif [ -z "$(chromium_path)" ]; then
        printf '\n!!! %s\n' "Chromium is missing (on Debian: apt-get install chromium): the tests of the dashboard ($dashboard) WERE NOT RUN." >&2
    elif [ ! -f static/index.html ]; then
        give_up "the dashboard is not built: its packages could not be installed"
    else
        npm_install "$dashboard"
        npm --prefix ui run --silent check
        say "node --test $dashboard (binary: $DURAHUB_BIN)"
        CHROMIUM=$(chromium_path) node --test "$dashboard"/*.test.js
    fi
fi

# All languages together, with what the suites above have installed.
team=tests/examples
if [ -f "$team/test_mixed_team.py" ]; then
    if ! node "$javascript/run.js" --check 2>/dev/null; then
        printf '\n!!! %s\n' "missing: Node.js 22 or newer. The example in which all languages work together (examples/mixed_team) WAS NOT TESTED." >&2
    else
        say "gofmt, go vet in examples/mixed_team/go; pytest $team (binary: $DURAHUB_BIN)"
        (
            cd examples/mixed_team/go
            export GOTOOLCHAIN=local
            unformatted=$(gofmt -l .)
            [ -z "$unformatted" ] || give_up "not as gofmt writes it: $unformatted"
            go vet ./...
        )
        .venv/bin/python -m pytest "$team"
    fi
fi
say "all tests passed"
