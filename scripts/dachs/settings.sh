# Sourced by up, down and psql: where the fixture lives. Usage: fixture_settings PORT
#
# Everything is below one folder and belongs to one user, so that nothing of another PostgreSQL or DaCHS on the machine is
# touched: an own database cluster that listens on a socket in that folder alone, and an own DaCHS tree.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
PGBIN=/usr/lib/postgresql/15/bin
FIXTURE_USER=ssap-dachs

fixture_settings() {
    PORT=$1
    STATE=${SSAP_MIRROR_DACHS_STATE:-/var/lib/ssap-mirror-dachs}/$PORT
    BASE=http://127.0.0.1:$PORT
    export GAVOSETTINGS=$STATE/gavo.rc GAVOCUSTOM=/dev/null
    export PGHOST=$STATE/run PGPORT=5432 PGDATABASE=gavo PGUSER=$FIXTURE_USER
}

say() { echo "[dachs] $*" >&2; }
# All that the fixture runs, it runs as its own user; daemons must not inherit the lock that up holds (file 9).
as_user() { (cd "$STATE" && exec runuser -u "$FIXTURE_USER" -- env HOME="$STATE" "$@" 9>&-); }
database_up() { [ -S "$PGHOST/.s.PGSQL.$PGPORT" ] && as_user psql -qAt -d postgres -c 'SELECT 1' >/dev/null 2>&1; }
server_up() { curl -s -o /dev/null --max-time 20 "$BASE/robots.txt"; }
# The server whose number DaCHS noted, if it is that server still: it works in its state folder.
server_pid() {
    local pid
    pid=$(cat "$STATE/gavo/state/web.pid" 2>/dev/null) || return 1
    [ "$(readlink "/proc/$pid/cwd")" = "$STATE/gavo/state" ] && echo "$pid"
}
