import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import { waitingTicks } from '../audio/waiting-ticks';
import type { ItemContent } from '../realtime/session-listener';
import type { AgentSeat } from './agent-seat';
import { Playout, type PlayoutListener } from './playout';
import type { PromptName, Prompts } from './prompts';

/** Longer answers than this, queued ahead of the caller's ear, are a fault of the model. */
const queuedMsMax = 180_000;

/** Where an item was when the caller cut it off. */
export interface CutOff {
  readonly itemId: string;
  /** Of it that was heard. */
  readonly audioEndMs: number;
}

/**
 * What the caller hears of us: the agent's responses, and our own recordings between them. When the caller cuts the agent
 * off, the model and whoever takes over are told how much was heard.
 */
export class AgentVoice {
  readonly playout: Playout;
  readonly #seat: AgentSeat;
  readonly #prompts: Prompts;
  #sounds = false;
  /** Those that the model is still making. */
  readonly #responses = new Map<string, { interrupted: boolean }>();

  constructor({
    seat,
    prompts,
    legRateHz,
    listener,
  }: {
    seat: AgentSeat;
    prompts: Prompts;
    legRateHz: SampleRateHz;
    listener: PlayoutListener;
  }) {
    this.#seat = seat;
    this.#prompts = prompts;
    this.playout = new Playout({ modelRateHz: seat.session.outputRateHz, legRateHz, queuedMsMax, listener });
  }

  responseStarted(responseId: string): void {
    this.#responses.set(responseId, { interrupted: false });
  }

  responseDone(responseId: string): void {
    this.#responses.delete(responseId);
  }

  isResponding(responseId: string): boolean {
    return this.#responses.has(responseId);
  }

  get isRespondingAtAll(): boolean {
    return this.#responses.size > 0;
  }

  /** The caller spoke while this response was being made. */
  wasInterrupted(responseId: string): boolean {
    return this.#responses.get(responseId)?.interrupted === true;
  }

  /** Everything that was received has been heard. */
  get isHeard(): boolean {
    return !this.playout.speaking;
  }

  /** Takes ownership of the samples. `full`: the model is further ahead of the caller's ear than any answer should be. */
  speak(audio: ItemContent & { samples: PcmFrame }): 'queued' | 'full' | 'interrupted' {
    this.#seat.memory?.agentSounded(audio.itemId, (audio.samples.length * 1_000) / this.playout.modelRateHz);
    return this.playout.enqueue(audio);
  }

  /** Says something of our own, which no caller cuts off. */
  play(prompt: PromptName): void {
    this.playout.playPrompt(this.#prompts[prompt][this.playout.modelRateHz]);
  }

  /** What the caller hears who waits for a tool, while nobody speaks. */
  waitingSound(isOn: boolean): void {
    this.#sounds = isOn;
    this.playout.fillSilence(isOn ? waitingTicks(this.playout.modelRateHz) : undefined);
  }

  /** Stops what the agent says, and tells the model how much of it was heard. Undefined when nothing of it was queued. */
  cutOff({ cancel }: { cancel: boolean }): CutOff | undefined {
    if (cancel) this.#seat.session.cancelResponse();
    for (const response of this.#responses.values()) response.interrupted = true;
    const interrupted = this.playout.interrupt();
    // Only now: a hand-over that waited for silence has changed the session.
    const { session, memory } = this.#seat;
    let first: CutOff | undefined;
    for (const unheard of interrupted) {
      if (unheard.kind === 'truncate') {
        session.truncate(unheard);
        memory?.agentHeard(unheard.itemId, unheard.audioEndMs);
        first ??= { itemId: unheard.itemId, audioEndMs: unheard.audioEndMs };
      } else {
        // What a session before this one said is nothing that this one could forget.
        if (session.hasMade(unheard.itemId)) session.deleteItem(unheard.itemId);
        memory?.forget(unheard.itemId);
        first ??= { itemId: unheard.itemId, audioEndMs: 0 };
      }
    }
    return first;
  }

  /** The session is lost in the middle of whatever it said: that is all there is. */
  sessionLost(): void {
    this.#responses.clear();
    this.playout.completeAll();
  }

  /** Another session speaks from now on; what is heard of the one before it has its rate, or there is nothing. */
  sessionReplaced(): void {
    this.#responses.clear();
    const rateHz = this.#seat.session.outputRateHz;
    if (rateHz === this.playout.modelRateHz) return;
    this.playout.changeRate(rateHz);
    // The tool whose caller waits goes on, whoever gets its result.
    this.waitingSound(this.#sounds);
  }
}
