/** What a collection of keys waits for. */
export interface DigitRules {
  /** It is complete with this many keys. */
  readonly keysMax: number;
  /** The key that ends it, and that is no part of it. */
  readonly endKey: string | undefined;
  /** From when the caller has heard what was asked. */
  readonly firstKeyMs: number;
  readonly nextKeyMs: number;
  /** Neither the model nor anybody who watches the call may learn the keys. */
  readonly secure: boolean;
}

export const defaultDigitRules: DigitRules = {
  keysMax: 32,
  endKey: '#',
  firstKeyMs: 10_000,
  nextKeyMs: 5_000,
  secure: false,
};
