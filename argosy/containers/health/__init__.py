"""Health checks: one process for all containers of a store that have some, and none where none has.

    results    what is known of a container's health, and what the next check makes of it (pure)
    kept       the file in which that is kept, and where else it is told
    probes     a check, from the container's options to a program that runs in it
    once       `healthcheck run`: one check, now
    schedule   whose turn it is (pure)
    keeper     what checks in time, and what it does with the unhealthy
    duty       how a process becomes the keeper
    watch      how a command has a container checked: it wakes that process, or starts it
    change     `update`

See docs/decisions/0022-health-checks.md.
"""
