import { randomBytes, randomUUID } from 'node:crypto';

/** The only source of randomness outside this folder. */
export interface Random {
  /** `count` random octets. */
  bytes(count: number): Buffer;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
  /** A uniform number, at least 0 and below 1. */
  fraction(): number;
}

/** Unpredictable, from the operating system. */
export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
  fraction: () => randomBytes(4).readUInt32BE(0) / 0x1_0000_0000,
};

/** The same sequence for the same seed: tests, the simulator, replay. Never for tags, SSRCs or keys of a live call. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  // Mulberry32: 32 bits of state are plenty for test data.
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const bytes = (count: number): Buffer => {
    const buffer = Buffer.alloc(count);
    for (let i = 0; i < count; i += 1) buffer[i] = next32() >>> 24;
    return buffer;
  };
  return {
    bytes,
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      const hex = raw.toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    },
    fraction: () => next32() / 0x1_0000_0000,
  };
}
