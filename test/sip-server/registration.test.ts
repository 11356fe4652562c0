import type { Registration, RegistrationSettings } from '../../src/sip-server/registration';
import type { SipRequest } from '../../src/sip-server/sip-message';
import { credentialsFor, paramOf } from './digest-client';
import type { Bench, TestPeer } from './test-peer';
import { createBench, peerAddress, responseText } from './test-peer';

const secondAddress = '127.0.0.3';
const settings: RegistrationSettings = {
  registrar: 'sip:pbx.test:5060',
  address: 'sip:600@pbx.test',
  credentials: { username: '600', password: 'secret', realm: 'pbx' },
};
const challenge = 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"';

async function createRegistration(
  changes: Partial<RegistrationSettings> = {},
  addresses: string[] = [peerAddress],
): Promise<{ bench: Bench; pbx: TestPeer; registration: Registration }> {
  const bench = createBench({ hosts: { 'pbx.test': addresses } });
  const registration = bench.stack.register({ ...settings, ...changes });
  await bench.clock.advanceAsync(20);
  return { bench, pbx: bench.peer, registration };
}

function registersOf(peer: TestPeer): SipRequest[] {
  return peer.received.filter((message) => message.kind === 'request');
}

/** The peer answers the last REGISTER it got. */
function reply(bench: Bench, peer: TestPeer, status: number, headers: string[] = []): void {
  // A Contact of the phone's own would be none of ours.
  const contact = headers.some((header) => header.startsWith('Contact')) ? [] : ['Contact: <sip:someone@127.0.0.9>'];
  peer.send(responseText(registersOf(peer).at(-1)!, status, { headers: [...headers, ...contact] }));
  bench.clock.advance(30);
}

test('a REGISTER says who we are, where we are reached and for how long', async () => {
  const { pbx } = await createRegistration({ expiresSeconds: 600 });

  const register = pbx.request('REGISTER');

  expect(register.uri).toBe('sip:pbx.test:5060');
  expect(register.headers.first('From')).toMatch(/^<sip:600@pbx\.test>;tag=/);
  expect(register.headers.first('To')).toBe('<sip:600@pbx.test>');
  expect(register.headers.first('Contact')).toBe('<sip:600@127.0.0.1:5060>');
  expect(register.headers.first('Expires')).toBe('600');
});

test('it is refreshed between half and four fifths of the time that was given to our contact', async () => {
  const { bench, pbx, registration } = await createRegistration();
  const contacts = 'Contact: <sip:other@127.0.0.9>;expires=7, <sip:600@127.0.0.1:5060>;expires=100';
  reply(bench, pbx, 200, [contacts, 'Expires: 3000']);
  expect(registration.state).toEqual({ state: 'registered', expiresSeconds: 100 });

  await bench.clock.advanceAsync(49_900);
  expect(registersOf(pbx)).toHaveLength(1);
  await bench.clock.advanceAsync(30_120);

  const [first, second] = registersOf(pbx);
  expect(second?.headers.first('Call-ID')).toBe(first?.headers.first('Call-ID'));
  expect(second?.headers.first('CSeq')).toBe('2 REGISTER');
});

test('a registrar that gives no time is not asked without end', async () => {
  const { bench, pbx, registration } = await createRegistration();

  reply(bench, pbx, 200, ['Expires: 0']);

  expect(registration.state).toEqual({ state: 'registered', expiresSeconds: 30 });
});

test('a challenge for the realm of our credentials is answered', async () => {
  const { bench, pbx, registration } = await createRegistration();

  reply(bench, pbx, 401, [`WWW-Authenticate: ${challenge}`]);

  const value = registersOf(pbx)[1]?.headers.first('Authorization') ?? '';
  const identity = { username: '600', password: 'secret', method: 'REGISTER', uri: 'sip:pbx.test:5060' };
  const expected = credentialsFor(challenge, { ...identity, cnonce: paramOf(value, 'cnonce') });
  expect(paramOf(value, 'response')).toBe(paramOf(expected, 'response'));
  reply(bench, pbx, 200);
  expect(registration.state.state).toBe('registered');
});

test('a challenge for another realm gets nothing', async () => {
  const { bench, pbx, registration } = await createRegistration();

  reply(bench, pbx, 401, [`WWW-Authenticate: ${challenge.replace('pbx', 'elsewhere')}`]);

  expect(registersOf(pbx)).toHaveLength(1);
  expect(registration.state).toMatchObject({ state: 'failed', status: 401 });
});

test('a registrar that wants a longer stay gets it', async () => {
  const { bench, pbx } = await createRegistration({ expiresSeconds: 60 });

  reply(bench, pbx, 423, ['Min-Expires: 300']);

  expect(registersOf(pbx)[1]?.headers.first('Expires')).toBe('300');
});

test('a registrar that wants a longer stay and does not say more is a failure', async () => {
  const { bench, pbx, registration } = await createRegistration({ expiresSeconds: 60 });

  reply(bench, pbx, 423, ['Min-Expires: 60']);

  expect(registration.state).toMatchObject({ state: 'failed', status: 423 });
});

test('failures are followed by pauses that grow from 5 s to half an hour, and end with the first success', async () => {
  const { bench, pbx, registration } = await createRegistration();
  const pausesMs: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    reply(bench, pbx, 403);
    const { state } = registration;
    if (state.state !== 'failed') throw new Error(state.state);
    pausesMs.push(state.retryMs);
    await bench.clock.advanceAsync(state.retryMs + 20);
  }

  expect(pausesMs.every((pauseMs, n) => pauseMs >= 5_000 * Math.min(2 ** n, 180))).toBe(true);
  expect(pausesMs.every((pauseMs, n) => pauseMs <= 10_000 * Math.min(2 ** n, 180))).toBe(true);
  reply(bench, pbx, 200, ['Expires: 100']);
  await bench.clock.advanceAsync(80_020);
  reply(bench, pbx, 500);
  expect(registration.state).toMatchObject({ state: 'failed', status: 500 });
  if (registration.state.state === 'failed') expect(registration.state.retryMs).toBeLessThanOrEqual(10_000);
});

test('a registrar that says when to come back is obeyed', async () => {
  const { bench, pbx, registration } = await createRegistration();

  reply(bench, pbx, 503, ['Retry-After: 120 (in maintenance)']);

  expect(registration.state).toMatchObject({ state: 'failed', retryMs: 120_000 });
});

test('a registrar that is silent is a failure after 32 s, and one without an address at once', async () => {
  const silent = await createRegistration();
  silent.bench.network.loses = () => true;
  silent.bench.clock.advance(32_000);
  const unknown = await createRegistration({}, []);

  expect(silent.registration.state).toMatchObject({ state: 'failed', status: undefined });
  expect(unknown.registration.state).toMatchObject({ state: 'failed', status: undefined });
});

test('the second address is asked when the first is out of service', async () => {
  const { bench, pbx, registration } = await createRegistration({}, [peerAddress, secondAddress]);
  const second = bench.addPeer(secondAddress);

  reply(bench, pbx, 503);
  reply(bench, second, 200);

  expect(registration.state.state).toBe('registered');
  expect(second.request('REGISTER').headers.first('CSeq')).toBe('2 REGISTER');
});

test('closing takes leave, with credentials where they are asked for, and leaves nothing behind', async () => {
  const { bench, pbx, registration } = await createRegistration();
  reply(bench, pbx, 200);

  let closed = false;
  void registration.close().then(() => (closed = true));
  bench.clock.advance(20);
  expect(registersOf(pbx)[1]?.headers.first('Expires')).toBe('0');
  reply(bench, pbx, 401, [`WWW-Authenticate: ${challenge}`]);
  expect(registersOf(pbx)[2]?.headers.first('Expires')).toBe('0');
  expect(registersOf(pbx)[2]?.headers.has('Authorization')).toBe(true);
  reply(bench, pbx, 200);
  await bench.clock.advanceAsync(5_000);

  expect(closed).toBe(true);
  expect(registration.state).toEqual({ state: 'closed' });
  expect(bench.clock.pendingTimers).toBe(0);
});

test('closing does not wait for a registrar that is gone, and an answer that comes late changes nothing', async () => {
  const { bench, pbx, registration } = await createRegistration();
  const asked = registersOf(pbx)[0]!;

  let closed = false;
  void registration.close().then(() => (closed = true));
  pbx.send(responseText(asked, 200));
  await bench.clock.advanceAsync(2_000);

  expect(closed).toBe(true);
  expect(registration.state).toEqual({ state: 'closed' });
  await bench.clock.advanceAsync(60_000);
  expect(bench.clock.pendingTimers).toBe(0);
});
