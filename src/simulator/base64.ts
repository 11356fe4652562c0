/** The octets, or undefined when it is not base64 (RFC 4648 section 4, padding included). */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  // Node skips what it does not know, so that anything strange makes the result too short.
  return bytes.length === (text.length / 4) * 3 - padding ? bytes : undefined;
}
