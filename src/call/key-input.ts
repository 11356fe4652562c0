import type { Clock, Timer } from '../runtime/clock';
import type { CollectedDigits } from '../tools/call-control';
import type { DigitRules } from '../tools/digit-rules';
import type { Occupations } from './occupations';

export interface KeyHost {
  /** What the caller is to key in may still be on its way to their ear. */
  isAgentBusy(): boolean;
  /** The first of some keys that nobody collects: whoever presses does not want to listen any longer. */
  began(): void;
  /** The caller has finished pressing keys that nobody collected. */
  entered(keys: string): void;
}

interface Collection {
  readonly rules: DigitRules;
  readonly resolve: (collected: CollectedDigits) => void;
}

/** After a key the caller is looking for the next one; without it for this long, they have finished. */
const nextKeyMs = 3_000;
/** Nobody presses more at a time; what comes after that is a stuck key. */
const keysMax = 64;
/** The tone of the last key may still sound, and its last packets may still be on their way. */
const secureTailMs = 400;

//  idle ─▶ pressing ─▶ idle             keys that nobody collects: told when the caller has finished
//  idle ─▶ collecting ─▶ idle           a tool waits for keys; a new collection stops the one before
/** What becomes of the keys that a caller presses. The call is busy with `digits` meanwhile. */
export class KeyInput {
  readonly #clock: Clock;
  readonly #occupations: Occupations;
  readonly #host: KeyHost;
  #keys = '';
  #collection: Collection | undefined;
  #timer: Timer | undefined;
  #endOccupation: (() => void) | undefined;
  #secureTail: Timer | undefined;
  #closed = false;

  constructor({ clock, occupations, host }: { clock: Clock; occupations: Occupations; host: KeyHost }) {
    this.#clock = clock;
    this.#occupations = occupations;
    this.#host = host;
  }

  /** While it is true nothing of the caller's line, sound or keys, may be told to anybody. */
  get isSecure(): boolean {
    return this.#collection?.rules.secure === true || this.#secureTail !== undefined;
  }

  press(key: string): void {
    if (this.#closed) return;
    if (this.#collection !== undefined) this.#collectKey(key, this.#collection);
    // A key that was pressed too often at the end of a card number is still a secret.
    else if (this.#secureTail === undefined) this.#freeKey(key);
  }

  /** Waits for keys; what was pressed before does not count. Never rejects. */
  collect(rules: DigitRules): Promise<CollectedDigits> {
    if (this.#closed) return Promise.resolve({ outcome: 'stopped', keys: '' });
    this.#finish('stopped');
    this.#keys = '';
    this.#busy();
    return new Promise((resolve) => {
      this.#collection = { rules, resolve };
      this.#waitForFirst(rules);
    });
  }

  /** Nobody waits for the keys any longer. */
  stopCollecting(): void {
    this.#finish('stopped');
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true;
    this.#finish('stopped');
    this.#rest();
    this.#secureTail?.cancel();
    this.#secureTail = undefined;
  }

  /** The wait for the first key begins anew whenever the caller has heard something. */
  heard(): void {
    if (this.#collection !== undefined && this.#keys === '') this.#waitForFirst(this.#collection.rules);
  }

  #waitForFirst(rules: DigitRules): void {
    this.#wait(rules.firstKeyMs, () => {
      if (this.#host.isAgentBusy()) this.#waitForFirst(rules);
      else this.#finish('too-late');
    });
  }

  #collectKey(key: string, { rules }: Collection): void {
    if (key === rules.endKey) {
      this.#finish('complete');
      return;
    }
    this.#keys += key;
    if (this.#keys.length >= rules.keysMax) this.#finish('complete');
    else this.#wait(rules.nextKeyMs, () => this.#finish(rules.endKey === undefined ? 'complete' : 'too-late'));
  }

  #finish(outcome: CollectedDigits['outcome']): void {
    const collection = this.#collection;
    if (collection === undefined) return;
    this.#collection = undefined;
    if (collection.rules.secure && !this.#closed) this.#beginTail();
    const keys = this.#keys;
    this.#rest();
    collection.resolve({ outcome, keys });
  }

  #beginTail(): void {
    this.#secureTail?.cancel();
    this.#secureTail = this.#clock.setTimer(secureTailMs, () => (this.#secureTail = undefined));
  }

  #freeKey(key: string): void {
    if (this.#keys === '') this.#host.began();
    if (this.#closed) return;
    if (this.#keys.length < keysMax) this.#keys += key;
    this.#busy();
    this.#wait(nextKeyMs, () => {
      const keys = this.#keys;
      this.#rest();
      this.#host.entered(keys);
    });
  }

  #busy(): void {
    this.#endOccupation ??= this.#occupations.begin('digits');
  }

  #rest(): void {
    this.#keys = '';
    this.#timer?.cancel();
    this.#endOccupation?.();
    this.#endOccupation = undefined;
  }

  #wait(ms: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(ms, then);
  }
}
