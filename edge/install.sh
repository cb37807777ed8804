#!/bin/sh
# Installs likewise-edge on Raspberry Pi OS (64-bit), or another Debian with systemd; run it again to
# upgrade. Settings and models that are there stay as they are.
#
#   sudo sh install.sh [WHAT]     WHAT is what pip installs: 'likewise[edge]' if it is not given;
#                                 'likewise[edge,image,litert]' for watched images and TFLite; a
#                                 wheel such as './likewise-0.1.0-py3-none-any.whl[edge]'; a folder
#
# ROOT=/some/folder installs below that folder, for an image, and starts nothing.
set -eu

what=${1:-likewise[edge]}
root=${ROOT:-}
home=/opt/likewise-edge
settings=/etc/likewise-edge
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "root is needed: sudo sh install.sh"
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 15)))' ||
    fail "Python 3.11 to 3.14 is needed; $python is $("$python" --version 2>&1)"
"$python" -c 'import sys; sys.exit(sys.maxsize < 2**32)' || fail "a 64-bit system is needed"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "this Python makes no virtual environments: apt-get install python3-venv"

echo "the package, in $root$home"
"$python" -m venv "$root$home"
"$root$home/bin/python" -m pip install --quiet --upgrade --no-input --no-compile "$what"
# A card need not hold NumPy's own tests, bytecode of what is never imported, nor pip, which venv
# brings back the next time.
find "$root$home/lib" -type d -path '*/numpy/*' -name tests -prune -exec rm -r {} +
"$root$home/bin/python" -m pip uninstall --quiet --yes pip setuptools
"$root$home/bin/python" -m compileall -q "$root$home"/lib/python3*/site-packages/likewise*
"$root$home/bin/python" -c 'import likewise_edge.server'

echo "the settings, in $root$settings"
mkdir -p "$root$settings/keys"
if [ ! -e "$root$settings/config.toml" ]; then
    cat >"$root$settings/config.toml" <<END
# What can stand here: edge/README.md of likewise.
state = "/var/lib/likewise-edge"
keys = "$settings/keys"

[server]
host = "127.0.0.1"
port = 8080
END
fi

echo "the service"
mkdir -p "$root/etc/systemd/system"
cp "$here/systemd/likewise-edge.service" "$root/etc/systemd/system/"
if [ -n "$root" ]; then
    echo "in the image: useradd --system likewise-edge; systemctl enable likewise-edge"
    exit 0
fi
id likewise-edge >/dev/null 2>&1 ||
    useradd --system --home-dir /var/lib/likewise-edge --shell /usr/sbin/nologin likewise-edge
install -d -o likewise-edge -g likewise-edge -m 0700 /var/lib/likewise-edge
systemctl daemon-reload
systemctl enable --quiet likewise-edge
systemctl restart likewise-edge

cat <<END
done. What is left to do:
  put the public key of who signs your bundles into $settings/keys
  sudo -u likewise-edge $home/bin/likewise-edge install MODEL.lwb
  sudo -u likewise-edge $home/bin/likewise-edge doctor
END
