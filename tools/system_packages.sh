#!/bin/sh
# Installs the system packages that the tests use (chromium, bubblewrap, postgresql) where they are missing and it may: with
# apt-get, as root or with a sudo that asks for no password. Otherwise says in one line how to get them. Never fails.
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
# Debian keeps the server out of PATH.
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Some tests will be skipped: install$missing with your system's package manager."
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    echo "Some tests will be skipped: 'sudo apt-get install$missing' gets what they need."
    exit 0
fi
echo "Installing$missing with apt-get"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  (the names, and sudo with its flag, are words of their own)
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null \
    || echo "Some tests will be skipped: apt-get could not install$missing."
exit 0
