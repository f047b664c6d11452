# Shell functions for the set-up scripts: becoming root, installing Debian packages, making the virtual environment.
# Read with `.`; expects `here` to be the checkout.

python=/usr/bin/python3 # not a version manager's: the launcher names this one

PATH=$PATH:/usr/sbin:/sbin # which su leaves out
# sudo may ask for a password where somebody can answer.  Decided here: commands below get other standard inputs.
sudo="sudo -n"
if [ -t 0 ]; then sudo=sudo; fi

say() { echo "$*" >&2; }

# Runs a command as root; fails when we are not root and have no sudo (or it would ask and nobody is there).
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        $sudo "$@"
    else
        return 1
    fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && $sudo true 2>/dev/null; }
}

# The packages among the arguments that are not installed.
missing_packages() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | {
        installed=" "
        while read -r package status; do
            [ "$status" = installed ] && installed="$installed$package "
        done
        for package; do
            case $installed in *" $package "*) ;; *) echo "$package" ;; esac
        done
    }
}

# Installs the packages that are missing.  Fails, saying what to do, when that is not possible.
install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian: please install what these Debian packages hold: $*"
        return 0
    fi
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if ! can_be_root; then
        say "Packages are missing.  As root: apt-get install --no-install-recommends $missing"
        return 1
    fi
    say "Installing: $missing"
    # The lists of packages may be missing or too old: then a second attempt, whose complaints count.
    # shellcheck disable=SC2086 # one word for each package
    apt_get install $missing 2>/dev/null || { apt_get update && apt_get install $missing; }
}

# Quiet when all is well; a fresh machine may be upgrading itself, so that the lock is waited for.
apt_get() {
    log=$(mktemp)
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o=Dpkg::Use-Pty=0 -o=DPkg::Lock::Timeout=300 -y --no-install-recommends "$@" \
        </dev/null >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# Whether cgroup v1 and v2 are mounted side by side, where some versions of crun refuse to run.
hybrid_cgroups() {
    grep -q ' - cgroup2 ' /proc/self/mountinfo && grep -q ' - cgroup ' /proc/self/mountinfo
}

# Makes .venv hold what a requirements file pins.  Quick when it does already.
virtual_environment() {
    requirements=$here/tools/$1
    stamp=$here/.venv/.${1%.txt}
    wanted="$("$python" -V) $(cksum <"$requirements")"
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    ours=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ -d "$here/.venv" ] && [ ! -d "$here/.venv/lib/python$ours" ]; then
        rm -rf "$here/.venv" # of another version of Python
    fi
    [ -x "$here/.venv/bin/pip" ] || "$python" -m venv "$here/.venv"
    say "Installing into .venv: $1"
    "$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements" </dev/null >&2
    echo "$wanted" >"$stamp"
}
