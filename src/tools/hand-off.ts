import type { BuiltIn } from './built-in';
import { failed } from './tool-run';

/**
 * Hands the call over to another agent of the plan, which goes on with all that was said. The model chooses among names.
 * Its answer is for the agent that has taken over; the one that asked hears only of a hand-over that failed.
 */
export const handOff: BuiltIn = {
  description:
    'Hand the conversation over to a colleague, who knows everything that was said and goes on. Say so first, in one ' +
    'short sentence of the same answer: the colleague takes over when the caller has heard it. If that fails, you are told.',
  parameters: (agents) => ({
    agent: { type: 'string', description: 'The colleague who takes over.', enum: agents },
  }),
  run({ agent }, { control }) {
    switch (typeof agent === 'string' ? control.handOffWhenHeard(agent) : 'unknown') {
      case 'waiting':
        return { kind: 'pending' };
      case 'busy':
        return failed('not-now', 'The call is being handed over, put through or ended already.');
      case 'limit':
        return failed('full', 'This call was handed over too often. Help the caller yourself.');
      case 'unknown':
        return failed('not-configured', 'There is no such colleague.');
    }
  },
};
