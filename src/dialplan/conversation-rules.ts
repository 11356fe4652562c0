/** What happens when nobody speaks. */
export interface IdleRules {
  /** Silence of both sides, from when the caller last heard the agent. */
  readonly afterMs: number;
  readonly checkInsMax: number;
  /** After the last check-in: goodbye and the end of the call, nothing, or a transfer. */
  readonly then: 'hang_up' | 'wait' | { readonly transferTo: string };
  /** Who times the check-ins: the server's idle timeout, or our own watch. */
  readonly by: 'server' | 'bridge';
  /** What the model is told for a check-in and for the goodbye; undefined for our own words. */
  readonly checkIn: string | undefined;
  readonly goodbye: string | undefined;
}

/** Who decides whose turn it is. */
export type TurnRules =
  /** The server's turn detection. */
  | { readonly kind: 'server'; readonly interrupts: boolean }
  /** The bridge, after it has listened for a while whether the caller means it. */
  | { readonly kind: 'reversible'; readonly decideAfterMs: number }
  /** The caller, by a key. */
  | { readonly kind: 'push-to-talk'; readonly key: string };

/** What a route promises the caller. */
export interface GuaranteeRules {
  /** From the answer to the first sound. */
  readonly firstSoundMs: number | undefined;
  /** Longest silence while the caller waits for the agent. */
  readonly silenceMs: number | undefined;
}
