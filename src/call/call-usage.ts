import type { ResponseDone, TokenUsage, TranscriptionUsage } from '../realtime/session-listener';
import type { ModelChoice } from './model-choice';
import type { CallCost } from './cost-meter';
import { CostMeter } from './cost-meter';
import type { PriceTable } from './price-table';
import type { UnpricedModels } from './unpriced-models';

const noTokens: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  inputTextTokens: 0,
  inputAudioTokens: 0,
  inputImageTokens: 0,
  cachedTokens: 0,
  cachedTextTokens: 0,
  cachedAudioTokens: 0,
  cachedImageTokens: 0,
  outputTextTokens: 0,
  outputAudioTokens: 0,
};

/** What a call has taken of its models, each by its own prices: tokens, and what they cost once a model was chosen. */
export class CallUsage {
  readonly #tokens: TokenUsage = { ...noTokens };
  #meter: CostMeter | undefined;

  get tokens(): TokenUsage {
    return { ...this.#tokens };
  }

  /** Undefined before a model was chosen. */
  get cost(): CallCost | undefined {
    return this.#meter?.cost;
  }

  /** A model was chosen: from now on there is a cost. Twice is fine. */
  priceBy({ prices, unpricedModels }: { prices: PriceTable; unpricedModels: UnpricedModels }): void {
    this.#meter ??= new CostMeter({ table: prices, onUnpriced: (unpriced) => unpricedModels.tell(unpriced) });
  }

  addResponse({ usage }: ResponseDone, model: ModelChoice): void {
    if (usage === undefined) return;
    for (const key of Object.keys(this.#tokens) as (keyof TokenUsage)[]) this.#tokens[key] += usage[key];
    this.#meter?.addResponse(model, usage);
  }

  /** `transcriber` wrote down what was said in a session of `model`. */
  addTranscription(transcriber: string | undefined, usage: TranscriptionUsage, model: ModelChoice): void {
    const { kind } = model;
    this.#meter?.addTranscription({ kind, name: transcriber ?? 'transcription' }, usage);
  }
}
