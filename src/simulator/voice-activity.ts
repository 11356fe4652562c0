import { frameMs, samplesPerFrame, type SampleRateHz } from '../audio/pcm';

export interface VoiceActivitySettings {
  /** 0 to 1: higher needs louder speech. */
  threshold: number;
  silenceMs: number;
}

/** Told in the order of the audio, from within `process`. Offsets are milliseconds of appended audio. */
export interface VoiceActivityListener {
  /** `onsetMs` is where the voice began, some tens of milliseconds before it was certain. */
  onSpeechStart(onsetMs: number): void;
  /** `endMs` includes the silence that decided it. */
  onSpeechStop(endMs: number): void;
}

// Levels are those of telephone speech: about -26 dBFS for most, -38 for a quiet caller, lines at -50 and below.
const quietestThresholdDb = -56;
const thresholdRangeDb = 28;
/** Speech stands out from what goes on all the time. */
const aboveFloorDb = 8;
/** Weak ends of words still belong to them. */
const hysteresisDb = 3;
/** Until the background is known only a voice of normal loudness counts. */
const unknownFloorDb = -44;
const silentDb = -96;

const activeFramesToStart = 3;
const startWindowFrames = 4;
const floorWindowFrames = 10;
/** Ten windows of 200 ms: nobody talks for two seconds without a gap between words, and all that does is background. */
const floorWindows = 10;
/** A background is believed after half a second; under a voice that began with the call, only after a whole memory. */
const framesToKnowFloor = 25;
const framesToKnowFloorUnderSpeech = floorWindows * floorWindowFrames;

/**
 * Finds speech by its energy in frames of 20 ms, against a threshold that follows the background: the quietest moment
 * of the last two seconds. A steady hum, hiss or tone therefore stops counting as speech after that time.
 */
export class VoiceActivityDetector {
  readonly #listener: VoiceActivityListener;
  readonly #frameLength: number;
  #settings: VoiceActivitySettings;
  #speaking = false;

  // The frame being filled.
  #count = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #frameEndMs: number;

  // The last frames, newest in the lowest bit; 1 is active.
  #recentActive = 0;
  #silentFrames = 0;

  readonly #floors = new Float64Array(floorWindows).fill(Infinity);
  #floorIndex = 0;
  #framesInWindow = 0;
  #framesSeen = 0;

  constructor(options: {
    rateHz: SampleRateHz;
    /** Offset of the first sample. */
    offsetMs: number;
    settings: VoiceActivitySettings;
    listener: VoiceActivityListener;
  }) {
    this.#listener = options.listener;
    this.#frameLength = samplesPerFrame(options.rateHz);
    this.#settings = options.settings;
    this.#frameEndMs = options.offsetMs;
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** Keeps what it knows of the background. */
  configure(settings: VoiceActivitySettings): void {
    this.#settings = settings;
  }

  /** Forgets a voice that is being heard, without a word to the listener. */
  reset(): void {
    this.#speaking = false;
    this.#recentActive = 0;
    this.#silentFrames = 0;
  }

  /** Chunks of any length; does not keep the array. */
  process(samples: Int16Array): void {
    let position = 0;
    while (position < samples.length) {
      const end = Math.min(samples.length, position + this.#frameLength - this.#count);
      let sum = 0;
      let sumOfSquares = 0;
      for (let i = position; i < end; i += 1) {
        const sample = samples[i] as number;
        sum += sample;
        sumOfSquares += sample * sample;
      }
      this.#sum += sum;
      this.#sumOfSquares += sumOfSquares;
      this.#count += end - position;
      position = end;
      if (this.#count === this.#frameLength) this.#endFrame();
    }
  }

  #endFrame(): void {
    const levelDb = this.#takeLevelDb();
    this.#frameEndMs += frameMs;
    const isActive = levelDb > this.#thresholdDb();
    this.#trackFloor(levelDb);
    this.#recentActive = ((this.#recentActive << 1) | (isActive ? 1 : 0)) & ((1 << startWindowFrames) - 1);
    if (this.#speaking) this.#whileSpeaking(isActive);
    else this.#whileQuiet();
  }

  #whileSpeaking(isActive: boolean): void {
    this.#silentFrames = isActive ? 0 : this.#silentFrames + 1;
    if (this.#silentFrames === 0 || this.#silentFrames * frameMs < this.#settings.silenceMs) return;
    this.reset();
    this.#listener.onSpeechStop(this.#frameEndMs);
  }

  #whileQuiet(): void {
    if (ones(this.#recentActive) < activeFramesToStart) return;
    this.#speaking = true;
    this.#silentFrames = 0;
    const framesSinceOnset = 32 - Math.clz32(this.#recentActive);
    this.#listener.onSpeechStart(this.#frameEndMs - framesSinceOnset * frameMs);
  }

  /** Level of the frame without its direct current, in dB of full scale; starts the next frame. */
  #takeLevelDb(): number {
    const mean = this.#sum / this.#count;
    const power = (this.#sumOfSquares / this.#count - mean * mean) / (32_768 * 32_768);
    this.#sum = 0;
    this.#sumOfSquares = 0;
    this.#count = 0;
    return power > 0 ? Math.max(silentDb, 10 * Math.log10(power)) : silentDb;
  }

  #thresholdDb(): number {
    const absoluteDb = quietestThresholdDb + thresholdRangeDb * this.#settings.threshold;
    const thresholdDb = Math.max(absoluteDb, this.#floorDb() + aboveFloorDb);
    return this.#speaking ? thresholdDb - hysteresisDb : thresholdDb;
  }

  #floorDb(): number {
    let floorDb = Infinity;
    for (let i = 0; i < floorWindows; i += 1) floorDb = Math.min(floorDb, this.#floors[i] as number);
    const isKnown = this.#framesSeen >= (this.#speaking ? framesToKnowFloorUnderSpeech : framesToKnowFloor);
    return isKnown ? floorDb : Math.min(floorDb, unknownFloorDb);
  }

  #trackFloor(levelDb: number): void {
    this.#framesSeen += 1;
    this.#framesInWindow += 1;
    if (this.#framesInWindow > floorWindowFrames) {
      this.#framesInWindow = 1;
      this.#floorIndex = (this.#floorIndex + 1) % floorWindows;
      this.#floors[this.#floorIndex] = Infinity;
    }
    this.#floors[this.#floorIndex] = Math.min(this.#floors[this.#floorIndex] as number, levelDb);
  }
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
