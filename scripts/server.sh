# The nginx of scripts/run; sourced after lib.sh by run and stop.
# shellcheck shell=bash


# prints nothing when it does not run
server_pid() {
    local pid

    pid=$(cat "$RUN/nginx.pid" 2>/dev/null) || return 0

    # the number may be of another program by now
    if [ -n "$pid" ] \
       && tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline" \
          | grep -F "nginx: master process " \
          | grep -qF "nginx -p $PROJECT/ "
    then
        printf '%s\n' "$pid"
    fi
}


server_stop() {
    local pid signal i

    pid=$(server_pid)

    if [ -z "$pid" ]; then
        return
    fi

    # first let requests end; the master waits for the engine, too
    for signal in QUIT TERM; do
        kill -$signal "$pid" 2>/dev/null || true

        for (( i = 0; i < 150; i++ )); do
            if ! kill -0 "$pid" 2>/dev/null; then
                say "nginx stopped"
                return
            fi

            sleep 0.1
        done
    done

    die "nginx does not stop, its master is process $pid"
}
