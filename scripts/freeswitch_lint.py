#!/usr/bin/env python3
"""Reads freeswitch-conf/ as FreeSWITCH would, without one, and says what would not hold.

Every file is well-formed and included once, every variable is set before it is used, every module that
an application, dialplan or codec needs is loaded, nobody but the trunk's published addresses may call, and
the event socket listens on loopback with a password that is written nowhere.
"""

import ipaddress
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "freeswitch-conf"
CARRIER = ROOT / "deploy/carriers/telnyx.toml"

# Which module brings what this configuration uses. What is not here is found out by booting.
APPLICATIONS = {
    **dict.fromkeys(["limit", "ring_ready", "set", "export", "bridge", "respond"], "mod_dptools"),
}
CODECS = {"PCMU": None, "PCMA": None, "G722": "mod_spandsp"}  # None: in the core
CONFIGURATIONS = {
    "acl.conf": None,
    "switch.conf": None,
    "modules.conf": None,
    "cdr_csv.conf": "mod_cdr_csv",
    "console.conf": "mod_console",
    "event_socket.conf": "mod_event_socket",
    "logfile.conf": "mod_logfile",
    "sofia.conf": "mod_sofia",
}
# Set by FreeSWITCH itself: $${…} that no file of ours sets would be empty.
BUILT_IN_VARIABLES: set[str] = set()
DEPRECATED = {"rtp-timeout-sec", "rtp-hold-timeout-sec"}


class Lint:
    def __init__(self, conf: Path = CONF):
        self.conf = conf
        self.wrong: list[str] = []
        self.variables: dict[str, str] = {}
        self.read: list[Path] = []

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def expand(self, path: Path) -> ElementTree.Element:
        """The document below `path`, its includes in place and its variables filled in."""
        self.read.append(path)
        root = ElementTree.parse(path).getroot()
        self.preprocess(root, path.parent)
        return root

    def preprocess(self, element: ElementTree.Element, folder: Path) -> None:
        children: list[ElementTree.Element] = []
        for child in element:
            if child.tag != "X-PRE-PROCESS":
                child.attrib = {name: self.fill(text) for name, text in child.attrib.items()}
                child.text = self.fill(child.text or "")
                self.preprocess(child, folder)
                children.append(child)
                continue
            command, data = child.attrib["cmd"], self.fill(child.attrib["data"])
            if command == "include":
                included = sorted(folder.glob(data))
                self.expect(bool(included), f"{data} is included, and there is none")
                for path in included:
                    inner = self.expand(path)
                    children.extend(inner if inner.tag == "include" else [inner])
            elif command in {"set", "env-set", "exec-set"}:
                name, _, value = data.partition("=")
                self.variables[name] = value if command == "set" else f"<{command}>"
            else:
                self.wrong.append(f"X-PRE-PROCESS {command} is not one that this looks into")
        element[:] = children

    def fill(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            known = name in self.variables or name in BUILT_IN_VARIABLES
            self.expect(known, f"$${{{name}}} is used, and vars.xml does not set it")
            return self.variables.get(name, "")

        return re.sub(r"\$\$\{(\w+)\}", value, text)


def settings(element: ElementTree.Element) -> dict[str, str]:
    return {param.attrib["name"]: param.attrib["value"] for param in element.iter("param")}


def configuration(document: ElementTree.Element, name: str) -> ElementTree.Element:
    found = document.findall(f".//configuration[@name='{name}']")
    if len(found) != 1:
        raise SystemExit(f"{len(found)} configurations are named {name}")
    return found[0]


def files(lint: Lint) -> None:
    present = sorted(lint.conf.rglob("*.xml"))
    for path in present:
        lint.expect(lint.read.count(path) == 1, f"{path} is included {lint.read.count(path)} times")
    checked = subprocess.run(["xmllint", "--noout", *present], capture_output=True, text=True)
    lint.expect(checked.returncode == 0, checked.stderr)


def modules(lint: Lint, document: ElementTree.Element) -> None:
    loaded = {load.attrib["module"] for load in configuration(document, "modules.conf").iter("load")}
    wanted = {"mod_commands": "api_on_startup", "mod_dialplan_xml": "dialplan XML"}
    for found in document.iter("configuration"):
        name = found.attrib["name"]
        lint.expect(name in CONFIGURATIONS, f"nothing reads {name}")
        if module := CONFIGURATIONS.get(name):
            wanted[module] = name
    for action in document.iter("action"):
        application = action.attrib["application"]
        lint.expect(application in APPLICATIONS, f"no known module has the application {application}")
        wanted[APPLICATIONS.get(application, "mod_dptools")] = application
        if action.attrib.get("data", "").startswith("hash "):
            wanted["mod_hash"] = "limit hash"
    for codec in lint.variables["codecs"].split(","):
        lint.expect(codec in CODECS, f"no known module has the codec {codec}")
        if module := CODECS.get(codec):
            wanted[module] = codec
    for module, what in wanted.items():
        lint.expect(module in loaded, f"{what} needs {module}, which is not loaded")
    for module in loaded - set(wanted):
        lint.wrong.append(f"{module} is loaded, and nothing uses it")


def access(lint: Lint, document: ElementTree.Element) -> None:
    lists = {found.attrib["name"]: found for found in configuration(document, "acl.conf").iter("list")}
    for name, found in lists.items():
        lint.expect(found.attrib.get("default") == "deny", f"the list {name} allows by default")
    carrier = tomllib.loads(CARRIER.read_text())
    published = {ipaddress.ip_network(address) for address in carrier["signalling"]["us"]}
    allowed = {
        ipaddress.ip_network(node.attrib["cidr"])
        for node in lists["trunk"].iter("node")
        if node.attrib["type"] == "allow"
    }
    lint.expect(allowed == published, f"the trunk allows {allowed}, the carrier has {published}")
    lint.expect(not list(lists["nobody"]), "the list nobody lets somebody in")


def profiles(lint: Lint, document: ElementTree.Element) -> None:
    sofia = configuration(document, "sofia.conf")
    lists = {found.attrib["name"] for found in configuration(document, "acl.conf").iter("list")}
    contexts = {found.attrib["name"] for found in document.iter("context")}
    for profile in sofia.iter("profile"):
        name, params = profile.attrib["name"], settings(profile)
        must = {"auth-calls": "false", "accept-blind-reg": "false", "accept-blind-auth": "false"}
        must |= {"disable-register": "true", "disable-rtp-auto-adjust": "true"}
        for param, value in must.items():
            lint.expect(params.get(param) == value, f"profile {name}: {param} is not {value}")
        lint.expect(params.get("apply-inbound-acl") in lists, f"profile {name} has no ACL")
        lint.expect(params.get("context") in contexts, f"profile {name} has no context")
        for param in DEPRECATED & set(params):
            lint.wrong.append(f"profile {name}: {param} is deprecated; use media_timeout")
    addresses = {settings(profile)["sip-ip"] for profile in sofia.iter("profile")}
    for address in addresses:
        lint.expect(ipaddress.ip_address(address).is_loopback, f"{address} is no safe default")


def dialplan(lint: Lint, document: ElementTree.Element) -> None:
    actions = [(a.attrib["application"], a.attrib.get("data", "")) for a in document.iter("action")]
    timeout = next((data for _, data in actions if data.startswith("media_timeout=")), "")
    milliseconds = int(timeout.partition("=")[2] or 0)
    lint.expect(milliseconds >= 5000, "media_timeout is in ms; less than 5 s ends good calls")
    lint.expect(("set", "bridge_generate_comfort_noise=true") in actions, "a silent bridge stops RTP")
    limit = next((data for name, data in actions if name == "limit"), "")
    lint.expect(limit.endswith(("!USER_BUSY", "!SWITCH_CONGESTION")), "no channel limit with 486 or 503")
    bridge = next((data for name, data in actions if name == "bridge"), "")
    targets = re.findall(r"sofia/(\w+)/[^@]+@([\d.]+:\d+)", bridge)
    names = {p.attrib["name"] for p in configuration(document, "sofia.conf").iter("profile")}
    lint.expect(len(targets) == 2, f"the bridge has {len(targets)} targets")
    lint.expect(all(profile in names for profile, _ in targets), "the bridge names no profile of ours")
    # The caller's words would be the configuration's only through a variable of the channel.
    for _, data in actions:
        lint.expect("${system" not in data and "${lua" not in data, f"{data} calls out")


def event_socket(lint: Lint, document: ElementTree.Element) -> None:
    params = settings(configuration(document, "event_socket.conf"))
    lint.expect(ipaddress.ip_address(params["listen-ip"]).is_loopback, "the event socket is open")
    lint.expect(params.get("apply-inbound-acl") == "loopback.auto", "the event socket has no ACL")
    lint.expect(params["password"] == "<env-set>", "the event socket's password is written down")


def main() -> None:
    lint = Lint()
    document = lint.expand(CONF / "freeswitch.xml")
    files(lint)
    for look in (modules, access, profiles, dialplan, event_socket):
        look(lint, document)
    for wrong in lint.wrong:
        print(f"freeswitch-conf: {wrong}", file=sys.stderr)
    if lint.wrong:
        raise SystemExit(1)
    print(f"freeswitch-conf: {len(lint.read)} files, {len(lint.variables)} variables, as they should be")


if __name__ == "__main__":
    main()
