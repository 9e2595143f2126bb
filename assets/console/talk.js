// The browser's own way to the line: one Opus track there, one back (WHIP: an offer is posted, the
// answer comes back, the address of the talk ends it).

import { send } from "./api.js";

export class Talk {
  connection = null; at = null; microphone = null;

  constructor(audio, tell) { this.audio = audio; this.tell = tell; }

  get isOn() { return this.connection !== null; }

  async start(part, line) {
    this.tell("Asking for the microphone…");
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    const connection = new RTCPeerConnection();
    this.microphone = microphone;
    this.connection = connection;
    try {
      microphone.getAudioTracks().forEach((track) => connection.addTrack(track, microphone));
      connection.addEventListener("track", ({ streams: [stream] }) => { this.audio.srcObject = stream; });
      connection.addEventListener("connectionstatechange", () => this.changed(connection));
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      this.tell("Calling the line…");
      const to = new URLSearchParams({ part, ...(line ? { line } : {}) });
      const answer = await send("POST", `/talk?${to}`, connection.localDescription.sdp, { "Content-Type": "application/sdp" });
      this.at = answer.headers.get("Location")?.replace(/^\/api\/v1/, "") ?? null;
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  changed(connection) {
    if (connection !== this.connection) return;
    const state = connection.connectionState;
    if (state === "connected") this.tell("You are on the line.");
    if (state === "disconnected") this.tell("The connection falters…");
    if (state === "failed" || state === "closed") this.stop("The talk is over.");
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
