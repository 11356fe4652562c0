import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const timeLength = 7;
const randomLength = 14;
const callIdLength = 16;

/** Makes ids in the shapes of the live service: 21 base-62 characters of which the first are ordered by time. */
export class IdSource {
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  next(prefix: 'event' | 'sess' | 'conv' | 'item' | 'resp'): string {
    return `${prefix}_${this.#time()}${this.characters(randomLength)}`;
  }

  nextCall(): string {
    return `call_${this.characters(callIdLength)}`;
  }

  /** `count` random base-62 characters. */
  characters(count: number): string {
    let text = '';
    for (const byte of this.#random.bytes(count)) text += alphabet[byte % alphabet.length] ?? '';
    return text;
  }

  #time(): string {
    let rest = this.#clock.wallTimeMs();
    let text = '';
    for (let i = 0; i < timeLength; i += 1) {
      text = (alphabet[rest % alphabet.length] ?? '') + text;
      rest = Math.floor(rest / alphabet.length);
    }
    return text;
  }
}
