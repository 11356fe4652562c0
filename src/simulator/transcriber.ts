import type { HeardTurn } from './behaviour';
import type { ConversationItem } from './conversation-item';
import type { TokenLogprob, TranscriptionUsage } from './server-events';
import type { SessionContext } from './session-context';
import { callerAudioTokens, textTokens } from './usage';

const deltaIntervalMs = 20;
const wordsPerDelta = 2;
/** Transcription is another model's work: it may finish before the answer begins, or long after. */
const earlyShare = 0.25;
const earlyMs = 2;
const lateMsMin = 40;
const lateMsRange = 500;

/** Says what the separate transcription model makes of a committed turn, when the session asks for that. */
export class Transcriber {
  readonly #context: SessionContext;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Schedules the events for one user item with audio of `lengthMs`. */
  transcribe(item: ConversationItem, heard: HeardTurn, lengthMs: number): void {
    const settings = this.#context.settings().audio.input.transcription;
    if (settings === null) return;
    const model = settings.model ?? '';
    const delayMs = heard.delayMs ?? this.#chanceDelayMs();
    this.#context.timers.after(delayMs, () => {
      if (heard.failure === undefined) this.#delta(item, { model, lengthMs, transcript: heard.transcript, sent: 0 });
      else this.#fail(item, heard.failure);
    });
  }

  #chanceDelayMs(): number {
    const { random } = this.#context;
    return random.fraction() < earlyShare ? earlyMs : lateMsMin + random.fraction() * lateMsRange;
  }

  #delta(item: ConversationItem, job: { model: string; lengthMs: number; transcript: string; sent: number }): void {
    const rest = job.transcript.slice(job.sent);
    // whisper-1 knows no streaming: one delta holds everything.
    const delta = job.model === 'whisper-1' ? rest : (wordsPattern.exec(rest)?.[0] ?? rest);
    if (delta !== '') {
      this.#context.emit({
        type: 'conversation.item.input_audio_transcription.delta',
        item_id: item.id,
        content_index: 0,
        delta,
        ...this.#logprobs(delta),
        obfuscation: this.#context.ids.characters(12),
      });
    }
    const sent = job.sent + delta.length;
    if (sent >= job.transcript.length) this.#complete(item, job);
    else this.#context.timers.after(deltaIntervalMs, () => this.#delta(item, { ...job, sent }));
  }

  #complete(
    item: ConversationItem,
    { model, lengthMs, transcript }: { model: string; lengthMs: number; transcript: string },
  ): void {
    const content = item.body.type === 'message' ? item.body.content[0] : undefined;
    if (content?.type === 'input_audio') content.transcript = transcript;
    this.#context.emit({
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: item.id,
      content_index: 0,
      transcript,
      ...this.#logprobs(transcript),
      usage: usageOf({ model, lengthMs, transcript }),
    });
  }

  #fail(item: ConversationItem, { code, message }: { code: string; message: string }): void {
    this.#context.emit({
      type: 'conversation.item.input_audio_transcription.failed',
      item_id: item.id,
      content_index: 0,
      error: { type: 'transcription_error', code, message },
    });
  }

  #logprobs(text: string): { logprobs?: TokenLogprob[] } {
    if (this.#context.settings().include === null) return {};
    return { logprobs: [{ token: text, logprob: -0.01, bytes: [...Buffer.from(text)] }] };
  }
}

const wordsPattern = new RegExp(`^(?:\\s*\\S+){1,${wordsPerDelta}}`);

/** The gpt-4o transcription family is billed by tokens, the others by time; whisper-1 by whole seconds. */
function usageOf({
  model,
  lengthMs,
  transcript,
}: {
  model: string;
  lengthMs: number;
  transcript: string;
}): TranscriptionUsage {
  const seconds = lengthMs / 1_000;
  if (!/^gpt-4o/.test(model))
    return { type: 'duration', seconds: model === 'whisper-1' ? Math.ceil(seconds) : seconds };
  const audioTokens = callerAudioTokens(lengthMs);
  const outputTokens = textTokens(transcript.length);
  return {
    type: 'tokens',
    total_tokens: audioTokens + outputTokens,
    input_tokens: audioTokens,
    input_token_details: { text_tokens: 0, audio_tokens: audioTokens },
    output_tokens: outputTokens,
  };
}
