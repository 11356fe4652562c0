import type { CallsControl } from '../../src/console/calls-api';
import type { PlanControl } from '../../src/console/plan-control';
import type { PlanProblem } from '../../src/dialplan/plan-problem';

export const planProblem: PlanProblem = {
  code: 'DP201',
  severity: 'error',
  file: '10.yaml',
  position: { line: 1, column: 1, text: 'agent: {}' },
  message: 'unknown key "agent" at the top of the file',
  expected: 'one of agents, routes',
  nearest: 'agents',
};

/** A bridge without a plan, whose reloads are refused; `asked` is what was asked of it. */
export function planControl(change: Partial<PlanControl> = {}, asked: string[] = []): PlanControl {
  return {
    view: () => ({ folder: 'dialplans', inForce: undefined, refusal: undefined, watching: true }),
    kept: () =>
      Promise.resolve([
        { hash: '0123456789ab', folder: '/x', lastInForce: '2026-01-05T09:00:00.000Z', files: ['10.yaml'] },
      ]),
    reload: () => {
      asked.push('reload');
      return Promise.resolve({ kind: 'refused', problems: [planProblem], warnings: [] });
    },
    restore: (hash) => {
      asked.push(`restore ${hash}`);
      return Promise.resolve({ kind: 'unknown' });
    },
    ...change,
  };
}

/** A bridge on which nobody calls. */
export const noCalls: CallsControl = {
  list: () => [],
  supervise: () => Promise.resolve({ kind: 'refused', why: 'no-such-call' }),
};
