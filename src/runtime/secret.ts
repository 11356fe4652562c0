import { inspect } from 'node:util';

/** What stands for a secret wherever one is printed. */
export const secretMark = '(secret)';

/** A password, token or key that cannot be printed by accident: whoever needs it says `reveal`, close to the wire. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself: for a digest or a header, never for a log, a record or an error. */
  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return secretMark;
  }

  toJSON(): string {
    return secretMark;
  }

  [inspect.custom](): string {
    return secretMark;
  }
}
