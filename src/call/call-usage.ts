import type { ResponseDone, TokenUsage, TranscriptionUsage } from '../realtime/session-listener';
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

/** What a call has taken of its models: tokens, and what they cost once a model was chosen. */
export class CallUsage {
  readonly #tokens: TokenUsage = { ...noTokens };
  #model = '';
  #meter: CostMeter | undefined;

  get tokens(): TokenUsage {
    return { ...this.#tokens };
  }

  /** Undefined before a model was chosen. */
  get cost(): CallCost | undefined {
    return this.#meter?.cost;
  }

  /** From now on; what others have taken stays. */
  chooseModel(
    model: { kind: 'api' | 'simulator'; name: string },
    { prices, unpricedModels }: { prices: PriceTable; unpricedModels: UnpricedModels },
  ): void {
    this.#model = model.name;
    this.#meter ??= new CostMeter({
      table: prices,
      modelKind: model.kind,
      onUnpriced: (unpriced) => unpricedModels.tell(unpriced),
    });
    this.#meter.changeModel(model.kind);
  }

  addResponse({ usage }: ResponseDone): void {
    if (usage === undefined) return;
    for (const key of Object.keys(this.#tokens) as (keyof TokenUsage)[]) this.#tokens[key] += usage[key];
    this.#meter?.addResponse(this.#model, usage);
  }

  addTranscription(model: string | undefined, usage: TranscriptionUsage): void {
    this.#meter?.addTranscription(model ?? 'transcription', usage);
  }
}
