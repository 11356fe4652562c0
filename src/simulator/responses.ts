import type { ResponsePlan, ResponseRequest } from './behaviour';
import type { ResponseOptions } from './client-event';
import type { ConversationItem } from './conversation-item';
import type { AudioClip } from './input-audio';
import { itemFromClient } from './item-from-client';
import { Response, type ResponseOwner, type ResponseSettings } from './response';
import type { SessionContext } from './session-context';
import type { ConversationSettings, Voice } from './session-settings';
import { contextOf, UsageMeter, type ContextPart } from './usage';

/** Responses outside the conversation that may run at the same time. */
export const outOfBandResponsesMax = 16;

const tokensPerMinuteLimit = 15_000_000;

export interface ResponsesListener {
  /** A response of the conversation was accepted. */
  onStarted(): void;
  /** A response of the conversation is done and made so much audio. */
  onDone(audioMs: number): void;
  /** What the caller said last. */
  callerAudio(): AudioClip | undefined;
}

interface Wanted {
  cause: ResponseRequest['cause'];
  options: ResponseOptions;
  /** Echoed when it is refused. */
  eventId: string | null;
}

/** All responses of one session: at most one in the conversation, some outside it. */
export class Responses {
  readonly #context: SessionContext;
  readonly #listener: ResponsesListener;
  readonly #meter = new UsageMeter();
  /** The one of the conversation, from its acceptance to its `response.done`. */
  #current: Response | undefined;
  readonly #outOfBand = new Map<string, Response>();
  #hasSpoken = false;

  constructor(context: SessionContext, listener: ResponsesListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** Audio was made, if only a little of a response that goes on. */
  get hasSpoken(): boolean {
    return this.#hasSpoken || (this.#current?.audioMs ?? 0) > 0;
  }

  get isResponding(): boolean {
    return this.#current !== undefined;
  }

  /** Accepts or refuses; an accepted one begins after `timing.responseCreatedMs`. */
  create(wanted: Wanted): void {
    const settings = this.#context.settings();
    const refusal = settings.type === 'realtime' ? this.#refusalOf(wanted, settings) : noResponses;
    if (settings.type !== 'realtime' || refusal !== undefined) {
      this.#refuse(wanted, refusal ?? noResponses);
      return;
    }
    const items = this.#itemsFor(wanted, settings);
    if (items === undefined) return;
    const plan = this.#context.behaviour.respond({
      cause: wanted.cause,
      instructions: wanted.options.instructions,
      metadata: wanted.options.metadata ?? null,
      lastItem: items.at(-1),
      callerAudio: this.#listener.callerAudio(),
    });
    if (plan.refusal !== undefined) {
      this.#refuse(wanted, plan.refusal);
      return;
    }
    this.#begin(plan, settingsOf(wanted.options, settings, this.#context.conversationId), () =>
      contextOf(wanted.options.instructions ?? instructionsWithTools(settings), items),
    );
  }

  /** By id, or the one of the conversation. One that is accepted but not yet created is not found. */
  cancel(responseId: string | undefined, eventId: string | null): void {
    const response = responseId === undefined ? this.#current : this.#find(responseId);
    if (response?.isRunning === true) {
      response.cancel('client_cancelled');
      return;
    }
    const message = 'Cancellation failed: no active response found';
    this.#context.emitError({ code: 'response_cancel_not_active', message, event_id: eventId });
  }

  /** The caller speaks. Responses outside the conversation go on. */
  interrupt(): void {
    // Accepted a moment ago: it is announced and at once cancelled, so that nobody waits for it.
    this.#current?.start();
    this.#current?.cancel('turn_detected');
  }

  #begin(plan: ResponsePlan, settings: ResponseSettings, context: () => ContextPart[]): void {
    const { ids, random, timers, timing } = this.#context;
    const response = new Response({
      id: ids.next('resp'),
      settings,
      plan,
      timing,
      owner: this.#ownerOf(context),
      ids,
      random,
      timers,
    });
    if (settings.conversationId === null) this.#outOfBand.set(response.id, response);
    else {
      this.#current = response;
      this.#listener.onStarted();
    }
    timers.after(timing.responseCreatedMs, () => {
      response.start();
      this.#context.suffer(plan.faults ?? []);
    });
  }

  #ownerOf(context: () => ContextPart[]): ResponseOwner {
    // What the model reads is fixed when it begins, whatever is added while it speaks.
    let read: ContextPart[] | undefined;
    return {
      emit: (event) => {
        read ??= context();
        this.#context.emit(event);
      },
      addItem: (item) => this.#context.addItem(item),
      finishItem: (item) => this.#context.finishItem(item),
      measure: (output) => this.#meter.measure(read ?? context(), output),
      onDone: (response) => this.#onDone(response),
    };
  }

  #onDone(response: Response): void {
    const { audioMs } = response;
    const { behaviour, timers, timing } = this.#context;
    if (audioMs > 0) this.#hasSpoken = true;
    behaviour.done({ audioMs, items: response.itemCount });
    if (!this.#outOfBand.delete(response.id)) {
      this.#current = undefined;
      this.#listener.onDone(audioMs);
    }
    timers.after(timing.rateLimitsMs, () => this.#emitRateLimits());
  }

  #emitRateLimits(): void {
    const used = Math.min(tokensPerMinuteLimit, this.#meter.lastTotal);
    this.#context.emit({
      type: 'rate_limits.updated',
      rate_limits: [
        {
          name: 'tokens',
          limit: tokensPerMinuteLimit,
          remaining: tokensPerMinuteLimit - used,
          reset_seconds: (used / tokensPerMinuteLimit) * 60,
        },
      ],
    });
  }

  /** The items that this response reads: the conversation, or the given input; undefined when that was refused. */
  #itemsFor(wanted: Wanted, settings: ConversationSettings): readonly ConversationItem[] | undefined {
    const { conversation, ids } = this.#context;
    if (wanted.options.input === undefined) return [...conversation.items];
    const items: ConversationItem[] = [];
    for (const [index, wire] of wanted.options.input.entries()) {
      const param = `response.input[${index}]`;
      if (wire.type === 'item_reference') {
        const item = conversation.find(wire.id);
        if (item === undefined) {
          const message = `No item with the id '${wire.id.slice(0, 60)}' is in the conversation.`;
          this.#refuse(wanted, { code: 'invalid_value', message, param: `${param}.id` });
          return undefined;
        }
        items.push(item);
        continue;
      }
      const others = [...conversation.items, ...items];
      const made = itemFromClient(wire, { ids, items: others, format: settings.audio.input.format });
      if (made.kind === 'rejected') {
        this.#refuse(wanted, { code: made.code, message: made.message, param: `${param}.${made.param}` });
        return undefined;
      }
      items.push(made.item);
    }
    return items;
  }

  #find(responseId: string): Response | undefined {
    return this.#current?.id === responseId ? this.#current : this.#outOfBand.get(responseId);
  }

  #refusalOf({ options }: Wanted, settings: ConversationSettings): Refusal | undefined {
    if (options.conversation === 'none') {
      if (this.#outOfBand.size >= outOfBandResponsesMax) return tooMany;
    } else if (this.#current !== undefined) {
      return alreadyActive(this.#current.id);
    }
    const voice = options.audio?.output?.voice;
    const isOtherVoice = voice !== undefined && !sameVoice(voice, settings.audio.output.voice);
    return this.hasSpoken && isOtherVoice ? otherVoice : undefined;
  }

  #refuse({ cause, eventId }: Wanted, error: Refusal): void {
    // Nobody asked for an automatic answer, so nobody is told that another one is in its way.
    if (cause !== 'client' && error.code === activeResponseCode) return;
    this.#context.emitError({ ...error, event_id: eventId });
  }
}

interface Refusal {
  type?: string;
  code: string;
  message: string;
  param?: string;
}

const activeResponseCode = 'conversation_already_has_active_response';

function alreadyActive(responseId: string): Refusal {
  const message =
    `Conversation already has an active response in progress: ${responseId}. ` +
    'Wait until the response is finished before creating a new one.';
  return { code: activeResponseCode, message };
}

const noResponses = { code: 'invalid_value', message: 'A transcription session makes no responses.', param: 'type' };
const tooMany = {
  code: 'rate_limit_exceeded',
  message: 'Too many responses outside the conversation are in progress.',
};
const otherVoice = { code: 'cannot_update_voice', message: 'The voice cannot change once the model has spoken.' };

function settingsOf(options: ResponseOptions, session: ConversationSettings, conversationId: string): ResponseSettings {
  const format = options.audio?.output?.format ?? session.audio.output.format;
  const voice = options.audio?.output?.voice ?? session.audio.output.voice;
  return {
    conversationId: options.conversation === 'none' ? null : conversationId,
    modality: (options.output_modalities ?? session.output_modalities)[0] ?? 'audio',
    format: format.type === 'audio/pcm' ? { type: 'audio/pcm', rate: 24_000 } : { type: format.type },
    voice: typeof voice === 'string' ? voice : voice.id,
    maxOutputTokens: options.max_output_tokens ?? session.max_output_tokens,
    metadata: options.metadata ?? null,
  };
}

function sameVoice(one: Voice, other: Voice): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function instructionsWithTools({ instructions, tools }: ConversationSettings): string {
  return tools.length === 0 ? instructions : instructions + JSON.stringify(tools);
}
