import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { ClientTransactionUser, TransactionContext } from '../../src/sip-server/client-transaction';
import { InviteClientTransaction, NonInviteClientTransaction } from '../../src/sip-server/client-transaction';
import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import { serializeMessage } from '../../src/sip-server/sip-message';
import type { Arrival } from '../../src/sip-server/transport-layer';
import type { Flow, TransportName } from '../../src/sip-server/transport';
import { MemoryNetwork } from './memory-network';
import { requestText, responseText } from './test-peer';

let clock: VirtualClock;
let sends: { atMs: number; what: string | number }[];
let events: (string | number)[];
let failSend: (() => void) | undefined;

beforeEach(() => {
  clock = new VirtualClock();
  sends = [];
  events = [];
});

const context: TransactionContext = {
  get clock() {
    return clock;
  },
  send(message, _flow, onFailure) {
    sends.push({ atMs: clock.now(), what: message.kind === 'request' ? message.method : message.status });
    failSend = onFailure;
    return serializeMessage(message);
  },
  onRetransmission: () => undefined,
};

const user: ClientTransactionUser = {
  onResponse: ({ message }) => events.push(message.status),
  onFailure: (failure) => events.push(failure),
  onTerminated: () => events.push('terminated'),
};

function flowOver(name: TransportName): Flow {
  const transport = new MemoryNetwork(clock, { delayMs: 0 }).open(name, '127.0.0.1', 5060);
  return { transport, remoteAddress: '127.0.0.2', remotePort: 5060 };
}

function parsedRequest(method: string): SipRequest {
  return parseMessage(Buffer.from(requestText(method))) as SipRequest;
}

function arrivalOf(request: SipRequest, status: number, flow: Flow): Arrival<SipResponse> {
  const message = parseMessage(Buffer.from(responseText(request, status))) as SipResponse;
  const essentials = readEssentials(message);
  if (typeof essentials === 'string') throw new Error(essentials);
  return { message, essentials, flow, bytes: 0 };
}

function startInvite(over: TransportName = 'udp'): {
  respond: (status: number) => void;
  transaction: InviteClientTransaction;
} {
  const request = parsedRequest('INVITE');
  const flow = flowOver(over);
  const transaction = new InviteClientTransaction(context, request, flow, user);
  return { transaction, respond: (status) => transaction.receive(arrivalOf(request, status, flow)) };
}

function startRequest(method: string, over: TransportName = 'udp'): { respond: (status: number) => void } {
  const request = parsedRequest(method);
  const flow = flowOver(over);
  const transaction = new NonInviteClientTransaction(context, request, flow, user);
  return { respond: (status) => transaction.receive(arrivalOf(request, status, flow)) };
}

function timesOf(what: string): number[] {
  return sends.filter((send) => send.what === what).map(({ atMs }) => atMs);
}

describe('INVITE', () => {
  test('timer A doubles from 500 ms without a cap, until timer B gives up after 32 s', () => {
    startInvite();

    clock.advance(60_000);

    expect(timesOf('INVITE')).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    expect(events).toEqual(['timeout', 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('timer B falls due at 64 times T1', () => {
    startInvite();

    clock.advance(31_999);
    expect(events).toEqual([]);
    clock.advance(1);
    expect(events).toEqual(['timeout', 'terminated']);
  });

  test('a provisional response ends the retransmissions and the wait', () => {
    const { respond } = startInvite();
    clock.advance(600);

    respond(100);
    respond(180);
    clock.advance(100_000);

    expect(timesOf('INVITE')).toEqual([0, 500]);
    expect(events).toEqual([100, 180]);
  });

  test('a stream is not retransmitted over', () => {
    startInvite('tcp');

    clock.advance(31_000);

    expect(timesOf('INVITE')).toEqual([0]);
  });

  test('a failure is acknowledged each time it comes, for the 32 s of timer D, and passed on once', () => {
    const { respond } = startInvite();

    respond(486);
    clock.advance(500);
    respond(486);
    clock.advance(31_499);
    expect(events).toEqual([486]);
    clock.advance(1);

    expect(timesOf('ACK')).toEqual([0, 500]);
    expect(events).toEqual([486, 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('over a stream timer D is zero', () => {
    const { respond } = startInvite('tcp');

    respond(486);
    clock.advance(0);

    expect(events).toEqual([486, 'terminated']);
  });

  test('every 2xx is passed on and none acknowledged here, for the 32 s of timer M', () => {
    const { respond } = startInvite();

    respond(200);
    clock.advance(500);
    respond(200);
    clock.advance(31_500);
    respond(200);

    expect(timesOf('ACK')).toEqual([]);
    expect(events).toEqual([200, 200, 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a send that fails ends it at once', () => {
    startInvite();

    failSend?.();

    expect(events).toEqual(['not-sent', 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the ACK of a failure has the branch of the INVITE and the tag of the response', () => {
    const request = parsedRequest('INVITE');
    const flow = flowOver('udp');
    const acks: SipRequest[] = [];
    const recording: TransactionContext = {
      ...context,
      clock,
      send(message) {
        if (message.kind === 'request' && message.method === 'ACK') acks.push(message);
        return Buffer.alloc(0);
      },
    };
    const transaction = new InviteClientTransaction(recording, request, flow, user);

    transaction.receive(arrivalOf(request, 404, flow));

    expect(acks[0]?.headers.all('Via')).toEqual(request.headers.all('Via'));
    expect(acks[0]?.headers.first('To')).toMatch(/;tag=peer-tag$/);
    expect(acks[0]?.headers.first('CSeq')).toBe('1 ACK');
    transaction.terminate();
  });
});

describe('any other request', () => {
  test('timer E doubles from 500 ms up to 4 s, until timer F gives up after 32 s', () => {
    startRequest('OPTIONS');

    clock.advance(60_000);

    expect(timesOf('OPTIONS')).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(events).toEqual(['timeout', 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('after a provisional response it goes on every 4 s', () => {
    const { respond } = startRequest('OPTIONS');
    clock.advance(100);

    respond(100);
    clock.advance(9_000);

    expect(timesOf('OPTIONS')).toEqual([0, 4_100, 8_100]);
  });

  test('the final response ends all retransmission; repetitions are absorbed for the 5 s of timer K', () => {
    const { respond } = startRequest('CANCEL');
    clock.advance(600);

    respond(200);
    clock.advance(4_999);
    respond(200);
    expect(events).toEqual([200]);
    clock.advance(1);

    expect(timesOf('CANCEL')).toEqual([0, 500]);
    expect(events).toEqual([200, 'terminated']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('over a stream nothing is repeated and timer K is zero', () => {
    const { respond } = startRequest('BYE', 'tcp');
    clock.advance(10_000);

    respond(200);
    clock.advance(0);

    expect(timesOf('BYE')).toEqual([0]);
    expect(events).toEqual([200, 'terminated']);
  });
});
