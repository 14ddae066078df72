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
# distribution with these options behind its own, without dynamic modules.
nginx_build() {
    local dir=$1 cc=$2 ld=$3 source=$BUILD/nginx-source
    local flags stamp args=() arg

    nginx_fetch "$source"

    flags=$(/usr/sbin/nginx -V 2>&1 | sed -n 's/^configure arguments: //p')
    stamp=$(printf '%s\n' "$PROJECT" "$flags" "$cc" "$ld" "$(cat "$source/version")")

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

    if ! ( cd "$dir/source" \
           && ./configure "${args[@]}" --with-cc-opt="$cc" \
                  --with-ld-opt="$ld" --builddir="$dir/objs" \
           && make -s -j "$(nproc)" -f "$dir/objs/Makefile" binary ) \
           > "$dir/log" 2>&1 </dev/null
    then
        tail -n 5 "$dir/log" >&2
        die "nginx was not built, see $dir/log"
    fi

    printf '%s\n' "$stamp" > "$dir/stamp"
}
