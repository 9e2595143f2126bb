// The browser's own way to the line: one Opus track there, one back (WHIP: an offer is posted, the
// answer comes back, the address of the talk ends it).

import { get, send } from "./api.js";

const ASK_MS = 250;

export class Talk {
  connection = null; at = null; microphone = null;

  constructor(audio, tell) { this.audio = audio; this.tell = tell; }

  get isOn() { return this.connection !== null; }

  async start(part, line) {
    this.tell("Asking for the microphone…");
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    this.microphone = microphone;
    try {
      const { ice_servers: iceServers } = await get("/talk");
      const connection = new RTCPeerConnection({ iceServers });
      this.connection = connection;
      microphone.getAudioTracks().forEach((track) => connection.addTrack(track, microphone));
      connection.addEventListener("track", ({ streams: [stream] }) => { this.audio.srcObject = stream; });
      connection.addEventListener("connectionstatechange", () => this.changed(connection));
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      this.tell("Calling the line…");
      const to = new URLSearchParams({ part, ...(line ? { line } : {}) });
      const answer = await send("POST", `/talk?${to}`, connection.localDescription.sdp, { "Content-Type": "application/sdp" });
      this.at = answer.headers.get("Location").replace(/^\/api\/v1/, "");
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      this.watch(connection, this.at);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Tells how it goes: the seat at the line comes after the connection, and may be refused. */
  async watch(connection, at) {
    let state = "";
    while (connection === this.connection) {
      const now = await get(at).catch(() => null);
      if (connection !== this.connection) return;
      if (now?.state === "over") return void this.stop(`The talk is over: ${now.reason}.`);
      if (now && now.state !== state) { state = now.state; if (state === "on") this.tell(`You are on line ${now.line}.`); }
      await new Promise((done) => setTimeout(done, state === "on" ? 4 * ASK_MS : ASK_MS));
    }
  }

  async changed(connection) {
    if (connection !== this.connection) return;
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
  async part(part) {
    if (this.at) await send("POST", `${this.at}/part`, JSON.stringify({ part }));
  }

  mute(muted) { this.microphone?.getAudioTracks().forEach((track) => { track.enabled = !muted; }); }

  async stop(word = "") {
    const { connection, microphone, at } = this;
    this.connection = this.microphone = this.at = null;
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
