import type { VirtualCall } from '../support/virtual-call';

const frameMs = 20;

/** How long the caller waited for the agent and heard nothing. */
export class SilenceWatch {
  longestMs = 0;
  #silentMs = 0;
  readonly #call: VirtualCall;

  constructor(call: VirtualCall) {
    this.#call = call;
  }

  /** Lets the call go on, and listens frame by frame. */
  async run(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms && this.#call.calls.active > 0; passedMs += frameMs) {
      await this.#call.run(frameMs);
      const { current } = this.#call.conversation.occupations;
      const isExplained = (['caller-speaking', 'hold', 'transfer', 'digits'] as const).some((one) => current.has(one));
      const isWaiting = (['responding', 'tool', 'agent-speaking'] as const).some((one) => current.has(one));
      const isHeard = this.#call.phone.heard.at(-1)?.samples.some((sample) => Math.abs(sample) > 100) === true;
      this.#silentMs = isWaiting && !isExplained && !isHeard ? this.#silentMs + frameMs : 0;
      this.longestMs = Math.max(this.longestMs, this.#silentMs);
    }
  }
}
