import type { BuiltIn } from './built-in';
import { failed } from './tool-run';

/**
 * Sends the caller to a destination of the plan. The model chooses among names and never sees or gives a number. It is
 * answered only if nobody is reached, or the caller speaks before.
 */
export const transferCall: BuiltIn = {
  description:
    'Put the caller through to somebody else. Say so first, in the same answer: the call goes out when the caller has ' +
    'heard it. If nobody is reached the caller comes back to you, and you are told why.',
  parameters: (destinations) => ({
    destination: { type: 'string', description: 'Whom the caller is put through to.', enum: destinations },
  }),
  run({ destination }, { control }) {
    if (typeof destination === 'string' && control.transferWhenHeard(destination) === 'waiting') {
      return { kind: 'pending' };
    }
    return failed('not-now', 'The call is being put through, or ended, already.');
  },
};
