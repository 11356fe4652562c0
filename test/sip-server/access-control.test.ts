import type { AccessPolicy } from '../../src/sip-server/access-policy';
import type { SipResponse } from '../../src/sip-server/sip-message';
import { credentialsFor, paramOf } from './digest-client';
import type { Bench } from './test-peer';
import { answer, createBench, peerAddress, requestText, stackAddress } from './test-peer';

const policy: AccessPolicy = {
  realm: 'office.test',
  users: [
    { name: 'alice', password: 'wonderland' },
    { name: 'zoë', password: 'schlüssel' },
  ],
  trunks: [{ name: 'carrier', addresses: ['192.0.2.0/24', '2001:db8::/32'] }],
};

const uri = `sip:bob@${stackAddress}`;

function createGuardedBench(guarded: AccessPolicy = policy): Bench {
  const bench = createBench();
  bench.stack.access.setPolicy(guarded);
  return bench;
}

let requests = 0;

/** Sends a request of the peer's and returns the answer. Each is a request of its own. */
function ask(bench: Bench, method: string, headers: string[] = [], parts: { uri?: string; toTag?: string } = {}) {
  requests += 1;
  const id = String(requests);
  bench.peer.send(requestText(method, { uri, ...parts, callId: `call-${id}`, branch: `z9hG4bK-${id}`, headers }));
  bench.clock.advance(30);
  return bench.peer.last('response');
}

function challengesOf({ headers }: SipResponse): string[] {
  return [...headers.all('WWW-Authenticate'), ...headers.all('Proxy-Authenticate')];
}

/** Credentials for a fresh challenge, as the peer's next request may carry them. */
function proof(
  bench: Bench,
  method: string,
  { username = 'alice', password = 'wonderland', header = 'Proxy-Authorization', ...rest } = {},
): string {
  const [challenge = ''] = challengesOf(ask(bench, method));
  return `${header}: ${credentialsFor(challenge, { username, password, method, uri, ...rest, algorithm: 'SHA-256' })}`;
}

test('without a policy everybody reaches the application', () => {
  const bench = createBench();

  ask(bench, 'INVITE');

  expect(bench.app.requests).toHaveLength(1);
});

test.each([
  ['INVITE', 407, 'Proxy-Authenticate'],
  ['MESSAGE', 407, 'Proxy-Authenticate'],
  ['SUBSCRIBE', 407, 'Proxy-Authenticate'],
  ['REFER', 407, 'Proxy-Authenticate'],
  ['REGISTER', 401, 'WWW-Authenticate'],
])('a stranger with a %s is asked for credentials by %i', (method, status, name) => {
  const bench = createGuardedBench();

  const response = ask(bench, method, ['User-Agent: Phone/1.0']);

  expect(response.status).toBe(status);
  const challenges = response.headers.all(name);
  expect(challenges.map((challenge) => paramOf(challenge, 'algorithm'))).toEqual(['SHA-256', 'MD5']);
  expect(challenges.map((challenge) => paramOf(challenge, 'realm'))).toEqual(['office.test', 'office.test']);
  expect(challenges.every((challenge) => challenge.includes('qop="auth"') && !challenge.includes('stale'))).toBe(true);
  expect(bench.app.requests).toHaveLength(0);
});

test.each([
  ['an agent that says nothing of itself', [], ['MD5', 'SHA-256']],
  ['an agent that stumbles over what it does not know', ['User-Agent: baresip v1.0.0 (x86_64/linux)'], ['MD5']],
  ['its successor', ['User-Agent: baresip v3.8.0 (x86_64/Linux)'], ['SHA-256', 'MD5']],
])('%s is offered what it can take', (_what, headers, algorithms) => {
  const challenges = challengesOf(ask(createGuardedBench(), 'REGISTER', headers));

  expect(challenges.map((challenge) => paramOf(challenge, 'algorithm'))).toEqual(algorithms);
});

test('where MD5 is not allowed nobody is offered it', () => {
  const bench = createGuardedBench({ ...policy, algorithms: ['SHA-256'] });

  const challenges = challengesOf(ask(bench, 'REGISTER', ['User-Agent: baresip v1.0.0']));

  expect(challenges.map((challenge) => paramOf(challenge, 'algorithm'))).toEqual(['SHA-256']);
});

test('a stranger may ask whether we are there', () => {
  const bench = createGuardedBench();

  bench.peer.send(requestText('OPTIONS'));
  bench.clock.advance(30);

  expect(bench.app.requests).toHaveLength(1);
});

test('a challenged INVITE of a stranger leaves nothing behind and is not repeated to an address that may be forged', () => {
  const bench = createGuardedBench();

  const first = ask(bench, 'INVITE');
  bench.clock.advance(40_000);

  expect(bench.peer.seen).toEqual([407]);
  expect(bench.stack.transactions.serverCount).toBe(0);
  expect(bench.clock.pendingTimers).toBe(0);
  expect(first.headers.first('To')).toContain('tag=');
});

test('repetitions of a challenged INVITE get the same tag', () => {
  const bench = createGuardedBench();
  const text = requestText('INVITE');

  for (let i = 0; i < 3; i += 1) bench.peer.send(text);
  bench.clock.advance(30);

  const tags = bench.peer.received.map((message) => message.headers.first('To'));
  expect(tags).toHaveLength(3);
  expect(new Set(tags).size).toBe(1);
});

test.each(['SHA-256', 'MD5'] as const)(
  'a user who answers with %s reaches the application, which is told',
  (algorithm) => {
    const bench = createGuardedBench();
    const challenge = challengesOf(ask(bench, 'INVITE')).find((one) => paramOf(one, 'algorithm') === algorithm) ?? '';
    const credentials = { username: 'alice', password: 'wonderland', method: 'INVITE', uri, algorithm };

    ask(bench, 'INVITE', [`Proxy-Authorization: ${credentialsFor(challenge, credentials)}`]);

    expect(bench.app.requests).toHaveLength(1);
    expect(bench.app.requests[0]?.arrival.message.headers.all('X-Authenticated-User')).toEqual(['alice']);
    expect(bench.stats.credentialsAccepted).toBe(1);
  },
);

test('either header may carry the credentials, and names and passwords may be in any script', () => {
  const bench = createGuardedBench();
  const [challenge = ''] = challengesOf(ask(bench, 'INVITE'));
  const value = credentialsFor(challenge, {
    username: 'zoë',
    password: 'schlüssel',
    method: 'INVITE',
    uri,
    algorithm: 'SHA-256',
  });

  ask(bench, 'INVITE', [`Authorization: ${Buffer.from(value, 'utf8').toString('latin1')}`]);

  expect(bench.app.requests).toHaveLength(1);
});

test('what a stranger claims about users and trunks is taken away', () => {
  const bench = createGuardedBench({ ...policy, trunks: [{ name: 'peer', addresses: [peerAddress] }] });

  ask(bench, 'INVITE', ['X-Authenticated-User: alice', 'x-trunk: carrier', 'X-Trunk: other']);

  const headers = bench.app.requests[0]?.arrival.message.headers;
  expect(headers?.all('X-Trunk')).toEqual(['peer']);
  expect(headers?.has('X-Authenticated-User')).toBe(false);
});

test('a trunk needs no credentials for calls, but may not register as a user', () => {
  const bench = createGuardedBench({ ...policy, trunks: [{ name: 'peer', addresses: ['127.0.0.0/24'] }] });

  ask(bench, 'INVITE');
  const register = ask(bench, 'REGISTER');

  expect(bench.app.requests).toHaveLength(1);
  expect(register.status).toBe(401);
});

test('where there are no users a stranger is refused without a question', () => {
  const bench = createGuardedBench({ ...policy, users: [] });

  expect(ask(bench, 'INVITE').status).toBe(403);
  expect(bench.stats.accessForbidden).toBe(1);
});

test.each([
  ['a wrong password', { password: 'wrong' }],
  ['an unknown user', { username: 'mallory' }],
  ['an unknown user without a password', { username: 'mallory', password: '' }],
])('%s gets the same answer: another challenge', (_what, wrong) => {
  const bench = createGuardedBench();

  const response = ask(bench, 'INVITE', [proof(bench, 'INVITE', wrong)]);

  expect(response.status).toBe(407);
  expect(challengesOf(response).every((challenge) => !challenge.includes('stale'))).toBe(true);
  expect([...response.headers].map(({ name }) => name)).toEqual([
    'Via',
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Proxy-Authenticate',
    'Proxy-Authenticate',
    'Content-Length',
  ]);
  expect(bench.stats.credentialsRefused).toBe(1);
  expect(bench.app.requests).toHaveLength(0);
});

test.each([
  ['another method', 'Proxy-Authorization', { method: 'MESSAGE' }],
  ['another address', 'Proxy-Authorization', { uri: `sip:carol@${stackAddress}` }],
  ['no quality of protection', 'Proxy-Authorization', { without: ['qop'] }],
  ['no count', 'Proxy-Authorization', { without: ['nc'] }],
  ['no nonce', 'Proxy-Authorization', { without: ['nonce'] }],
  ['another realm', 'Proxy-Authorization', { without: ['realm'] }],
])('credentials for %s are not taken', (_what, header, changes) => {
  const bench = createGuardedBench();
  const [challenge = ''] = challengesOf(ask(bench, 'INVITE'));
  const credentials = { username: 'alice', password: 'wonderland', method: 'INVITE', uri, ...changes };

  const value = credentialsFor(challenge, { ...credentials, algorithm: 'SHA-256' });

  expect(ask(bench, 'INVITE', [`${header}: ${value}`]).status).toBe(407);
  expect(bench.app.requests).toHaveLength(0);
});

test('credentials are used once: whoever records and repeats them is asked anew, as for an old challenge', () => {
  const bench = createGuardedBench();
  const header = proof(bench, 'INVITE');
  ask(bench, 'INVITE', [header]);

  const response = ask(bench, 'INVITE', [header]);

  expect(response.status).toBe(407);
  expect(challengesOf(response).every((challenge) => challenge.includes('stale=true'))).toBe(true);
  expect(bench.app.requests).toHaveLength(1);
});

test('one challenge serves many requests whose count grows', () => {
  const bench = createGuardedBench();
  const [challenge = ''] = challengesOf(ask(bench, 'MESSAGE'));
  const credentials = {
    username: 'alice',
    password: 'wonderland',
    method: 'MESSAGE',
    uri,
    algorithm: 'SHA-256',
  } as const;

  for (const nc of ['00000001', '00000002', '0000000a']) {
    ask(bench, 'MESSAGE', [`Proxy-Authorization: ${credentialsFor(challenge, { ...credentials, nc })}`]);
  }

  expect(bench.app.requests).toHaveLength(3);
});

test('a repetition of a request that was let through is absorbed, not asked anew', () => {
  const bench = createGuardedBench();
  const header = proof(bench, 'INVITE');
  const text = requestText('INVITE', { uri, callId: 'again', branch: 'z9hG4bK-again', headers: [header] });

  bench.peer.send(text);
  bench.peer.send(text);
  bench.clock.advance(30);

  expect(bench.app.requests).toHaveLength(1);
  expect(bench.peer.seen.slice(1)).toEqual([100, 100]);
});

test('the answer to a challenge that is too old gets a new challenge, and counts as no failure', () => {
  const bench = createGuardedBench();
  const header = proof(bench, 'INVITE');
  bench.clock.advance(300_001);

  const response = ask(bench, 'INVITE', [header]);

  expect(challengesOf(response).every((challenge) => challenge.includes('stale=true'))).toBe(true);
  expect(bench.stats).toMatchObject({ credentialsStale: 1, credentialsRefused: 0 });
});

test('an address that fails too often waits, whatever it knows, and may try again after its window', () => {
  const bench = createGuardedBench();
  for (let i = 0; i < 10; i += 1) ask(bench, 'REGISTER', [proof(bench, 'REGISTER', { password: String(i) })]);

  const response = ask(bench, 'INVITE', [proof(bench, 'INVITE')]);

  expect(response.status).toBe(503);
  expect(Number(response.headers.first('Retry-After'))).toBeGreaterThan(55);
  expect(bench.stats).toMatchObject({ credentialsRefused: 10, addressesBlocked: 1 });
  bench.clock.advance(60_000);
  ask(bench, 'INVITE', [proof(bench, 'INVITE')]);
  expect(bench.app.requests).toHaveLength(1);
});

test('the dialog of a user goes on without credentials, also under a new policy', () => {
  const bench = createGuardedBench();
  ask(bench, 'INVITE', [proof(bench, 'INVITE')]);
  const { transactionId = '' } = bench.app.requests[0] ?? {};
  bench.stack.agent.respond(bench.app, transactionId, answer(200));
  bench.clock.advance(30);
  const ok = bench.peer.last('response');
  const toTag = /tag=(.*)$/.exec(ok.headers.first('To') ?? '')?.[1] ?? '';
  const callId = ok.headers.first('Call-ID') ?? '';
  bench.peer.send(requestText('ACK', { uri, callId, toTag }));
  bench.clock.advance(30);
  bench.stack.access.setPolicy({ ...policy, users: [] });

  bench.peer.send(requestText('BYE', { uri, callId, toTag, cseq: 2 }));
  bench.clock.advance(30);

  expect(bench.app.requests.at(-1)?.arrival.message.method).toBe('BYE');
});

test('a policy with an address that is none is refused', () => {
  const bench = createBench();
  const trunks = [{ name: 'typo', addresses: ['192.0.2'] }];

  expect(() => bench.stack.access.setPolicy({ ...policy, trunks })).toThrow('192.0.2 is neither an IP address');
});
