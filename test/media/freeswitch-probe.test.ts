import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { checkListen, freeswitchProbe } from '../../src/media/freeswitch-probe';
import { systemClock } from '../../src/runtime/clock';
import { VirtualClock } from '../../src/runtime/virtual-clock';

const profileLine = '             drachtio_mrf\tprofile\t      sip:mod_sofia@127.0.0.1:5080\tRUNNING (0)\n';

let server: Server | undefined;

afterEach(() => {
  server?.close();
});

/** An event socket that wants `s3cret` and has this `sofia status`. */
async function eventSocket({
  greeting = 'Content-Type: auth/request\n\n',
  status = profileLine,
} = {}): Promise<number> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(greeting);
    socket.on('data', (command) => {
      const text = command.toString();
      if (text === 'auth s3cret\n\n') socket.write('Content-Type: command/reply\nReply-Text: +OK accepted\n\n');
      else if (text.startsWith('auth')) socket.write('Content-Type: command/reply\nReply-Text: -ERR invalid\n\n');
      else if (text === 'api sofia status\n\n') {
        const reply = `Content-Type: api/response\nContent-Length: ${status.length}\n\n${status}`;
        // In two parts, as TCP may.
        socket.write(reply.slice(0, 50));
        setImmediate(() => socket.write(reply.slice(50)));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function probe(port: number, secret = 's3cret', profile = 'drachtio_mrf'): Promise<void> {
  return freeswitchProbe({ clock: systemClock, deadlineMs: 10_000 })({ host: '127.0.0.1', port, secret }, profile);
}

test('a FreeSWITCH with the right secret and profile can be used', async () => {
  await expect(probe(await eventSocket())).resolves.toBeUndefined();
});

test.each([
  ['a wrong secret', {}, 'wrong', 'FreeSWITCH refused the secret'],
  [
    'another profile',
    { status: profileLine.replace('drachtio_mrf', 'internal') },
    's3cret',
    'no SIP profile drachtio_mrf runs',
  ],
  ['a profile that is down', { status: profileLine.replace('RUNNING', 'DOWN') }, 's3cret', 'no SIP profile'],
  [
    'an access list',
    { greeting: 'Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n' },
    's3cret',
    'access list',
  ],
  ['no event socket', { greeting: 'x'.repeat(300_000) }, 's3cret', 'the reply is too long for an event socket'],
])('%s is told', async (_what, options, secret, problem) => {
  await expect(probe(await eventSocket(options), secret)).rejects.toThrow(problem);
});

test('nobody there is told', async () => {
  const port = await eventSocket();
  server?.close();
  await expect(probe(port)).rejects.toThrow('ECONNREFUSED');
});

test('a FreeSWITCH that says nothing is given up', async () => {
  const clock = new VirtualClock();
  const port = await eventSocket({ greeting: '\n' });
  const probing = freeswitchProbe({ clock, deadlineMs: 2_000 })({ host: '127.0.0.1', port, secret: '' }, 'x');
  clock.advance(2_000);
  await expect(probing).rejects.toThrow('no answer in 2000 ms');
});

test('a port that is taken is told before fsmrf listens there', async () => {
  const port = await eventSocket();
  await expect(checkListen('127.0.0.1', port)).rejects.toThrow('EADDRINUSE');
  await expect(checkListen('127.0.0.1', 0)).resolves.toBeUndefined();
});
