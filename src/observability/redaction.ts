import type { LogFields } from '../runtime/logger';

/** Fields below this depth, and entries or characters beyond these counts, are not worth a log line. */
const depthMax = 6;
const entriesMax = 50;
const textLengthMax = 2_000;
const redacted = '[redacted]';

/** Keys of people's numbers and addresses: the last two digits stay, so that two lines can be told apart. */
const numberKeys = new Set(['to', 'from', 'caller', 'callee', 'number', 'dialled', 'aor', 'contact', 'identity']);

/** Keys of people's words and keys, and of what the agent was told. */
const wordKeys = new Set([
  'apikey',
  'arguments',
  'argumentstext',
  'authorization',
  'cookie',
  'digit',
  'digits',
  'displayname',
  'fromname',
  'greeting',
  'instructions',
  'key',
  'output',
  'password',
  'prompt',
  'proxyauthorization',
  'sdp',
  'secret',
  'text',
  'token',
  'transcript',
  'words',
]);
const wordKeyEnd = /(apikey|secret|password|transcript)$/;

/** Keys whose text may quote a stranger: numbers within it are masked. Ids are left whole, so that they can be found. */
const quotingKeys = new Set(['cause', 'err', 'error', 'header', 'line', 'message', 'reason', 'stack', 'uri', 'url']);

/** Ten digits in pairs (`01.23.45.67.89`), or six and more with or without spaces, hyphens and brackets. */
const numberInText = /\+?(?:\d{2}(?:\.\d{2}){4,}|\d(?:[ ()-]?\d){5,})/g;

/** A copy without people's words, with their numbers masked. Takes anything, keeps nothing of it, never throws. */
export function redactFields(fields: LogFields): LogFields {
  return redactMap(fields, 0);
}

/** `+33123456789` as `***89`; a number of up to four characters as `***`. */
export function maskNumber(text: string): string {
  const characters = text.replace(/[^0-9A-Za-z]/g, '');
  return characters.length > 4 ? `***${characters.slice(-2)}` : '***';
}

function redactMap(map: object, depth: number): LogFields {
  return Object.fromEntries(
    Object.keys(map)
      .slice(0, entriesMax)
      .map((key) => [key, redactEntry(key, read(map, key), depth)]),
  );
}

/** A getter may be broken. */
function read(map: object, key: string): unknown {
  try {
    return (map as LogFields)[key];
  } catch {
    return '[unreadable]';
  }
}

function redactEntry(key: string, value: unknown, depth: number): unknown {
  const plain = key.toLowerCase().replace(/[_-]/g, '');
  if (value === undefined || value === null) return value;
  if (wordKeys.has(plain) || wordKeyEnd.test(plain)) return redacted;
  if (numberKeys.has(plain)) return Array.isArray(value) ? redacted : maskNumber(plainText(value));
  return redactValue(value, depth, quotingKeys.has(plain));
}

function redactValue(value: unknown, depth: number, quotes: boolean): unknown {
  switch (typeof value) {
    case 'string':
      return quotes ? maskNumbersIn(cut(value)) : cut(value);
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : redactObject(value, depth, quotes);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
  }
}

function redactObject(value: object, depth: number, quotes: boolean): unknown {
  if (depth >= depthMax) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, entriesMax).map((entry) => redactValue(entry, depth + 1, quotes));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (isError(value)) return redactError(value, depth);
  return redactMap(value, depth + 1);
}

/** The parts of an error that tell something; `cause` is followed. */
function redactError(error: Error, depth: number): LogFields {
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message: maskNumbersIn(cut(message)),
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack === undefined ? {} : { stack: maskNumbersIn(cut(stack)) }),
    ...(cause === undefined ? {} : { cause: redactValue(cause, depth + 1, true) }),
  };
}

/** Errors of another realm are errors, too. */
function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function maskNumbersIn(text: string): string {
  return text.replace(numberInText, maskNumber);
}

function plainText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function cut(text: string): string {
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}...` : text;
}
