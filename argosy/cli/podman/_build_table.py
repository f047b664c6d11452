"""The flags of `build`, and the value that they become."""

from __future__ import annotations

from argosy.cli import layerkeys
from argosy.cli.flags import Flag
from argosy.cli.podman import _build_userns
from argosy.values import Value


class BuildFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    add_host: tuple[str, ...]
    all_platforms: bool
    allow: tuple[str, ...]
    annotation: tuple[str, ...]
    arch: str | None
    authfile: str | None
    signature_policy: str | None
    build_arg: tuple[str, ...]
    build_context: tuple[str, ...]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    cache_ttl: float | None
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cert_dir: str | None
    cgroup_parent: str | None
    cgroupns: str | None
    check: bool
    compress: bool
    cpp_flag: tuple[str, ...]
    cpu_period: int
    cpu_quota: int
    cpu_shares: int
    cpuset_cpus: str | None
    cpuset_mems: str | None
    creds: str | None
    decryption_key: tuple[str, ...]
    device: tuple[str, ...]
    disable_compression: bool
    disable_content_trust: bool
    dns: tuple[str, ...]
    dns_option: tuple[str, ...]
    dns_search: tuple[str, ...]
    env: tuple[str, ...]
    explain: bool
    file: tuple[str, ...]
    force_rm: bool
    format: str | None
    from_: str | None
    hooks_dir: tuple[str, ...]
    http_proxy: bool
    identity_label: bool
    ignorefile: str | None
    iidfile: str | None
    ipc: str | None
    isolation: str | None
    jobs: int
    label: tuple[str, ...]
    layers: bool | None
    load: bool
    logfile: str | None
    logsplit: bool
    manifest: str | None
    memory: str | None
    memory_swap: str | None
    network: tuple[str, ...]
    no_cache: bool
    no_hosts: bool
    omit_history: bool
    on_failure: str | None
    os: str | None
    os_feature: tuple[str, ...]
    output: tuple[str, ...]
    os_version: str | None
    pid: str | None
    plan: bool
    platform: str | None
    progress: str | None
    provenance: str | None
    pull: str | None
    push: bool
    quiet: bool
    retry: int | None
    retry_delay: float | None
    rm: bool
    runtime: str | None
    runtime_flag: tuple[str, ...]
    sbom: str | None
    sbom_output: str | None
    secret: tuple[str, ...]
    security_opt: tuple[str, ...]
    shm_size: str | None
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_passphrase_file: str | None
    skip_unused_stages: bool
    squash: bool
    squash_all: bool
    ssh: tuple[str, ...]
    stdin: bool
    tag: tuple[str, ...]
    target: str | None
    timestamp: int | None
    tls_verify: bool | None
    ulimit: tuple[str, ...]
    unsetenv: tuple[str, ...]
    userns: str | None
    userns_gid_map: tuple[str, ...]
    userns_gid_map_group: str | None
    userns_uid_map: tuple[str, ...]
    userns_uid_map_user: str | None
    uts: str | None
    variant: str | None
    volume: tuple[str, ...]


FLAGS = (
    Flag("add-host", kind="csv", help="Add a custom host-to-IP mapping (host:ip)"),
    Flag("all-platforms", help="Build for all platforms that all base images are there for"),
    Flag("allow", kind="csv", help="Allow what steps ask for beyond their confinement: security.insecure"),
    Flag("annotation", kind="list", help="Set metadata for an image (key=value)"),
    Flag("arch", kind="string", help="Set the architecture of the image"),
    Flag("authfile", kind="string", help="Path of the authentication file"),
    Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
    Flag("build-arg", kind="list", help="Set a build-time variable (argument=value); without a value, the caller's"),
    Flag("build-context", kind="list", help="Name another context (name=DIRECTORY, name=docker-image://IMAGE)"),
    Flag(
        "cache-from",
        kind="list",
        help="Take steps from a cache: NAME, type=registry,ref=NAME or type=local,src=PATH",
    ),
    Flag(
        "cache-to",
        kind="list",
        help="Add the steps to a cache: NAME, type=registry,ref=NAME or type=local,dest=PATH",
    ),
    Flag("cache-ttl", kind="duration", help="Take from the cache only what is not older than this duration"),
    Flag("cap-add", kind="csv", help="Add a capability for RUN steps"),
    Flag("cap-drop", kind="csv", help="Drop a capability for RUN steps"),
    Flag("cert-dir", kind="string", help="Directory of certificates and keys for registries"),
    Flag("cgroup-parent", kind="string", help="Path under which the control groups of RUN steps are created"),
    Flag("cgroupns", kind="string", help="The cgroup namespace of RUN steps: private or host"),
    Flag("check", help="Only check the Dockerfile, and tell what docker's linter would"),
    Flag("compress", help="Has no effect: there is no daemon that a context would be sent to"),
    Flag("cpp-flag", kind="list", help="Set additional flags for the C preprocessor, through which *.in files go"),
    Flag("cpu-period", kind="uint", default=0, help="Limit the CPU CFS (Completely Fair Scheduler) period"),
    Flag("cpu-quota", kind="int", default=0, help="Limit the CPU CFS (Completely Fair Scheduler) quota"),
    Flag("cpu-shares", short="c", kind="uint", default=0, help="CPU shares (relative weight)"),
    Flag("cpuset-cpus", kind="string", help="CPUs in which to allow execution (0-3, 0,1)"),
    Flag("cpuset-mems", kind="string", help="Memory nodes in which to allow execution (0-3, 0,1)"),
    Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) for the registry"),
    layerkeys.DECRYPTION,
    Flag("device", kind="list", help="Give RUN steps a device of the host"),
    Flag("disable-compression", short="D", default=True, help="Layers are compressed when they are pushed"),
    Flag("disable-content-trust", help="Has no effect, as with podman"),
    Flag("dns", kind="csv", help="Set custom DNS servers, or none to leave /etc/resolv.conf to the image"),
    Flag("dns-option", kind="csv", help="Set custom DNS options"),
    Flag("dns-search", kind="csv", help="Set custom DNS search domains"),
    Flag("env", kind="list", help="Set an environment variable for the image (name=value)"),
    Flag("explain", help="Tell for each step why it is not taken from the cache"),
    Flag("file", short="f", kind="csv", help="Path or URL of a Dockerfile; several are joined, - is standard input"),
    Flag("force-rm", default=True, help="Remove intermediate containers after a build; there are none that stay"),
    Flag("format", kind="string", help="Format of the image: oci or docker"),
    Flag("from", kind="string", help="Use this image in place of that of the first FROM"),
    Flag("hooks-dir", kind="list", help="Directory of OCI hooks for RUN steps"),
    Flag("http-proxy", default=True, help="Pass the caller's proxy variables to RUN steps"),
    Flag("identity-label", default=True, help="Add the label io.buildah.version, as buildah does"),
    Flag("ignorefile", kind="string", help="Path of an alternate .dockerignore file"),
    Flag("iidfile", kind="string", help="Write the image's id to this file"),
    Flag("ipc", kind="string", help="The IPC namespace of RUN steps: private, host, or the path of one"),
    Flag("isolation", kind="string", help="How RUN steps are isolated: oci, chroot, or rootless for oci without root"),
    Flag("jobs", kind="uint", default=0, help="How many stages to build at once; 0 is as many as there are"),
    Flag("label", kind="list", help="Set metadata for an image (key=value)"),
    Flag(
        "layers",
        kind="optbool",
        help="Make a layer of each step, and use and fill the cache (called as buildah: only if asked for)",
    ),
    Flag("load", help="Put the image into the store, as is always done"),
    Flag("logfile", kind="string", help="Write the output to this file"),
    Flag("logsplit", help="With --platform, write a log file for each platform (LOGFILE_OS_ARCHITECTURE)"),
    Flag("manifest", kind="string", help="Add the image to this manifest list, which is made if need be"),
    Flag("memory", short="m", kind="string", help="Memory limit (number[unit])"),
    Flag("memory-swap", kind="string", help="Limit of memory and swap together; -1 is unlimited swap"),
    Flag("network", kind="list", aliases=("net",), help="Connect RUN steps to a network: none, host, private, ns:PATH"),
    Flag("no-cache", help="Do not take steps from the cache"),
    Flag("no-hosts", help="Do not create /etc/hosts within the container, use the one of the image"),
    Flag("omit-history", help="Leave the history out of the image"),
    Flag("on-failure", kind="string", help="When a RUN fails: stop, or shell to open one in the state before it"),
    Flag("os", kind="string", help="Set the operating system of the image"),
    Flag("os-feature", kind="csv", help="Ask for a feature of the system in the image (FEATURE- takes one away)"),
    Flag("os-version", kind="string", help="Set the operating system's version in the image"),
    Flag(
        "output",
        short="o",
        kind="list",
        metavar="OPTIONS",
        help="Write the image's files: type=local,dest=PATH or type=tar,dest=FILE",
    ),
    Flag("pid", kind="string", help="The PID namespace of RUN steps: private, host, or the path of one"),
    Flag("plan", help="Print the plan of the build, and build nothing"),
    Flag(
        "platform",
        kind="string",
        help="Build for these platforms (OS/ARCH[/VARIANT][,...]); several make a manifest list",
    ),
    Flag("progress", kind="string", help="How to tell what is done: auto, plain, tty, quiet or rawjson"),
    Flag(
        "provenance",
        kind="optional",
        implied="true",
        help="Attach where the image comes from, as a SLSA statement (true, false, mode=min or mode=max)",
    ),
    Flag("pull", kind="optional", implied="true", help="Pull base images: always, missing, never or newer"),
    Flag("push", help="Push the image under its names when it is built"),
    Flag("quiet", short="q", help="Print only the image's id"),
    Flag("retry", kind="uint", help="How often to try again when a pull fails"),
    Flag("retry-delay", kind="duration", help="How long to wait between these tries"),
    Flag("rm", default=True, help="Remove intermediate containers after a build; there are none that stay"),
    Flag("runtime", kind="string", help="The OCI runtime of RUN steps, by name or path"),
    Flag("runtime-flag", kind="list", help="Add global flags for the runtime, without their dashes"),
    Flag(
        "sbom",
        kind="optional",
        implied="true",
        help="Attach a bill of materials: spdx (as true), cyclonedx or false",
    ),
    Flag("sbom-output", kind="string", help="Write the bill of materials to this file as well"),
    Flag("secret", kind="list", help="A secret for RUN --mount=type=secret (id=ID,src=PATH or id=ID,env=NAME)"),
    Flag("security-opt", kind="list", help="Security options of RUN steps"),
    Flag("shm-size", kind="string", help="Size of /dev/shm of RUN steps (number[unit])"),
    Flag("sign-by", kind="string", help="Sign the image with the GnuPG key that has this fingerprint"),
    Flag(
        "sign-by-sigstore-private-key",
        kind="string",
        help="Sign --sbom and --provenance with the sigstore private key at PATH",
    ),
    Flag("sign-passphrase-file", kind="string", help="Read the passphrase of the sigstore key from the file"),
    Flag("skip-unused-stages", default=True, help="Leave out stages that the target does not need"),
    Flag("squash", help="Make one layer of all that the last stage adds to its base"),
    Flag("squash-all", help="Make one layer of the whole image"),
    Flag("ssh", kind="list", help="An agent or keys for RUN --mount=type=ssh (ID, ID=SOCKET or ID=KEYFILE[,...])"),
    Flag("stdin", help="Let RUN steps read from standard input"),
    Flag("tag", short="t", kind="list", help="Name of the image (NAME[:TAG])"),
    Flag("target", kind="string", help="Set the stage to build"),
    Flag("timestamp", kind="int", help="Give everything in the image this time, in seconds since the epoch"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    Flag("ulimit", kind="list", help="Ulimit options of RUN steps"),
    Flag("unsetenv", kind="csv", help="Leave this variable out of the image's environment"),
    *_build_userns.FLAGS,
    Flag("uts", kind="string", help="The UTS namespace of RUN steps: private, host, or the path of one"),
    Flag("variant", kind="string", help="Set the variant of the architecture"),
    Flag("volume", short="v", kind="list", help="Bind a directory of the host into RUN steps"),
)
