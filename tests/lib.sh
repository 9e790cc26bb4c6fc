# shellcheck shell=bash
# Shared by tests/run and testnet/up: what a fresh machine needs, and how the scripts speak.
# Source it; it runs nothing by itself.

readonly RUST_MIN_MINOR=95

# Headings and notes go to standard error, so that standard output holds only answers.
say() { printf '%s\n' "$*" >&2; }
heading() { printf '\n== %s\n' "$*" >&2; }

# fail MESSAGE [HINT]: one clear message, what to do, and out.
fail() {
    printf '\nError: %s\n' "$1" >&2
    if [ -n "${2:-}" ]; then printf 'Hint: %s\n' "$2" >&2; fi
    trap - EXIT
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or with sudo if that needs no password or a person is there.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 1
    fi
}

# The storage engine's bindings are generated at build time, which needs libclang.
has_libclang() {
    local found
    if [ -n "${LIBCLANG_PATH:-}" ]; then return 0; fi
    if [ "$(uname -s)" = Darwin ]; then has clang && return 0; fi
    found=$(find /usr/lib /usr/lib64 /usr/local/lib -name 'libclang*.so*' -print -quit 2>/dev/null || true)
    [ -n "$found" ]
}

# apt_install PACKAGE...: quiet, without questions; its log is shown only when it fails.
apt_install() {
    local log
    log=$(mktemp)
    say "Installing $* ..."
    # An old list is enough most of the time; a machine without one needs an update first.
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" \
        >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        return 0
    fi
    if as_root apt-get update >>"$log" 2>&1 </dev/null \
        && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
}

# Prints the Debian packages that this machine lacks, one a line.
missing_packages() {
    has git || echo git
    has make || echo make
    { has c++ || has g++ || has clang++; } || echo g++
    # A linker for Rust itself.
    has cc || echo gcc
    if ! has_libclang; then
        echo libclang-dev
        has clang || echo clang
    fi
}

# The compilers and libraries outside Rust. Installs what is missing, or says what to install.
install_system() {
    local packages name
    packages=()
    while IFS= read -r name; do packages+=("$name"); done < <(missing_packages)
    if [ "${#packages[@]}" -eq 0 ]; then return 0; fi
    if has apt-get; then
        apt_install "${packages[@]}" || fail "could not install: ${packages[*]}" \
            "as root, run: apt-get update && apt-get install -y ${packages[*]}"
    elif has dnf; then
        fail "missing: ${packages[*]}" "run: sudo dnf install -y git make gcc gcc-c++ clang clang-devel"
    elif has pacman; then
        fail "missing: ${packages[*]}" "run: sudo pacman -S --needed git make gcc clang"
    elif has brew; then
        fail "missing: ${packages[*]}" "run: xcode-select --install && brew install git llvm"
    else
        fail "missing: ${packages[*]}" \
            "install git, make, a C++ compiler and libclang with this system's package manager"
    fi
}

# strace, with which the tests crash programs at every call. Without it they do so at random moments
# only, and say so.
want_strace() {
    if has strace || [ "$(uname -s)" != Linux ]; then return 0; fi
    if has apt-get && apt_install strace; then return 0; fi
    say "strace is not here: crashes are tested at random moments only."
}

# True if the cargo on the path is new enough.
cargo_is_recent() {
    local version major minor
    has cargo || return 1
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9]*\.[0-9]*\).*/\1/p')
    major=${version%%.*}
    minor=${version#*.}
    [ -n "$major" ] && { [ "$major" -gt 1 ] || [ "$minor" -ge "$RUST_MIN_MINOR" ]; }
}

# Rust itself is for its owner to install, because a toolchain belongs to the person and not to a
# project; this says how.
need_rust() {
    local toolchain="1.$RUST_MIN_MINOR" have how
    if ! has cargo && [ -d "$HOME/.cargo/bin" ]; then PATH="$HOME/.cargo/bin:$PATH"; fi
    if cargo_is_recent; then return 0; fi
    have=$(cargo --version 2>/dev/null || echo "no cargo on the path")
    how="rustup toolchain install $toolchain --component clippy,rustfmt && rustup default $toolchain"
    if ! has rustup; then how="install rustup as https://rustup.rs says, then run: $how"; fi
    fail "Rust $toolchain or newer is needed; this machine has: $have" "$how"
}

# need_cargo_command NAME COMPONENT: fmt and clippy are parts that a minimal Rust leaves out.
need_cargo_command() {
    cargo "$1" --version >/dev/null 2>&1 || fail "cargo $1 is missing" "run: rustup component add $2"
}

# Where this checkout's programs are built, whatever the environment or a config file says.
target_dir() {
    cargo metadata --no-deps --format-version 1 \
        | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# quietly LABEL COMMAND...: runs the command with its output kept aside; shows how far it is, and
# the end of the output when it fails.
quietly() {
    local label=$1 log pid started=$SECONDS noted=$SECONDS code=0 last
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # A background job of a script ignores Ctrl-C, so it is ended by name.
    # shellcheck disable=SC2064  # the values of now are the right ones
    trap "kill $pid 2>/dev/null || true; rm -f '$log'; say ''; say 'Interrupted.'; trap - EXIT; exit 130" INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        last=$(tail -n 1 "$log" | tr -d '\r' | sed 's/^ *//' | cut -c 1-60)
        if [ -t 2 ]; then
            printf '\r\033[K%s %d s  %s' "$label" "$((SECONDS - started))" "$last" >&2
        elif [ "$((SECONDS - noted))" -ge 60 ]; then
            noted=$SECONDS
            printf '%s %d s  %s\n' "$label" "$((SECONDS - started))" "$last" >&2
        fi
        sleep 1
    done
    wait "$pid" || code=$?
    trap - INT TERM
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    if [ "$code" -ne 0 ]; then
        tail -n 60 "$log" >&2
        rm -f "$log"
        return "$code"
    fi
    rm -f "$log"
    say "$label done in $((SECONDS - started)) s"
}
