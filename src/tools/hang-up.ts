import type { BuiltIn } from './built-in';

/** Ends the call. The model is answered only if the caller speaks before the line is closed. */
export const hangUp: BuiltIn = {
  description:
    'End the phone call. Say goodbye first, in the same answer; the line is closed when the caller has heard it.',
  parameters: {
    reason: { type: 'string', description: 'Why the call ends, in a few words.', required: false },
  },
  run({ reason }, { control }) {
    control.hangUpWhenHeard(typeof reason === 'string' ? reason.slice(0, 200) : '');
    return { kind: 'pending' };
  },
};
