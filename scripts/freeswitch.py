#!/usr/bin/env python3
"""Boots a real FreeSWITCH on freeswitch-conf/ and calls xenline through it, all on loopback.

    FREESWITCH=/usr make test-freeswitch     the folder that holds bin/freeswitch

Who may call, the event socket, a call and its echo, the call beyond the channels (486), a dead first
xenline, and kill -9 of FreeSWITCH under a call. Ends with one line of JSON; exits 1 at the first
thing that does not hold. Needs nothing but Python, FreeSWITCH 1.11.2 and a built xenline.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARRIER, STRANGER = "127.0.0.2", "127.0.0.3"
EXTERNAL, INTERNAL, EVENTS, FIRST, SECOND = 15060, 15090, 18021, 15080, 15081
CHANNELS = 2
IDENTITY = "<sip:+15550199@carrier.example;verstat=TN-Validation-Passed-A>"
PASSWORD = "".join(random.choices("abcdefghkmnpqrstuvwxyz", k=24))
CALLER_SAYS = ROOT / "assets/caller/what-time-is-it.wav"
STARTED_WITHIN_S = 60  # on a machine that is busy with something else


def fail(text: str) -> None:
    print(f"test-freeswitch: {text}", file=sys.stderr)
    raise SystemExit(1)


def eventually(what: str, holds, within_s: float = STARTED_WITHIN_S):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if (found := holds()) not in (None, False):
            return found
        time.sleep(0.1)
    fail(f"{what}: not within {within_s:.0f} s")


class FreeSwitch:
    """The process, and the event socket as its console."""

    def __init__(self, prefix: Path, folder: Path):
        self.folder = folder
        self.binary = prefix / "bin/freeswitch"
        candidates = [prefix / "lib/freeswitch/mod", prefix / "mod"]
        candidates += sorted(prefix.glob("lib/*/freeswitch/mod"))
        self.modules = next((path for path in candidates if path.is_dir()), None)
        if not self.binary.exists() or not self.modules:
            fail(f"no bin/freeswitch with its modules below {prefix}; set FREESWITCH=/its/prefix")
        for name in ("log", "db", "run"):
            (folder / name).mkdir(exist_ok=True)
        self.process = None

    def start(self) -> None:
        arguments = ["-nf", "-nonat", "-mod", str(self.modules)]
        for name in ("conf", "log", "db", "run"):
            arguments += [f"-{name}", str(self.folder / name)]
        environment = os.environ | {"FREESWITCH_EVENT_SOCKET_PASSWORD": PASSWORD}
        with open(self.folder / "freeswitch.out", "ab") as out:
            self.process = subprocess.Popen(
                [str(self.binary), *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
            )
        eventually("FreeSWITCH's event socket", lambda: self.api("status") or None)
        eventually("both profiles run", lambda: self.api("sofia status").count("RUNNING") == 2)

    def api(self, command: str, password: str = PASSWORD) -> str:
        try:
            with socket.create_connection(("127.0.0.1", EVENTS), timeout=5) as events:
                stream = events.makefile("rwb")
                self.event(stream)
                stream.write(f"auth {password}\n\n".encode())
                stream.flush()
                if "+OK" not in self.event(stream)[0].get("Reply-Text", ""):
                    return "refused"
                stream.write(f"api {command}\n\n".encode())
                stream.flush()
                return self.event(stream)[1]
        except OSError:
            return ""

    @staticmethod
    def event(stream) -> tuple[dict[str, str], str]:
        fields = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields, stream.read(int(fields.get("Content-Length", 0))).decode()

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)


def configured(folder: Path) -> None:
    """freeswitch-conf/ with this test's ports and addresses; everything else as it is."""
    shutil.copytree(ROOT / "freeswitch-conf", folder / "conf")
    variables = folder / "conf/vars.xml"
    text = variables.read_text()
    for name, value in {
        "external_port": EXTERNAL, "internal_port": INTERNAL, "event_socket_port": EVENTS,
        "xenline_first": f"127.0.0.1:{FIRST}", "xenline_second": f"127.0.0.1:{SECOND}",
        "channels": CHANNELS,
    }.items():
        text, n = re.subn(rf'data="{name}=[^"]*"', f'data="{name}={value}"', text)
        if n != 1:
            fail(f"vars.xml does not set {name} once")
    variables.write_text(text)
    acl = folder / "conf/configuration/acl.xml"
    text, n = re.subn(r'(<node type="allow" cidr=")[^"]*', rf"\g<1>{CARRIER}/32", acl.read_text(), count=1)
    acl.write_text(text)


class Xenline:
    def __init__(self, program: Path, folder: Path, port: int):
        folder = folder / f"xenline-{port}"
        folder.mkdir()
        first_rtp = 12000 + (port - FIRST) * 200
        (folder / "xenline.toml").write_text(
            f'[sip]\nlisten_udp = "127.0.0.1:{port}"\nlisten_tcp = "off"\n'
            f"[rtp]\nport_min = {first_rtp}\nport_max = {first_rtp + 199}\n"
            '[http]\nlisten = "off"\n[lanes]\nstore = "memory"\n'
            # One machine calls itself, all the time as the same caller, however busy it is: without limits no
            # call is sent elsewhere (503) or refused (603) that the test counts on.
            "[admission]\ncalls_per_second = 0\ncaller_per_minute = 0\nlate_percent = 0\nbusy_percent = 0\n"
            '[[trunk]]\nname = "freeswitch"\nallow = ["127.0.0.1/32"]\n'
        )
        environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program, "--config", folder / "xenline.toml", "serve", "--echo", "--events"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )
        eventually(f"xenline on {port}", lambda: bound(port))

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=60)


def bound(port: int) -> bool:
    wanted = f"0100007F:{port:04X}"
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())


class Caller:
    """The least of a carrier: an INVITE from its own address, and the dialog it makes."""

    def __init__(self, address: str, number: str = "15550100"):
        self.address, self.number = address, number
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((address, 0))
        self.rtp.bind((address, 0))
        self.id = f"{random.getrandbits(64):x}"
        self.to, self.sequence, self.status = f"<sip:{number}@127.0.0.1:{EXTERNAL}>", 1, None

    def request(self, method: str, body: str = "", more: str = "", branch: str = "") -> str:
        port = self.sip.getsockname()[1]
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} sip:{self.number}@127.0.0.1:{EXTERNAL} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address}:{port};branch=z9hG4bK{self.id}{branch or method}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+15550199@{self.address}>;tag={self.id}\r\nTo: {self.to}\r\n"
            f"Call-ID: {self.id}\r\nCSeq: {self.sequence} {method}\r\n"
            f"Contact: <sip:carrier@{self.address}:{port}>\r\n{more}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def send(self, text: str) -> None:
        self.sip.sendto(text.encode(), ("127.0.0.1", EXTERNAL))

    def invite(self, within_s: float = 40) -> int:
        """The final status; a call that was answered stays up."""
        port = self.rtp.getsockname()[1]
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        self.send(self.request("INVITE", sdp, f"P-Asserted-Identity: {IDENTITY}\r\n"))
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            text = self.receive(deadline - time.monotonic())
            if not text or not text.startswith("SIP/2.0 ") or "INVITE" not in field(text, "CSeq"):
                continue
            self.status = int(text.split()[1])
            if self.status >= 200:
                self.to = field(text, "To")
                self.send(self.request("ACK", branch="ack" if self.status < 300 else "INVITE"))
                return self.status
        return 0

    def receive(self, within_s: float) -> str:
        self.sip.settimeout(max(within_s, 0.01))
        try:
            return self.sip.recv(65536).decode(errors="replace")
        except TimeoutError:
            return ""

    def answer_requests(self, until) -> bool:
        """Says 200 to re-INVITEs and the like, with our SDP, until `until` holds."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not until():
            text = self.receive(0.2)
            if text and not text.startswith("SIP/2.0") and not text.startswith("ACK"):
                self.accept(text)
        return until()

    def accept(self, request: str) -> None:
        port = self.rtp.getsockname()[1]
        sdp = (
            f"v=0\r\no=- 1 2 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\n"
        ) if request.startswith("INVITE") else ""
        echoed = [line for line in request.split("\r\n") if re.match("(via|from|to|call-id|cseq|record-route):", line, re.I)]
        contact = f"Contact: <sip:carrier@{self.address}:{self.sip.getsockname()[1]}>"
        kind = ["Content-Type: application/sdp"] if sdp else []
        lines = ["SIP/2.0 200 OK", *echoed, contact, *kind, f"Content-Length: {len(sdp)}", "", sdp]
        self.send("\r\n".join(lines))

    def packets(self, seconds: float) -> int:
        """RTP that comes in `seconds`, while none is sent."""
        self.rtp.settimeout(0.1)
        count, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.rtp.recv(2048)
                count += 1
            except TimeoutError:
                pass
        return count

    def bye(self) -> None:
        self.sequence += 1
        self.send(self.request("BYE"))
        self.receive(5)


def field(text: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", text, re.I | re.M)
    return found[1] if found else ""


def calls_up(freeswitch: FreeSwitch) -> int:
    found = re.search(r"(\d+) total", freeswitch.api("show calls count"))
    return int(found[1]) if found else -1


def verdicts(freeswitch: FreeSwitch) -> None:
    for address, expected in ((CARRIER, "true"), (STRANGER, "false"), ("127.0.0.1", "false")):
        told = freeswitch.api(f"acl {address} trunk").strip()
        told == expected or fail(f"acl {address} trunk says {told!r}, not {expected}")
    for password in ("ClueCon", "", "$${event_socket_password}"):
        freeswitch.api("status", password) == "refused" or fail(f"the password {password!r} opens the event socket")
    (status := Caller(STRANGER).invite()) == 403 or fail(f"a stranger's call ends with {status}")
    (status := Caller(CARRIER, "nobody").invite()) == 404 or fail(f"a name for a number ends with {status}")
    port = f":{EVENTS:04X}"
    listeners = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    local = {row[1] for row in listeners if len(row) > 3 and row[1].endswith(port) and row[3] == "0A"}
    local == {f"0100007F{port}"} or fail(f"the event socket listens on {local}")


def identity() -> None:
    """Who calls reaches xenline as the carrier asserted it, attestation included; seen by a stub of xenline."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stub:
        stub.bind(("127.0.0.1", FIRST))
        stub.settimeout(STARTED_WITHIN_S)
        Caller(CARRIER).invite(within_s=0)
        invite, sender = stub.recvfrom(65536)
        names = ("via:", "from:", "to:", "call-id:", "cseq:")
        echoed = [line for line in invite.decode().split("\r\n") if line.lower().startswith(names)]
        refusal = ["SIP/2.0 603 Decline", *echoed, "Content-Length: 0", "", ""]
        stub.sendto("\r\n".join(refusal).encode(), sender)
    asserted = re.findall(r"^P-Asserted-Identity:.*$", invite.decode(), re.M)
    len(asserted) == 1 and IDENTITY in asserted[0] or fail(f"xenline is told {asserted}")


def echoed_call(xenline: Path, folder: Path) -> float:
    """A caller's words go in, through xenline's echo, and out again. Their loudness, of 1."""
    heard = folder / "heard.wav"
    subprocess.run(
        [xenline, "call", f"sip:15550100@127.0.0.1:{EXTERNAL}", "--bind", CARRIER, "--from", f"sip:+15550199@{CARRIER}",
         "--say", CALLER_SAYS, "--record", heard, "--stay-ms", "2000"],
        check=True, timeout=120, stdout=subprocess.DEVNULL,
    )
    with wave.open(str(heard)) as sound:
        frames = memoryview(sound.readframes(sound.getnframes())).cast("h")
    loudest = max(abs(sample) for sample in frames[::2]) / 32768
    loudest > 0.05 or fail(f"the echo's loudest sample is {loudest:.3f}")
    return loudest


def full(freeswitch: FreeSwitch) -> None:
    calls = [Caller(CARRIER) for _ in range(CHANNELS)]
    for call in calls:
        (status := call.invite()) == 200 or fail(f"a call within the channels ends with {status}")
    (status := Caller(CARRIER).invite()) == 486 or fail(f"the call beyond the channels ends with {status}")
    # Nobody has sent a packet: what comes is xenline's own, or comfort noise.
    (count := calls[0].packets(2)) > 50 or fail(f"{count} packets in 2 s on a silent bridge")
    for call in calls:
        call.bye()
    eventually("the channels are free again", lambda: calls_up(freeswitch) == 0)


def killed(freeswitch: FreeSwitch) -> int:
    """kill -9 under a call: a new FreeSWITCH takes the call up again, and takes new ones."""
    call = Caller(CARRIER)
    (status := call.invite()) == 200 or fail(f"a call ends with {status}")
    eventually("the call is tracked", lambda: calls_up(freeswitch) == 1)
    time.sleep(2)  # the tracking is written a moment after the answer
    freeswitch.kill()
    freeswitch.start()
    recovered = call.answer_requests(lambda: calls_up(freeswitch) >= 1)
    packets = call.packets(2) if recovered else 0
    call.bye()
    eventually("no call is left", lambda: calls_up(freeswitch) == 0)
    again = Caller(CARRIER)
    (status := again.invite()) == 200 or fail(f"after kill -9 a new call ends with {status}")
    again.bye()
    return packets


def main() -> None:
    prefix = os.environ.get("FREESWITCH")
    xenline = Path(os.environ.get("XENLINE", ROOT / "target/debug/xenline"))
    if not prefix:
        fail("skipped: no FreeSWITCH; install 1.11.2 or newer and set FREESWITCH=/its/prefix")
    folder = Path(tempfile.mkdtemp(prefix="xenline-freeswitch-"))
    configured(folder)
    freeswitch, lines = FreeSwitch(Path(prefix), folder), []
    try:
        freeswitch.start()
        version = re.search(r"Version ([\w.-]+)", freeswitch.api("version"))
        verdicts(freeswitch)
        print("ok  strangers hear 403, names 404, and the event socket is ours alone", flush=True)
        identity()
        print("ok  the caller's identity and attestation reach xenline as the carrier sent them", flush=True)
        lines = [Xenline(xenline, folder, FIRST), Xenline(xenline, folder, SECOND)]
        loudest = echoed_call(xenline, folder)
        print("ok  a call through FreeSWITCH into xenline and back", flush=True)
        full(freeswitch)
        print("ok  the call beyond the channels hears 486, and a silent bridge goes on sending", flush=True)
        packets = killed(freeswitch)
        print(f"ok  kill -9: new calls are taken; the old one {'goes on' if packets else 'is gone'}", flush=True)
        lines[0].kill()
        echoed_call(xenline, folder)
        print("ok  the second xenline takes the call that the first does not", flush=True)
        records = (folder / "log/cdr-csv/Master.csv").read_text().splitlines()
        len(records) >= CHANNELS + 3 or fail(f"{len(records)} call records")
        print(json.dumps({
            "version": version[1] if version else "?", "echo_loudest": round(loudest, 3),
            "packets_after_kill": packets, "records": len(records),
        }))
        shutil.rmtree(folder)
    except BaseException:
        print(f"test-freeswitch: see {folder}", file=sys.stderr)
        raise
    finally:
        freeswitch.kill()
        for line in lines:
            line.kill()


if __name__ == "__main__":
    main()
