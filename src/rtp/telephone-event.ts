import { timestampDelta } from './sequence';

/** The keys of RFC 4733 section 3.2; the index is the event code. */
const keys = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'] as const;
export type TelephoneKey = (typeof keys)[number];

/** The payload of one telephone-event packet (RFC 4733 section 2.3). */
export interface TelephoneEvent {
  /** 0 to 15 are keys; there are others, such as 16 for a hook flash. */
  code: number;
  end: boolean;
  /** Since the packet's timestamp, in timestamp units. */
  duration: number;
}

export const telephoneEventLength = 4;

/** Reads the first event of a payload; one with too few octets is no event. */
export function parseTelephoneEvent(payload: Uint8Array): TelephoneEvent | 'bad-telephone-event' {
  const [code, flags, high, low] = payload;
  if (code === undefined || flags === undefined || high === undefined || low === undefined) {
    return 'bad-telephone-event';
  }
  return { code, end: (flags & 0x80) !== 0, duration: (high << 8) | low };
}

/** Loudness of the keys that we send, in -dBm0: what most gateways use. */
const volume = 10;

/** Writes the four octets at `offset`; `out` must have room. */
export function writeTelephoneEvent(event: TelephoneEvent, out: Buffer, offset: number): void {
  out.writeUInt8(event.code, offset);
  out.writeUInt8((event.end ? 0x80 : 0) | volume, offset + 1);
  out.writeUInt16BE(event.duration, offset + 2);
}

/** Events that are remembered, so that their late packets tell nothing new. */
const rememberedEvents = 16;
/** Three updates missed: the end was lost (RFC 4733 section 2.6.1 leaves the time to the receiver). */
const soundsUntilMs = 60;
/** The longest duration that fits; a longer press goes on in a new segment (RFC 4733 section 2.5.1.3). */
const segmentDurationMax = 0xffff;

/**
 * Tells each key press once. All packets of a press carry its first timestamp (RFC 4733 section 2.5.1.2), so whichever of
 * them comes first tells the key: the marker, an update or an end packet may be lost, doubled or out of order.
 */
export class TelephoneEventReceiver {
  readonly #seen = new Float64Array(rememberedEvents).fill(-1);
  #seenNext = 0;
  #code = -1;
  #timestamp = 0;
  #updatedMs = -Infinity;
  #ended = true;

  /** The key when this packet is the first that tells of its press. */
  receive(event: TelephoneEvent, timestamp: number, nowMs: number): TelephoneKey | undefined {
    const known = this.#seen.includes(timestamp);
    const continued = !known && this.#continues(event, timestamp);
    if (!known) this.#remember(timestamp);
    if (!known || timestamp === this.#timestamp) {
      // A shuffled update after the end does not open the press again.
      this.#ended = event.end || (known && this.#ended);
      this.#code = event.code;
      this.#timestamp = timestamp;
      this.#updatedMs = nowMs;
    }
    return known || continued ? undefined : keys[event.code];
  }

  /** True during a press: audio that comes now is the tone of the key, not speech. */
  isSounding(nowMs: number): boolean {
    return !this.#ended && nowMs - this.#updatedMs < soundsUntilMs;
  }

  /** Forgets all presses: another sender's timestamps may repeat. */
  reset(): void {
    this.#seen.fill(-1);
    this.#ended = true;
    this.#code = -1;
  }

  #continues(event: TelephoneEvent, timestamp: number): boolean {
    return (
      event.code === this.#code &&
      !this.#ended &&
      timestampDelta({ from: this.#timestamp, to: timestamp }) === segmentDurationMax
    );
  }

  #remember(timestamp: number): void {
    this.#seen[this.#seenNext] = timestamp;
    this.#seenNext = (this.#seenNext + 1) % rememberedEvents;
  }
}

/** Key presses that may wait to be sent. */
export const queuedKeysMax = 64;
const pressMsMin = 40;
const pressMsMax = 6_000;
/** Silence between two keys: 40 ms (ITU-T Q.24), in ticks of 20 ms. */
const pauseTicks = 2;
const endPackets = 3;

interface KeyPress {
  code: number;
  durationTicks: number;
}

/** One packet of a press that is to be sent now. */
export interface TelephoneEventStep extends TelephoneEvent {
  /** First packet of the press: carries the marker. */
  first: boolean;
  /** First packet's timestamp, shared by all of the press. */
  timestamp: number;
}

/**
 * Sends queued keys, one packet each 20 ms instead of audio: the first with the marker, then updates, then the end three
 * times (RFC 4733 section 2.5.1). Audio may flow in the pause between two keys.
 */
export class TelephoneEventSender {
  readonly #queue: KeyPress[] = [];
  #pauseTicks = 0;
  #sentTicks = 0;
  #sentEnds = 0;
  readonly #step: TelephoneEventStep = { code: 0, end: false, duration: 0, first: false, timestamp: 0 };

  /** False when too many keys wait. The duration is brought into 40 ms to 6 s. */
  enqueue(key: TelephoneKey, durationMs: number): boolean {
    if (this.#queue.length >= queuedKeysMax) return false;
    const pressMs = Math.min(Math.max(durationMs, pressMsMin), pressMsMax);
    this.#queue.push({ code: keys.indexOf(key), durationTicks: Math.ceil(pressMs / 20) });
    return true;
  }

  /**
   * Once each 20 ms, with the timestamp of that tick and the units of durations in 20 ms. Undefined: send audio. The step is
   * reused: it holds until the next call.
   */
  next(timestamp: number, unitsPerTick: number): TelephoneEventStep | undefined {
    const press = this.#queue[0];
    if (press === undefined || this.#pauseTicks > 0) {
      if (this.#pauseTicks > 0) this.#pauseTicks -= 1;
      return undefined;
    }
    const step = this.#step;
    step.first = this.#sentTicks === 0;
    if (step.first) step.timestamp = timestamp;
    // At 48 kHz a segment ends after 1.36 s, and so does a key: nobody has to hold one for longer.
    const durationTicks = Math.min(press.durationTicks, Math.floor(segmentDurationMax / unitsPerTick));
    if (this.#sentTicks < durationTicks) this.#sentTicks += 1;
    step.code = press.code;
    step.duration = this.#sentTicks * unitsPerTick;
    step.end = this.#sentTicks >= durationTicks;
    if (step.end) this.#countEnd();
    return step;
  }

  #countEnd(): void {
    this.#sentEnds += 1;
    if (this.#sentEnds < endPackets) return;
    this.#queue.shift();
    this.#sentTicks = 0;
    this.#sentEnds = 0;
    this.#pauseTicks = pauseTicks;
  }
}
