import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

import { loadSettings } from '../../src/config/settings';
import { startBridge } from '../../src/main';
import type { Clock } from '../../src/runtime/clock';
import { systemClock } from '../../src/runtime/clock';
import { systemRandom } from '../../src/runtime/random';
import { makeBridgeFolders, onePlan } from '../support/bridge';

/** The machine's clock, on which a moment can be made to last: timers that are set meanwhile wait for its end. */
function holdableClock(): { clock: Clock; hold: () => void; release: () => void } {
  let held: (() => void)[] | undefined;
  const clock: Clock = {
    ...systemClock,
    setTimer(delayMs, fire) {
      if (held === undefined) return systemClock.setTimer(delayMs, fire);
      held.push(fire);
      return { cancel: () => (held = held?.filter((other) => other !== fire)) };
    },
  };
  const release = (): void => {
    const due = held ?? [];
    held = undefined;
    for (const fire of due) fire();
  };
  return { clock, hold: () => (held = []), release };
}

/** The first line of the answer to an OPTIONS over UDP. */
async function answerToOptions(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const own = `127.0.0.1:${socket.address().port}`;
    const request = [
      `OPTIONS sip:100@127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};branch=z9hG4bKclosing`,
      'Max-Forwards: 70',
      `From: <sip:balancer@${own}>;tag=1`,
      `To: <sip:100@127.0.0.1:${port}>`,
      'Call-ID: closing',
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
    ].join('\r\n');
    socket.send(`${request}\r\n\r\n`, port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    return answer.toString().split('\r\n')[0] ?? '';
  } finally {
    socket.close();
  }
}

test('a bridge that ends now takes no new call while its last BYEs go out', async () => {
  const { folder, env } = await makeBridgeFolders(onePlan('simulator:tone:610'));
  const { clock, hold, release } = holdableClock();
  const logDestination = { write: (): void => undefined };
  const settings = loadSettings(env);
  const bridge = await startBridge({ settings, clock, random: systemRandom, env: {}, cwd: folder, logDestination });
  const port = Number(
    bridge.sipListening
      .find((listener) => listener.startsWith('udp'))
      ?.split(':')
      .at(-1),
  );
  hold();
  bridge.endNow();
  const answer = await answerToOptions(port);
  release();
  await bridge.closed;
  await rm(folder, { recursive: true, force: true });
  expect(answer).toBe('SIP/2.0 503 Service Unavailable');
});
