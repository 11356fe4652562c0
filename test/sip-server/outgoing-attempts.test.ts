import type { AccessPolicy } from '../../src/sip-server/access-policy';
import type { Refusal, Sent } from '../../src/sip-server/application';
import type { SipRequest } from '../../src/sip-server/sip-message';
import { credentialsFor, paramOf } from './digest-client';
import type { Bench, TestPeer } from './test-peer';
import { command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

const secondAddress = '127.0.0.3';
const hosts = { 'carrier.test': [peerAddress, secondAddress], 'single.test': [peerAddress] };
const carrier = {
  username: 'office',
  password: 'secret',
  hosts: ['carrier.test', 'single.test'],
  realm: 'carrier.test',
};
const policy: AccessPolicy = {
  realm: 'office.test',
  users: [{ name: 'alice', password: 'wonderland' }],
  trunks: [{ name: 'carrier', addresses: ['127.0.0.99'], credentials: carrier }],
};
const challenge = 'Digest realm="carrier.test", nonce="n1", algorithm=SHA-256, qop="auth"';

/** The application sends a request outside dialogs. */
async function ask(bench: Bench, method: string, uri: string, headers: [string, string][] = []): Promise<Sent> {
  let outcome: Sent | Refusal | undefined;
  bench.stack.agent.sender.request(bench.app, command(method, uri, headers), undefined, (result) => (outcome = result));
  await bench.clock.advanceAsync(20);
  return sent(outcome);
}

function cseqOf({ headers }: SipRequest): number {
  return Number.parseInt(headers.first('CSeq') ?? '', 10);
}

/** The peer answers the last request it got. */
function reply(bench: Bench, peer: TestPeer, status: number, headers: string[] = []): void {
  const requests = peer.received.filter((message) => message.kind === 'request' && message.method !== 'ACK');
  peer.send(responseText(requests.at(-1) as SipRequest, status, { headers }));
  bench.clock.advance(40);
}

describe('a name with two addresses', () => {
  let bench: Bench;
  let second: TestPeer;

  beforeEach(() => {
    bench = createBench({ hosts });
    second = bench.addPeer(secondAddress);
  });

  test.each(['INVITE', 'MESSAGE'])('%s goes to the second when the first is out of service', async (method) => {
    await ask(bench, method, 'sip:bob@carrier.test:5060');

    reply(bench, bench.peer, 503);
    reply(bench, second, 200);

    expect(bench.app.statuses).toEqual([200]);
    const [one, other] = [bench.peer.request(method), second.request(method)];
    expect(other.headers.first('Call-ID')).toBe(one.headers.first('Call-ID'));
    expect(other.headers.first('From')).toBe(one.headers.first('From'));
    expect(other.headers.first('Via')).not.toBe(one.headers.first('Via'));
    expect(cseqOf(other)).toBeGreaterThan(cseqOf(one));
  });

  test.each(['INVITE', 'MESSAGE'])('%s goes to the second when the first says nothing for 4 s', async (method) => {
    bench.network.loses = ({ to }) => to.startsWith(peerAddress);
    await ask(bench, method, 'sip:bob@carrier.test:5060');

    bench.clock.advance(4_000);
    reply(bench, second, 200);

    expect(bench.app.statuses).toEqual([200]);
  });

  describe('a first that was passed over for its silence', () => {
    let first: SipRequest;

    beforeEach(async () => {
      await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');
      first = bench.peer.request('INVITE');
      bench.clock.advance(4_020);
      bench.peer.forget();
      reply(bench, second, 180);
    });

    function wake(status: number, toTag = 'ghost'): void {
      bench.peer.send(responseText(first, status, { toTag, body: status === 200 ? 'v=0\r\n' : '' }));
      bench.clock.advance(40);
    }

    function hangUpBye(): SipRequest {
      const bye = bench.peer.request('BYE');
      bench.peer.send(responseText(bye, 200));
      bench.clock.advance(40);
      return bye;
    }

    afterEach(() => {
      reply(bench, second, 486);
      bench.clock.advance(100_000);
      expect(bench.app.statuses).toEqual([180, 486]);
      const { transactions, dialogs } = bench.stack;
      expect([transactions.clientCount, dialogs.size, bench.clock.pendingTimers]).toEqual([0, 0, 0]);
    });

    test('is not asked again', () => {
      bench.clock.advance(30_000);

      expect(bench.peer.seen).toEqual([]);
    });

    test.each([100, 180])('is cancelled once when it answers with %i', (status) => {
      wake(status);
      wake(180);

      expect(bench.peer.seen).toEqual(['CANCEL']);
      const cancel = bench.peer.request('CANCEL');
      expect(cancel.headers.first('Via')).toBe(first.headers.first('Via'));
      expect(cseqOf(cancel)).toBe(cseqOf(first));
      reply(bench, bench.peer, 200);
      wake(487);
      expect(bench.peer.seen).toEqual(['CANCEL', 'ACK']);
    });

    test('is acknowledged and hung up when it takes the call', () => {
      wake(200);

      expect(bench.peer.seen).toEqual(['ACK', 'BYE']);
      expect(cseqOf(bench.peer.request('ACK'))).toBe(cseqOf(first));
      const bye = hangUpBye();
      expect(cseqOf(bye)).toBeGreaterThan(cseqOf(first));
      expect(bye.headers.first('To')).toContain('tag=ghost');

      wake(200);
      expect(bench.peer.seen).toEqual(['ACK', 'BYE', 'ACK']);
    });

    test('is hung up when its 200 crosses the CANCEL, as is every other phone behind it', () => {
      wake(180);
      reply(bench, bench.peer, 200);
      wake(200);
      hangUpBye();
      wake(200, 'ghost-2');

      expect(bench.peer.seen).toEqual(['CANCEL', 'ACK', 'BYE', 'ACK', 'BYE']);
      reply(bench, bench.peer, 200);
    });

    test('gets its ACK when it refuses', () => {
      wake(486);

      expect(bench.peer.seen).toEqual(['ACK']);
    });
  });

  test('a first that has begun to work is waited for', async () => {
    await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');
    reply(bench, bench.peer, 100);

    bench.clock.advance(20_000);

    expect(second.seen).toEqual([]);
  });

  test.each([486, 404, 500, 603])('an answer of %i is the answer', async (status) => {
    await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');

    reply(bench, bench.peer, status);

    expect(bench.app.statuses).toEqual([status]);
    expect(second.seen).toEqual([]);
  });

  test('when the last is out of service, too, the application is told so once', async () => {
    await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');

    reply(bench, bench.peer, 503);
    reply(bench, second, 503);
    bench.clock.advance(40_000);

    expect(bench.app.statuses).toEqual([503]);
    expect(bench.stack.transactions.clientCount).toBe(0);
    expect(bench.stack.dialogs.size).toBe(0);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a cancelled INVITE goes nowhere else', async () => {
    const { transactionId } = await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');
    bench.stack.agent.sender.cancel(bench.app, transactionId, command('CANCEL'), () => undefined);

    reply(bench, bench.peer, 503);

    expect(second.seen).toEqual([]);
    expect(bench.app.statuses).toEqual([503]);
  });

  test('the CANCEL, the ACK and the BYE go to the one that took the call', async () => {
    const { transactionId, dialogId = '' } = await ask(bench, 'INVITE', 'sip:bob@carrier.test:5060');
    reply(bench, bench.peer, 503);
    reply(bench, second, 180);

    bench.stack.agent.sender.cancel(bench.app, transactionId, command('CANCEL'), () => undefined);
    bench.clock.advance(20);

    expect(second.seen).toEqual(['INVITE', 'CANCEL']);
    const [invite, cancel] = [second.request('INVITE'), second.request('CANCEL')];
    expect(cancel.headers.first('Via')).toBe(invite.headers.first('Via'));
    expect(cseqOf(cancel)).toBe(cseqOf(invite));
    expect(dialogId).toContain(invite.headers.first('Call-ID'));
  });
});

describe('a challenge of the trunk', () => {
  let bench: Bench;

  beforeEach(() => {
    bench = createBench({ hosts });
    bench.stack.access.setPolicy(policy);
  });

  test('is answered, and the application sees the call only', async () => {
    const { dialogId = '' } = await ask(bench, 'INVITE', 'sip:bob@single.test:5060');
    const [first] = bench.peer.received as SipRequest[];

    reply(bench, bench.peer, 407, [`Proxy-Authenticate: ${challenge}`]);
    const again = bench.peer.last('request');
    reply(bench, bench.peer, 200);

    expect(bench.app.statuses).toEqual([200]);
    expect(bench.peer.seen.slice(0, 3)).toEqual(['INVITE', 'ACK', 'INVITE']);
    expect(cseqOf(again)).toBe(cseqOf(first!) + 1);
    const value = again.headers.first('Proxy-Authorization') ?? '';
    const expected = credentialsFor(challenge, {
      ...carrier,
      method: 'INVITE',
      uri: 'sip:bob@single.test:5060',
      algorithm: 'SHA-256',
      cnonce: paramOf(value, 'cnonce'),
    });
    expect(paramOf(value, 'response')).toBe(paramOf(expected, 'response'));
    bench.stack.agent.sender.acknowledge(bench.app, dialogId, command('ACK'), () => undefined);
    bench.clock.advance(20);
    const ack = bench.peer.last('request');
    expect([ack.method, cseqOf(ack)]).toEqual(['ACK', cseqOf(again)]);
    expect(ack.headers.first('Proxy-Authorization')).toBe(value);
  });

  test('in a dialog is answered, too, with the next number of the dialog', async () => {
    const { dialogId = '' } = await ask(bench, 'INVITE', 'sip:bob@single.test:5060');
    reply(bench, bench.peer, 200, ['Contact: <sip:bob@single.test:5060>']);
    bench.stack.agent.sender.acknowledge(bench.app, dialogId, command('ACK'), () => undefined);
    await bench.clock.advanceAsync(20);
    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('BYE'), () => undefined);
    await bench.clock.advanceAsync(20);

    reply(bench, bench.peer, 401, [`WWW-Authenticate: ${challenge}`]);
    reply(bench, bench.peer, 200);

    const byes = bench.peer.received.filter((message) => message.kind === 'request' && message.method === 'BYE');
    expect(cseqOf(byes[1] as SipRequest)).toBe(cseqOf(byes[0] as SipRequest) + 1);
    expect(bench.app.statuses).toEqual([200, 200]);
    expect(bench.stack.dialogs.size).toBe(0);
  });

  test.each([
    ['for another realm', 'sip:bob@single.test:5060', challenge.replace('carrier.test', 'callee.test')],
    ['from a host that is not the trunk', `sip:bob@${peerAddress}`, challenge],
  ])('%s is passed on unanswered', async (_what, uri, value) => {
    await ask(bench, 'INVITE', uri);

    reply(bench, bench.peer, 407, [`Proxy-Authenticate: ${value}`]);

    expect(bench.app.statuses).toEqual([407]);
    expect(bench.peer.seen).toEqual(['INVITE', 'ACK']);
    expect(bench.stats).toMatchObject({ challengesAnswered: 0, challengesUnanswered: 1 });
  });

  test('is left to an application that brings credentials of its own', async () => {
    await ask(bench, 'INVITE', 'sip:bob@single.test:5060', [['Authorization', 'Digest username="me"']]);

    reply(bench, bench.peer, 401, [`WWW-Authenticate: ${challenge}`]);

    expect(bench.app.statuses).toEqual([401]);
  });

  test('that does not take our answer is not answered for ever', async () => {
    await ask(bench, 'INVITE', 'sip:bob@single.test:5060');

    for (let i = 0; i < 5; i += 1) reply(bench, bench.peer, 407, [`Proxy-Authenticate: ${challenge}`]);

    expect(bench.app.statuses).toEqual([407]);
    expect(bench.peer.seen.filter((what) => what === 'INVITE')).toHaveLength(2);
  });

  test('that found our answer too old gets one more', async () => {
    await ask(bench, 'INVITE', 'sip:bob@single.test:5060');

    reply(bench, bench.peer, 407, [`Proxy-Authenticate: ${challenge}`]);
    for (let i = 0; i < 3; i += 1) reply(bench, bench.peer, 407, [`Proxy-Authenticate: ${challenge}, stale=true`]);

    expect(bench.app.statuses).toEqual([407]);
    expect(bench.peer.seen.filter((what) => what === 'INVITE')).toHaveLength(3);
  });
});

describe('a registered user', () => {
  let bench: Bench;
  let registrations = 0;

  beforeEach(() => {
    bench = createBench();
    bench.stack.access.setPolicy(policy);
  });

  function register(peer: TestPeer, contact: string): void {
    const uri = 'sip:office.test';
    registrations += 1;
    const send = (step: number, headers: string[]): void => {
      const id = `register-${registrations}-${step}`;
      const parts = { uri, callId: id, branch: `z9hG4bK-${id}`, headers: [`Contact: ${contact}`, ...headers] };
      peer.send(requestText('REGISTER', parts).replace(/^To: .*$/m, 'To: <sip:alice@office.test>'));
      bench.clock.advance(30);
    };
    send(1, []);
    const asked = peer.last('response').headers.first('WWW-Authenticate') ?? '';
    const identity = {
      username: 'alice',
      password: 'wonderland',
      method: 'REGISTER',
      uri,
      algorithm: 'SHA-256',
    } as const;
    send(2, [`Authorization: ${credentialsFor(asked, identity)}`]);
    expect(peer.last('response').status).toBe(200);
  }

  test.each(['localhost', 'office.test', '127.0.0.1'])(
    'is called at %s by the way the phone registered',
    async (host) => {
      register(bench.peer, '<sip:alice@10.0.0.5:5062;ob>');

      await ask(bench, 'INVITE', `sip:alice@${host}`);

      const invite = bench.peer.request('INVITE');
      expect(invite.uri).toBe('sip:alice@10.0.0.5:5062;ob');
      expect(invite.headers.first('To')).toBe(`<sip:alice@${host}>`);
    },
  );

  test('behind a NAT gets the BYE by that way, too, whatever its Contact says', async () => {
    register(bench.peer, '<sip:alice@10.0.0.5:5062>');
    const { dialogId = '' } = await ask(bench, 'INVITE', 'sip:alice@localhost');
    reply(bench, bench.peer, 200, ['Contact: <sip:alice@10.0.0.5:5062>']);

    bench.stack.agent.sender.acknowledge(bench.app, dialogId, command('ACK'), () => undefined);
    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('BYE'), () => undefined);
    bench.clock.advance(20);

    expect(bench.peer.seen.slice(-2)).toEqual(['ACK', 'BYE']);
    expect(bench.peer.request('BYE').uri).toBe('sip:alice@10.0.0.5:5062');
  });

  test('with two phones is called on the one that registered last, then on the other', async () => {
    const second = bench.addPeer(secondAddress);
    register(bench.peer, '<sip:alice@10.0.0.5>');
    register(second, '<sip:alice@10.0.0.6>');
    await ask(bench, 'INVITE', 'sip:alice@localhost');

    reply(bench, second, 503);
    reply(bench, bench.peer, 180);

    expect(second.request('INVITE').uri).toBe('sip:alice@10.0.0.6');
    expect(bench.peer.request('INVITE').uri).toBe('sip:alice@10.0.0.5');
    expect(bench.app.statuses).toEqual([180]);
  });

  test('with no phone is not available', async () => {
    await ask(bench, 'INVITE', 'sip:alice@localhost');

    expect(bench.app.statuses).toEqual([480]);
    expect(bench.app.responses[0]?.from).toBeUndefined();
  });
});
