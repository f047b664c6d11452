"""CNI: network namespaces connected by plugins, programs that are handed a configuration and answer with a result.

<directory>/<network>:<container id>:<interface>.json   Attachment: what was asked for, and what came of it

An attachment is written down before the first plugin runs, so that what a killed set-up left can be given back with the
very configuration that it was made by; `result` is there once all plugins have run.  The caller sees to it that nobody
else works on the same attachment.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.linux import files, process
from argosy.network.cni_config import NetworkList, check_target
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, ClassVar

    from argosy.network.ports import Published

PLUGIN_DIRECTORIES = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni", "/usr/local/lib/cni")
_TIMEOUT_S = 120.0
_SUFFIX = ".json"


class PluginFailed(ArgosyError):
    """A plugin refused; `code` is the specification's, or the plugin's own from 100 on."""

    code: int = 0


class Target(Value):
    """What is to be connected: the namespace at `netns` gets the device `interface`.

    `args` are what CNI_ARGS says, `capabilities` what plugins that declare them are given: see `port_mappings` and
    `bandwidth`.
    """

    container_id: str
    netns: str
    interface: str = "eth0"
    args: Mapping[str, str] = {}
    capabilities: Mapping[str, Any] = {}


class Attachment(Value):
    """One container on one network; `result` is what its plugins said last, None until all have been run."""

    network: NetworkList
    target: Target
    result: Mapping[str, Any] | None = None

    _nested: ClassVar[dict[str, type[Value]]] = {"network": NetworkList, "target": Target}


class Plugins:
    """The plugins in `places`, and what they were asked to connect, written down in `directory`."""

    def __init__(self, directory: str, places: Sequence[str] = PLUGIN_DIRECTORIES) -> None:
        self._directory = directory
        self._places = tuple(places)

    def add(self, network: NetworkList, target: Target) -> Mapping[str, Any]:
        """Connect the target: the result of the last plugin.  All of it or nothing.

        Raises PluginFailed, NotFound for a plugin that is not installed, Unsupported for a version that one lacks.
        """
        check_target(target.container_id, target.interface)
        attachment = Attachment(network, target)
        files.make_directories(self._directory)
        self._write(attachment)
        result: Mapping[str, Any] | None = None
        try:
            for plugin in network.plugins:
                answer = self._call("ADD", attachment.replace(result=result), plugin)
                result = _result(answer, str(plugin["type"]))
        except BaseException:
            try:
                self._take_down(attachment.replace(result=result))
            except ArgosyError:
                pass  # it stays written down; the next `delete` or `collect` tries again, and this error says more
            raise
        attachment = attachment.replace(result=result)
        self._write(attachment)
        return result or {}

    def delete(self, network: NetworkList, target: Target) -> None:
        """Take the connection down, by what was written down of it or else by what is given.  Idempotent.

        Each plugin is called whether or not another fails; raises what the first that failed said.
        """
        check_target(target.container_id, target.interface)
        try:
            attachment = self._read(network.name, target) or Attachment(network, target)
        except Invalid:
            attachment = Attachment(network, target)
        self._take_down(attachment.replace(target=attachment.target.replace(netns=target.netns)))

    def check(self, network: NetworkList, target: Target) -> None:
        """Ask the plugins whether the connection is as they made it.  Raises PluginFailed where it is not.

        Nothing is asked below version 0.4.0, which has no CHECK, nor where the configuration forbids it.
        """
        attachment = self._read(network.name, target)
        if attachment is None or attachment.result is None:
            raise NotFound("CNI attachment", f"{network.name} of {target.container_id}")
        if not attachment.network.at_least("0.4.0") or attachment.network.no_check:
            return
        for plugin in attachment.network.plugins:
            self._call("CHECK", attachment, plugin)

    def collect(self, network: NetworkList, valid: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Give back what containers other than those of `valid` (id and interface) have of the network: who they were.

        From version 1.1.0 on the plugins are told to do the same with what they alone know of.  Raises what the first
        that failed said, after all have been tried.
        """
        kept = set(valid)
        found, errors = [], []
        for attachment in self.attachments(network.name):
            target = attachment.target
            if (target.container_id, target.interface) in kept:
                continue
            try:
                self._take_down(attachment)
                found.append((target.container_id, target.interface))
            except ArgosyError as error:
                errors.append(error)
        if network.at_least("1.1.0") and not network.no_gc:
            there = [{"containerID": container_id, "ifname": interface} for container_id, interface in sorted(kept)]
            for plugin in network.plugins:
                try:
                    self._collect(network, plugin, there)
                except ArgosyError as error:
                    errors.append(error)
        if errors:
            raise errors[0]
        return found

    def attachments(self, name: str = "") -> list[Attachment]:
        """What is written down, of one network or of all.  A file that is damaged is left out."""
        found = []
        try:
            entries = sorted(os.listdir(self._directory))
        except FileNotFoundError:
            entries = []
        for entry in entries:
            if not entry.endswith(_SUFFIX):
                continue
            try:
                attachment = self._load(f"{self._directory}/{entry}")
            except (ArgosyError, FileNotFoundError):
                continue
            if name in ("", attachment.network.name):
                found.append(attachment)
        return found

    def _take_down(self, attachment: Attachment) -> None:
        errors = []
        for plugin in reversed(attachment.network.plugins):
            try:
                self._call("DEL", attachment, plugin)
            except ArgosyError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        files.unlink_missing(self._path(attachment.network.name, attachment.target))

    def _call(self, command: str, attachment: Attachment, plugin: Mapping[str, Any]) -> bytes:
        """Run one plugin: what it answers."""
        network, target = attachment.network, attachment.target
        config = {**plugin, "name": network.name, "cniVersion": network.version}
        declared = plugin.get("capabilities") or {}
        runtime = {key: value for key, value in target.capabilities.items() if declared.get(key)}
        config.pop("capabilities", None)
        if runtime:
            config["runtimeConfig"] = runtime
        if attachment.result is not None and (command == "ADD" or network.at_least("0.4.0")):
            config["prevResult"] = attachment.result
        words = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": target.container_id,
            "CNI_NETNS": target.netns,
            "CNI_IFNAME": target.interface,
            "CNI_ARGS": ";".join(f"{key}={value}" for key, value in target.args.items()),
        }
        return self._run(words, config)

    def _collect(self, network: NetworkList, plugin: Mapping[str, Any], there: list[dict[str, str]]) -> None:
        config = {**plugin, "name": network.name, "cniVersion": network.version, "cni.dev/valid-attachments": there}
        config.pop("capabilities", None)
        self._run({"CNI_COMMAND": "GC"}, config)

    def _run(self, words: Mapping[str, str], config: Mapping[str, Any]) -> bytes:
        name = str(config["type"])
        program = next((path for place in self._places if os.access(path := f"{place}/{name}", os.X_OK)), None)
        if program is None:
            raise NotFound(
                "CNI plugin", name, hint=f"install it (containernetworking-plugins): {':'.join(self._places)}"
            )
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
        env = {**inherited, **words, "CNI_PATH": ":".join(self._places)}
        done = process.run([program], input=jsontext.encode(config), env=env, check=False, timeout_s=_TIMEOUT_S)
        if done.returncode:
            raise _failure(name, words["CNI_COMMAND"], done)
        return done.stdout

    def _path(self, name: str, target: Target) -> str:
        return f"{self._directory}/{name}:{target.container_id}:{target.interface}{_SUFFIX}"

    def _write(self, attachment: Attachment) -> None:
        text = jsontext.encode(attachment.to_json())
        files.write_atomic(self._path(attachment.network.name, attachment.target), text, durable=True)

    def _read(self, name: str, target: Target) -> Attachment | None:
        try:
            return self._load(self._path(name, target))
        except FileNotFoundError:
            return None

    @staticmethod
    def _load(path: str) -> Attachment:
        return Attachment.from_json(jsontext.decode(files.read(path, 4 << 20), path))


def port_mappings(ports: Iterable[Published]) -> dict[str, Any]:
    """The capability `portMappings`."""
    return {
        "portMappings": [
            {
                "hostPort": port.host_port,
                "containerPort": port.container_port,
                "protocol": port.protocol,
                **({"hostIP": port.host_ip} if port.host_ip else {}),
            }
            for port in ports
        ]
    }


def bandwidth(*, ingress_bits_s: int = 0, egress_bits_s: int = 0, burst_bits: int = (1 << 31) - 1) -> dict[str, Any]:
    """The capability `bandwidth`: how much may come in and go out, in bits per second; 0 is without limit."""
    found: dict[str, int] = {}
    for side, rate in (("ingress", ingress_bits_s), ("egress", egress_bits_s)):
        if rate:
            found |= {f"{side}Rate": rate, f"{side}Burst": burst_bits}
    return {"bandwidth": found} if found else {}


def addresses(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses that a result gives the container, with their prefix lengths; the same in all versions.

    Raises Invalid for what the specification does not know.
    """
    entries = result.get("ips") or ()
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid("CNI result", "ips", "it is no list of objects")
    return tuple(str(entry["address"]) for entry in entries if "address" in entry)


def _result(answer: bytes, name: str) -> Mapping[str, Any]:
    what = f"answer of the CNI plugin {name}"
    result = jsontext.decode(answer or b"{}", what)
    if not isinstance(result, dict):
        raise Invalid(what, answer[:80].decode("utf-8", "replace"), "it is not an object")
    return result


def _failure(name: str, command: str, done: process.Completed) -> ArgosyError:
    """What a plugin said on its standard output, as the specification has errors, or else on the other one."""
    try:
        said = jsontext.decode(done.stdout, "answer")
        code, message = int(said.get("code", 0)), str(said.get("msg", ""))
        details = str(said.get("details", ""))
    except (ArgosyError, AttributeError, OverflowError, TypeError, ValueError):
        code, message = 0, ""
        details = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    brief = f"the CNI plugin {name} failed ({command}): {message or f'exit status {done.returncode}'}"
    if code == 1:  # CNI_INCOMPATIBLE_CNI_VERSION
        return Unsupported(brief, details=details, hint="write the configuration for a version that the plugin speaks")
    error = PluginFailed(brief, details=details)
    error.code = code
    return error
