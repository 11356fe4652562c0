import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { FrameClock } from '../../src/media/frame-clock';
import type { Digit } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { parseTelephoneEvent, TelephoneEventReceiver, TelephoneEventSender } from '../../src/rtp/telephone-event';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { PacketPhone, phoneAddress } from '../media/leg-on-network';
import { offer } from '../media/offers';
import { MemoryNetwork } from '../rtp/memory-network';
import { describeMediaLeg, type LegUnderTest } from './media-leg.contract';

const localAddress = '203.0.113.5';
const ports = { first: 10_000, last: 10_001 };

describeMediaLeg('a leg on RTP', async (): Promise<LegUnderTest> => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  const factory = createRtpLegFactory({
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    frameClock: new FrameClock({ clock }),
    ports: new PortPool({ clock, random: seededRandom(2), ...ports }),
    localAddress,
    openPair: network.openPair,
  });
  const leg = await factory.create({ callId: 'call', signallingAddress: phoneAddress.address });
  const phone = new PacedPhone(new PacketPhone(network, clock, { address: localAddress, port: ports.first }));
  return {
    leg,
    sdp: (options = {}) => offer(options),
    say: (samples) => phone.say(samples),
    press: (digit) => phone.press(digit),
    heard: () => phone.heard(),
    keysHeard: () => phone.keysHeard(),
    elapse: (ms) => phone.elapse(ms),
    close() {
      clock.advance(1_000);
      expect(clock.pendingTimers).toBe(0);
    },
  };
});

/** Sends a packet each 20 ms while time passes: speech, a key's packets, or silence. */
class PacedPhone {
  readonly #phone: PacketPhone;
  readonly #keys = new TelephoneEventSender();
  #speech = new Int16Array(0);

  constructor(phone: PacketPhone) {
    this.#phone = phone;
  }

  say(samples: Int16Array): void {
    this.#speech = Int16Array.from([...this.#speech, ...samples]);
  }

  press(digit: Digit): void {
    this.#keys.enqueue(digit, 100);
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
      this.#sendNext();
      await this.#phone.clock.advanceAsync(20);
    }
  }

  #sendNext(): void {
    const step = this.#keys.next(this.#phone.timestamp);
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
