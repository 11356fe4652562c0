/** Why a silence on the line is not the caller's to break. */
export type Occupation =
  | 'agent-speaking'
  | 'caller-speaking'
  | 'responding'
  | 'tool'
  | 'hold'
  | 'digits'
  | 'transfer'
  | 'handoff'
  | 'announcement';

/**
 * What the call is busy with, by name. Whoever begins something ends it; idle check-ins and the limits on silence ask
 * here and nowhere else whether anybody is being waited for.
 */
export class Occupations {
  readonly #counts = new Map<Occupation, number>();
  readonly #onChange: (current: ReadonlySet<Occupation>) => void;

  /** `onChange` hears of every occupation that begins or ends; one that is begun twice ends with the second end. */
  constructor(onChange: (current: ReadonlySet<Occupation>) => void = () => undefined) {
    this.#onChange = onChange;
  }

  get current(): ReadonlySet<Occupation> {
    return new Set(this.#counts.keys());
  }

  has(occupation: Occupation): boolean {
    return this.#counts.has(occupation);
  }

  /** Returns its end, which may be called more than once. */
  begin(occupation: Occupation): () => void {
    const count = this.#counts.get(occupation) ?? 0;
    this.#counts.set(occupation, count + 1);
    if (count === 0) this.#onChange(this.current);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#end(occupation);
    };
  }

  #end(occupation: Occupation): void {
    const count = this.#counts.get(occupation) ?? 0;
    if (count > 1) {
      this.#counts.set(occupation, count - 1);
      return;
    }
    this.#counts.delete(occupation);
    this.#onChange(this.current);
  }
}
