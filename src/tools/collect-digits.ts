import type { BuiltIn } from './built-in';
import { done } from './tool-run';

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

/** Waits for keys of the caller's telephone. Of secret ones the model learns only whether they were entered. */
export const collectDigits: BuiltIn = {
  description:
    'Wait until the caller has keyed in a number on the telephone. Say in the same answer what to key in, and that # ends it.',
  parameters: {},
  timeoutMs: 180_000,
  async run(_parsed, { control, digits = defaultDigitRules, toolName }, signal) {
    const { outcome, keys } = await control.collectDigits(digits, signal);
    const entered = outcome === 'complete' && keys !== '';
    if (!digits.secure) return done(JSON.stringify({ keys, complete: entered }));
    if (entered) control.keepSecureDigits(toolName, keys);
    return done(JSON.stringify({ entered, keys: 'secret' }));
  },
};
