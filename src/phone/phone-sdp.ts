/** What a phone says about a stream (RFC 3264 section 8.4). */
export type PhoneDirection = 'sendrecv' | 'sendonly';

/**
 * A description of ours with another direction, and with the version that a changed one must have (RFC 3264 section 8).
 * Only for SDP that we made: each media section has its own direction line.
 */
export function describe(sdp: string, options: { direction: PhoneDirection; version: number }): string {
  return sdp
    .replace(/^(o=\S+ \S+) \S+/m, `$1 ${options.version}`)
    .replace(/^a=sendrecv\r?$/gm, `a=${options.direction}\r`);
}
