#!/bin/sh
# Installs the npm modules of this checkout where package-lock.json is newer than what is installed. Two makes at once
# take turns; as root in somebody else's checkout npm runs as its owner, so no file in it ends up root's.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.hatchery-installed

fresh() { [ -e "$stamp" ] && [ ! package-lock.json -nt "$stamp" ]; }

if fresh; then exit 0; fi
command -v npm >/dev/null || { echo 'npm is not on the PATH: install Node 20 or newer with npm' >&2; exit 1; }

owner=$(stat -c %u .)
as_owner=
if [ "$(id -u)" = 0 ] && [ "$owner" != 0 ]; then
  home=$(getent passwd "$owner" | cut -d: -f6)
  as_owner="setpriv --reuid=$owner --regid=$(stat -c %g .) --clear-groups env HOME=${home:-/tmp}"
fi

exec 9<package-lock.json
flock 9
if fresh; then exit 0; fi
echo '▸ Installing npm modules …'
start=$(date +%s)
# The lock's descriptor is not npm's to keep.
$as_owner npm ci --no-audit --no-fund --no-update-notifier --loglevel=error 9<&-
$as_owner touch "$stamp"
echo "✓ Installing npm modules ($(($(date +%s) - start)) s)"
