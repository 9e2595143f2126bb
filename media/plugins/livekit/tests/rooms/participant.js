// Somebody else in the room, played by LiveKit's own SDK for Node.js.
//
// Told by one argument of JSON: `url`, `key`, `secret`, `room`, `identity`, `speaks` (Hz, without an end),
// `listens` (Hz) and to whom (`to`), `seconds`. Says by lines of JSON that it is `ready` and what it
// `heard`, the amplitude; leaves at the first line that it is sent.

const { createHmac } = require("node:crypto");
const rtc = require("@livekit/rtc-node");

const RATE = 48_000;
const FRAME = RATE / 100;
const PIECE = RATE / 20;
const told = JSON.parse(process.argv[2]);
const say = (event, values) => console.log(JSON.stringify({ event, ...values }));

function token() {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const video = { room: told.room, roomJoin: true, canPublish: true, canSubscribe: true };
  const claims = { iss: told.key, sub: told.identity, nbf: now - 10, exp: now + 600, video };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", told.secret).update(signed).digest("base64url")}`;
}

async function speak(source) {
  for (let at = 0; ; at += FRAME) {
    const samples = new Int16Array(FRAME);
    for (let n = 0; n < FRAME; n++) {
      samples[n] = 8_000 * Math.sin(((at + n) * 2 * Math.PI * told.speaks) / RATE);
    }
    await source.captureFrame(new rtc.AudioFrame(samples, RATE, 1, FRAME));
  }
}

async function listen(track) {
  const heard = [];
  const reader = new rtc.AudioStream(track, RATE, 1).getReader();
  while (heard.length < RATE * told.seconds) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const sample of value.data) heard.push(sample);
  }
  // Piece by piece: the SDK stretches sound where packets come late, which moves its phase.
  const amplitude = (from) => {
    let [re, im] = [0, 0];
    for (let n = from; n < from + PIECE; n++) {
      const phase = (n * 2 * Math.PI * told.listens) / RATE;
      re += heard[n] * Math.cos(phase);
      im += heard[n] * Math.sin(phase);
    }
    return (2 * Math.hypot(re, im)) / PIECE;
  };
  let sum = 0;
  for (let from = 0; from + PIECE <= heard.length; from += PIECE) sum += amplitude(from);
  say("heard", { amplitude: sum / Math.floor(heard.length / PIECE) });
}

async function main() {
  const room = new rtc.Room();
  room.on(rtc.RoomEvent.TrackSubscribed, (track, _, participant) => {
    if (participant.identity === told.to) void listen(track);
  });
  await room.connect(told.url, token(), { autoSubscribe: true, dynacast: false });
  const source = new rtc.AudioSource(RATE, 1);
  const track = rtc.LocalAudioTrack.createAudioTrack("voice", source);
  const options = new rtc.TrackPublishOptions({ source: rtc.TrackSource.SOURCE_MICROPHONE });
  await room.localParticipant.publishTrack(track, options);
  say("ready", {});
  void speak(source);
  process.stdin.once("data", async () => {
    await room.disconnect();
    process.exit(0);
  });
}

main();
