/** What an INFO request asks for. */
export type InfoContent = { kind: 'digit'; digit: string } | { kind: 'empty' } | { kind: 'malformed' | 'unsupported' };

/** Media types of INFO that are understood, for an Accept header. */
export const infoMediaTypes = 'application/dtmf-relay, application/dtmf';

/** Some phones write the RFC 4733 event number of a key that has no digit. */
const eventNumbers: Record<string, string> = { 10: '*', 11: '#', 12: 'A', 13: 'B', 14: 'C', 15: 'D' };

/** Reads a key from `application/dtmf-relay` (`Signal=5`, then `Duration=160`) or `application/dtmf` (`5`). Never throws. */
export function parseInfo(contentType: string | undefined, body: string | undefined): InfoContent {
  const text = (body ?? '').trim();
  if (text === '') return { kind: 'empty' };
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/dtmf-relay' && type !== 'application/dtmf') return { kind: 'unsupported' };
  const relayed = /^signal[ \t]*=[ \t]*(\S{1,2})[ \t]*$/im.exec(text.slice(0, 200))?.[1];
  const digit = toDigit(type === 'application/dtmf' ? (relayed ?? text) : relayed);
  return digit === undefined ? { kind: 'malformed' } : { kind: 'digit', digit };
}

function toDigit(signal: string | undefined): string | undefined {
  const upper = signal?.toUpperCase();
  if (upper === undefined) return undefined;
  return /^[0-9A-D*#]$/.test(upper) ? upper : eventNumbers[upper];
}

/** The body of an `application/dtmf-relay` INFO for one key. */
export function dtmfRelayBody(digit: string, durationMs: number): string {
  return `Signal=${digit}\r\nDuration=${Math.round(durationMs)}\r\n`;
}
