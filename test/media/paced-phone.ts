import { decodeG711, encodeG711 } from '../../src/audio/g711';
import type { Digit } from '../../src/media/media-leg';
import { parseTelephoneEvent, TelephoneEventReceiver, TelephoneEventSender } from '../../src/rtp/telephone-event';
import { receiverReport } from '../rtp/rtp-packets';
import type { PacketPhone } from './leg-on-network';

/** Sends a packet each 20 ms while time passes: speech, a key's packets, or silence. */
export class PacedPhone {
  readonly #phone: PacketPhone;
  readonly #keys = new TelephoneEventSender();
  #speech = new Int16Array(0);
  #muted = false;

  constructor(phone: PacketPhone) {
    this.#phone = phone;
  }

  say(samples: Int16Array): void {
    this.#speech = Int16Array.from([...this.#speech, ...samples]);
  }

  press(digit: Digit): void {
    this.#keys.enqueue(digit, 100);
  }

  /** Sends no RTP from now on. */
  mute(): void {
    this.#muted = true;
  }

  /** Sends an empty receiver report. */
  report(): void {
    this.#phone.sendRtcp(receiverReport(this.#phone.ssrc));
  }

  heard(): Int16Array {
    const audio = this.#phone.received.filter(({ packet }) => packet.payloadType === 0);
    const samples = new Int16Array(audio.length * 160);
    audio.forEach(({ packet }, n) => decodeG711('pcmu', packet.payload, samples, n * 160));
    return samples;
  }

  keysHeard(): string {
    const receiver = new TelephoneEventReceiver();
    return this.#phone.received
      .filter(({ packet }) => packet.payloadType === 101)
      .map(({ packet, atMs }) => {
        const event = parseTelephoneEvent(packet.payload);
        if (typeof event === 'string') throw new Error(event);
        return receiver.receive(event, packet.timestamp, atMs) ?? '';
      })
      .join('');
  }

  async elapse(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 20) {
      this.sendNext();
      await this.#phone.clock.advanceAsync(20);
    }
  }

  /** One packet, now. */
  sendNext(): void {
    if (this.#muted) return;
    const step = this.#keys.next(this.#phone.timestamp, 160);
    if (step !== undefined) {
      this.#phone.send(this.#phone.event(step.code, step));
      this.#phone.timestamp = (this.#phone.timestamp + 160) >>> 0;
      return;
    }
    const frame = new Int16Array(160);
    frame.set(this.#speech.subarray(0, 160));
    this.#speech = this.#speech.subarray(160);
    const payload = Buffer.alloc(160);
    encodeG711('pcmu', frame, payload);
    this.#phone.send(this.#phone.next({ payload }));
  }
}
