# Shared by the scripts of this directory; sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by those who source it
set -euo pipefail

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$PROJECT/build
RUN=$PROJECT/run
MODULE=${FAAS_BUILD:-$BUILD}/ngx_http_faas_module.so
ENGINE_SOCKET=/var/run/docker.sock

# Debian keeps nginx and dockerd in sbin, which an ordinary PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH


say() {
    printf '==> %s\n' "$*"
}


die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}


# Called as: need_root "$@"
need_root() {
    if [ "$EUID" -eq 0 ]; then
        return
    fi

    command -v sudo >/dev/null || die "must be run by root"
    exec sudo -- "$0" "$@"
}


# Packages

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}


# While packages are installed the nginx package must not start its own server
# on port 80.  A policy that the machine already has stays in force below ours.

POLICY=/usr/sbin/policy-rc.d
POLICY_SAVED=/usr/sbin/policy-rc.d.before-faas
POLICY_MARK='# faas: temporary'

policy_restore() {
    if [ -e $POLICY_SAVED ]; then
        mv -f $POLICY_SAVED $POLICY

    elif [ -e $POLICY ] && grep -qxF "$POLICY_MARK" $POLICY; then
        rm -f $POLICY
    fi
}


policy_set() {
    policy_restore    # of a run that was killed

    if [ -e $POLICY ]; then
        mv $POLICY $POLICY_SAVED
    fi

    cat > $POLICY <<END
#!/bin/sh
$POLICY_MARK
case \$1 in nginx|fcgiwrap) exit 101 ;; esac
[ -x $POLICY_SAVED ] && exec $POLICY_SAVED "\$@"
exit 0
END
    chmod 755 $POLICY
}


need_packages() {
    local missing=() name

    for name in "$@"; do
        installed "$name" || missing+=("$name")
    done

    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi

    [ "$EUID" -eq 0 ] || die "missing packages, run as root or install:" \
                             "${missing[*]}"

    say "installing ${missing[*]}"

    # a subshell, so that its trap is not in the way of the caller's
    (
        export DEBIAN_FRONTEND=noninteractive

        trap policy_restore EXIT
        trap 'exit 1' HUP INT TERM
        policy_set

        apt-get update -qq </dev/null
        apt-get install -y -qq --no-install-recommends \
                -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
                -o Dpkg::Options::=--force-confold \
                "${missing[@]}" </dev/null >/dev/null

        # nor at the next boot
        if [[ " ${missing[*]} " == *" nginx "* ]] && [ -d /run/systemd/system ]
        then
            systemctl disable -q nginx </dev/null
        fi
    )
}


BUILD_PACKAGES=(build-essential nginx-dev libcurl4-openssl-dev libcjson-dev)


# The engine

# Called as: engine METHOD PATH [curl argument ...]
engine() {
    local method=$1 path=$2
    shift 2

    curl -sS --noproxy '*' --unix-socket "$ENGINE_SOCKET" -X "$method" "$@" \
         "http://docker$path" </dev/null
}


engine_answers() {
    [ "$(engine GET /_ping -m 5 2>/dev/null)" = OK ]
}


engine_wait() {
    local i

    for (( i = 0; i < 10 * $1; i++ )); do
        engine_answers && return
        [ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done

    return 1
}


# After a crash the number in a pid file may belong to another program by now,
# and dockerd would refuse to start or wait for a containerd that is not there.
remove_stale_pid() {
    local file=$1 name=$2 pid

    [ -e "$file" ] || return 0
    pid=$(tr -cd 0-9 < "$file")

    if [ "$(cat "/proc/${pid:-none}/comm" 2>/dev/null)" != "$name" ]; then
        rm -f "$file"
    fi
}


need_engine() {
    local log=/var/log/dockerd.log

    need_packages curl ca-certificates

    if engine_answers; then
        return
    fi

    # not beside another packaging of Docker
    command -v dockerd >/dev/null || need_packages docker.io

    need_packages iptables

    if [ -d /run/systemd/system ]; then
        say "starting docker.service"
        systemctl start docker </dev/null
        engine_wait 60 || die "docker.service does not answer"
        return
    fi

    # one that is still starting
    if grep -qsx dockerd /proc/[0-9]*/comm && engine_wait 30; then
        return
    fi

    say "starting dockerd, log in $log"

    remove_stale_pid /var/run/docker.pid dockerd
    remove_stale_pid /var/run/docker/containerd/containerd.pid containerd

    setsid dockerd >>$log 2>&1 </dev/null &

    if ! engine_wait 60 $!; then
        tail -n 20 $log >&2
        die "dockerd does not start"
    fi
}


# What the nginx of this prefix has in the engine, or, with a star, every nginx
# whose prefix lies under that directory.

# Called as: engine_owned containers|networks PREFIX[*]
engine_owned() {
    local path filter='%7B%22label%22:%5B%22faas.managed=1%22%5D%7D'
    local label="\"faas.prefix\":\"${2%"*"}" match

    label=${label%/}

    case $2 in
    *"*")  match=(-e "$label/") ;;
    *)     match=(-e "$label\"" -e "$label/\"") ;;
    esac

    case $1 in
    containers)  path="/containers/json?all=1&filters=$filter" ;;
    networks)    path="/networks?filters=$filter" ;;
    esac

    # one object a line, without a JSON parser: a container begins with its Id,
    # a network with its Name
    engine GET "$path" \
        | sed -e 's/{"Id":"/\n&/g' -e 's/{"Name":"/\n&/g' \
        | { grep -F "${match[@]}" || true; } \
        | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p'
}


# A create or a start that was under way when nginx ended still completes, so
# one empty answer is not the end of it.

# Called as: engine_clean PREFIX[*]
engine_clean() {
    local prefix=$1 ids quiet=0 round

    engine_answers || return 0

    for (( round = 0; round < 50 && quiet < 3; round++ )); do
        ids=$(engine_owned containers "$prefix")

        if [ -z "$ids" ]; then
            quiet=$(( quiet + 1 ))
            sleep 0.2
            continue
        fi

        quiet=0

        # shellcheck disable=SC2086
        printf '%s\n' $ids | xargs -P 4 -I ID \
            curl -sS -o /dev/null --noproxy '*' -X DELETE \
                 --unix-socket "$ENGINE_SOCKET" \
                 'http://docker/containers/ID?force=1&v=1'
    done

    for ids in $(engine_owned networks "$prefix"); do
        engine DELETE "/networks/$ids" -o /dev/null
    done
}


# Called as: need_everything [package ...]
need_everything() {
    # all at once: one apt-get is quicker than five
    if ! engine_answers && ! command -v dockerd >/dev/null; then
        set -- "$@" docker.io
    fi

    need_packages nginx "${BUILD_PACKAGES[@]}" curl ca-certificates iptables \
                  mmdebstrap "$@"

    need_engine
    need_firewall
    "$PROJECT/scripts/build"
    "$PROJECT/scripts/images"
}


# A function has no business with services of the host, our own API included;
# an internal network alone does not keep it from the gateway's address.
# Our rule has a name, for one without it is somebody's own.
FIREWALL=(INPUT -i 'faas+' -m conntrack --ctstate NEW)
FIREWALL_NAME=(-m comment --comment faas)

need_firewall() {
    need_packages iptables

    if iptables -w 5 -C "${FIREWALL[@]}" -j DROP 2>/dev/null \
       || iptables -w 5 -C "${FIREWALL[@]}" "${FIREWALL_NAME[@]}" -j DROP \
                   2>/dev/null
    then
        return
    fi

    if iptables -w 5 -I "${FIREWALL[@]}" "${FIREWALL_NAME[@]}" -j DROP \
                2>/dev/null
    then
        say "iptables: functions cannot connect to this host (faas+)"
    else
        say "WARNING: iptables does not work here:" \
            "functions can connect to services of this host"
    fi
}


# Only once nobody has containers that it is for.
remove_firewall() {
    local filter='%7B%22label%22:%5B%22faas.managed=1%22%5D%7D' networks

    networks=$(engine GET "/networks?filters=$filter") || return 0

    if [ "$networks" = '[]' ] \
       && iptables -w 5 -D "${FIREWALL[@]}" "${FIREWALL_NAME[@]}" -j DROP \
                   2>/dev/null
    then
        say "iptables: removed the rule for faas+"
    fi
}


# Test::Nginx

TEST_PACKAGES=(perl libtest-base-perl libtest-longstring-perl
               liblist-moreutils-perl libhttp-message-perl libwww-perl
               libipc-run-perl libtext-diff-perl liburi-perl libfilter-perl
               libcpanel-json-xs-perl libcmocka-dev psmisc openssl
               libfaketime clang libclang-rt-dev iproute2
               libnginx-mod-http-image-filter)

# It is packaged in sid only.  A private apt configuration fetches this one
# package, and it is unpacked into build/: the system's sources stay untouched.
need_test_nginx() {
    local dir=$BUILD/test-nginx opts
    local lib=$dir/root/usr/share/perl5

    if perl -MTest::Nginx::Socket -e 1 2>/dev/null; then
        return
    fi

    if [ ! -e "$lib/Test/Nginx/Socket.pm" ]; then
        say "fetching Test::Nginx"

        rm -rf "$dir"
        mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"

        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
             "http://deb.debian.org/debian sid main" > "$dir/sources.list"

        opts=(-qq
              -o Dir::State="$dir/state"
              -o Dir::State::status=/var/lib/dpkg/status
              -o Dir::Cache="$dir/cache"
              -o Dir::Etc::sourcelist="$dir/sources.list"
              -o Dir::Etc::sourceparts=/dev/null
              -o Dir::Etc::preferences=/dev/null
              -o Dir::Etc::preferencesparts=/dev/null
              -o Acquire::Languages=none
              -o APT::Sandbox::User=root)

        (
            cd "$dir"
            apt-get "${opts[@]}" update </dev/null
            apt-get "${opts[@]}" download libtest-nginx-perl </dev/null
            dpkg-deb -x libtest-nginx-perl_*.deb root
            rm -rf state cache ./*.deb
        )
    fi

    export PERL5LIB=$lib${PERL5LIB:+:$PERL5LIB}
}
