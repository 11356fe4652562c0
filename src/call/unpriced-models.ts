import type { Logger } from '../runtime/logger';

/** A server that names another model in each session must not fill the memory. */
const modelsMax = 100;

/** Tells once, however many calls use it, that a model has no price: its calls cost nothing on the record. */
export class UnpricedModels {
  readonly #logger: Logger;
  readonly #told = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  tell(model: string): void {
    if (this.#told.has(model) || this.#told.size >= modelsMax) return;
    this.#told.add(model);
    this.#logger.warn({ model }, 'a model has no price: what it costs is not counted, and no limit of cost holds');
  }
}
