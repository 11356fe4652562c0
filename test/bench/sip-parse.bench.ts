import { setImmediate } from 'node:timers/promises';

import { readEssentials } from '../../src/sip-server/essentials';
import { headerCountMax, headerLineBytesMax, messageBytesMax, parseMessage } from '../../src/sip-server/parse-message';
import { defaultRequestRules, findRequestFault } from '../../src/sip-server/request-rules';
import { serializeMessage } from '../../src/sip-server/sip-message';
import { StreamFramer } from '../../src/sip-server/stream-framer';
import type { Report } from './report';

/** A message of about `bytes` octets that costs as much as it can for its size. */
type Shape = (bytes: number) => Buffer;

const rounds = 15;
/** Long enough for the system's count of processor time, octets. */
const bytesPerRound = 4_000_000;
const ratioMax = 2.5;

/** What reading a message costs: an INVITE as phones send it, and messages that are made to hurt, up to the largest. */
export async function run(report: Report): Promise<void> {
  report.line('  parse, essentials and rules: processor time of this process, best of rounds');
  const usual = invite();
  report.figure({ name: `a usual INVITE of ${usual.length} octets`, value: costUs(usual), unit: 'µs', atMost: 60 });
  let worst = { name: '', us: 0 };
  for (const [name, shape] of Object.entries(shapes)) {
    const full = costUs(shape(messageBytesMax));
    const half = costUs(shape(messageBytesMax / 2));
    if (full > worst.us) worst = { name, us: full };
    const aside = `${half.toFixed(0)} µs for 8 kB, ${full.toFixed(0)} µs for 16 kB`;
    report.figure({ name: `twice as much of: ${name}`, value: full / half, unit: 'times', atMost: ratioMax, aside });
    // So that a Ctrl-C is heard between two of them.
    await setImmediate();
  }
  report.figure({ name: 'worst message of 16 kB', value: worst.us / 1_000, unit: 'ms', atMost: 2, aside: worst.name });
  report.figure({ name: 'the same octet by octet from a stream', value: trickleMs(), unit: 'ms', atMost: 30 });
}

const shapes: Record<string, Shape> = {
  'short headers, all there may be': (bytes) => withHeaders(bytes, (index) => `X${index}: y`),
  'headers that are all Via': (bytes) => withHeaders(bytes, () => `Via: SIP/2.0/UDP h;branch=${'b'.repeat(60)}`),
  'Vias in one list': (bytes) => inLines(bytes, 'Via: SIP/2.0/UDP h', ', SIP/2.0/UDP h;branch=z9hG4bK'),
  'folded lines': (bytes) => inLines(bytes, 'X: y', '\r\n y'),
  'folded spaces': (bytes) => inLines(bytes, 'X: y', '\r\n     '),
  'commas in Contact': (bytes) => inLines(bytes, 'Contact: <sip:a@b>', ',<sip:a@b>'),
  'commas in Require': (bytes) => inLines(bytes, 'Require: a', ',a'),
  'commas in Accept': (bytes) => inLines(bytes, 'Accept: a/b', ',a/b'),
  'q values in Accept': (bytes) => inLines(bytes, 'Accept: a/b', ';  q  =  0'),
  'parameters in From': (bytes) => inLines(bytes, 'From: <sip:a@b>', ';a=b'),
  'spaces before From': (bytes) => inLines(bytes, 'From:', ' '),
  'words before an angle bracket': (bytes) => inLines(bytes, 'From: a', ' a', ' <sip:a@b>'),
  'backslashes in quotes': (bytes) => inLines(bytes, 'From: "', '\\"', '" <sip:a@b>'),
  'quotes that never close': (bytes) => inLines(bytes, 'Contact: a', '"\\'),
  'semicolons in Content-Disposition': (bytes) => inLines(bytes, 'Content-Disposition: a', ';  handling  =  '),
  'empty lines in front': (bytes) => Buffer.concat([Buffer.from('\r\n'.repeat((bytes - 600) / 2)), invite()]),
  'line ends and nothing else': (bytes) => Buffer.from(`X sip:a SIP/2.0${'\r\n'.repeat((bytes - 20) / 2)}`),
  'a body': (bytes) =>
    Buffer.from(
      invite()
        .toString('latin1')
        .replace(/Content-Length.*\r\n/, '') + 'a'.repeat(bytes - 700),
    ),
  'a Request-URI': (bytes) =>
    Buffer.from(
      invite()
        .toString('latin1')
        .replace('bob', 'b;'.repeat((bytes - 700) / 2)),
    ),
};

function invite(headers: readonly string[] = []): Buffer {
  const own = new Set(headers.map((header) => header.slice(0, header.indexOf(':'))));
  const usual = [
    'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8;rport',
    'Max-Forwards: 70',
    'From: "Alice" <sip:alice@example.com>;tag=1928301774',
    'To: <sip:bob@example.com>',
    'Call-ID: a84b4c76e66710@192.0.2.1',
    'CSeq: 314159 INVITE',
    'Contact: <sip:alice@192.0.2.1>',
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, UPDATE',
    'Supported: replaces, timer',
    'User-Agent: Desk Phone 7.1',
    'Content-Type: application/sdp',
  ].filter((header) => !own.has(header.slice(0, header.indexOf(':'))));
  const body =
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n';
  const lines = [
    'INVITE sip:bob@example.com SIP/2.0',
    ...usual,
    ...headers,
    `Content-Length: ${body.length}`,
    '',
    body,
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** As many headers as allowed, or as fit; the last is stretched to fill the message. */
function withHeaders(bytes: number, headerAt: (index: number) => string): Buffer {
  const headers: string[] = [];
  let left = bytes - invite().length - 20;
  for (let index = 0; index < headerCountMax - 15; index += 1) {
    const header = headerAt(index);
    if (left < header.length + 2) break;
    headers.push(header);
    left -= header.length + 2;
  }
  const stretch = Math.max(0, Math.floor(left / headers.length));
  return invite(headers.map((header) => header + 'z'.repeat(stretch)));
}

/** Headers of the longest line allowed, each of `unit` again and again. */
function inLines(bytes: number, start: string, unit: string, end = ''): Buffer {
  const headers: string[] = [];
  for (let left = bytes - invite().length; left > 0; left -= headerLineBytesMax) {
    const length = Math.min(left, headerLineBytesMax) - start.length - end.length - 2;
    if (length > unit.length) headers.push(start + unit.repeat(Math.floor(length / unit.length)) + end);
  }
  return invite(headers);
}

function read(bytes: Buffer): void {
  const parsed = parseMessage(bytes);
  if (parsed.kind === 'garbage') return;
  const message = parsed.kind === 'broken-request' ? parsed.request : parsed;
  const essentials = readEssentials(message);
  if (typeof essentials !== 'string' && message.kind === 'request') {
    findRequestFault(message, essentials, { rules: defaultRequestRules, routed: ['INVITE'] });
  }
  serializeMessage(message);
}

function costUs(bytes: Buffer): number {
  const times = Math.max(20, Math.floor(bytesPerRound / bytes.length));
  let best = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    for (let count = 0; count < times; count += 1) read(bytes);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / times);
  }
  return best;
}

/** A stream that brings the largest message in single octets must not be looked through again for each. */
function trickleMs(): number {
  const message = withHeaders(messageBytesMax, (index) => `X${index}: y`);
  let best = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const framer = new StreamFramer({ onFrame: read, onPing: () => undefined });
    const before = process.cpuUsage();
    for (let at = 0; at < message.length; at += 1) framer.push(message.subarray(at, at + 1));
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}
