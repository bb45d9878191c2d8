# What demo and test share: steps with their times, the distribution's packages, the virtual environment.
# Sourced by bash with `set -euo pipefail`; leaves $PYTHON.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${ARMILLARY_VENV:-$root/.venv}
PYTHON=$venv/bin/python
log=${ARMILLARY_SETUP_LOG:-$(mktemp -t armillary-setup.XXXXXX)}

# step TITLE COMMAND...: runs it quietly, shows its time; what it printed only if it fails.
# Inside, `set -e` does not count, so the commands given here stop by themselves at what fails.
step() {
    local title=$1 begun=$EPOCHREALTIME
    shift
    [ -t 1 ] && printf '… %s\r' "$title"
    if ! "$@" >>"$log" 2>&1; then
        printf '✗ %s\n\n' "$title"
        tail -n 25 "$log"
        exit 1
    fi
    LC_ALL=C awk -v t="$title" -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "✓ %-66s %6.1f s\n", t, b - a }'
}

# meanwhile COMMAND...: begins it, of which `step TITLE wait_for_it` tells the end.
meanwhile() {
    "$@" >"$log.meanwhile" 2>&1 &
    begun_meanwhile=$!
}

wait_for_it() {
    wait "$begun_meanwhile" || {
        cat "$log.meanwhile"
        return 1
    }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

postgres_version() {
    apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

# packages NAME...: installs those of the distribution's packages that are missing.
packages() {
    local missing=() name
    for name in "$@"; do installed "$name" || missing+=("$name"); done
    [ ${#missing[@]} = 0 ] && return 0
    # Lists that are not there, or old, are fetched once.
    apt_install "${missing[@]}" || { update_lists && apt_install "${missing[@]}"; }
}

update_lists() {
    [ -n "${lists_are_new:-}" ] || as_root apt-get update || return 1
    lists_are_new=1
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Python with venv, where it is missing.
install_python() {
    command -v apt-get >/dev/null || {
        echo "This script knows Debian and its kin. Elsewhere install PostgreSQL 15 or newer, pgSphere and Python 3.11."
        return 1
    }
    installed python3-venv || update_lists || return 1
    packages python3 python3-venv
}

# Python with venv, PostgreSQL with pgSphere, whatever is missing; further packages as arguments.
install_packages() {
    install_python || return 1
    installed postgresql-common || update_lists || return 1
    local version
    version=$(postgres_version)
    # The package would start a cluster of its own; we start a private one.
    if ! installed postgresql-common; then
        packages postgresql-common || return 1
        as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    packages "postgresql-$version" "postgresql-$version-pgsphere" "$@"
}

# virtual_environment [EXTRA]: the project and what it needs, installed once for each pyproject.toml.
virtual_environment() {
    local extra=${1:-} stamp
    stamp="$venv/.installed${extra:+-$extra}"
    if [ -e "$stamp" ] && cmp -s "$stamp" "$root/pyproject.toml"; then return 0; fi
    [ -x "$PYTHON" ] || python3 -m venv "$venv" || return 1
    # pip would compile all modules on one processor, and the tests of all libraries too.
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-compile --editable "$root${extra:+[$extra]}" || return 1
    # What is no module of this Python, templates among it, fails, and does no harm.
    "$PYTHON" -m compileall -q -j 0 -x '/tests?/' "$venv/lib" || true
    cp "$root/pyproject.toml" "$stamp"
}

sample_data() {
    "$PYTHON" "$root/deploy/sample_data.py" "$root/build/sample"
}
