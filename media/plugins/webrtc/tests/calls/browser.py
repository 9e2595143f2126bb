"""A browser's part, played by aiortc: offers one audio section, speaks a tone, hears, and says what
it heard.

Offer, answer and report are lines of JSON, out and in. Told by one argument of JSON: `speaks` (Hz),
`listens` (Hz, a list), `seconds`, `loss` (a fraction, both ways), `ending` (`goodbye` or `vanish`).
"""

import asyncio
import fractions
import json
import os
import random
import sys

import aioice.ice
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport

RATE = 48_000
FRAME = 960

# It leaves loopback out, and everything else is none of the test's business.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Tone(MediaStreamTrack):
    """A sine in frames of 20 ms, each when its time has come."""

    kind = "audio"

    def __init__(self, hz):
        super().__init__()
        self.hz, self.at, self.start = hz, 0, None

    async def recv(self):
        loop = asyncio.get_running_loop()
        self.start = self.start or loop.time()
        await asyncio.sleep(max(0, self.start + self.at / RATE - loop.time()))
        phase = (np.arange(FRAME) + self.at) * (2 * np.pi * self.hz / RATE)
        samples = (8_000 * np.sin(phase)).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self.at
        frame.time_base = fractions.Fraction(1, RATE)
        self.at += FRAME
        return frame


def lose(fraction):
    """Loses so much of the media both ways, below SRTP, so that nobody knows."""
    dice = random.Random(7)
    send, handle = RTCDtlsTransport._send_rtp, RTCDtlsTransport._handle_rtp_data

    async def send_some(self, data):
        if dice.random() >= fraction:
            await send(self, data)

    async def handle_some(self, data, **arrival):
        if dice.random() >= fraction:
            await handle(self, data, **arrival)

    RTCDtlsTransport._send_rtp = send_some
    RTCDtlsTransport._handle_rtp_data = handle_some


async def hear(track, seconds):
    """So many seconds of a track, the first half second left out: streams begin with silence."""
    heard, skip = [], RATE // 2
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    while sum(map(len, heard)) < RATE * seconds + skip:
        frame = await asyncio.wait_for(track.recv(), 10)
        for piece in resampler.resample(frame):
            heard.append(piece.to_ndarray().reshape(-1).astype(float))
    return np.concatenate(heard)[skip:]


def amplitude(samples, hz):
    turns = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return 2 * abs(np.dot(samples, turns)) / len(samples)


def say(value):
    print(json.dumps(value), flush=True)


async def main(told):
    if told.get("loss"):
        lose(told["loss"])
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTrack(Tone(told["speaks"]))
    track = asyncio.get_running_loop().create_future()
    connection.on("track", lambda it: track.done() or track.set_result(it))
    await connection.setLocalDescription(await connection.createOffer())
    say({"sdp": connection.localDescription.sdp})
    answer = json.loads(await asyncio.to_thread(sys.stdin.readline))["sdp"]
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    heard = await hear(await track, told["seconds"])
    # In pieces of a second, so that a break shows and the clocks need not agree to the sample.
    pieces = np.split(heard[: RATE * int(told["seconds"])], int(told["seconds"]))
    say({str(hz): float(np.mean([amplitude(p, hz) for p in pieces])) for hz in told["listens"]})
    await asyncio.to_thread(sys.stdin.readline)
    if told["ending"] == "vanish":
        os._exit(0)
    await connection.close()


asyncio.run(main(json.loads(sys.argv[1])))
