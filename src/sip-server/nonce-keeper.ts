import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';

/** Nonces in use whose counts are remembered; above it those that are older than a forgotten one count as stale. */
const countedNoncesMax = 20_000;
const timeBytes = 6;
const uniqueBytes = 6;
const signatureBytes = 16;
const nonceBytes = timeBytes + uniqueBytes + signatureBytes;

/**
 * Makes nonces and knows its own again without storing them: time, chance and a signature over both and the address they
 * were given to. So an answer is of no use elsewhere, and nobody can fail in another's name. Only those that were
 * answered well are remembered, with their count (RFC 7616 section 3.4).
 */
export class NonceKeeper {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lifeMs: number;
  readonly #key: Buffer;
  readonly #counts = new Map<string, number>();
  /** Of the latest nonce whose count was forgotten. */
  #forgottenUpToMs = -1;

  constructor({ clock, random, lifeMs }: { clock: Clock; random: Random; lifeMs: number }) {
    this.#clock = clock;
    this.#random = random;
    this.#lifeMs = lifeMs;
    this.#key = random.bytes(32);
  }

  make(address: string): string {
    const plain = Buffer.alloc(timeBytes + uniqueBytes);
    plain.writeUIntBE(Math.floor(this.#clock.now()), 0, timeBytes);
    this.#random.bytes(uniqueBytes).copy(plain, timeBytes);
    return Buffer.concat([plain, this.#sign(plain, address)]).toString('base64url');
  }

  /** `stale`: it is too old, or not one that this address was given by us since our start. */
  check(nonce: string, address: string): 'valid' | 'stale' {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== nonceBytes || bytes.toString('base64url') !== nonce) return 'stale';
    const plain = bytes.subarray(0, timeBytes + uniqueBytes);
    if (!timingSafeEqual(this.#sign(plain, address), bytes.subarray(plain.length))) return 'stale';
    const madeAtMs = madeAt(bytes);
    return madeAtMs > this.#forgottenUpToMs && this.#clock.now() - madeAtMs <= this.#lifeMs ? 'valid' : 'stale';
  }

  /** Notes the count of a valid nonce that was answered well. False: the count was there before, so this is a repetition. */
  use(nonce: string, count: number): boolean {
    const last = this.#counts.get(nonce);
    if (count <= (last ?? 0)) return false;
    if (last === undefined) this.#makeRoom();
    this.#counts.set(nonce, count);
    return true;
  }

  /** The first were added first, and so are about the first to be too old. */
  #makeRoom(): void {
    for (const nonce of this.#counts.keys()) {
      const madeAtMs = madeAt(Buffer.from(nonce, 'base64url'));
      const tooOld = this.#clock.now() - madeAtMs > this.#lifeMs;
      if (!tooOld && this.#counts.size < countedNoncesMax) return;
      if (!tooOld) this.#forgottenUpToMs = Math.max(this.#forgottenUpToMs, madeAtMs);
      this.#counts.delete(nonce);
    }
  }

  #sign(plain: Buffer, address: string): Buffer {
    return createHmac('sha256', this.#key).update(plain).update(address).digest().subarray(0, signatureBytes);
  }
}

function madeAt(bytes: Buffer): number {
  return bytes.readUIntBE(0, timeBytes);
}
