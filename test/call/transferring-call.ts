import type { Destination } from '../../src/dialplan/destination';
import type { TransferAttempt } from '../../src/call/transfer-outcome';
import { retireMs } from '../../src/realtime/session-retirement';
import type { MemoryCallee } from '../../src/signalling/memory-callee';
import type { VirtualCallOptions } from '../support/virtual-call';
import { callsFunction, doneResponse, part, pcm, startResponse } from './model-lines';
import { pcmuOffer, VirtualCall } from '../support/virtual-call';

export function destination(name: string, change: Partial<Destination> = {}): Destination {
  return {
    name,
    target: { kind: 'address', uri: `sip:${name}@192.0.2.7`, trunk: undefined },
    method: 'bridge',
    ringLimitMs: 25_000,
    otherwise: { busy: undefined, noAnswer: undefined, failure: undefined },
    headers: {},
    waiting: 'music',
    limits: { callsMax: undefined, callsPerMinuteMax: undefined },
    ...change,
  };
}

/** A call whose model the test plays: it says a second of audio and asks for a transfer. */
export class TransferringCall extends VirtualCall {
  #responses = 0;
  #speaking = false;

  constructor(destinations: readonly Destination[], options: VirtualCallOptions = {}) {
    const named = new Map(destinations.map((one) => [one.name, one]));
    super({
      tools: ['transfer_call'],
      transfers: [...named.keys()],
      ...options,
      decision: (answer) => {
        const withDestinations = { ...answer, destinations: named };
        return options.decision?.(withDestinations) ?? withDestinations;
      },
    });
  }

  get callee(): MemoryCallee {
    const callee = this.callees.called.at(-1);
    if (callee === undefined) throw new Error('nobody was called');
    return callee;
  }

  /** The telephone of the destination that was called. */
  calleePhone(name: string) {
    const phone = [...this.media.phones].find(([callId]) => callId.endsWith(`/${name}`))?.[1];
    if (phone === undefined) throw new Error('the destination has no media');
    return phone;
  }

  async speak(ms: number): Promise<void> {
    const [itemId, responseId] = ['item_1', this.#nextResponse()];
    startResponse(this, { itemId, responseId });
    this.say({ type: 'response.output_audio.delta', ...part(itemId, responseId), delta: pcm(ms) });
    this.say({ type: 'response.output_audio.done', ...part(itemId, responseId) });
    this.#speaking = true;
    await this.run(20);
  }

  /** The model is done, and asks for a transfer in the same response. */
  async askForTransfer(name: string, extra: Record<string, unknown> = {}): Promise<void> {
    if (!this.#speaking) startResponse(this, { itemId: 'item_1', responseId: this.#nextResponse() });
    this.#speaking = false;
    const [responseId, callId] = [`resp_${this.#responses}`, `call_${this.#responses}`];
    const argumentsText = JSON.stringify({ destination: name, ...extra });
    callsFunction(this, { name: 'transfer_call', argumentsText, responseId, callId });
    doneResponse(this, { responseId });
    await this.run(20);
  }

  /** What the model was told about its calls of the tool. */
  get told(): unknown[] {
    return this.sent('conversation.item.create').map(({ event }) => {
      const { output } = event.item as { output: string };
      return JSON.parse(output) as unknown;
    });
  }

  #nextResponse(): string {
    this.#responses += 1;
    return `resp_${this.#responses}`;
  }

  async transferring(name: string): Promise<this> {
    await this.answered();
    await this.askForTransfer(name);
    await this.run(300);
    return this;
  }

  async joined(name: string): Promise<this> {
    await this.transferring(name);
    this.callee.answer(pcmuOffer);
    await this.run(40);
    return this;
  }

  get attempts(): readonly TransferAttempt[] {
    return this.events.at(-1)?.snapshot.transfers ?? [];
  }

  outcomes(): (string | undefined)[] {
    return this.attempts.map(({ outcome }) => outcome);
  }

  ended(): string | undefined {
    return this.last('ended')?.event.reason.kind;
  }

  /** Longest stretch of silence in what the caller heard since a time, milliseconds. */
  longestSilenceSince(atMs: number): number {
    let longest = 0;
    let current = 0;
    for (const frame of this.phone.heard) {
      if (frame.atMs < atMs) continue;
      const loudest = frame.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      current = loudest < 50 ? current + 20 : 0;
      longest = Math.max(longest, current);
    }
    return longest;
  }

  /** Everything of the call is closed: legs, sessions, timers, and one record. */
  async expectClean(): Promise<void> {
    // A model that the test plays does not say what a cancelled answer cost: it is waited for.
    await this.run(1_000 + retireMs);
    expect(this.events.filter(({ event }) => event.kind === 'ended')).toHaveLength(1);
    expect(this.openLegs.size).toBe(0);
    expect(this.openConnections).toBe(0);
    expect(this.callees.called.every((callee) => callee.isOver)).toBe(true);
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  }
}
