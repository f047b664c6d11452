"""Preparing a container: mounted root, volumes, network, bundle; and the undoing of all that.

What is needed to undo it is in `<run>/containers/<id>/prepared.json` before it is done, so that whoever finds an
interrupted start can take it down.
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.containers import accounts, connection, facts, own_files, shm
from argosy.containers import groups as cgroups
from argosy.containers import record as records
from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.linux import cgroup, files, paths, process
from argosy.network import attach as network
from argosy.records import shelf
from argosy.runtime import executable, exits
from argosy.runtime.oci_runtime import PREFERRED, OciRuntime
from argosy.spec import generate
from argosy.spec.options import ContainerOptions
from argosy.storage import rootfs
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.containers.accounts import Accounts
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.linux.cgroup import Cgroups
    from argosy.linux.systemd import Scope
    from argosy.network.attach import NetworkState
    from argosy.spec.generate import SpecRequest
    from argosy.spec.options import Mount


class Plan(Value):
    """prepared.json: which runtime knows the container, and in which control group it runs."""

    runtime: OciRuntime
    cgroups_path: str = ""
    entrance: str = ""  # see containers.entrance

    _nested = {"runtime": OciRuntime}  # noqa: RUF012 -- as Value asks for


class Prepared(Value):
    """A container that is ready for conmon.  `program` is what it will run, for messages."""

    runtime: OciRuntime
    conmon: str
    program: str
    conmon_cgroups: tuple[str, ...] = ()
    conmon_scope: Scope | None = None
    companions: tuple[int, ...] = ()
    entrance: str = ""
    held: tuple[int, ...] = ()  # descriptors for conmon; the caller closes them


def prepare(site: Site, record: ContainerRecord, groups: Cgroups) -> Prepared:
    """Mount, connect and describe the container.  The caller holds its lock, and calls `undo` when this raises."""
    directory = site.run_directory(record.id)
    files.make_directories(directory)
    files.make_directories(exits.directory(site.store.run))
    manager = cgroups.manager_for(site, groups, record.options.cgroups)
    plan = _plan(site, groups, manager, record.id, record.options)
    if record.id_map is not None:
        from argosy.containers import entrance

        plan = plan.replace(entrance=entrance.choose())
    runtime = plan.runtime
    cgroups.check_runtime(site, runtime, record.options.cgroups)
    if runtime.notice:
        site.notice(runtime.notice)
    _check_runtime(runtime, record)
    _write_plan(directory, plan)
    merged = mount_root(site, record)
    check_kernel_places(merged, record.image.name or record.options.rootfs)
    mounts = _mounts(site, record, merged)
    connected = connection.connect(site, record, merged)
    try:
        program = _describe(site, record, groups, plan, merged, mounts, connected)
    except BaseException:
        for fd in connected.held:
            os.close(fd)
        raise
    return Prepared(
        runtime=runtime,
        conmon=conmon_program(site),
        program=program,
        conmon_cgroups=cgroups.conmon_groups(groups, manager, record.options.cgroups),
        conmon_scope=cgroups.conmon_scope(groups, manager, record.id)
        if record.options.cgroups != "no-conmon"
        else None,
        companions=(connected.pid,) if connected.pid else (),
        held=connected.held,
        entrance=plan.entrance,
    )


def _describe(
    site: Site,
    record: ContainerRecord,
    groups: Cgroups,
    plan: Plan,
    merged: str,
    mounts: tuple[Mount, ...],
    connected: NetworkState,
) -> str:
    """Write the bundle's config.json; the program that it names."""
    found = accounts.read(merged)
    request = facts.request(
        site,
        record,
        groups,
        plan.runtime,
        rootfs=merged,
        cgroups_path=plan.cgroups_path,
        mounts=mounts,
        connected=connected,
        files=_files(site, record, connected, found),
        accounts=found,
        shm_path="" if site.namespace.chroot else shm.path(site, record),
    )
    config = described(site, request)
    check_user(site, record, config["process"]["user"])
    if record.options.secrets or record.options.links:
        from argosy.containers import variables

        variables.add(site, record, config["process"])
    if config["process"]["cwd"] != "/":
        from argosy.containers import workdir

        workdir.ensure(merged, config, record.id, asked=bool(record.options.workdir), owner=record.root_ids)
    if mounts or record.mount_label:
        from argosy.containers import handover

        handover.hand_over(site, record, mounts, request.files, config["process"]["user"])
    executable.check(merged, config["process"], config["mounts"], os.uname().machine)
    if record.id_map is not None:
        from argosy.containers import entrance

        config["root"]["path"] = entrance.make(plan.entrance, record, merged)
    files.write_atomic(f"{site.run_directory(record.id)}/{records.BUNDLE}", shelf.seal(jsontext.encode(config)))
    program: str = config["process"]["args"][0]
    return program


def _files(site: Site, record: ContainerRecord, connected: NetworkState, found: Accounts) -> Mapping[str, str]:
    """The files of ours that are bound into the container, by their places inside."""
    own = own_files.write(site, record, connected, found)
    if not record.options.secrets:
        return own
    from argosy.containers import secret_data

    return {**own, **secret_data.write(site, record)}


def _check_runtime(runtime: OciRuntime, record: ContainerRecord) -> None:
    """Raise Unsupported for what this runtime would leave out without a word."""
    options = record.options
    if options.groups == (generate.KEEP_GROUPS,) and not runtime.is_crun:
        raise Unsupported(
            f"--group-add keep-groups: {runtime.name} cannot keep the groups of the caller", hint="give --runtime crun"
        )
    if options.personality and not runtime.is_crun and runtime.numbers < (1, 2):
        raise Unsupported(
            f"--personality {options.personality}: {runtime.name} {runtime.version} knows no execution domains",
            hint="give --runtime crun, or take runc 1.2 or later",
        )


def described(site: Site, request: SpecRequest) -> dict[str, Any]:
    """The configuration, with its hooks, and without what cannot be had here."""
    config = generate.generate(request)
    directories = site.hooks_directories()
    if directories:
        from argosy.containers import hooks

        has_bind_mounts = any(mount.kind == "bind" for mount in request.mounts)
        config = hooks.apply(config, directories, has_bind_mounts=has_bind_mounts, notice=site.notice)
    if site.namespace.chroot:
        from argosy.containers import chroot

        config = chroot.adapt(config, request.options, request.rootfs, request.files)
    return config


def mount_root(site: Site, record: ContainerRecord) -> str:
    """Mount the container's root, and return where.  The caller holds the container's lock."""
    if record.options.rootfs:
        from argosy.containers import given_root

        return given_root.mount(site, record)
    _restore_layers(site, record)
    image = record.image
    return rootfs.mount(
        site.store,
        site.state_directory(record.id),
        image.layers,
        image.chain_id,
        image.fixed,
        volatile=record.options.remove or site.store.transient,
        label=record.mount_label,
        id_map=record.id_map,
    )


def check_kernel_places(merged: str, image: str) -> None:
    """Raise Invalid where the container's tree has anything but a directory at /proc, /sys or /dev.

    runc makes the links in /dev by their path: where /dev is a link itself, it would make them on the host, as root.
    """
    root_fd = paths.open_root(merged)
    try:
        for place in ("/proc", "/sys", "/dev"):
            try:
                mode = paths.stat_in_root(root_fd, place, follow=False).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                hint = "the image is broken or hostile: a directory must be there, or nothing"
                raise Invalid("image", image, f"its {place} is {paths.kind(mode)}", hint=hint)
    finally:
        os.close(root_fd)


def _plan(site: Site, groups: Cgroups, manager: str, container_id: str, options: ContainerOptions) -> Plan:
    path = cgroups.path(site, groups, manager, container_id, options)
    manager = "disabled" if manager == "none" else manager
    return Plan(site.choose_runtime(manager, records.moved_to(site.store, container_id) or options.runtime), path)


def _restore_layers(site: Site, record: ContainerRecord) -> None:
    """Apply again, from their blobs, the layers that a power cut has left in doubt."""
    if site.store.layers.untrusted(record.image.layers):
        from argosy.images import restore

        restore.restore(site.store, site.store.images.get(record.image.manifest_digest))


def check_user(site: Site, record: ContainerRecord, user: Mapping[str, Any]) -> None:
    """Raise ArgosyError when the container's user has no id on the host: the runtime would say "invalid argument"."""
    try:
        (record.id_map or site.namespace.id_map).to_host(user["uid"], user["gid"])
    except Invalid as error:
        hint = "`argosy unshare cat /proc/self/uid_map` shows the ids there are; /etc/subuid and /etc/subgid give more"
        raise ArgosyError(
            f"cannot run as user {user['uid']}, group {user['gid']}", details=str(error), hint=hint
        ) from error


def conmon_program(site: Site) -> str:
    """Where conmon is: --conmon, else the first of containers.conf that exists, else the PATH."""
    for candidate in (site.conmon, *site.conf.conmon_path, "conmon"):
        found = process.find_program(candidate, site.conf.helper_binaries_dir) if candidate else None
        if found is not None:
            return found
        if candidate and candidate == site.conmon:
            break
    raise NotFound("program", site.conmon or "conmon", hint="see `argosy doctor conmon`, or give --conmon PATH")


def _leave_entrance(site: Site, container_id: str, directory: str) -> None:
    from argosy.containers import entrance

    entrance.leave(site.run_directory(container_id), directory)


def _unmount_secrets(directory: str) -> None:
    from argosy.containers import secret_data

    secret_data.unmount(directory)


def _mounts(site: Site, record: ContainerRecord, merged: str) -> tuple[Mount, ...]:
    if site.namespace.chroot or not (record.options.mounts or record.volumes or site.conf.volumes):
        return ()
    from argosy.containers import mount_sources

    return mount_sources.resolve(site, record, merged)


def read_plan(directory: str) -> Plan | None:
    """What a run directory says about who runs its container; None when it is not prepared (any more)."""
    try:
        text = shelf.read_sealed(f"{directory}/{records.PREPARED}", records.PREPARED)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Plan.from_json(jsontext.decode(text, records.PREPARED))


def write_plan_again(site: Site, container_id: str) -> None:
    """Replace a damaged prepared.json by what it must have said."""
    _write_plan(site.run_directory(container_id), _plan_or_guess(site, container_id))


def _write_plan(directory: str, plan: Plan) -> None:
    files.write_atomic(f"{directory}/{records.PREPARED}", shelf.seal(jsontext.encode(plan.to_json())))


def undo(site: Site, container_id: str) -> None:
    """Take away what `prepare` and the runtime made, but for the mounted root and the run directory.  Idempotent."""
    steps: list[Callable[[], object]] = []
    try:
        plan = _plan_or_guess(site, container_id)
    except ArgosyError:  # there is no runtime
        if os.path.lexists(f"{site.store.run}/runtime/{container_id}"):
            raise
    else:
        steps += [
            lambda: _delete(site, plan, container_id),
            lambda: _remove_groups(site, plan),
            lambda: files.remove_tree(f"{plan.runtime.root}/{container_id}"),
        ]
        if plan.entrance:
            steps.append(lambda: _leave_entrance(site, container_id, plan.entrance))
    steps.append(lambda: shm.unmount(site, container_id))
    if os.path.isdir(f"{site.run_directory(container_id)}/{records.SECRETS}"):
        steps.append(lambda: _unmount_secrets(site.run_directory(container_id)))
    steps.append(lambda: network.teardown(site.store.run, container_id, site.run_directory(container_id)))
    failures = []
    for step in steps:
        try:
            step()
        except (ArgosyError, OSError) as error:
            failures.append(str(error))
    if failures:
        raise ArgosyError(f"cannot take down container {container_id[:12]}", details="\n".join(failures))


def _delete(site: Site, plan: Plan, container_id: str) -> None:
    if not _is_plain_end(site, plan, container_id):
        made = os.path.exists(f"{site.run_directory(container_id)}/pidfile")
        plan.runtime.delete(container_id, force=True, made=made)


def _is_plain_end(site: Site, plan: Plan, container_id: str) -> bool:
    """Whether nothing is left for the runtime's `delete`, a fifth of a short run: `undo` does the rest by itself.

    Its first process has ended, its groups are directories or none, and no hook is to be called.  Any other program
    than the two whose state is known to be one directory may keep more.
    """
    runtime = plan.runtime
    if exits.read(site.store.run, container_id) is None:
        return False
    if runtime.name not in PREFERRED or not (
        (runtime.cgroup_manager == "cgroupfs" and plan.cgroups_path)
        or (runtime.cgroup_manager == "disabled" and runtime.is_crun)
    ):
        return not os.path.exists(runtime.path)  # one that is gone is not asked
    try:
        return b"poststop" not in files.read(f"{site.run_directory(container_id)}/{records.BUNDLE}")
    except OSError:
        return False


def _plan_or_guess(site: Site, container_id: str) -> Plan:
    """prepared.json, or what it would say now where the run directory was wiped or damaged."""
    try:
        plan = read_plan(site.run_directory(container_id))
        if plan is not None:
            return plan
    except ArgosyError:
        pass
    try:
        options = records.read_record(site.store, container_id).options
    except ArgosyError:
        options = ContainerOptions(image="")
    groups = cgroups.detect(site)
    manager = cgroups.manager_for(site, groups, options.cgroups)
    return _plan(site, groups, manager, container_id, options)


def group_directories(site: Site, container_id: str) -> tuple[str, ...]:
    """The container's control groups that exist and that nobody but Argosy removes."""
    return _groups(site, _plan_or_guess(site, container_id))


def _groups(site: Site, plan: Plan) -> tuple[str, ...]:
    if not plan.cgroups_path or plan.runtime.cgroup_manager != "cgroupfs":
        return ()
    directories = cgroup.directories(cgroups.detect(site), plan.cgroups_path)
    return tuple(path for path in directories if os.path.isdir(path))


def _remove_groups(site: Site, plan: Plan) -> None:
    """The control groups that the runtime's own deletion has left (crun leaves those that were busy)."""
    for directory in _groups(site, plan):
        cgroup.kill_all(directory)
        cgroup.remove(directory)
