import { execFile } from 'node:child_process';
import { createConnection } from 'node:net';
import { promisify } from 'node:util';

import { describeWith } from '../support/installed';

// Where the real servers are; `npm run test:cluster` skips what it has no server for (docs/cluster-tests.md).
//   RINGBRIDGE_TEST_FREESWITCH         HOST:PORT of one or two event sockets, with RINGBRIDGE_TEST_FREESWITCH_SECRET
//   RINGBRIDGE_TEST_DRACHTIO           HOST:PORT of drachtio-server, with RINGBRIDGE_TEST_DRACHTIO_SECRET
//   RINGBRIDGE_TEST_DRACHTIO_SIP       HOST:PORT where it takes calls
//   RINGBRIDGE_TEST_CONTROL            a program: VERB NAME, with start, kill, freeze or thaw, and fs1, fs2 or drachtio
const variables = {
  freeswitch: ['RINGBRIDGE_TEST_FREESWITCH', 'RINGBRIDGE_TEST_FREESWITCH_SECRET'],
  drachtio: ['RINGBRIDGE_TEST_DRACHTIO', 'RINGBRIDGE_TEST_DRACHTIO_SECRET', 'RINGBRIDGE_TEST_DRACHTIO_SIP'],
  control: ['RINGBRIDGE_TEST_CONTROL'],
  'two freeswitch': ['RINGBRIDGE_TEST_FREESWITCH'],
} as const;

export type Need = keyof typeof variables;

/** `describe` when these servers and programs are there, else `describe.skip` and one line that says what is missing. */
export function describeCluster(needs: readonly Need[], ...programs: string[]): jest.Describe {
  const missing = needs.flatMap((need) => variables[need].filter((name) => setting(name) === ''));
  if (needs.includes('two freeswitch') && missing.length === 0 && freeswitchAddresses().length < 2) {
    missing.push('RINGBRIDGE_TEST_FREESWITCH');
  }
  if (missing.length === 0) return describeWith(...programs);
  const suite = expect.getState().testPath?.split('/').at(-1) ?? 'a suite';
  const line = `skipped in ${suite}: no real server, or not enough of them, in ${[...new Set(missing)].join(', ')}\n`;
  if (!told.has(line)) process.stderr.write(line);
  told.add(line);
  return describe.skip;
}

const told = new Set<string>();

/** What stands before the caller: our own SIP server, or drachtio-server. */
export type Front = 'embedded SIP server' | 'drachtio-server';

export const fronts: readonly Front[] =
  setting('RINGBRIDGE_TEST_DRACHTIO') === '' ? ['embedded SIP server'] : ['embedded SIP server', 'drachtio-server'];

/** The settings that make Ringbridge use the real servers. */
export function clusterEnv(front: Front, { freeswitch = freeswitchAddresses() } = {}): Record<string, string> {
  return {
    // Servers that others could reach would want a key of the API.
    RINGBRIDGE_REALTIME_URL: 'simulator',
    RINGBRIDGE_FREESWITCH: freeswitch.join(','),
    RINGBRIDGE_FREESWITCH_SECRET: setting('RINGBRIDGE_TEST_FREESWITCH_SECRET'),
    ...(front === 'drachtio-server'
      ? {
          RINGBRIDGE_DRACHTIO: setting('RINGBRIDGE_TEST_DRACHTIO'),
          RINGBRIDGE_DRACHTIO_SECRET: setting('RINGBRIDGE_TEST_DRACHTIO_SECRET'),
        }
      : {}),
  };
}

/** Where callers of that bridge call. */
export function targetOf(front: Front, bridge: { sip(): string }): string {
  return front === 'drachtio-server' ? setting('RINGBRIDGE_TEST_DRACHTIO_SIP') : bridge.sip();
}

export function freeswitchAddresses(): string[] {
  return setting('RINGBRIDGE_TEST_FREESWITCH')
    .split(',')
    .filter((address) => address !== '');
}

export async function control(verb: 'start' | 'kill' | 'freeze' | 'thaw', name: string): Promise<void> {
  await promisify(execFile)(setting('RINGBRIDGE_TEST_CONTROL'), [verb, name]);
}

/** Runs one `api` command of FreeSWITCH, on a connection of its own. */
export async function freeswitchApi(command: string, address = freeswitchAddresses()[0] ?? ''): Promise<string> {
  const [host = '', port] = address.split(':');
  const socket = createConnection({ host, port: Number(port) });
  socket.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('auth/request')) {
        text = '';
        socket.write(`auth ${setting('RINGBRIDGE_TEST_FREESWITCH_SECRET')}\n\n`);
      } else if (text.includes('+OK accepted')) {
        text = '';
        socket.write(`api ${command}\n\n`);
      }
      const reply = /Content-Type: api\/response\nContent-Length: (\d+)\n\n/.exec(text);
      const body = reply === null ? '' : text.slice(reply.index + reply[0].length);
      if (reply !== null && Buffer.byteLength(body) >= Number(reply[1])) return body;
    }
  } finally {
    socket.destroy();
  }
  throw new Error(`FreeSWITCH did not answer ${command}`);
}

/** Channels that are up there, whoever made them. */
export async function channelsAt(address?: string): Promise<number> {
  return Number(/(\d+) total/.exec(await freeswitchApi('show channels count', address))?.[1] ?? Number.NaN);
}

/** Waits until so many channels are up. */
export async function channelsBecome(
  count: number,
  { withinMs = 5_000, address = freeswitchAddresses()[0] ?? '' } = {},
): Promise<void> {
  const startMs = performance.now();
  while ((await channelsAt(address)) !== count && performance.now() - startMs < withinMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await channelsAt(address)).toBe(count);
}

function setting(name: string): string {
  return process.env[name] ?? '';
}
