# Sourced by the scripts beside it: makes this checkout's own environment in .venv, from the versions in uv.lock.
# Needs nothing but a Python >= 3.11 with venv. Usage: make_environment [uv sync options ...]

cd "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "ssap-mirror needs Python 3.11 or newer with the venv module (set PYTHON to name one)" >&2
    exit 1
}

sync_environment() {
    # --inexact keeps uv itself, and what the other script needs, in the environment.
    UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --quiet --frozen --inexact --python .venv/bin/python "$@"
}

make_environment() {
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python) || exit 1
        echo "making .venv with $("$python" --version)" >&2
        "$python" -m venv .venv || exit 1
    fi
    if [ ! -x .venv/bin/uv ]; then
        .venv/bin/python -m pip install --quiet --disable-pip-version-check uv || exit 1
    fi
    # Bytecode is written when something is installed, as pip does; a start that has to compile takes several times as long.
    sync_environment --check "$@" 2>/dev/null || sync_environment --compile-bytecode "$@" || exit 1
    .venv/bin/python -m compileall -q mirror query || exit 1
    # The mirrors of a checkout live in its parquet/ folder whatever the user's own setting is.
    unset SSAP_MIRROR_HOME
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
}
