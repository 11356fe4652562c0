/** The part of an INVITE that routes look at; all of it is untrusted text. */
export interface IncomingCall {
  /** The number that was dialled. */
  readonly to: string;
  /** The caller's number, or `anonymous`. */
  readonly from: string;
  /** Display name, or an empty string. */
  readonly fromName: string;
  readonly sipCallId: string;
  /** Where the INVITE came from. */
  readonly sourceAddress: string;
  /** First value of a header, any case; undefined when there is none. */
  header(name: string): string | undefined;
}
