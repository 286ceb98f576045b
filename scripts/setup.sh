#!/bin/sh
# Installs the Debian packages that are missing, and says what it cannot do.
#
#   scripts/setup.sh build   what building needs: C compiler, libxml2, pkg-config
#   scripts/setup.sh packs   what fetching the rule packs needs: Maven, a JRE, pip
#   scripts/setup.sh test    what the tests need: PostgreSQL, Chromium, Postfix, ...
#
# Each thing is looked for first; when all are there, nothing else is done. What
# is missing is installed with root or sudo, without questions and without
# starting a service; without either, the line to run is printed.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

# has THING: is it usable, whoever installed it?
has() {
	case $1 in
	libxml2) pkg-config --exists libxml-2.0 ;;
	libc) printf '#include <stdlib.h>\n' | ${CC:-gcc} -E -xc - ;;
	pip) python3 -m pip --version ;;
	initdb) command -v initdb || ls /usr/lib/postgresql/*/bin/initdb ;;
	chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
	postfix) command -v postfix || test -x /usr/sbin/postfix ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

# package THING: the Debian packages that bring it.
package() {
	case $1 in
	libc) echo libc6-dev ;;
	libxml2) echo libxml2-dev ;;
	java) echo default-jre-headless ;;
	mvn) echo maven ;;
	python3) echo python3 ;;
	pip) echo python3-pip ;;
	initdb) echo postgresql ;;
	xmllint) echo libxml2-utils ;;
	pdftotext) echo poppler-utils ;;
	*) echo "$1" ;;
	esac
}

# without THING: what does not work then.
without() {
	case $1 in
	gcc | libc | pkg-config | libxml2) echo "facteur cannot be built" ;;
	java | mvn | python3 | pip) echo "the rule packs cannot be fetched, but from a bundle (BUNDLE=DIR or URL)" ;;
	initdb) echo "the tests on PostgreSQL cannot run" ;;
	chromium) echo "the tests of the pages cannot run" ;;
	postfix) echo "the tests with a mail server cannot run" ;;
	*) echo "the tests that compare with it cannot run" ;;
	esac
}

missing() {
	for thing in $things; do
		has "$thing" || printf '%s ' "$thing"
	done
}

packages() {
	for thing in $1; do
		package "$thing"
	done | sort -u | tr '\n' ' '
}

check_go() {
	if ! command -v go >/dev/null 2>&1; then
		say "Go 1.26 or newer is needed and not installed: see https://go.dev/doc/install"
		exit 3
	fi
	version=$(GOTOOLCHAIN=local go env GOVERSION)
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	if [ "${version#go1.}" != "$version" ] && [ "${minor:-0}" -lt 26 ]; then
		say "Go 1.26 or newer is needed; $(command -v go) is $version: see https://go.dev/doc/install"
		exit 3
	fi
}

# as_root runs a command as root, or fails.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		sudo "$@"
	else
		return 1
	fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$log" 2>&1; }

# install PACKAGES: all at once, else after an update, else one by one.
install() {
	options="install -y -q --no-install-recommends"
	# shellcheck disable=SC2086 # the words are meant to be split
	ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && apt $options $1 && return
	say "updating the package lists"
	apt update -q || say "apt-get update failed, see $log"
	# shellcheck disable=SC2086
	apt $options $1 && return
	for p in $1; do
		# shellcheck disable=SC2086
		apt $options "$p" || say "apt-get could not install $p, see $log"
	done
}

# quietly INSTALLS: no service of a new package starts, no question is asked.
quietly() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
		trap 'as_root rm -f $policy' EXIT
		trap 'exit 130' INT TERM
	fi
	case $1 in *postfix*)
		echo "postfix postfix/main_mailer_type select Local only" | as_root debconf-set-selections >>"$log" 2>&1 || :
		;;
	esac
	install "$1"
}

case ${1:-} in
build) things="gcc libc pkg-config libxml2" && check_go ;;
packs) things="java mvn python3 pip" ;;
test) things="initdb chromium postfix xmlsec1 xmllint pdftotext openssl git" ;;
*) echo "usage: scripts/setup.sh build|packs|test" >&2 && exit 2 ;;
esac

lacking=$(missing)
[ -n "$lacking" ] || exit 0

wanted=$(packages "$lacking")
if ! command -v apt-get >/dev/null 2>&1; then
	say "install what brings: $lacking(on Debian: $wanted)"
elif ! as_root true; then
	say "run as root: apt-get update && apt-get install -y --no-install-recommends $wanted"
else
	log=$(mktemp "${TMPDIR:-/tmp}/facteur-setup.XXXXXX")
	say "installing $wanted"
	quietly "$wanted"
fi

lacking=$(missing)
if [ -z "$lacking" ]; then
	rm -f "$log"
	exit 0
fi
for thing in $lacking; do
	say "missing: $thing; $(without "$thing")"
done
# Without a tool of theirs, tests say that they did not run; automation wants all.
[ "$1" != test ] || [ "${CI:-}" = true ] || exit 0
exit 3
