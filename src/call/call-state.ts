import { invariant } from '../runtime/invariant';

//  ringing ─▶ answering ─▶ active ─▶ ending ─▶ ended      (any of the first three may go to ending)
export type CallState = 'ringing' | 'answering' | 'active' | 'ending' | 'ended';

const next: Record<CallState, readonly CallState[]> = {
  ringing: ['answering', 'ending'],
  answering: ['active', 'ending'],
  active: ['ending'],
  ending: ['ended'],
  ended: [],
};

/** The state after a move from `from`; an illegal move is a bug and throws `InvariantError`. */
export function moveCall({ from, to }: { from: CallState; to: CallState }): CallState {
  invariant(next[from].includes(to), `a call cannot go from ${from} to ${to}`);
  return to;
}
