import type { BuiltIn } from './built-in';
import { defaultDigitRules } from './digit-rules';
import { done } from './tool-run';

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
