import { HeaderList } from '../../src/sip-server/header-list';
import type { ProxyOptions } from '../../src/sip-server/forking-proxy';
import type { SipRequest } from '../../src/sip-server/sip-message';
import type { Bench } from './test-peer';
import { TestPeer, createBench, requestText, responseText, stackAddress } from './test-peer';

let bench: Bench;
let phones: TestPeer[];
/** What the application was told: statuses, then `done`. */
let told: (number | 'done')[];

const addressOf = (index: number): string => `127.0.0.${index + 3}`;
const uriOf = (index: number): string => `sip:phone@${addressOf(index)}:5060`;

beforeEach(() => {
  bench = createBench();
  told = [];
  const own = bench.network.open('udp', stackAddress, 5060);
  own.listener = bench.stack.listener;
  phones = [0, 1, 2].map((index) => {
    const transport = bench.network.open('udp', addressOf(index), 5060);
    return new TestPeer(bench.clock, transport, own);
  });
});

const defaults: Omit<ProxyOptions, 'targets'> = {
  simultaneous: false,
  remainInDialog: false,
  followRedirects: false,
  timeouts: { provisionalMs: undefined, finalMs: undefined },
  extra: new HeaderList(),
};

/** Sends the last request that the application got on to the first `count` phones. */
function proxyTo(count: number, options: Partial<ProxyOptions> = {}): { refused: string } | undefined {
  const targets = phones.slice(0, count).map((_phone, index) => uriOf(index));
  const { transactionId } = bench.app.requests.at(-1)!;
  const outcome = bench.stack.agent.proxy(
    bench.app,
    { ...defaults, targets, ...options, transactionId },
    { onResult: ({ response }) => told.push(response.status), onDone: () => told.push('done') },
  );
  bench.clock.advance(20);
  return outcome;
}

function invite(parts: Parameters<typeof requestText>[1] = {}): void {
  bench.peer.send(requestText('INVITE', { body: 'v=0\r\n', ...parts }));
  bench.clock.advance(20);
}

/** Phone `index` answers the last request of that method. */
function reply(index: number, status: number, headers: string[] = [], method = 'INVITE'): void {
  const requests = phones[index]!.received.filter(
    (message): message is SipRequest => message.kind === 'request' && message.method === method,
  );
  const request = requests.at(-1)!;
  const all = [...request.headers.all('Record-Route').map((value) => `Record-Route: ${value}`), ...headers];
  const contact = `Contact: <sip:phone@${addressOf(index)}:5060>`;
  const withContact = headers.some((header) => header.startsWith('Contact')) ? all : [...all, contact];
  phones[index]!.send(responseText(request, status, { toTag: `phone-${index}`, headers: withContact }));
  bench.clock.advance(20);
}

describe('what goes on', () => {
  test('is the request with a new target, one hop less, our Via and the headers of the application', () => {
    invite({ headers: ['Subject: lunch', 'X-Kept: yes'] });
    proxyTo(1, {
      extra: new HeaderList([
        { name: 'subject', value: 'dinner' },
        { name: 'via', value: 'forged' },
      ]),
    });

    const request = phones[0]!.request('INVITE');
    expect(request.uri).toBe(uriOf(0));
    expect(request.headers.first('Max-Forwards')).toBe('69');
    expect(request.headers.all('Via')).toEqual([
      expect.stringMatching(/^SIP\/2.0\/UDP 127\.0\.0\.1:5060;rport;branch=z9hG4bK/),
      'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK-INVITE-1',
    ]);
    expect(request.headers.all('Subject')).toEqual(['dinner']);
    expect(request.headers.first('X-Kept')).toBe('yes');
    expect(request.headers.has('Record-Route')).toBe(false);
    expect(request.body.toString()).toBe('v=0\r\n');
  });

  test('follows the Route that is left', () => {
    invite({ headers: [`Route: <sip:${addressOf(1)}:5060;lr>`] });
    proxyTo(1);

    expect(phones[0]!.seen).toEqual([]);
    expect(phones[1]!.request('INVITE').uri).toBe(uriOf(0));
  });

  test.each([
    ['no hop left', 'Max-Forwards: 0', 483],
    ['a demand on proxies', 'Proxy-Require: privacy', 420],
  ])('is nothing when there is %s', (_what, header, status) => {
    bench.peer.send(
      requestText('INVITE', { headers: [header] }).replace(
        'Max-Forwards: 70\r\n',
        header.startsWith('Max') ? '' : '$&',
      ),
    );
    bench.clock.advance(20);

    expect(proxyTo(1)).toHaveProperty('refused');
    expect(bench.peer.seen.at(-1)).toBe(status);
    expect(phones[0]!.seen).toEqual([]);
  });

  test('can be any request, and an answered one no more', () => {
    bench.peer.send(requestText('MESSAGE'));
    bench.clock.advance(20);
    proxyTo(1);
    reply(0, 202, [], 'MESSAGE');

    expect(bench.peer.seen).toEqual([202]);
    expect(told).toEqual([202, 'done']);
    expect(proxyTo(1)).toEqual({ refused: 'Response not sent due to unknown transaction' });
  });
});

describe('one after another', () => {
  test('ringing and the answer go to the caller, with the Vias of its own request', () => {
    invite();
    proxyTo(1);
    reply(0, 100);
    reply(0, 180);
    reply(0, 200);

    expect(bench.peer.seen).toEqual([100, 180, 200]);
    expect(bench.peer.last('response').headers.all('Via')).toEqual([
      'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK-INVITE-1',
    ]);
    expect(told).toEqual([200, 'done']);
  });

  test('a repeated 200 goes on again, and once to the application', () => {
    invite();
    proxyTo(1);
    reply(0, 200);
    reply(0, 200);

    expect(bench.peer.seen).toEqual([100, 200, 200]);
    expect(told).toEqual([200, 'done']);
  });

  test('the next phone has its turn when the one before has refused', () => {
    invite();
    proxyTo(2);
    expect(phones[1]!.seen).toEqual([]);
    reply(0, 486);
    reply(1, 200);

    expect(phones[0]!.seen).toEqual(['INVITE', 'ACK']);
    expect(bench.peer.seen).toEqual([100, 200]);
    expect(told).toEqual([486, 200, 'done']);
  });

  test('a 6xx speaks for all', () => {
    invite();
    proxyTo(2);
    reply(0, 603);

    expect(phones[1]!.seen).toEqual([]);
    expect(bench.peer.seen).toEqual([100, 603]);
  });

  test('a phone that says nothing at all loses its turn, and is cancelled should it ring later', () => {
    invite();
    proxyTo(2, { timeouts: { provisionalMs: 2_000, finalMs: undefined } });
    bench.clock.advance(2_000);
    expect(phones[1]!.seen).toEqual(['INVITE']);

    reply(0, 180);

    expect(phones[0]!.seen).toContain('CANCEL');
    expect(bench.peer.seen).toEqual([100]);
    reply(1, 200);
    expect(told).toEqual([408, 200, 'done']);
  });

  test('a phone that rings too long is cancelled and the next has its turn', () => {
    invite();
    proxyTo(2, { timeouts: { provisionalMs: 2_000, finalMs: 10_000 } });
    reply(0, 180);
    bench.clock.advance(9_900);
    expect(phones[0]!.seen).toEqual(['INVITE']);
    bench.clock.advance(100);
    expect(phones[0]!.seen).toEqual(['INVITE', 'CANCEL']);
    expect(phones[1]!.seen).toEqual(['INVITE']);

    reply(0, 200, [], 'CANCEL');
    reply(0, 487);
    reply(1, 486);

    expect(told).toEqual([487, 486, 'done']);
    expect(bench.peer.seen).toEqual([100, 180, 486]);
  });

  test('a phone that never answers after its CANCEL holds the caller no longer than 32 s', () => {
    invite();
    proxyTo(1, { timeouts: { provisionalMs: undefined, finalMs: 10_000 } });
    reply(0, 180);
    bench.clock.advance(10_000 + 32_000);

    expect(bench.peer.seen).toEqual([100, 180, 408]);
    expect(told).toEqual([408, 'done']);
  });

  test('an INVITE that rings for 185 s after its last provisional response is cancelled (timer C)', () => {
    invite();
    proxyTo(1);
    reply(0, 180);
    bench.clock.advance(100_000);
    reply(0, 180);
    bench.clock.advance(184_900);
    expect(phones[0]!.seen).not.toContain('CANCEL');
    bench.clock.advance(100);

    expect(phones[0]!.seen).toContain('CANCEL');
  });

  test('a target that cannot be reached is passed over', () => {
    invite();
    proxyTo(0, { targets: ['tel:112', `sip:loop@${stackAddress}:5060`, 'sip:nobody@nowhere.invalid', uriOf(0)] });
    bench.clock.advance(20);

    return Promise.resolve().then(() => {
      bench.clock.advance(20);
      expect(told).toEqual([416, 482, 503]);
      expect(phones[0]!.seen).toEqual(['INVITE']);
    });
  });
});

describe('all at once', () => {
  test('the first to answer wins, the others are cancelled', () => {
    invite();
    proxyTo(3, { simultaneous: true });
    reply(0, 180);
    reply(1, 183);
    reply(1, 200);

    expect(phones[0]!.seen).toEqual(['INVITE', 'CANCEL']);
    expect(phones[1]!.seen).toEqual(['INVITE']);
    // The third has not said anything yet, and may not be sent a CANCEL before it does.
    expect(phones[2]!.seen).toEqual(['INVITE']);
    reply(2, 180);
    expect(phones[2]!.seen).toEqual(['INVITE', 'CANCEL']);
    expect(bench.peer.seen).toEqual([100, 180, 183, 200]);
  });

  test('a phone that answers although another was first goes to the caller too', () => {
    invite();
    proxyTo(2, { simultaneous: true });
    reply(0, 200);
    reply(1, 200);

    expect(bench.peer.seen).toEqual([100, 200, 200]);
    expect(told).toEqual([200, 'done']);
  });

  test('when all refuse, the caller gets the answer that helps most', () => {
    invite();
    proxyTo(3, { simultaneous: true });
    reply(0, 503);
    reply(1, 480);
    expect(bench.peer.seen).toEqual([100]);
    reply(2, 486);

    expect(bench.peer.seen).toEqual([100, 480]);
    expect(told).toEqual([503, 480, 486, 'done']);
  });

  test('a 6xx cancels the others and is what the caller gets', () => {
    invite();
    proxyTo(2, { simultaneous: true });
    reply(0, 180);
    reply(1, 600);
    expect(phones[0]!.seen).toEqual(['INVITE', 'CANCEL']);
    expect(bench.peer.seen).toEqual([100, 180]);
    reply(0, 487);

    expect(bench.peer.seen).toEqual([100, 180, 600]);
  });
});

describe('redirections', () => {
  const contacts = (...indexes: number[]): string =>
    `Contact: ${indexes.map((index, rank) => `<${uriOf(index)}>;q=0.${9 - rank}`).join(', ')}`;

  test('are followed, best first, when the application says so', () => {
    invite();
    proxyTo(1, { followRedirects: true });
    reply(0, 302, [contacts(2, 1)]);
    reply(2, 486);
    reply(1, 200);

    expect(bench.peer.seen).toEqual([100, 200]);
    expect(told).toEqual([302, 486, 200, 'done']);
  });

  test('in a circle come to an end', () => {
    invite();
    proxyTo(1, { followRedirects: true });
    reply(0, 302, [contacts(1)]);
    reply(1, 302, [contacts(0)]);

    expect(bench.peer.seen).toEqual([100, 302]);
  });

  test('are passed on otherwise', () => {
    invite();
    proxyTo(1);
    reply(0, 302, [contacts(1)]);

    expect(bench.peer.seen).toEqual([100, 302]);
    expect(phones[1]!.seen).toEqual([]);
  });
});

describe('a CANCEL of the caller', () => {
  test('goes to every phone with its Reason, and the 487 comes back', () => {
    invite();
    proxyTo(2, { simultaneous: true });
    reply(0, 180);
    reply(1, 180);
    bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1', headers: ['Reason: SIP;cause=200'] }));
    bench.clock.advance(20);

    for (const phone of phones.slice(0, 2))
      expect(phone.request('CANCEL').headers.first('Reason')).toBe('SIP;cause=200');
    reply(0, 487);
    reply(1, 487);

    expect(bench.peer.seen).toEqual([100, 180, 180, 200, 487]);
    expect(told).toEqual([487, 487, 'done']);
  });

  test('lets no further phone ring', () => {
    invite();
    proxyTo(2);
    reply(0, 180);
    bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }));
    bench.clock.advance(20);
    reply(0, 487);

    expect(phones[1]!.seen).toEqual([]);
    expect(bench.peer.seen.at(-1)).toBe(487);
  });

  test('that crosses the answer loses', () => {
    invite();
    proxyTo(1);
    reply(0, 180);
    bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }));
    bench.clock.advance(20);
    reply(0, 200);

    expect(bench.peer.seen).toEqual([100, 180, 200, 200]);
  });
});

describe('remaining in the dialog', () => {
  /** A call from the peer to phone 0 that passes through. */
  function establish(): void {
    invite();
    proxyTo(1, { remainInDialog: true });
    reply(0, 200);
    const ack = requestText('ACK', {
      branch: 'z9hG4bK-ack',
      toTag: 'phone-0',
      uri: uriOf(0),
      headers: ['Route: <sip:127.0.0.1:5060;lr>'],
    });
    bench.peer.send(ack);
    bench.clock.advance(20);
  }

  function inDialog(method: string, cseq = 2): string {
    return requestText(method, {
      branch: `z9hG4bK-${method}-${cseq}`,
      toTag: 'phone-0',
      cseq,
      uri: uriOf(0),
      headers: ['Route: <sip:127.0.0.1:5060;lr>'],
    });
  }

  test('puts a Record-Route in, and takes it off again from the ACK and later requests', () => {
    establish();
    bench.peer.send(inDialog('INFO'));
    bench.clock.advance(20);
    reply(0, 200, [], 'INFO');

    expect(phones[0]!.request('INVITE').headers.all('Record-Route')).toEqual(['<sip:127.0.0.1:5060;lr>']);
    expect(phones[0]!.seen).toEqual(['INVITE', 'ACK', 'INFO']);
    for (const method of ['ACK', 'INFO']) {
      const { uri, headers } = phones[0]!.request(method);
      expect(uri).toBe(uriOf(0));
      expect(headers.has('Route')).toBe(false);
      expect(headers.all('Via')).toHaveLength(2);
    }
    expect(bench.peer.seen).toEqual([100, 200, 200]);
  });

  test('passes requests of the called phone the other way', () => {
    establish();
    const bye = requestText('BYE', {
      branch: 'z9hG4bK-phone',
      fromTag: 'phone-0',
      toTag: 'peer-tag',
      uri: 'sip:alice@127.0.0.2:5060',
    });
    phones[0]!.send(
      bye
        .replace('Max-Forwards', 'Route: <sip:127.0.0.1:5060;lr>\r\nMax-Forwards')
        .replace('127.0.0.2:5060;branch', '127.0.0.3:5060;branch'),
    );
    bench.clock.advance(20);

    expect(bench.peer.request('BYE').uri).toBe('sip:alice@127.0.0.2:5060');
  });

  test('a re-INVITE and its CANCEL pass through', () => {
    establish();
    bench.peer.send(inDialog('INVITE'));
    bench.clock.advance(20);
    reply(0, 180);
    bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-2', toTag: 'phone-0', cseq: 2, uri: uriOf(0) }));
    bench.clock.advance(20);
    reply(0, 487);

    expect(phones[0]!.seen.filter((what) => what === 'CANCEL')).toHaveLength(1);
    expect(bench.peer.seen.slice(-3)).toEqual([180, 200, 487]);
  });

  test('ends with the BYE that was accepted, and leaves nothing behind', () => {
    establish();
    bench.peer.send(inDialog('BYE'));
    bench.clock.advance(20);
    reply(0, 401, [], 'BYE');
    bench.peer.send(inDialog('BYE', 3));
    bench.clock.advance(20);
    reply(0, 200, [], 'BYE');
    bench.peer.send(inDialog('INFO', 4));
    bench.clock.advance(20);

    expect(bench.peer.seen).toEqual([100, 200, 401, 200, 481]);
    bench.clock.advance(200_000);
    expect([bench.stack.transactions.serverCount, bench.stack.transactions.clientCount]).toEqual([0, 0]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a dialog without any request for 12 h is forgotten', () => {
    establish();
    bench.clock.advance(12 * 3_600_000 + 1_000);
    bench.peer.send(inDialog('BYE'));
    bench.clock.advance(20);

    expect(bench.peer.seen.at(-1)).toBe(481);
  });

  test('a strict router before us is understood', () => {
    establish();
    const text = requestText('INFO', {
      branch: 'z9hG4bK-strict',
      toTag: 'phone-0',
      cseq: 2,
      uri: 'sip:127.0.0.1:5060',
      headers: [`Route: <${uriOf(0)}>`],
    });
    bench.peer.send(text);
    bench.clock.advance(20);

    expect(phones[0]!.request('INFO').uri).toBe(uriOf(0));
    expect(phones[0]!.request('INFO').headers.has('Route')).toBe(false);
  });

  test('early requests pass while it rings, and no longer when it came to nothing', () => {
    invite();
    proxyTo(1, { remainInDialog: true });
    reply(0, 183);
    bench.peer.send(inDialog('UPDATE'));
    bench.clock.advance(20);
    expect(phones[0]!.seen).toEqual(['INVITE', 'UPDATE']);

    reply(0, 486);
    bench.peer.send(inDialog('UPDATE', 3));
    bench.clock.advance(20);

    expect(bench.peer.seen.at(-1)).toBe(481);
  });
});

test('without remaining in the dialog its requests are none of ours', () => {
  invite();
  proxyTo(1);
  reply(0, 200);
  bench.peer.send(requestText('BYE', { toTag: 'phone-0', cseq: 2, uri: uriOf(0) }));
  bench.clock.advance(20);

  expect(bench.peer.seen.at(-1)).toBe(481);
});

test('proxied calls count against the limit of dialogs', () => {
  bench = createBench({ limits: { dialogs: 1 } });
  const own = bench.network.open('udp', stackAddress, 5060);
  own.listener = bench.stack.listener;
  invite();
  proxyTo(1);
  invite({ branch: 'z9hG4bK-2', callId: 'call-2' });

  expect(bench.peer.seen).toEqual([100, 503]);
});

test('closing answers the caller and cancels the phones', () => {
  invite();
  proxyTo(1);
  reply(0, 180);
  bench.stack.agent.close();
  bench.clock.advance(20);

  expect(bench.peer.seen).toEqual([100, 180, 503]);
  expect(phones[0]!.seen).toContain('CANCEL');
});

test('a proxied call that nobody answers leaves nothing behind', () => {
  invite();
  proxyTo(3, { simultaneous: true });
  bench.clock.advance(400_000);

  expect(bench.peer.seen).toContain(408);
  expect([bench.stack.transactions.serverCount, bench.stack.transactions.clientCount]).toEqual([0, 0]);
  expect(bench.clock.pendingTimers).toBe(0);
});

test('accounting: one attempt per phone, the start in both roles, the stop of each refusal and of the BYE', () => {
  invite();
  proxyTo(2, { remainInDialog: true });
  reply(0, 404);
  reply(1, 200);
  const bye = requestText('BYE', {
    toTag: 'phone-1',
    cseq: 2,
    uri: uriOf(1),
    headers: ['Route: <sip:127.0.0.1:5060;lr>'],
  });
  bench.peer.send(bye);
  bench.clock.advance(20);
  reply(1, 200, [], 'BYE');

  expect(bench.app.cdrs.map(({ verb, source, detail }) => [verb, source, detail].join(' ').trim())).toEqual([
    'cdr:attempt network',
    'cdr:attempt application',
    'cdr:stop network call-rejected',
    'cdr:attempt application',
    'cdr:start network proxy-uac',
    'cdr:start application proxy-uas',
    'cdr:stop network normal-release',
    'cdr:stop application normal-release',
  ]);
});
