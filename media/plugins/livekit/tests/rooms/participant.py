"""Somebody else in the room, played by LiveKit's own SDK for Python.

Told by one argument of JSON: `url`, `key`, `secret`, `room`, `identity`, and perhaps `kind` and
`attributes` (of a telephone), `comes` (so many one after the other, who only speak), `speaks` (Hz: half a second of it in every second; 0: silence). Asked by lines of
JSON (`{"listen": [Hz, ...], "to": identity, "seconds": n}`, `{"chat": text}`, `{"mute": bool}`,
`{"publish": bool}`, `{"play": file of 48 kHz mono}`, `{"record": file, "to": identity}`, `{"leave": true}`); answers and what happens are lines of JSON, too, each with its name in `event`.
"""

import asyncio
import json
import os
import struct
import sys
import time
import wave

import numpy as np
from livekit import api, rtc

RATE = 48_000
FRAME = RATE // 100


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


class Speaker:
    """Speaks, and notes when each piece of it was handed over."""

    def __init__(self, hz):
        self.hz, self.starts, self.mouth = hz, [], None
        self.words = np.zeros(0, dtype=np.int16)
        # Short, so that what is measured is the way and not the queue.
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=20)

    async def speak(self):
        at = 0
        while True:
            frame = rtc.AudioFrame.create(RATE, 1, FRAME)
            samples = np.frombuffer(frame.data, dtype=np.int16)
            phase = (np.arange(FRAME) + at) * (2 * np.pi * self.hz / RATE)
            loud = at % RATE < RATE // 2
            samples[:] = 8_000 * np.sin(phase) if loud else 0
            words, self.words = self.words[:FRAME], self.words[FRAME:]
            samples[: len(words)] += words
            if at % RATE == 0:
                self.starts.append(time.monotonic())
            await self.source.capture_frame(frame)
            at += FRAME


async def listen(track, frequencies, seconds):
    """Amplitudes while it sounds, and when silence gave way to sound."""
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=10)
    heard, onsets, quiet = [], [], RATE
    async for event in stream:
        samples = np.frombuffer(event.frame.data, dtype=np.int16).astype(float)
        arrived = time.monotonic()
        for index, sample in enumerate(samples):
            if abs(sample) < 500:
                quiet += 1
                continue
            if quiet > RATE // 5:
                onsets.append(arrived - (len(samples) - index) / RATE)
            quiet = 0
        heard.append(samples)
        if len(heard) >= seconds * 100:
            break
    await stream.aclose()
    heard = np.concatenate(heard)
    pieces = np.split(heard[: RATE * seconds], seconds)
    turn = lambda hz: np.exp(-2j * np.pi * hz * np.arange(RATE) / RATE)
    means = {
        str(hz): float(np.mean([2 * abs(np.dot(piece, turn(hz))) / RATE for piece in pieces]))
        for hz in frequencies
    }
    loudness = float(np.sqrt(np.mean(heard**2)))
    frames = heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME)
    loud = float(np.mean(np.sqrt(np.mean(frames**2, axis=1)) > 1_000))
    say("heard", amplitudes=means, onsets=onsets, rms=loudness, loud=loud)


async def note_made_up(track, file):
    """How many samples the receiver has made up or left out so far, again and again: when, and how many."""
    with open(file, "w", buffering=1) as out:
        while True:
            inbound = [it.inbound_rtp.inbound for it in await track.get_stats() if it.HasField("inbound_rtp")]
            total = sum(
                it.concealed_samples + it.inserted_samples_for_deceleration + it.removed_samples_for_acceleration
                for it in inbound
            )
            print(time.time(), total, file=out)
            await asyncio.sleep(0.1)


async def record(track, file):
    """Keeps all that is heard: of each 10 ms when it came (in s since 1970, a double) and its samples."""
    noting = asyncio.ensure_future(note_made_up(track, f"{file}.made-up"))
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=10)
    with open(file, "wb", buffering=0) as out:
        async for event in stream:
            out.write(struct.pack("<d", time.time()) + bytes(event.frame.data))
    noting.cancel()


def token(told):
    grants = api.VideoGrants(room_join=True, room=told["room"])
    made = api.AccessToken(told["key"], told["secret"])
    made = made.with_identity(told["identity"]).with_grants(grants)
    if "kind" in told:
        made = made.with_kind(told["kind"]).with_attributes(told["attributes"])
    return made.to_jwt()


def watch(room, tracks):
    """Says what happens."""

    @room.on("participant_connected")
    def _(participant):
        say("came", identity=participant.identity, kind=int(participant.kind))

    @room.on("participant_disconnected")
    def _(participant):
        say("went", identity=participant.identity)

    @room.on("participant_attributes_changed")
    def _(changed, participant):
        say("attributes", identity=participant.identity, attributes=dict(changed))

    @room.on("track_subscribed")
    def _(track, publication, participant):
        # Their latest: one who was cut off leaves a silent one behind for a while.
        tracks[participant.identity] = track
        tracks["news"].set()
        say("subscribed", identity=participant.identity, track=publication.sid)

    for name in ("track_muted", "track_unmuted"):

        def muted(participant, publication, name=name):
            say(name, identity=participant.identity)

        room.on(name, muted)

    for name in ("reconnecting", "reconnected", "disconnected"):
        room.on(name, lambda *_, name=name: say(name))

    def read(reader, identity):
        async def whole():
            info, text = reader.info, await reader.read_all()
            say("text", topic=info.topic, text=text, identity=identity, attributes=info.attributes)

        asyncio.ensure_future(whole())

    for topic in ("lk.chat", "lk.transcription"):
        room.register_text_stream_handler(topic, read)


async def main(told):
    room, tracks = rtc.Room(), {"news": asyncio.Event()}
    watch(room, tracks)
    await room.connect(told["url"], token(told))
    publication, speaker = None, None
    for there in room.remote_participants.values():
        say("came", identity=there.identity, kind=int(there.kind))
        say("attributes", identity=there.identity, attributes=dict(there.attributes))

    async def publish():
        track = rtc.LocalAudioTrack.create_audio_track("voice", speaker.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        return await room.local_participant.publish_track(track, options)

    if "speaks" in told:
        speaker = Speaker(told["speaks"])
        speaker.mouth = asyncio.ensure_future(speaker.speak())
        publication = await publish()
    say("ready", identity=room.local_participant.identity)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        if "listen" in asked or "record" in asked:
            while (track := tracks.get(asked["to"])) is None:
                tracks["news"].clear()
                await tracks["news"].wait()
            if "record" in asked:
                tracks["recording"] = asyncio.ensure_future(record(track, asked["record"]))
            else:
                await listen(track, asked["listen"], asked["seconds"])
        elif "chat" in asked:
            await room.local_participant.send_text(asked["chat"], topic="lk.chat")
        elif "mute" in asked:
            (publication.track.mute if asked["mute"] else publication.track.unmute)()
        elif "publish" in asked:
            if asked["publish"]:
                publication = await publish()
            else:
                await room.local_participant.unpublish_track(publication.sid)
        elif "play" in asked:
            with wave.open(asked["play"]) as file:
                words = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
            speaker.words = np.concatenate([speaker.words, words])
        elif "starts" in asked:
            say("starts", starts=speaker.starts)
        elif "leave" in asked:
            break
    await room.disconnect()


async def come_and_go(told):
    """Several, one after the other: each says something for a moment."""
    for n in range(told["comes"]):
        room, speaker = rtc.Room(), Speaker(told["speaks"])
        await room.connect(told["url"], token({**told, "identity": f"{told['identity']}-{n}"}))
        speaker.mouth = asyncio.ensure_future(speaker.speak())
        track = rtc.LocalAudioTrack.create_audio_track("voice", speaker.source)
        await room.local_participant.publish_track(track, rtc.TrackPublishOptions())
        await asyncio.sleep(0.5)
        speaker.mouth.cancel()
        await room.disconnect()


told = json.loads(sys.argv[1])
asyncio.run(come_and_go(told) if "comes" in told else main(told))
# Threads of the SDK still run, and abort the process now and then when the interpreter takes their
# server from them. This participant has left; that its SDK goes in peace is not what is tested.
sys.stdout.flush()
os._exit(0)
