import type { Handoff } from '../../src/call/handoff-outcome';
import { retireMs } from '../../src/realtime/session-retirement';
import type { VirtualAgent, VirtualCallOptions } from '../support/virtual-call';
import { VirtualCall } from '../support/virtual-call';
import { callsFunction, doneResponse, part, pcm, startResponse } from './model-lines';

/** The colleague speaks in the same session, or gets one of its own because of its voice. */
export type Form = 'same' | 'new';

export interface HandingOptions extends Omit<VirtualCallOptions, 'colleagues'> {
  form: Form;
  billing?: VirtualAgent;
  colleagues?: Record<string, VirtualAgent>;
}

/** A call whose model the test plays; reception may hand it over to billing, and back. */
export class HandingCall extends VirtualCall {
  readonly form: Form;
  #responses = 0;

  constructor({ form, billing = {}, colleagues = {}, ...options }: HandingOptions) {
    super({
      tools: ['hand_off', 'hang_up'],
      ...options,
      colleagues: {
        billing: {
          tools: ['hand_off', 'hang_up', 'remember'],
          ...billing,
          agent: { instructions: 'Know the bills.', voice: form === 'new' ? 'cedar' : 'marin', ...billing.agent },
        },
        ...colleagues,
      },
    });
    this.form = form;
  }

  /** Of the agent who speaks, not of one who is still waited for. */
  override say(event: Record<string, unknown>, peer = this.peers[this.#sessionInForce()]): void {
    super.say(event, peer);
  }

  #sessionInForce(): number {
    return this.handoffs.filter(({ session }) => session === 'new').length;
  }

  /** The session in which billing speaks. */
  get nextSession(): number {
    return this.form === 'same' ? 0 : 1;
  }

  /** The model says something and goes on answering. Returns its response. */
  async speak(ms: number, { level = 1_000, itemId = `item_${this.#responses + 1}` } = {}): Promise<string> {
    this.#responses += 1;
    const responseId = `resp_${this.#responses}`;
    startResponse(this, { itemId, responseId });
    if (ms > 0) this.say({ type: 'response.output_audio.delta', ...part(itemId, responseId), delta: pcm(ms, level) });
    await this.run(10);
    return responseId;
  }

  /** The model asks for a hand-over in the response that goes on, and is done. */
  async handsOff(responseId: string, to = 'billing', callId = `call_${this.#responses}`): Promise<void> {
    callsFunction(this, { name: 'hand_off', argumentsText: JSON.stringify({ agent: to }), responseId, callId });
    this.ends(responseId);
    await this.run(10);
  }

  ends(responseId: string): void {
    doneResponse(this, { responseId });
  }

  /** Answered, and reception has said a second of something. */
  async spoken(): Promise<this> {
    await this.answered();
    this.ends(await this.speak(200));
    await this.run(400);
    return this;
  }

  /** Reception says half a second, and hands over to billing. */
  async handedOff(): Promise<this> {
    await this.spoken();
    await this.handsOff(await this.speak(500));
    await this.run(800);
    return this;
  }

  get handoffs(): readonly Handoff[] {
    return this.events.at(-1)?.snapshot.handoffs ?? [];
  }

  get agent(): string | undefined {
    return this.events.at(-1)?.snapshot.agent;
  }

  outcomes(): string[] {
    return this.handoffs.map(({ outcome }) => outcome);
  }

  /** Items that a session was given, in order: `user words`, `call NAME`, `output JSON` ... */
  given(session: number): string[] {
    return this.sent('conversation.item.create')
      .filter((one) => one.session === session)
      .map(({ event }) => {
        const item = event.item as Record<string, unknown>;
        if (item.type === 'function_call') return `call ${String(item.name)}`;
        if (item.type === 'function_call_output') return `output ${String(item.output)}`;
        const [content] = item.content as { text: string }[];
        return `${String(item.role)} ${content?.text}`;
      });
  }

  /** How often a session was asked to speak. */
  asked(session: number): number {
    return this.sent('response.create').filter((one) => one.session === session).length;
  }

  /** Milliseconds of the caller that a session has heard. */
  heardMs(session: number): number {
    return 20 * this.sent('input_audio_buffer.append').filter((one) => one.session === session).length;
  }

  async expectClean(): Promise<void> {
    // A model that the test plays does not say what a cancelled answer cost: it is waited for.
    await this.run(1_000 + retireMs);
    expect(this.events.filter(({ event }) => event.kind === 'ended')).toHaveLength(1);
    expect({
      legs: this.openLegs.size,
      connections: this.openConnections,
      timers: this.clock.pendingTimers,
      sent: this.sentAfterEnd,
    }).toEqual({ legs: 0, connections: 0, timers: 0, sent: [] });
    expect(this.log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  }
}
