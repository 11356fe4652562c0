/** What the caller hears while a tool runs and nobody speaks. */
export interface WhileWaiting {
  /** After this long without a sound. */
  readonly afterMs: number;
  readonly say: string | undefined;
  readonly sound: 'ticks' | undefined;
}
