import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import { frameMs, samplesPerFrame } from '../audio/pcm';
import type { RateConverter } from '../audio/resampler';
import { createRateConverter } from '../audio/resampler';
import type { AudioSource } from '../media/media-leg';
import { invariant } from '../runtime/invariant';

/** What the model's history must be told after an interruption. */
export type Unheard =
  /** Partly heard, or a later part of an item: `conversation.item.truncate`. */
  | { kind: 'truncate'; itemId: string; contentIndex: number; audioEndMs: number }
  /** No part of it was heard: `conversation.item.delete`. */
  | { kind: 'delete'; itemId: string };

export interface PlayoutListener {
  /** The first sample of an item is about to be sent. */
  onItemStarted(itemId: string): void;
  /** Everything queued has been sent and nothing more is announced. */
  onDrained(): void;
  /** An item goes on after a pause that nobody meant: its deltas came later than the caller heard them. Milliseconds. */
  onGap(ms: number): void;
}

/** One item's audio, from its first delta until its last sample was sent. */
interface Segment {
  /** Undefined for a local prompt, which no interruption removes. */
  readonly item: { itemId: string; contentIndex: number } | undefined;
  readonly chunks: PcmFrame[];
  /** Samples of `chunks[0]` that were sent already. */
  chunkOffset: number;
  receivedSamples: number;
  heardSamples: number;
  /** No more deltas will come. */
  complete: boolean;
}

/** Long enough to spare the ear a click, short enough that speech stops within the next frame. */
const fadeMs = 5;

/** Interrupted items whose late deltas are still recognised. */
const interruptedItemsMax = 32;

/**
 * The agent's speech on its way to the caller: a queue per item, pulled frame by frame.
 *
 * It is the one place that knows what the caller really heard. Positions count samples that were handed to the media
 * leg; no wall clock is consulted.
 */
export class Playout implements AudioSource {
  readonly #legRateHz: SampleRateHz;
  readonly #queuedMsMax: number;
  #modelRateHz: SampleRateHz;
  #converter: RateConverter;
  #modelFrame: PcmFrame;
  #queuedSamplesMax: number;
  readonly #listener: PlayoutListener;
  readonly #queue: Segment[] = [];
  readonly #interrupted: string[] = [];
  #queuedSamples = 0;
  #fade: PcmFrame | undefined;
  #drained = true;
  #loop: PcmFrame | undefined;
  #loopPlace = 0;
  /** Nothing is played until `resume`; the queue stays. */
  #held = false;
  #rampIn = false;
  #silentFrames = 0;
  /** Frames for which an item that had begun had nothing to say. No gap yet: it may be at its end. */
  #waitedFrames = 0;

  constructor(options: {
    modelRateHz: SampleRateHz;
    legRateHz: SampleRateHz;
    queuedMsMax: number;
    listener: PlayoutListener;
  }) {
    this.#modelRateHz = options.modelRateHz;
    this.#legRateHz = options.legRateHz;
    this.#queuedMsMax = options.queuedMsMax;
    this.#converter = createRateConverter(options.modelRateHz, options.legRateHz);
    this.#modelFrame = new Int16Array(samplesPerFrame(options.modelRateHz));
    this.#queuedSamplesMax = (options.queuedMsMax * options.modelRateHz) / 1_000;
    this.#listener = options.listener;
  }

  /** Of everything that is queued. */
  get modelRateHz(): SampleRateHz {
    return this.#modelRateHz;
  }

  /** What is queued from now on has another rate. Only while nothing is. */
  changeRate(modelRateHz: SampleRateHz): void {
    if (modelRateHz === this.#modelRateHz) return;
    invariant(!this.speaking, 'the rate of what is queued cannot change');
    this.#modelRateHz = modelRateHz;
    this.#converter = createRateConverter(modelRateHz, this.#legRateHz);
    this.#modelFrame = new Int16Array(samplesPerFrame(modelRateHz));
    this.#queuedSamplesMax = (this.#queuedMsMax * modelRateHz) / 1_000;
    this.#loop = undefined;
    this.#fade = undefined;
  }

  /** How much is still to be sent. */
  get queuedMs(): number {
    return (this.#queuedSamples * 1_000) / this.#modelRateHz;
  }

  /** How long the caller has heard nothing of us: whole frames that were sent without any sample of the queue. */
  get silentMs(): number {
    return this.#silentFrames * frameMs;
  }

  /** True while anything is queued, or announced and not complete. */
  get speaking(): boolean {
    return this.#queue.length > 0;
  }

  /** Adds a delta; takes ownership of the samples. `full` when the queue's limit would be passed: nothing was added. */
  enqueue(delta: { itemId: string; contentIndex: number; samples: PcmFrame }): 'queued' | 'full' | 'interrupted' {
    if (this.#interrupted.includes(delta.itemId)) return 'interrupted';
    if (this.#queuedSamples + delta.samples.length > this.#queuedSamplesMax) return 'full';
    let segment = this.#find(delta.itemId, delta.contentIndex);
    if (segment === undefined) {
      const { itemId, contentIndex } = delta;
      segment = newSegment({ itemId, contentIndex });
      this.#append(segment);
    }
    if (delta.samples.length > 0) segment.chunks.push(delta.samples);
    segment.receivedSamples += delta.samples.length;
    this.#queuedSamples += delta.samples.length;
    return 'queued';
  }

  /** No more audio will come for this content: its last, partial frame may go out. */
  complete({ itemId, contentIndex }: { itemId: string; contentIndex: number }): void {
    const segment = this.#find(itemId, contentIndex);
    if (segment === undefined) return;
    segment.complete = true;
    // What was sent in full waits only for this word, not for another frame.
    if (segment.chunks.length === 0) this.#remove(segment);
    this.#tellWhenDrained();
  }

  /** The model has gone: what came of its words is all there is. */
  completeAll(): void {
    this.#held = false;
    for (const segment of [...this.#queue]) {
      segment.complete = true;
      if (segment.chunks.length === 0) this.#remove(segment);
    }
    this.#tellWhenDrained();
  }

  /** Queues a local recording at the model's rate. It cannot be interrupted. */
  playPrompt(samples: PcmFrame): void {
    const segment = newSegment(undefined);
    if (samples.length > 0) segment.chunks.push(samples);
    segment.receivedSamples = samples.length;
    segment.complete = true;
    this.#queuedSamples += samples.length;
    this.#append(segment);
  }

  /** Falls silent within the next frame and keeps the place; what comes is queued. Twice is fine. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    const [segment] = this.#queue;
    if (segment !== undefined && segment.heardSamples > 0) this.#fadeOut(segment);
  }

  /** Goes on at the sample after the last one that was heard. Twice is fine. */
  resume(): void {
    this.#rampIn ||= this.#held;
    this.#held = false;
  }

  /**
   * The caller speaks over the agent: what plays fades within the next frame, the rest is dropped. Returns what the
   * model must forget, in order; items that were heard whole are not in it.
   */
  interrupt(): Unheard[] {
    this.#waitedFrames = 0;
    const unheard: Unheard[] = [];
    const kept: Segment[] = [];
    for (const segment of this.#queue) {
      if (segment.item === undefined) {
        kept.push(segment);
        continue;
      }
      this.#rememberInterrupted(segment.item.itemId);
      const started = segment.heardSamples > 0;
      if (started && !this.#held) this.#fadeOut(segment);
      this.#queuedSamples -= segment.receivedSamples - segment.heardSamples;
      const { itemId, contentIndex } = segment.item;
      if (unheard.some((other) => other.kind === 'delete' && other.itemId === itemId)) continue;
      // Of an item with several parts an earlier one may have been heard.
      if (started || contentIndex > 0) {
        const audioEndMs = Math.floor((segment.heardSamples * 1_000) / this.#modelRateHz);
        unheard.push({ kind: 'truncate', itemId, contentIndex, audioEndMs });
      } else {
        unheard.push({ kind: 'delete', itemId });
      }
    }
    this.#queue.splice(0, this.#queue.length, ...kept);
    this.#held = false;
    this.#tellWhenDrained();
    return unheard;
  }

  /** Drops everything, prompts too, with a fade. For a farewell that must be heard now. */
  silence(): Unheard[] {
    const unheard = this.interrupt();
    for (const prompt of this.#queue) {
      if (prompt.heardSamples > 0) this.#fadeOut(prompt);
      this.#queuedSamples -= prompt.receivedSamples - prompt.heardSamples;
    }
    this.#queue.length = 0;
    this.#drained = true;
    return unheard;
  }

  /**
   * A sound at the model's rate that fills the silence between everything else, over and over; undefined ends it. It is
   * nothing that was said: it is neither counted as heard nor waited for.
   */
  fillSilence(loop: PcmFrame | undefined): void {
    this.#loop = loop;
    this.#loopPlace = 0;
  }

  /** The next 20 ms for the caller. */
  pull(frame: PcmFrame): void {
    const model = this.#modelFrame;
    let filled = this.#takeFade(model);
    let segment = this.#held ? undefined : this.#queue[0];
    while (segment !== undefined && filled < model.length) {
      const available = segment.receivedSamples - segment.heardSamples;
      // A partial frame goes out only when the item has ended: otherwise the rest comes with the next delta.
      if (!segment.complete && available < model.length - filled) {
        if (segment.heardSamples > 0) this.#waitedFrames += 1;
        break;
      }
      filled = this.#take(segment, { into: model, from: filled });
      if (segment.chunks.length > 0 || !segment.complete) break;
      this.#queue.shift();
      segment = this.#queue[0];
    }
    this.#silentFrames = filled === 0 ? this.#silentFrames + 1 : 0;
    if (this.#rampIn && filled > 0) this.#fadeIn(model);
    model.fill(0, filled);
    if (this.#queue.length === 0) this.#takeLoop(model, filled);
    this.#converter.process(model, frame);
    this.#tellWhenDrained();
  }

  /** Copies from the segment, counts it as heard, and returns how far `into` is filled. */
  #take(segment: Segment, { into, from }: { into: PcmFrame; from: number }): number {
    if (segment.heardSamples === 0 && segment.item !== undefined && segment.chunks.length > 0) {
      this.#listener.onItemStarted(segment.item.itemId);
    }
    this.#tellGap(segment);
    let filled = from;
    let chunk = segment.chunks[0];
    while (chunk !== undefined && filled < into.length) {
      const count = Math.min(chunk.length - segment.chunkOffset, into.length - filled);
      into.set(chunk.subarray(segment.chunkOffset, segment.chunkOffset + count), filled);
      filled += count;
      segment.chunkOffset += count;
      segment.heardSamples += count;
      this.#queuedSamples -= count;
      if (segment.chunkOffset < chunk.length) break;
      segment.chunks.shift();
      segment.chunkOffset = 0;
      chunk = segment.chunks[0];
    }
    return filled;
  }

  /** Moves the start of what would have come next into the fade, ramped down; it counts as heard. */
  #fadeOut(segment: Segment): void {
    const wanted = Math.min((fadeMs * this.#modelRateHz) / 1_000, segment.receivedSamples - segment.heardSamples);
    const fade = new Int16Array(wanted);
    const filled = this.#take(segment, { into: fade, from: 0 });
    invariant(filled === wanted, 'a segment held less than it counted');
    for (let i = 0; i < wanted; i += 1) fade[i] = Math.round(((fade[i] ?? 0) * (wanted - i)) / (wanted + 1));
    this.#fade = fade;
  }

  #fadeIn(model: PcmFrame): void {
    this.#rampIn = false;
    const length = (fadeMs * this.#modelRateHz) / 1_000;
    for (let i = 0; i < length; i += 1) model[i] = Math.round(((model[i] ?? 0) * (i + 1)) / (length + 1));
  }

  #takeFade(model: PcmFrame): number {
    const fade = this.#fade;
    if (fade === undefined) return 0;
    this.#fade = undefined;
    model.set(fade);
    model.fill(0, fade.length);
    // What follows starts with the next frame, so that the fade is heard as an end.
    return model.length;
  }

  #takeLoop(model: PcmFrame, from: number): void {
    const loop = this.#loop;
    if (loop === undefined) return;
    for (let i = from; i < model.length; i += 1) {
      model[i] = loop[this.#loopPlace] ?? 0;
      this.#loopPlace = (this.#loopPlace + 1) % loop.length;
    }
  }

  #tellGap(segment: Segment): void {
    if (this.#waitedFrames > 0 && segment.heardSamples > 0) this.#listener.onGap(this.#waitedFrames * frameMs);
    this.#waitedFrames = 0;
  }

  #append(segment: Segment): void {
    this.#queue.push(segment);
    this.#drained = false;
  }

  #find(itemId: string, contentIndex: number): Segment | undefined {
    // The queue holds a few items at most, and deltas belong to the last of them.
    return this.#queue.findLast(
      (segment) => segment.item?.itemId === itemId && segment.item.contentIndex === contentIndex,
    );
  }

  #remove(segment: Segment): void {
    this.#queue.splice(this.#queue.indexOf(segment), 1);
  }

  #rememberInterrupted(itemId: string): void {
    this.#interrupted.push(itemId);
    if (this.#interrupted.length > interruptedItemsMax) this.#interrupted.shift();
  }

  #tellWhenDrained(): void {
    if (this.#drained || this.#queue.length > 0) return;
    this.#drained = true;
    this.#listener.onDrained();
  }
}

function newSegment(item: Segment['item']): Segment {
  return { item, chunks: [], chunkOffset: 0, receivedSamples: 0, heardSamples: 0, complete: false };
}
