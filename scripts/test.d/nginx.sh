# An nginx of our own for a mode of scripts/test; sourced, never run.
# shellcheck shell=bash

# Called as: nginx_fetch DIR, leaves the source of the installed package, with
# the distribution's patches, in DIR/source.  A mirror need not have that of
# each update: then it is the newest there is of the same release.
#
# A private apt configuration knows where sources are: that of the machine may
# not, and stays as it is.
nginx_fetch() {
    local dir=$1 version suite opts got

    version=$(dpkg-query -W -f='${source:Version}' nginx)

    if [ "$(cat "$dir/version" 2>/dev/null)" = "$version" ]; then
        return
    fi

    say "fetching the source of nginx $version"

    rm -rf "$dir"
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"

    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")

    cat > "$dir/sources.list" <<LIST
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite-updates main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security $suite-security main
LIST

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

        for got in "$version" $(apt-cache "${opts[@]}" showsrc nginx \
                       | sed -n "s/^Version: \(${version%%-*}-.*\)/\1/p" \
                       | LC_ALL=C sort -rV) none
        do
            [ "$got" != none ] || die "no source of nginx $version"

            apt-get "${opts[@]}" source --download-only "nginx=$got" \
                    </dev/null >log 2>&1 && break
        done

        [ "$got" = "$version" ] || say "took that of $got"

        dpkg-source --no-check -x nginx_*.dsc source >/dev/null
        rm -rf state cache log ./*.dsc ./*.tar.*
        echo "$version" > version
    )
}


# Called as: nginx_build DIR CC_OPT LD_OPT, leaves DIR/objs/nginx: that of the
# distribution with these options behind its own, without dynamic modules, and
# with poll besides epoll.
#
# What a worker has lost is looked for when it ends.  On a busy machine that can
# take longer than the second and a half after which a master kills its workers:
# this one waits for the better part of a minute.
nginx_build() {
    local dir=$1 cc=$2 ld=$3 source=$BUILD/nginx-source
    local patience='s/delay > 1000/delay > 20000/'
    local flags stamp args=() arg

    nginx_fetch "$source"

    flags=$(/usr/sbin/nginx -V 2>&1 | sed -n 's/^configure arguments: //p')
    stamp=$(printf '%s\n' "$PROJECT" "$flags" "$cc" "$ld" "$patience" \
                   "$(cat "$source/version" "$PROJECT/scripts/test.d/lsan.c")")

    if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; then
        return
    fi

    say "building nginx in ${dir#"$PROJECT/"}"

    eval "set -- $flags"    # it is quoted for a shell

    for arg in "$@"; do
        case $arg in
        --with-cc-opt=*)                 cc="${arg#*=} $cc" ;;
        --with-ld-opt=*)                 ld="${arg#*=} $ld" ;;
        *=dynamic | --add-*module=*)     ;;
        *)                               args+=("$arg") ;;
        esac
    done

    rm -rf "$dir"
    mkdir -p "$dir"
    cp -r "$source/source" "$dir/source"
    sed -i "$patience" "$dir/source/src/os/unix/ngx_process_cycle.c"

    if ! ( cd "$dir/source" \
           && ./configure "${args[@]}" --with-poll_module --with-cc-opt="$cc" \
                  --with-ld-opt="$ld" --builddir="$dir/objs" \
           && make -s -j "$(nproc)" -f "$dir/objs/Makefile" binary ) \
           > "$dir/log" 2>&1 </dev/null
    then
        tail -n 5 "$dir/log" >&2
        die "nginx was not built, see $dir/log"
    fi

    printf '%s\n' "$stamp" > "$dir/stamp"
}


# Called as: reports_of NAME, makes $reports, where workers can write, too.
reports_of() {
    reports=$(mktemp -d "/tmp/faas-$1.XXXXXX")
    chmod 1777 "$reports"
    trap 'rm -rf "$reports"' EXIT
    trap 'exit 1' HUP INT TERM
}


# Called as: run_and_report [t/NNN-topic.t ...], the tests; what is in $reports
# is an error then, too, unless clean_reports() takes it away.
run_and_report() {
    local rc=0 n

    "$PROJECT/scripts/test" "$@" || rc=$?

    ! declare -F clean_reports >/dev/null || clean_reports

    n=$(find "$reports" -type f -size +0 | wc -l)
    say "reports: $n"

    if [ "$n" -gt 0 ]; then
        cat "$reports"/*
        rc=1
    fi

    exit $rc
}


SANITIZE='-fsanitize=address,undefined -fno-omit-frame-pointer'

# Called as: asan_build DIR [LD_OPT], and the tests build the module in DIR; the
# nginx is the same for all.
asan_build() {
    need_packages nginx "${BUILD_PACKAGES[@]}"

    export FAAS_BUILD=$1
    export FAAS_CC_OPT="-O1 -g $SANITIZE" FAAS_LD_OPT="$SANITIZE ${2:-}"

    mkdir -p "$BUILD/asan" "$FAAS_BUILD"

    gcc -Wall -Wextra -Werror -O1 -c -o "$BUILD/asan/lsan.o" \
        "$PROJECT/scripts/test.d/lsan.c"

    nginx_build "$BUILD/asan/nginx-asan" \
            "-O1 -U_FORTIFY_SOURCE -DNGX_DEBUG_PALLOC=1 -Wno-error $SANITIZE" \
            "$SANITIZE $BUILD/asan/lsan.o"
}


# Called as: asan_wrapper [ASAN_OPTION [VARIABLE=VALUE]], after reports_of.
#
# An nginx has no such variables in the environment that it gives to the next
# one of an upgrade: that is this script again.
asan_wrapper() {
    export TEST_NGINX_BINARY=$FAAS_BUILD/nginx-checked

    cat > "$TEST_NGINX_BINARY" <<SCRIPT
#!/bin/bash
supp=$PROJECT/scripts/test.d/suppressions
export ASAN_OPTIONS=log_path=$reports/report:allocator_may_return_null=1
ASAN_OPTIONS+=:detect_odr_violation=0    # modules have symbols of one name
ASAN_OPTIONS+=:verify_asan_link_order=0    # libfaketime may come first
ASAN_OPTIONS+=${1:+:$1}
export LSAN_OPTIONS=suppressions=\$supp/lsan:print_suppressions=0
export UBSAN_OPTIONS=log_path=$reports/report:suppressions=\$supp/ubsan
UBSAN_OPTIONS+=:print_stacktrace=1
${2:-} exec -a "\$0" $BUILD/asan/nginx-asan/objs/nginx "\$@"
SCRIPT

    chmod 755 "$TEST_NGINX_BINARY"
}
