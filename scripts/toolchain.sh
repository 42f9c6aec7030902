#!/usr/bin/env bash
# Makes sure the tools named as arguments are there, or says how to get them: rust, lint, python, go, java.
# Debian packages are installed only if something is missing, and only by root; nothing else is changed on the machine. Go, which
# Debian has in an old version only, goes into .go of this tree.
# To be sourced, so that PATH reaches the caller.

say() { printf '\n==> %s\n' "$*"; }

give_up() {
    printf "\n" >&2
    printf "!!! %s\n" "$@" >&2
    exit 1
}

# apt_install PACKAGE...: quietly does nothing where it cannot; the caller checks again and complains.
apt_install() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        return 0
    fi
    say "installing $*"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 || true
}

need_rust() {
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH="$HOME/.cargo/bin:$PATH"
        export PATH
    fi
    command -v cargo >/dev/null || give_up \
        "Rust is missing: cargo was not found." \
        "Install it from https://rustup.rs (Rust 1.95 or newer), open a new shell, and try again."
    # The bundled SQLite is C, and Rust links with the C compiler.
    command -v cc >/dev/null || apt_install build-essential
    command -v cc >/dev/null || give_up \
        "A C compiler is missing: cc was not found (SQLite is built from source)." \
        "On Debian or Ubuntu: apt-get install build-essential. On macOS: xcode-select --install."
}

need_lint() {
    local part
    for part in fmt clippy; do
        cargo "$part" --version >/dev/null 2>&1 || { command -v rustup >/dev/null && rustup component add rustfmt clippy; } || true
        cargo "$part" --version >/dev/null 2>&1 || give_up \
            "cargo $part is missing." "Install it with: rustup component add rustfmt clippy"
    done
}

python_works() {
    command -v python3 >/dev/null && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

need_python() {
    python_works || apt_install python3 python3-venv
    python_works || give_up \
        "Python 3.10 or newer with the venv module is missing; the tests with the stock SDKs need it." \
        "On Debian or Ubuntu: apt-get install python3 python3-venv." \
        "To run only the Rust tests: cargo test."
}

# What .go gets; any Go that is there already and new enough will do.
GO_OWN=1.26.8
GO_OLDEST=1.22

go_works() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$GO_OLDEST" "${version#go}" | sort -V | head -n 1)" = "$GO_OLDEST" ]
}

# fetch_go FOLDER: Go as the module it is also published as, over the module proxy (GOPROXY counts) and checked like every module (GOSUMDB
# counts). Any old Go can do that.
fetch_go() {
    local module unpacked download=$1.download
    module=golang.org/toolchain@v0.0.1-go$GO_OWN.$(go env GOOS)-$(go env GOARCH)
    unpacked=$download/$module
    say "fetching $module into .go"
    rm -rf "$1" "$download"
    mkdir -p "$download"
    (cd "$download" && GO111MODULE=on GOTOOLCHAIN=local GOFLAGS=-modcacherw GOMODCACHE="$download" go mod download "$module") || return 1
    # A module's files are never executable, and only its own go.mod may have that name.
    chmod +x "$unpacked"/bin/* "$unpacked"/pkg/tool/*/* || return 1
    find "$unpacked" -name _go.mod -execdir cp _go.mod go.mod ';'
    mv "$unpacked" "$1" && rm -rf "$download"
}

need_go() {
    local folder found
    folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.go/$GO_OWN
    for found in "" /usr/local/go/bin "$folder/bin"; do
        if [ -z "$found" ] || [ -x "$found/go" ]; then
            PATH=${found:+$found:}$PATH
            if go_works; then
                export PATH
                return 0
            fi
        fi
    done
    command -v go >/dev/null || apt_install golang-go
    if command -v go >/dev/null && fetch_go "$folder"; then
        PATH=$folder/bin:$PATH
        export PATH
        hash -r
    fi
    go_works || give_up \
        "Go $GO_OLDEST or newer is missing; the tests with the Go SDK (tests/sdk/go) need it." \
        "Install it from https://go.dev/dl, or any older Go (on Debian or Ubuntu: apt-get install golang-go): it can fetch a newer one" \
        "as a module, if the Go module proxy can be reached (GOPROXY)." \
        "To run only the Rust tests: cargo test."
}

java_works() {
    command -v mvn >/dev/null && javac --release 17 -version >/dev/null 2>&1
}

need_java() {
    # Debian's default JDK is 17 or newer since Debian 12.
    java_works || apt_install default-jdk-headless maven
    java_works || give_up \
        "A JDK (17 or newer) with Maven is missing; the tests with the stock Java SDK need them." \
        "On Debian or Ubuntu: apt-get install default-jdk-headless maven." \
        "To run only the Rust tests: cargo test."
}

node_works() {
    command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# npm_install FOLDER: what FOLDER/package-lock.json names. Like .venv, node_modules carries a stamp with what was installed.
npm_install() {
    local stamp=$1/node_modules/lock.installed wanted
    wanted=$(node --version; cat "$1/package-lock.json")
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
        say "installing $1/package-lock.json"
        npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund --loglevel=error || return 1
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

# The path of a Chromium, or nothing.
chromium_path() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name"; then
            return 0
        fi
    done
}

for tool in "$@"; do
    "need_$tool"
done
