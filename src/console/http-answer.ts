import type { IncomingMessage } from 'node:http';

/** What is sent back for one request. */
export interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

const jsonType = 'application/json; charset=utf-8';
/** Bodies are small maps. */
const bodyBytesMax = 4_096;

export function jsonAnswer(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return { status, type: jsonType, body: `${JSON.stringify(body)}\n`, headers };
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The map that a body holds, empty for an empty body; the answer when it holds something else or too much. */
export async function readJsonMap(
  request: IncomingMessage,
): Promise<{ map: Readonly<Record<string, unknown>> } | { answer: Answer }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) {
      return { answer: jsonAnswer(413, { error: `at most ${bodyBytesMax} bytes` }, { Connection: 'close' }) };
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { map: { ...value } };
  } catch {
    // Told below.
  }
  return { answer: jsonAnswer(400, { error: 'the body is not a JSON object' }) };
}
