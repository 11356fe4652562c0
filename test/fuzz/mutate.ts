import type { Random } from '../../src/runtime/random';

/** What parsers trip over. */
const provocations = [
  ...['\r\n', '\r\n\r\n', '\n', '\r', '\r\n ', ' ', '\t', '\x00', '\x7f', '\\', '"', '\\"', '<', '>', '<>', '"<'],
  ...[',', ';', ';;', ';,', ':', '::', '@', '@@', '?', '=', '%', '%00', '%zz', '[', ']', '[::1]', '[:::1.2.3.4]'],
  ...['SIP/2.0', 'SIP/2.0/UDP', 'sip:', 'sips:', 'tel:1', 'z9hG4bK', ';tag=', ';tag=x', ';rport', ';received=1.2.3.4'],
  ...['-1', '0', '255', '256', '65536', '2147483648', '4294967295', '4294967296', '18446744073709551616', '1e9', 'NaN'],
  ...['\xff\xfe', '\xc3\x28', '\xef\xbb\xbf', '%s%n', '__proto__', 'constructor', '*', 'a'.repeat(300)],
  ...[
    'Content-Length: 5\r\n',
    'l: 0\r\n',
    'Via: x\r\n',
    'Require: a, b\r\n',
    'Contact: *\r\n',
    'Route: ,\r\n',
    ': x\r\n',
  ],
];
const changesMax = 5;
/** Above what any message may measure. */
const stretchMax = 20_000;

/** A message that was changed in one to five ways. `others` lend their parts. */
export function mutate(message: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let mutated = message;
  for (let changes = 1 + below(changesMax, random); changes > 0; changes -= 1) {
    mutated = change(mutated, others, random);
  }
  return mutated;
}

/** A whole number from 0 to `limit` - 1. */
export function below(limit: number, random: Random): number {
  return Math.floor(random.fraction() * limit);
}

export function pick<T>(from: readonly T[], random: Random): T {
  return from[below(from.length, random)]!;
}

function change(message: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const at = below(message.length + 1, random);
  const end = Math.min(message.length, at + below(60, random));
  const replaced = (by: Buffer, from = at, to = end): Buffer =>
    Buffer.concat([message.subarray(0, from), by, message.subarray(to)]);
  switch (below(10, random)) {
    case 0:
      return replaced(random.bytes(end - at));
    case 1:
      return replaced(Buffer.alloc(0));
    case 2:
      return replaced(message.subarray(at, end), at, at);
    case 3:
      return replaced(Buffer.from(pick(provocations, random), 'latin1'), at, at);
    case 4:
      return replaced(Buffer.from(pick(provocations, random), 'latin1'));
    case 5:
      return message.subarray(0, at);
    case 6:
      return replaced(
        Buffer.alloc(below(random.fraction() < 0.1 ? stretchMax : 200, random), below(256, random)),
        at,
        at,
      );
    case 7:
      return replaced(part(pick(others, random), random), at, at);
    case 8:
      return withLines(message, random, (lines, index) => [lines[index]!, lines[index]!]);
    default:
      return withLines(message, random, (lines, index) => [pick(lines, random), lines[index]!.toUpperCase()]);
  }
}

function part(message: Buffer, random: Random): Buffer {
  const at = below(message.length, random);
  return message.subarray(at, at + below(200, random));
}

/** One line replaced by others. */
function withLines(message: Buffer, random: Random, replace: (lines: string[], index: number) => string[]): Buffer {
  const lines = message.toString('latin1').split('\r\n');
  const index = below(lines.length, random);
  lines.splice(index, 1, ...replace(lines, index));
  return Buffer.from(lines.join('\r\n'), 'latin1');
}
