import type { BuiltIn } from './built-in';
import { done, failed } from './tool-run';

const keysForm = /^[0-9*#A-D]{1,32}$/;

/** Presses keys on the caller's side of the line (RFC 4733), such as those of another company's menu. */
export const sendDigits: BuiltIn = {
  description: 'Press telephone keys for the other side of the line to hear: 0-9, * and #, at most 32.',
  parameters: { keys: { type: 'string', description: 'The keys, such as 12#.', required: true } },
  run({ keys }, { control }) {
    const text = String(keys);
    if (!keysForm.test(text)) return failed('bad-arguments', 'Keys are 0-9, *, # and A-D, at most 32.');
    if (!control.sendDigits(text)) return failed('broken', 'The other side of the line takes no keys.');
    return done(JSON.stringify({ sent: text.length }), { respond: 'unless-spoken' });
  },
};
