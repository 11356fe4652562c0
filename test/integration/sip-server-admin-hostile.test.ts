import { seededRandom } from '../../src/runtime/random';
import { encodeFrame } from '../../src/sip-server/admin-frame';
import type { SipServer } from '../../src/sip-server/server';
import { below, mutate, pick } from '../fuzz/mutate';
import { AdminConnection } from '../sip-server/admin-connection';
import { startTestServer } from '../sip-server/srf-app';

const frames = 2_000;
const cutOfHundred = 5;

let server: SipServer;

beforeEach(async () => {
  server = await startTestServer({ resolve: () => Promise.resolve([]), resolveServices: () => Promise.resolve([]) });
});

afterEach(() => server.close());

const call =
  'INVITE sip:bob@127.0.0.1:9 SIP/2.0\r\nfrom: <sip:a@localhost>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n';
const commands: Buffer[] = [
  `id|sip||\r\n${call}`,
  `id|sip|||sip:127.0.0.1:9\r\n${call}`,
  'id|sip||call;from-tag=a\r\nBYE sip:placeholder SIP/2.0\r\n\r\n',
  'id|sip||call;from-tag=a\r\nACK sip:placeholder SIP/2.0\r\n\r\n',
  'id|sip|transaction|\r\nSIP/2.0 200 OK\r\nto: <sip:b@c>;tag=x\r\n\r\n',
  'id|sip|transaction|\r\nCANCEL sip:bob@127.0.0.1 SIP/2.0\r\n\r\n',
  `id|proxy|transaction|remainInDialog|fullResponse|followRedirects|serial|1s|2s|sip:127.0.0.1:9\r\n${call}`,
  'id|route|invite',
  'id|remove_route|invite',
  'id|ping',
].map((text) => encodeFrame(text));

test('an application that writes rubbish is cut off, and no other', async () => {
  const random = seededRandom(4_711);
  const honest = await AdminConnection.login(server, 'options');
  let hostile = await AdminConnection.login(server);
  let cut = 0;

  for (let frame = 0; frame < frames; frame += 1) {
    if (hostile.socket.destroyed || !hostile.socket.writable) {
      cut += 1;
      hostile = await AdminConnection.login(server);
    }
    const isMutated = below(3, random) > 0;
    hostile.socket.write(isMutated ? mutated(pick(commands, random), random) : pick(commands, random));
    if (below(100, random) < cutOfHundred) hostile.close();
    if (frame % 20 === 0) await honest.command('ping');
  }
  hostile.close();

  expect((await honest.command('ping')).tokens.slice(3)).toEqual(['OK', 'pong']);
  expect(cut).toBeGreaterThan(frames / 100);
  expect(server.stats.adminFramesRefused).toBeGreaterThan(0);
  expect(server.stats.requestsSent).toBeGreaterThan(0);
  honest.close();
});

/** Either as a whole, or behind a length that is right. */
function mutated(frame: Buffer, random: ReturnType<typeof seededRandom>): Buffer {
  if (below(2, random) === 0) return mutate(frame, commands, random);
  const payload = mutate(frame.subarray(frame.indexOf('#') + 1), commands, random);
  return Buffer.concat([Buffer.from(`${payload.length}#`), payload]);
}
