import { languageName } from '../realtime/agent-schema';
import type { RealtimeSession } from '../realtime/session';
import type { FunctionCall } from '../realtime/session-listener';
import type { CallControl, CollectedDigits } from '../tools/call-control';
import type { DigitRules } from '../tools/digit-rules';
import type { Farewell, Following } from './farewell';

export interface AgentControlHost {
  /** In force now. */
  readonly session: Pick<RealtimeSession, 'setLanguage'>;
  readonly farewell: Farewell;
  /** The conversation goes on. */
  mayEnd(): boolean;
  isTransferring(): boolean;
  /** Another agent is about to take over. */
  isHandingOff(): boolean;
  /** Begins to hand over; `waiting`: the last words must be heard. */
  beginHandoff(agent: string, callId: string): 'waiting' | 'limit' | 'unknown';
  callOffHandoff(): void;
  submit(result: { callId: string; output: string; respond: boolean }): void;
  /** The caller spoke while this response was being said. */
  wasInterrupted(responseId: string): boolean;
  remember(note: string): 'kept' | 'full';
  sendDigits(keys: string): boolean;
  collectKeys(rules: DigitRules, signal: AbortSignal): Promise<CollectedDigits>;
}

/** What the tools of one call may do to it. What ends or moves the call waits until the last words were heard. */
export class AgentControl {
  readonly #host: AgentControlHost;
  /** What the caller keyed in past the model, by the tool that collected it. Gone with the call. */
  readonly #secureDigits = new Map<string, string>();

  constructor(host: AgentControlHost) {
    this.#host = host;
  }

  /** On behalf of one function call. */
  for(call: FunctionCall): CallControl {
    const host = this.#host;
    return {
      hangUpWhenHeard: () => {
        if (!host.mayEnd()) return;
        host.callOffHandoff();
        this.#whenHeard({ kind: 'agent-hung-up' }, call);
      },
      transferWhenHeard: (destination) => this.#transferWhenHeard(destination, call),
      handOffWhenHeard: (agent) => this.#handOffWhenHeard(agent, call),
      setLanguage: (code) => this.#setLanguage(code),
      remember: (note) => host.remember(note),
      collectDigits: (rules, signal) => host.collectKeys(rules, signal),
      keepSecureDigits: (name, keys) => void this.#secureDigits.set(name, keys),
      secureDigits: (name) => this.#secureDigits.get(name),
      sendDigits: (keys) => host.sendDigits(keys),
    };
  }

  /** A caller who speaks during the agent's goodbye has something to say: the agent is told that the line stays open. */
  keepCallOpen(): void {
    // Whoever takes over hears what the caller says.
    if (this.#host.farewell.pending?.reason.kind === 'handoff') return;
    const ending = this.#host.farewell.cancel();
    if (ending === undefined) return;
    const output =
      ending.reason.kind === 'transfer'
        ? JSON.stringify({ transferred: false, reason: 'The caller spoke before the call was put through.' })
        : JSON.stringify({ hung_up: false, reason: 'The caller spoke before the line was closed.' });
    for (const callId of ending.callIds) this.#host.submit({ callId, output, respond: false });
  }

  #transferWhenHeard(destination: string, call: FunctionCall): 'waiting' | 'busy' {
    if (this.#isLeaving) return 'busy';
    this.#whenHeard({ kind: 'transfer', destination, callId: call.callId }, call);
    return 'waiting';
  }

  #handOffWhenHeard(agent: string, { callId, responseId }: FunctionCall): 'waiting' | 'busy' | 'limit' | 'unknown' {
    if (this.#isLeaving) return 'busy';
    const begun = this.#host.beginHandoff(agent, callId);
    if (begun === 'waiting') this.#host.farewell.begin({ reason: { kind: 'handoff' }, callIds: [callId], responseId });
    return begun;
  }

  /** The agent is on its way out of the conversation already. */
  get #isLeaving(): boolean {
    const { farewell } = this.#host;
    const isSent = this.#host.isTransferring() || this.#host.isHandingOff() || farewell.pending !== undefined;
    return isSent || !this.#host.mayEnd();
  }

  /** When the caller has heard what the agent has said so far, unless the caller speaks before. */
  #whenHeard(reason: Following, { callId, responseId }: FunctionCall): void {
    const { farewell } = this.#host;
    const callIds = [...(farewell.pending?.callIds ?? []), callId];
    farewell.begin({ reason, callIds, responseId });
    // Decided before the caller spoke and told after it: the two crossed on the way.
    if (this.#host.wasInterrupted(responseId)) this.keepCallOpen();
  }

  async #setLanguage(code: string): Promise<'changed' | 'told' | 'unknown'> {
    if (languageName(code) === undefined) return 'unknown';
    return (await this.#host.session.setLanguage(code)) ? 'changed' : 'told';
  }
}
