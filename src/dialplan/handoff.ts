import { whyNewSession, type NewSessionReason } from '../realtime/agent-change';
import type { Agent, Plan } from './plan';

/** Whether an agent goes on in the session of the one before it, or gets one of its own. */
export type HandoffSession =
  { readonly kind: 'same' } | { readonly kind: 'new'; readonly why: NewSessionReason | 'model' };

/** What a hand-over takes, as far as the plan shows it: a model that has said nothing yet may still change its voice. */
export function handoffSession(from: Agent, to: Agent): HandoffSession {
  const why =
    from.session.model === to.session.model
      ? whyNewSession(from.session, to.session, { maySetVoice: false })
      : ('model' as const);
  return why === undefined ? { kind: 'same' } : { kind: 'new', why };
}

/** Every agent that a call may come to from `agent`, by hand-over after hand-over; `agent` itself only if it comes back. */
export function agentsAfter(agents: Plan['agents'], agent: Agent): Agent[] {
  const found = new Map<string, Agent>();
  const open = [agent];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of next.handoffs ?? []) {
      const to = agents.get(name);
      if (to === undefined || found.has(name)) continue;
      found.set(name, to);
      open.push(to);
    }
  }
  return [...found.values()];
}
