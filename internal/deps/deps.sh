#!/bin/sh
# Installs those of the given system programs that are missing, with apt-get, dnf or apk. If none is missing, it does nothing
# and does not use the network. A program may be a pattern for an absolute path. No server is started.
#
#   internal/deps/deps.sh iptables ip tcpdump '/usr/lib/postgresql/*/bin/postgres'
set -eu

# Debian keeps ip and iptables here; the PATH of an ordinary user does not have these directories.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

set -f # patterns stay as they are
# installed PROGRAM reports whether a program is in PATH, or whether a file matches the pattern.
installed() {
	case $1 in
	/*) (set +f && for file in $1; do [ ! -e "$file" ] || exit 0; done && exit 1) ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

missing=
for program in "$@"; do
	installed "$program" || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

# package MANAGER PROGRAM prints the name of the package that contains the program.
package() {
	case $2:$1 in
	ip:dnf) echo iproute ;;
	ip:*) echo iproute2 ;;
	iptables:dnf) echo iptables-nft ;;
	newuidmap:apt-get) echo uidmap ;;
	newuidmap:dnf) echo shadow-utils ;;
	newuidmap:apk) echo shadow-subids ;;
	sysctl:dnf) echo procps-ng ;;
	sysctl:*) echo procps ;;
	gcc:apk) echo gcc musl-dev ;;
	gcc:apt-get) echo gcc libc6-dev ;;
	clang:apt-get) echo clang libbpf-dev ;;
	clang:dnf) echo clang libbpf-devel ;;
	clang:apk) echo clang libbpf-dev ;;
	llvm-strip:*) echo llvm ;;
	qemu-system-x86_64:apt-get) echo qemu-system-x86 ;;
	qemu-system-x86_64:dnf) echo qemu-system-x86-core ;;
	dnsmasq:apt-get) echo dnsmasq-base ;;
	docker:apt-get | dockerd:apt-get) echo docker.io ;;
	docker:dnf | dockerd:dnf) echo moby-engine ;;
	dockerd:apk) echo docker ;;
	unshare:*) echo util-linux ;;
	slurmctld:apt-get | slurmd:apt-get | sbatch:apt-get) echo slurm-wlm munge ;;
	slurmctld:dnf) echo slurm-slurmctld ;;
	slurmd:dnf) echo slurm-slurmd ;;
	sbatch:*) echo slurm ;;
	munged:*) echo munge ;;
	nginx:apt-get) echo nginx-light ;;
	prove:dnf) echo perl-Test-Harness ;;
	prove:*) echo perl ;;
	redis-server:dnf | redis-server:apk) echo redis ;;
	xmllint:dnf) echo libxml2 ;;
	xmllint:*) echo libxml2-utils ;;
	*/postgres:dnf) echo postgresql-server ;;
	*/postgres:*) echo postgresql ;;
	*/requests:apk) echo py3-requests ;;
	*/requests:*) echo python3-requests ;;
	*) echo "$2" ;;
	esac
}

for manager in apt-get dnf apk none; do
	command -v "$manager" >/dev/null 2>&1 && break
done
if [ "$manager" = none ]; then
	echo "missing programs:$missing; install them with your package manager (apt-get, dnf and apk were not found)" >&2
	exit 1
fi
packages=
for program in $missing; do
	packages="$packages $(package "$manager" "$program")"
done

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "missing programs:$missing; as root: $manager install$packages" >&2
		exit 1
	fi
	as_root=sudo
fi

echo "installing$packages with $manager"
# $packages is a list of words: it is split on purpose.
# shellcheck disable=SC2086
case $manager in
apt-get)
	policy=/usr/sbin/policy-rc.d # asked before a package starts its server; 101 forbids it
	if [ ! -e $policy ]; then
		trap '$as_root rm -f $policy' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
		$as_root chmod 755 $policy
	fi
	$as_root apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
	;;
dnf) $as_root dnf install -y -q $packages ;;
apk) $as_root apk add --no-cache -q $packages ;;
esac

for program in $missing; do
	if ! installed "$program"; then
		echo "$program is still missing after installing$packages" >&2
		exit 1
	fi
done
