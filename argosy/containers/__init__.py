"""Containers: one use case per file, over storage, network, volumes, runtime and spec.

A container is a directory in the store (what must survive a reboot) and one in the run directory (what must not):

    <root>/containers/<id>/container.json   ContainerRecord, frozen at create
                           changes.json     Changes: what may change later (the name)
                           started.json     Started: written before `runtime start`, gone after clean-up
                           stop-requested   the user asked for the stop: no restart
                           last.json        LastRun: how the run before ended, written by clean-up
                           upper/ work/ merged/ ctr.log
    <run>/containers/<id>/                  bundle, pidfiles, sockets, files bound into the container
    <run>/exits/<id>                        conmon's exit record

The state of a container is derived from these files (`state.derive`) and stored nowhere.
"""
