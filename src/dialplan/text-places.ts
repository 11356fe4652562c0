import { withoutSecrets } from './literal-secrets';
import type { PlanPosition } from './plan-problem';

const lineTextMax = 160;

/** Turns offsets in a text into lines and columns. */
export class TextPlaces {
  readonly #text: string;
  readonly #lineStarts: readonly number[];

  constructor(text: string) {
    const starts = [0];
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
    this.#text = text;
    this.#lineStarts = starts;
  }

  at(offset: number): PlanPosition {
    const line = this.#lineOf(Math.min(offset, this.#text.length));
    const start = this.#lineStarts[line] ?? 0;
    const end = this.#text.indexOf('\n', start);
    const whole = this.#text.slice(start, end === -1 ? undefined : end);
    const shown = withoutSecrets(whole.slice(0, lineTextMax)).replace(/\p{Cc}/gu, ' ');
    return { line: line + 1, column: Math.min(offset, this.#text.length) - start + 1, text: shown.trimEnd() };
  }

  /** Counted from 0. */
  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
