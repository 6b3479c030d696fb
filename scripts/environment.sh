# Sourced by the other scripts: make_environment DIRECTORY EXTRAS installs this checkout into a
# virtual environment, once for each state of pyproject.toml.

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: no Python 3.11 or newer found; set PYTHON to one" >&2
    return 1
}

make_environment() { # DIRECTORY, REQUIREMENTS...: what pip installs
    local directory=$1 python stamp
    shift
    stamp="$(cat pyproject.toml scripts/environment.sh | cksum) $*"
    if [ "$(cat "$directory/installed" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    python=$(find_python)
    echo "Installing into $directory ..." >&2
    # Debian's Python may come without ensurepip: then the pip beside it serves the environment.
    if ! "$python" -m venv --clear "$directory" >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip "$directory"
        "$python" -m pip --python "$directory/bin/python" install --quiet pip
    fi
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    echo "$stamp" >"$directory/installed"
}
