/** Something that goes wrong on purpose, `afterMs` after the session or the response began. */
export type Fault = { afterMs: number } &
  /** A close frame. */
  (
    | { kind: 'close'; code: number; reason: string }
    /** The connection is gone without a close frame: 1006 for the client. */
    | { kind: 'abort' }
    /** No event goes out for `lengthMs`; then all that was held back does, in order. Undefined: never again. */
    | { kind: 'stall'; lengthMs: number | undefined }
    /** A text frame that is not an event of the protocol. */
    | { kind: 'malformed'; text: string }
    /** An `error` event that ends nothing. */
    | { kind: 'error'; error: { type: string; code: string | null; message: string } }
  );
