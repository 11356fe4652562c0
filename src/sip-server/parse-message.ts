import { HeaderList, longHeaderName } from './header-list';
import { isToken, parseDecimal } from './scanner';
import type { SipMessage, SipRequest } from './sip-message';

/** Largest message that is looked at, octets. */
export const messageBytesMax = 16_384;
/** Longest start line, octets. */
export const startLineBytesMax = 4_096;
/** Longest header field with its folded lines, octets. */
export const headerLineBytesMax = 4_096;
export const headerCountMax = 100;

export type GarbageReason = 'too-large' | 'not-sip' | 'bad-response';

/**
 * What a datagram or a framed stretch of a stream turned out to be. A request that is broken keeps what could be read
 * of it, so that it can be answered with `status`.
 */
export type ParsedMessage =
  | SipMessage
  | { kind: 'broken-request'; request: SipRequest; status: number; reason: string }
  | { kind: 'garbage'; reason: GarbageReason };

interface HeaderBlock {
  headers: HeaderList;
  fault: string | undefined;
}

export interface ParseOptions {
  /** Larger messages are garbage. Default `messageBytesMax`. */
  readonly bytesMax?: number;
  /** Take all that follows the headers as body, whatever Content-Length says. Default false. */
  readonly ignoreContentLength?: boolean;
}

/**
 * Parses one message (RFC 3261 section 7). Never throws; the work is linear in the length, which is capped first.
 * Octets after Content-Length are ignored, as they must be in a datagram (section 18.3).
 */
export function parseMessage(
  bytes: Buffer,
  { bytesMax = messageBytesMax, ignoreContentLength = false }: ParseOptions = {},
): ParsedMessage {
  if (bytes.length > bytesMax) return refuseLarge(parseMessage(bytes.subarray(0, bytesMax), { bytesMax }));
  const start = skipEmptyLines(bytes);
  const headEnd = bytes.indexOf('\r\n\r\n', start, 'latin1');
  const text = bytes.toString('latin1', start, headEnd === -1 ? bytes.length : headEnd);
  const firstLineEnd = text.indexOf('\r\n');
  const startLine = firstLineEnd === -1 ? text : text.slice(0, firstLineEnd);
  const isLong = startLine.length > startLineBytesMax;
  const block = parseHeaders(text, firstLineEnd === -1 ? text.length : firstLineEnd + 2);
  if (headEnd === -1) block.fault ??= 'No Empty Line After Headers';
  const rest = headEnd === -1 ? bytes.subarray(bytes.length) : bytes.subarray(headEnd + 4);
  const body = ignoreContentLength ? rest : takeBody(rest, block);
  if (isLong) block.fault = 'Start Line Too Long';
  return /^SIP\//i.test(startLine) ? parseResponse(startLine, block, body) : parseRequest(startLine, block, body);
}

/** A request that is too large is told so as long as its beginning says whose it is (RFC 3261 section 21.5.7). */
function refuseLarge(beginning: ParsedMessage): ParsedMessage {
  const request = beginning.kind === 'broken-request' ? beginning.request : beginning;
  if (request.kind !== 'request') return { kind: 'garbage', reason: 'too-large' };
  return { kind: 'broken-request', request, status: 513, reason: 'Message Too Large' };
}

function parseRequest(line: string, { headers, fault }: HeaderBlock, body: Buffer): ParsedMessage {
  const versionAt = [...line.matchAll(/ SIP\//gi)].at(-1)?.index;
  if (versionAt === undefined) return { kind: 'garbage', reason: 'not-sip' };
  const methodEnd = line.indexOf(' ');
  const method = line.slice(0, methodEnd);
  if (!isToken(method)) return { kind: 'garbage', reason: 'not-sip' };
  const uri = line.slice(methodEnd + 1, Math.max(versionAt, methodEnd + 1));
  // It has no case (section 7.1).
  const version = line.slice(versionAt + 1).toUpperCase();
  const request: SipRequest = { kind: 'request', method, uri, headers, body };
  if (version !== 'SIP/2.0' && /^SIP\/\d{1,9}\.\d{1,9}$/.test(version)) {
    return { kind: 'broken-request', request, status: 505, reason: 'Version Not Supported' };
  }
  const lineFault = version !== 'SIP/2.0' || !isTarget(uri) ? 'Bad Request Line' : undefined;
  const reason = lineFault ?? fault;
  return reason === undefined ? request : { kind: 'broken-request', request, status: 400, reason };
}

function parseResponse(line: string, { headers, fault }: HeaderBlock, body: Buffer): ParsedMessage {
  const match = /^SIP\/2\.0 ([1-6][0-9][0-9])(?: |$)/i.exec(line);
  if (match === null || fault !== undefined) return { kind: 'garbage', reason: 'bad-response' };
  // drachtio-srf, and others, would read a line end in it, Unicode's included, as the end of what can be read.
  const reason = line.slice(match[0].length).replaceAll(/[\x00-\x08\x0a-\x1f\x7f]|\xe2\x80[\xa8\xa9]/g, ' ');
  return { kind: 'response', status: Number(match[1]), reason, headers, body };
}

/** No space of any alphabet, no control characters and no brackets. */
function isTarget(uri: string): boolean {
  if (uri === '' || /[\x00-\x20\x7f<>]/.test(uri)) return false;
  return !/[\x80-\xff]/.test(uri) || !/\s/.test(Buffer.from(uri, 'latin1').toString('utf8'));
}

/** Empty lines before the start line are allowed (RFC 3261 section 7.5). */
function skipEmptyLines(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) at += 2;
  return at;
}

function parseHeaders(text: string, from: number): HeaderBlock {
  const headers = new HeaderList();
  let fault: string | undefined;
  for (let at = from; at < text.length;) {
    const end = endOfField(text, at);
    const fieldFault = headers.size >= headerCountMax ? 'Too Many Headers' : addField(headers, text.slice(at, end));
    fault ??= fieldFault;
    if (headers.size >= headerCountMax && fieldFault !== undefined) break;
    at = end + 2;
  }
  return { headers, fault };
}

/** The end of a header field: the first CRLF that is not followed by space (a folded line goes on). */
export function endOfField(text: string, from: number): number {
  let end = text.indexOf('\r\n', from);
  while (end !== -1 && (text.charAt(end + 2) === ' ' || text.charAt(end + 2) === '\t')) {
    end = text.indexOf('\r\n', end + 2);
  }
  return end === -1 ? text.length : end;
}

/** Adds one field; returns what is wrong with it. */
function addField(headers: HeaderList, field: string): string | undefined {
  if (field.length > headerLineBytesMax) return 'Header Too Long';
  const colon = field.indexOf(':');
  const name = field.slice(0, Math.max(colon, 0)).trimEnd();
  if (!isToken(name)) return 'Bad Header Name';
  const value = unfold(field.slice(colon + 1));
  if (hasBareControl(value)) return 'Control Character In Header';
  headers.add(longHeaderName(name), value);
  return undefined;
}

/** The value on one line, trimmed (RFC 3261 section 7.3.1). */
export function unfold(value: string): string {
  return (
    value.includes('\r\n')
      ? value
          .split('\r\n')
          .map((line) => line.trim())
          .join(' ')
      : value
  ).trim();
}

/** Control characters are legal only as the second half of a quoted pair, and CR and LF never (section 25.1). */
function hasBareControl(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code === 0x0d || code === 0x0a) return true;
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) if (value.charAt(i - 1) !== '\\') return true;
  }
  return false;
}

function takeBody(rest: Buffer, block: HeaderBlock): Buffer {
  const lengths = block.headers.all('content-length');
  const [first] = lengths;
  if (first === undefined) return rest;
  const length = parseDecimal(first, messageBytesMax);
  if (lengths.length > 1) block.fault ??= 'Repeated Content-Length';
  else if (length === undefined) block.fault ??= 'Bad Content-Length';
  else if (length > rest.length) block.fault ??= 'Content-Length Beyond Message';
  return length === undefined ? rest : rest.subarray(0, length);
}
