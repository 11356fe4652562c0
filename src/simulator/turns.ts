import { decodeAudio, bytesPerMs, bytesPerSample, rateOf, type AudioFormat } from './audio-format';
import type { ConversationItem } from './conversation-item';
import { WholeAudio } from './encoded-audio';
import { IdleTimeout } from './idle-timeout';
import type { AudioClip } from './input-audio';
import { InputAudio } from './input-audio';
import type { SessionContext } from './session-context';
import type { TurnDetection } from './session-settings';
import { Transcriber } from './transcriber';
import type { VoiceActivityListener, VoiceActivitySettings } from './voice-activity';
import { VoiceActivityDetector } from './voice-activity';

/** Called with the caller's samples as they are appended; must not keep the array. */
export type HeardAudio = (samples: Int16Array, rateHz: 8_000 | 24_000) => void;

/** What the turns of the caller bring about. */
export interface TurnListener {
  /** A voice that may interrupt. */
  onInterruption(): void;
  /** A turn that wants an answer. */
  onAnswerWanted(cause: 'turn' | 'idle'): void;
}

/** A commit of less is refused. */
const commitMsMin = 100;
/** Semantic turn detection is approximated by how long it waits; the service's upper limits are 8, 4 and 2 seconds. */
const semanticSilenceMs = { low: 1_600, medium: 800, auto: 800, high: 400 };
const semanticPrefixMs = 300;
/** How long before its announcement a voice may have begun. */
const onsetMsMax = 200;
const idleSlackMs = 1_000;
/** One second at 24 kHz; longer appends are worked through in pieces. */
const blockSamples = 24_000;

/** The ear of a session: input buffer, turn detection, commits and the items that come of them. */
export class Turns implements VoiceActivityListener {
  heardAudio: HeardAudio | undefined;
  /** What was committed last. */
  lastClip: AudioClip | undefined;
  readonly #context: SessionContext;
  readonly #listener: TurnListener;
  readonly #transcriber: Transcriber;
  readonly #idle: IdleTimeout;
  readonly #input: InputAudio;
  readonly #block = new Int16Array(blockSamples);
  #format: AudioFormat;
  #detector: VoiceActivityDetector;
  #isDetecting: boolean;
  /** The first octet of a PCM sample whose second one is still to come. */
  #oddByte: Buffer | undefined;
  #speech: { itemId: string; startMs: number } | undefined;

  constructor(context: SessionContext, listener: TurnListener) {
    this.#context = context;
    this.#listener = listener;
    this.#transcriber = new Transcriber(context);
    this.#format = context.settings().audio.input.format;
    this.#input = new InputAudio(this.#format);
    this.#detector = this.#newDetector();
    this.#isDetecting = this.#turnDetection !== null;
    this.#idle = new IdleTimeout({
      clock: context.clock,
      timers: context.timers,
      timeoutMs: () => this.#idleTimeoutMs(),
      offsetMs: () => this.#input.offsetMs,
      onTimeout: (range) => this.#onIdle(range),
    });
  }

  /** Takes ownership of `bytes`, audio in the format of the session. */
  append(bytes: Buffer): void {
    const whole = this.#wholeSamples(bytes);
    this.#input.append(whole);
    const isDetecting = this.#isDetecting && this.#context.behaviour.listens;
    const blockBytes = blockSamples * bytesPerSample(this.#format);
    for (let start = 0; start < whole.length; start += blockBytes) {
      const count = decodeAudio(this.#format, whole.subarray(start, start + blockBytes), this.#block);
      const samples = this.#block.subarray(0, count);
      this.heardAudio?.(samples, rateOf(this.#format));
      if (isDetecting) this.#detector.process(samples);
    }
    this.#forgetSilence();
  }

  /** Makes an item of what is buffered; never an answer. */
  commit(): { kind: 'committed' } | { kind: 'too-short'; bufferedMs: number } {
    const { bufferedMs, startMs, offsetMs } = this.#input;
    if (bufferedMs < commitMsMin) return { kind: 'too-short', bufferedMs };
    const itemId = this.#speech?.itemId ?? this.#context.ids.next('item');
    this.#endSpeech();
    this.#commit({ itemId, fromMs: startMs, toMs: offsetMs, idle: false });
    return { kind: 'committed' };
  }

  clear(): void {
    this.#input.clear();
    this.#endSpeech();
    this.#idle.restart();
  }

  /** The settings of the session changed. */
  reconfigure(): void {
    const { format } = this.#context.settings().audio.input;
    if (format.type !== this.#format.type) {
      this.#format = format;
      this.#oddByte = undefined;
      this.#input.changeFormat(format);
      this.#endSpeech();
      this.#detector = this.#newDetector();
    }
    const isDetecting = this.#turnDetection !== null;
    // While it was off the detector heard nothing and lost count of the time.
    if (isDetecting !== this.#isDetecting) {
      this.#endSpeech();
      this.#detector = this.#newDetector();
    }
    this.#isDetecting = isDetecting;
    this.#detector.configure(this.#activitySettings());
    this.#idle.reconsider();
  }

  /** A response of the conversation begins: nobody is idle. */
  onResponseStarted(): void {
    this.#idle.disarm();
  }

  onResponseDone(audioMs: number): void {
    if (this.#speech === undefined) this.#idle.arm(audioMs);
  }

  onSpeechStart(onsetMs: number): void {
    const prefixMs = prefixOf(this.#turnDetection);
    const startMs = Math.max(onsetMs - prefixMs, this.#input.startMs);
    this.#speech = { itemId: this.#context.ids.next('item'), startMs };
    this.#idle.disarm();
    this.#context.emit({
      type: 'input_audio_buffer.speech_started',
      audio_start_ms: Math.floor(startMs),
      item_id: this.#speech.itemId,
    });
    if (this.#turnDetection?.interrupt_response === true) this.#listener.onInterruption();
  }

  onSpeechStop(endMs: number): void {
    const speech = this.#speech;
    if (speech === undefined) return;
    this.#speech = undefined;
    this.#context.emit({
      type: 'input_audio_buffer.speech_stopped',
      audio_end_ms: Math.floor(endMs),
      item_id: speech.itemId,
    });
    this.#commit({ itemId: speech.itemId, fromMs: speech.startMs, toMs: endMs, idle: false });
    if (this.#turnDetection?.create_response === true) this.#listener.onAnswerWanted('turn');
  }

  #onIdle({ startMs, endMs }: { startMs: number; endMs: number }): void {
    const itemId = this.#context.ids.next('item');
    this.#context.emit({
      type: 'input_audio_buffer.timeout_triggered',
      audio_start_ms: Math.floor(startMs),
      audio_end_ms: Math.floor(endMs),
      item_id: itemId,
    });
    this.#commit({ itemId, fromMs: startMs, toMs: endMs, idle: true });
    this.#listener.onAnswerWanted('idle');
  }

  #commit({ itemId, fromMs, toMs, idle }: { itemId: string; fromMs: number; toMs: number; idle: boolean }): void {
    const { conversation, behaviour } = this.#context;
    const clip = this.#input.copy({ fromMs, toMs });
    this.#input.keepFrom(toMs);
    const audio = new WholeAudio(clip.format, clip.bytes);
    const held = { audio, byteLength: audio.byteLength };
    const item: ConversationItem = {
      id: itemId,
      status: 'completed',
      body: { type: 'message', role: 'user', content: [{ type: 'input_audio', transcript: null, held }] },
    };
    const isConversation = this.#context.settings().type === 'realtime';
    this.#context.emit({
      type: 'input_audio_buffer.committed',
      item_id: itemId,
      ...(isConversation ? { previous_item_id: conversation.last?.id ?? null } : {}),
    });
    this.#context.addItem(item);
    this.#context.finishItem(item);
    conversation.limitAudio();
    this.lastClip = clip;
    const heard = behaviour.hear({ audio: clip, idle });
    this.#transcriber.transcribe(item, heard, clip.bytes.length / bytesPerMs(clip.format));
  }

  #endSpeech(): void {
    this.#speech = undefined;
    this.#detector.reset();
  }

  /** Between turns only what a voice or an idle timeout may reach back to is kept. */
  #forgetSilence(): void {
    if (this.#turnDetection === null || this.#speech !== undefined) return;
    const prefixMs = prefixOf(this.#turnDetection) + onsetMsMax;
    this.#input.keepFrom(this.#input.offsetMs - Math.max(prefixMs, this.#idleSilenceMs()));
  }

  /** How much silence an idle timeout would commit now. */
  #idleSilenceMs(): number {
    const { startOffsetMs } = this.#idle;
    const timeoutMs = this.#idleTimeoutMs();
    if (startOffsetMs === undefined || timeoutMs === null) return 0;
    // Appended audio need not keep step with the clock.
    return Math.min(this.#input.offsetMs - startOffsetMs, timeoutMs + idleSlackMs);
  }

  #wholeSamples(bytes: Buffer): Buffer {
    const joined = this.#oddByte === undefined ? bytes : Buffer.concat([this.#oddByte, bytes]);
    const odd = joined.length % bytesPerSample(this.#format);
    this.#oddByte = odd === 0 ? undefined : joined.subarray(joined.length - odd);
    return odd === 0 ? joined : joined.subarray(0, joined.length - odd);
  }

  get #turnDetection(): TurnDetection | null {
    return this.#context.settings().audio.input.turn_detection;
  }

  #idleTimeoutMs(): number | null {
    const detection = this.#turnDetection;
    return detection?.type === 'server_vad' ? (detection.idle_timeout_ms ?? null) : null;
  }

  #newDetector(): VoiceActivityDetector {
    return new VoiceActivityDetector({
      rateHz: rateOf(this.#format),
      offsetMs: this.#input.offsetMs,
      settings: this.#activitySettings(),
      listener: this,
    });
  }

  #activitySettings(): VoiceActivitySettings {
    const detection = this.#turnDetection;
    switch (detection?.type) {
      case 'server_vad':
        return { threshold: detection.threshold, silenceMs: detection.silence_duration_ms };
      case 'semantic_vad':
        return { threshold: 0.5, silenceMs: semanticSilenceMs[detection.eagerness] };
      case undefined:
        return { threshold: 0.5, silenceMs: semanticSilenceMs.auto };
    }
  }
}

function prefixOf(detection: TurnDetection | null): number {
  return detection?.type === 'server_vad' ? detection.prefix_padding_ms : semanticPrefixMs;
}
