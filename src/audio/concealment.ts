/** What stands in for samples that did not come. One instance per stream. */
export interface LossFiller {
  /** A frame that came. After a loss its start may be blended with the filling, in place. */
  good(frame: Int16Array): void;
  /** Fills the frame in place of one that did not come. Any length; call it once for each lost frame, in order. */
  conceal(out: Int16Array): void;
  /** Forgets the past: a new stream, or one whose time has jumped. */
  reset(): void;
}

/**
 * Packet loss concealment for 8 kHz speech after ITU-T G.711 Appendix I: what did not come is filled with the last pitch
 * periods before it, which fade and are silent after 60 ms. One instance per stream; nothing is allocated per frame.
 *
 * The Appendix holds all speech back by 3.75 ms, so that it can still blend the last good samples into the first made-up
 * ones. Here good frames pass at once, and the seam is smoothed on the made-up side alone: a call would pay for the delay
 * all the time, and losses are rare.
 */
export class Concealment implements LossFiller {
  /** What was heard last, made up or not, oldest first. */
  readonly #history = new Int16Array(historyLength);
  /** The history as it was when the loss began: what the filling is made of. */
  readonly #speech = new Float64Array(historyLength);
  #pitch = pitchMax;
  /** By how much the last good sample missed the one a pitch period before. */
  #seam = 0;
  /** Samples made up since the last good one; 0 while all is well. */
  #lost = 0;

  /** A frame that came. After a loss its start is blended with the filling, in place; else it is left as it is. */
  good(frame: Int16Array): void {
    if (this.#lost > 0) this.#blendInto(frame);
    this.#lost = 0;
    this.#remember(frame);
  }

  /** Fills the frame in place of one that did not come. Any length; call it once for each lost frame, in order. */
  conceal(out: Int16Array): void {
    if (this.#lost === 0) this.#begin();
    for (let i = 0; i < out.length; i += 1) out[i] = this.#nextSample();
    this.#remember(out);
  }

  /** Forgets the past: a new stream, or one whose time has jumped. */
  reset(): void {
    this.#history.fill(0);
    this.#lost = 0;
  }

  #begin(): void {
    this.#speech.set(this.#history);
    this.#pitch = findPitch(this.#speech);
    this.#seam = this.#past(1) - this.#past(1 + this.#pitch);
  }

  #nextSample(): number {
    const lost = this.#lost;
    this.#lost += 1;
    if (lost >= muteAfter) return 0;
    const periods = Math.min(periodsMax, 1 + Math.floor(lost / stage));
    let sample = this.#repeated(lost, periods);
    const overlap = this.#pitch >> 2;
    const intoStage = lost - (periods - 1) * stage;
    if (periods > 1 && intoStage < overlap) {
      sample = mix(this.#repeated(lost, periods - 1), sample, intoStage, overlap);
    } else if (lost < seamLength) {
      sample = mix(sample + this.#seam, sample, lost, seamLength);
    }
    return toInt16(sample * gainAt(lost));
  }

  /**
   * The last `periods` pitch periods repeated for ever, each end blended towards the next start. It takes over in the
   * oldest of them, at the point of the period that the one before has reached.
   */
  #repeated(lost: number, periods: number): number {
    const length = periods * this.#pitch;
    const tookOver = (periods - 1) * stage;
    const ago = length - (((tookOver % this.#pitch) + lost - tookOver) % length);
    const overlap = this.#pitch >> 2;
    if (ago > overlap) return this.#past(ago);
    return mix(this.#past(ago), this.#past(ago + length), overlap - ago, overlap);
  }

  /** The sample that was the `ago`-th last before the loss, 1 being the last. */
  #past(ago: number): number {
    return this.#speech[historyLength - ago] as number;
  }

  #blendInto(frame: Int16Array): void {
    const stagesLost = Math.ceil(this.#lost / stage);
    const count = Math.min(frame.length, blendMax, (this.#pitch >> 2) + (stagesLost - 1) * blendPerStage);
    for (let i = 0; i < count; i += 1) {
      frame[i] = toInt16(mix(this.#nextSample(), frame[i] as number, i, count));
    }
  }

  #remember(frame: Int16Array): void {
    const kept = Math.min(frame.length, historyLength);
    this.#history.copyWithin(0, kept);
    for (let i = 0; i < kept; i += 1) {
      this.#history[historyLength - kept + i] = frame[frame.length - kept + i] as number;
    }
  }
}

// All in samples at 8 kHz, as the Appendix gives them. The history holds three of the longest periods and the quarter
// of one that is blended.
const historyLength = 390;
const pitchMin = 40;
const pitchMax = 120;
/** The stretch whose like is looked for: 20 ms. */
const matchLength = 160;
/** Every 10 ms the filling changes: one period repeated for longer buzzes, so two and then three take turns. */
const stage = 80;
const periodsMax = 3;
const fadePerStage = 0.2;
const muteAfter = 480;
/** When speech returns: a quarter period, and 4 ms more for each further 10 ms lost, at most 10 ms. */
const blendPerStage = 32;
const blendMax = 80;
/** 1 ms hides the step; a longer one draws the filling away from the true speech (tried on recordings). */
const seamLength = 8;

/** The first 10 ms keep their level; it then falls in a straight line, to nothing at `muteAfter`. */
function gainAt(lost: number): number {
  return Math.min(1, 1 - (fadePerStage * (lost - stage)) / stage);
}

/** From one sample to another in equal steps, neither end included: `index` 0 is still mostly `from`. */
function mix(from: number, to: number, index: number, count: number): number {
  return from + ((to - from) * (index + 1)) / (count + 1);
}

/** Every second sample and lag first, then the neighbours of the best: a quarter of the work for the same answer. */
function findPitch(speech: Float64Array): number {
  const coarse = bestLag(speech, { from: pitchMin, to: pitchMax, step: 2 });
  return bestLag(speech, { from: Math.max(pitchMin, coarse - 1), to: Math.min(pitchMax, coarse + 1), step: 1 });
}

/** The lag at which the end of the speech is most like what came before it, whatever its level. */
function bestLag(speech: Float64Array, { from, to, step }: { from: number; to: number; step: number }): number {
  let best = from;
  let bestScore = -Infinity;
  for (let lag = from; lag <= to; lag += step) {
    let product = 0;
    let energy = 1;
    for (let i = historyLength - matchLength; i < historyLength; i += step) {
      const before = speech[i - lag] as number;
      product += before * (speech[i] as number);
      energy += before * before;
    }
    const score = product / Math.sqrt(energy);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return best;
}

function toInt16(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value)));
}
