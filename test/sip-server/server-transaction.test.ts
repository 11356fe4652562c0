import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { TransactionContext } from '../../src/sip-server/client-transaction';
import { composeReply } from '../../src/sip-server/compose-response';
import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import { InviteServerTransaction, NonInviteServerTransaction } from '../../src/sip-server/server-transaction';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import { serializeMessage } from '../../src/sip-server/sip-message';
import type { Arrival } from '../../src/sip-server/transport-layer';
import type { TransportName } from '../../src/sip-server/transport';
import { MemoryNetwork } from './memory-network';
import { requestText } from './test-peer';

let clock: VirtualClock;
let sends: { atMs: number; status: number }[];
let terminated: number;

beforeEach(() => {
  clock = new VirtualClock();
  sends = [];
  terminated = 0;
});

const context: TransactionContext = {
  get clock() {
    return clock;
  },
  send(message) {
    sends.push({ atMs: clock.now(), status: (message as SipResponse).status });
    return serializeMessage(message);
  },
  onRetransmission: () => undefined,
};

function arrivalOf(method: string, over: TransportName): Arrival<SipRequest> {
  const message = parseMessage(Buffer.from(requestText(method))) as SipRequest;
  const essentials = readEssentials(message);
  if (typeof essentials === 'string') throw new Error(essentials);
  const transport = new MemoryNetwork(clock, { delayMs: 0 }).open(over, '127.0.0.1', 5060);
  return { message, essentials, flow: { transport, remoteAddress: '127.0.0.2', remotePort: 5060 }, bytes: 0 };
}

function invite(over: TransportName = 'udp'): InviteServerTransaction {
  return new InviteServerTransaction(context, arrivalOf('INVITE', over), () => (terminated += 1));
}

function options(over: TransportName = 'udp'): NonInviteServerTransaction {
  return new NonInviteServerTransaction(context, arrivalOf('OPTIONS', over), () => (terminated += 1));
}

function response(status: number): SipResponse {
  return composeReply(arrivalOf('INVITE', 'udp').message, { status, reason: 'Whatever', toTag: 'own' });
}

function timesOf(status: number): number[] {
  return sends.filter((send) => send.status === status).map(({ atMs }) => atMs);
}

describe('INVITE', () => {
  test('a failure is repeated by timer G after 0.5, 1, 2, 4, 4 ... s, until timer H gives up after 32 s', () => {
    invite().respond(response(486));

    clock.advance(60_000);

    expect(timesOf(486)).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(terminated).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the ACK ends the repetitions; later ACKs are absorbed for the 5 s of timer I', () => {
    const transaction = invite();
    transaction.respond(response(486));
    clock.advance(600);

    expect(transaction.receiveAck()).toBe(true);
    clock.advance(4_999);
    expect(transaction.receiveAck()).toBe(true);
    expect(terminated).toBe(0);
    clock.advance(1);

    expect(timesOf(486)).toEqual([0, 500]);
    expect(terminated).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('over a stream a failure is sent once and timer I is zero', () => {
    const transaction = invite('tcp');
    transaction.respond(response(486));
    clock.advance(10_000);

    transaction.receiveAck();
    clock.advance(0);

    expect(timesOf(486)).toEqual([0]);
    expect(terminated).toBe(1);
  });

  test('a repeated INVITE gets the last provisional response again', () => {
    const transaction = invite();
    transaction.respond(response(180));

    transaction.receiveAgain();

    expect(timesOf(180)).toEqual([0, 0]);
    transaction.terminate();
  });

  test('a repeated INVITE that nobody has answered gets 100 Trying', () => {
    const transaction = invite();

    transaction.receiveAgain();

    expect(timesOf(100)).toEqual([0]);
    transaction.terminate();
  });

  test('after a 2xx repeated INVITEs are absorbed and ACKs passed on, for the 32 s of timer L', () => {
    const transaction = invite();
    transaction.respond(response(200));

    transaction.receiveAgain();
    expect(transaction.receiveAck()).toBe(false);
    clock.advance(31_999);
    expect(terminated).toBe(0);
    clock.advance(1);

    expect(timesOf(200)).toEqual([0]);
    expect(terminated).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a second final response is refused', () => {
    const transaction = invite();
    transaction.respond(response(486));

    expect(transaction.respond(response(200))).toBeUndefined();

    transaction.terminate();
  });
});

describe('any other request', () => {
  test('the final response is repeated only when asked for, for the 32 s of timer J', () => {
    const transaction = options();
    transaction.receiveAgain();
    transaction.respond(response(200));

    clock.advance(1_000);
    transaction.receiveAgain();
    clock.advance(30_999);
    expect(terminated).toBe(0);
    clock.advance(1);

    expect(timesOf(200)).toEqual([0, 1_000]);
    expect(terminated).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('over a stream timer J is zero', () => {
    options('tcp').respond(response(200));

    clock.advance(0);

    expect(terminated).toBe(1);
  });
});
