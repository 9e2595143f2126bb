// The browser's own way to the line: one Opus track there, one back (WHIP: an offer is posted, the
// answer comes back, the address of the talk ends it).

import { get, send } from "./api.js";

const ASK_MS = 250;

const HOW = { caller: "You are on line", listen: "You listen to line", whisper: "You whisper on line", barge_in: "You have the floor of line" };
const HEARD = { caller: "", listen: ": nobody hears you", whisper: ": only the agent hears you", barge_in: ": everybody hears you" };

export class Talk {
  connection = null; at = null; microphone = null;
  /** What was asked for last, until that is over. */
  asked = null;
  /** Where we sit, once we do, how we take part, and that in words. */
  line = null; part = null; words = "";
  /** Has the talk looked at before its time. */
  hurry = () => {};

  constructor(audio, tell) { this.audio = audio; this.tell = tell; }

  get isOn() { return this.asked !== null; }

  /** Whether the operator sits at this line, and may take part in another way at any time. */
  operates(line) { return this.isOn && this.part !== "caller" && this.line !== null && this.line === line; }

  async start(part, line) {
    const asked = this.asked = {};
    this.part = part;
    this.tell("Asking for the microphone…");
    try {
      const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      // Who has thought better of it meanwhile.
      if (asked !== this.asked) return void microphone.getTracks().forEach((track) => track.stop());
      this.microphone = microphone;
      const { ice_servers: iceServers } = await get("/talk");
      if (asked !== this.asked) return;
      const connection = new RTCPeerConnection({ iceServers });
      this.connection = connection;
      microphone.getAudioTracks().forEach((track) => connection.addTrack(track, microphone));
      connection.addEventListener("track", ({ streams: [stream] }) => { this.audio.srcObject = stream; });
      connection.addEventListener("connectionstatechange", () => this.changed(connection));
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      if (asked !== this.asked) return;
      this.tell("Calling the line…");
      const to = new URLSearchParams({ part, ...(line ? { line } : {}) });
      const answer = await send("POST", `/talk?${to}`, connection.localDescription.sdp, { "Content-Type": "application/sdp" });
      const at = answer.headers.get("Location").replace(/^\/api\/v1/, "");
      if (asked !== this.asked) return void await send("DELETE", at).catch(() => {});
      this.at = at;
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      this.watch(connection, at);
    } catch (error) {
      if (asked !== this.asked) return;
      await this.stop();
      throw error;
    }
  }

  /** Tells how it goes: the seat at the line comes after the connection, and may be refused. */
  async watch(connection, at) {
    while (connection === this.connection) {
      const now = await get(at).catch(() => null);
      if (connection !== this.connection) return;
      if (now?.state === "over") return void this.stop(`The talk is over: ${now.reason}.`);
      if (now?.state === "on" && (now.line !== this.line || now.part !== this.part)) {
        // Somebody else may have handed our floor back.
        [this.line, this.part] = [now.line, now.part];
        this.words = `${HOW[now.part]} ${now.line}${HEARD[now.part]}.`;
        this.tell(this.words);
      }
      await new Promise((done) => { this.hurry = done; setTimeout(done, this.line ? 4 * ASK_MS : ASK_MS); });
    }
  }

  async changed(connection) {
    if (connection !== this.connection) return;
    if (connection.connectionState === "connected" && this.words) this.tell(this.words);
    if (connection.connectionState === "disconnected") this.tell("The connection falters…");
    if (connection.connectionState === "failed") await this.again(connection);
  }

  /** The network changed: the same talk over new addresses. */
  async again(connection) {
    try {
      await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
      await gathered(connection);
      const answer = await send("PATCH", this.at, connection.localDescription.sdp, { "Content-Type": "application/sdp" });
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch { if (connection === this.connection) await this.stop("The talk is over: the connection is lost."); }
  }

  /** The operator takes part in another way. */
  async takePart(part) {
    if (!this.at) return;
    await send("POST", `${this.at}/part`, JSON.stringify({ part }));
    this.hurry();
  }

  mute(muted) { this.microphone?.getAudioTracks().forEach((track) => { track.enabled = !muted; }); }

  async stop(word = "") {
    const { connection, microphone, at } = this;
    this.asked = this.connection = this.microphone = this.at = this.line = this.part = null;
    this.words = "";
    microphone?.getTracks().forEach((track) => track.stop());
    connection?.close();
    this.audio.srcObject = null;
    this.tell(word);
    if (at) await send("DELETE", at).catch(() => {});
  }
}

/** All ways to this browser are in the offer: on loopback and in a house that takes no time. */
function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    setTimeout(done, 1_500);
    connection.addEventListener("icegatheringstatechange", () => { if (connection.iceGatheringState === "complete") done(); });
  });
}
