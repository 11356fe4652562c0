import type { TokenUsage, TranscriptionUsage } from '../realtime/session-listener';
import type { ModelChoice } from './model-choice';
import type { ModelPrices, PriceTable, TranscriptionPrices } from './price-table';
import { priceOf } from './price-table';

/** What a call has cost so far, as the price table has it. */
export interface CallCost {
  /** US dollars; models without a price are not in it. */
  usd: number;
  modelUsd: number;
  transcriptionUsd: number;
  transcribedSeconds: number;
  transcriptionTokens: number;
  /** Models that were used and that the table does not know. */
  unpriced: readonly string[];
}

const million = 1_000_000;

/** Adds up what the models and the transcription of one call cost. A simulator costs nothing. */
export class CostMeter {
  readonly #table: PriceTable;
  readonly #onUnpriced: (model: string) => void;
  readonly #unpriced = new Set<string>();
  #modelUsd = 0;
  #transcriptionUsd = 0;
  #transcribedSeconds = 0;
  #transcriptionTokens = 0;

  /** `onUnpriced` hears of each model without a price once. */
  constructor(options: { table: PriceTable; onUnpriced?: (model: string) => void }) {
    this.#table = options.table;
    this.#onUnpriced = options.onUnpriced ?? (() => undefined);
  }

  /** Dollars of one response, by its own model. */
  addResponse({ kind, name }: ModelChoice, usage: TokenUsage): void {
    const prices = priceOf(this.#table.models, name);
    if (prices !== undefined) this.#modelUsd += responseUsd(prices, usage);
    else if (kind === 'api') this.#lacks(name);
  }

  /** `name` is that of the model that wrote it down, `kind` that of the session. */
  addTranscription({ kind, name }: ModelChoice, usage: TranscriptionUsage): void {
    if (usage.kind === 'duration') this.#transcribedSeconds += usage.seconds;
    else this.#transcriptionTokens += usage.inputTextTokens + usage.inputAudioTokens + usage.outputTokens;
    const prices = priceOf(this.#table.transcription, name);
    const usd = prices === undefined ? undefined : transcriptionUsd(prices, usage);
    if (kind === 'simulator') return;
    if (usd === undefined) this.#lacks(name);
    else this.#transcriptionUsd += usd;
  }

  get cost(): CallCost {
    return {
      usd: rounded(this.#modelUsd + this.#transcriptionUsd),
      modelUsd: rounded(this.#modelUsd),
      transcriptionUsd: rounded(this.#transcriptionUsd),
      transcribedSeconds: this.#transcribedSeconds,
      transcriptionTokens: this.#transcriptionTokens,
      unpriced: [...this.#unpriced],
    };
  }

  #lacks(model: string): void {
    if (this.#unpriced.has(model)) return;
    this.#unpriced.add(model);
    this.#onUnpriced(model);
  }
}

/** Cached tokens are part of the input and have a price of their own. */
function responseUsd(prices: ModelPrices, usage: TokenUsage): number {
  const fresh = (all: number, cached: number): number => Math.max(0, all - cached);
  return (
    (fresh(usage.inputTextTokens, usage.cachedTextTokens) * prices.textIn +
      usage.cachedTextTokens * prices.textCached +
      fresh(usage.inputAudioTokens, usage.cachedAudioTokens) * prices.audioIn +
      usage.cachedAudioTokens * prices.audioCached +
      fresh(usage.inputImageTokens, usage.cachedImageTokens) * prices.imageIn +
      usage.cachedImageTokens * prices.imageCached +
      usage.outputTextTokens * prices.textOut +
      usage.outputAudioTokens * prices.audioOut) /
    million
  );
}

/** Undefined when the table's price is of another kind than what was used. */
function transcriptionUsd(prices: TranscriptionPrices, usage: TranscriptionUsage): number | undefined {
  if ('perMinute' in prices) return usage.kind === 'duration' ? (usage.seconds / 60) * prices.perMinute : undefined;
  if (usage.kind === 'duration') return undefined;
  const inputTokens = usage.inputTextTokens + usage.inputAudioTokens;
  return (inputTokens * prices.in + usage.outputTokens * prices.out) / million;
}

/** To a millionth of a dollar: more digits are noise of binary fractions. */
function rounded(usd: number): number {
  return Math.round(usd * million) / million;
}
