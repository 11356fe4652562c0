/**
 * drachtio-server reads into a ring of 12,228 octets: a longer frame never completes, and nothing behind it is ever read,
 * with every call on that connection. The length and the id come before what is counted here.
 */
export const frameBytesMax = 11_000;

/** It cuts a block of headers at this length, without a word. */
export const headerBlockBytesMax = 8_300;

/** Why a frame must not be sent to the server; undefined when it may. */
export function frameProblem(message: string): string | undefined {
  // No character takes more than three octets for each of its UTF-16 units.
  if (message.length * 3 <= headerBlockBytesMax) return undefined;
  const bytes = Buffer.byteLength(message);
  if (bytes > frameBytesMax) return `a message of ${bytes} bytes is too long for the SIP server`;
  const headersEnd = message.indexOf('\r\n\r\n');
  const headerBytes = Buffer.byteLength(headersEnd < 0 ? message : message.slice(0, headersEnd));
  if (headerBytes > headerBlockBytesMax) return `headers of ${headerBytes} bytes are too long for the SIP server`;
  return undefined;
}
