import { createHmac, timingSafeEqual } from 'node:crypto';

/** Names of the headers of a signed request. */
export const signatureHeaders = {
  id: 'Ringbridge-Id',
  timestamp: 'Ringbridge-Timestamp',
  signature: 'Ringbridge-Signature',
} as const;

/** A receiver refuses what was signed longer ago, or later, than this. */
export const signatureToleranceMs = 300_000;

/** What is signed. `content` is the body; for a request without one, its path with the query. */
export interface SignedParts {
  id: string;
  /** Unix seconds. */
  timestampS: number;
  content: string;
}

/**
 * The value of `Ringbridge-Signature`: for each secret `v1=` and the HMAC-SHA-256, in hexadecimal, of
 * `TIMESTAMP.ID.CONTENT` (UTF-8). While a secret is being replaced there are two, and a receiver that knows either is content.
 */
export function signatureOf(parts: SignedParts, secrets: readonly string[]): string {
  return secrets.map((secret) => `v1=${macOf(parts, secret).toString('hex')}`).join(',');
}

export type SignatureCheck = 'valid' | 'missing' | 'stale' | 'wrong';

/** For receivers: whether a request came from a bridge that knows one of `secrets`. Header names may be in any case. */
export function checkSignature(request: {
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as it came, not parsed and written again; for a request without one, its path with the query. */
  content: string;
  secrets: readonly string[];
  /** Unix milliseconds. */
  nowMs: number;
}): SignatureCheck {
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const header = (name: string): string | undefined => {
    const value = headers.get(name.toLowerCase());
    return typeof value === 'string' ? value : undefined;
  };
  const id = header(signatureHeaders.id);
  const timestamp = header(signatureHeaders.timestamp);
  const signature = header(signatureHeaders.signature);
  if (id === undefined || timestamp === undefined || signature === undefined) return 'missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'wrong';
  const timestampS = Number(timestamp);
  const given = signature.slice(0, 1_000).split(',');
  const isKnown = request.secrets.some((secret) => {
    const mac = macOf({ id, timestampS, content: request.content }, secret);
    return given.some((each) => isSame(each.trim(), mac));
  });
  if (!isKnown) return 'wrong';
  return Math.abs(request.nowMs - timestampS * 1_000) <= signatureToleranceMs ? 'valid' : 'stale';
}

function macOf({ id, timestampS, content }: SignedParts, secret: string): Buffer {
  return createHmac('sha256', secret).update(`${timestampS}.${id}.${content}`, 'utf8').digest();
}

function isSame(given: string, mac: Buffer): boolean {
  const hex = /^v1=([0-9a-f]{64})$/i.exec(given)?.[1];
  return hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), mac);
}
