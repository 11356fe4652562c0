import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { CallerLeg, OfferReply } from '../../src/signalling/caller-leg';
import { SipLink } from '../../src/signalling/sip-link';
import { startSipServer, type SipServer } from '../../src/sip-server/server';
import { runSipp } from '../sip-server/sipp';
import { until } from '../support/until';

jest.setTimeout(120_000);

// Real SIP between sipp and a link to the embedded server.
let server: SipServer;
let link: SipLink;
let told: string[];
let onCall: (leg: CallerLeg) => void;

const ourSdp = (direction: string): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 10000 RTP/AVP 0 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');

function answerTo(offer: string | undefined): OfferReply {
  if (offer?.includes('G729')) return { status: 488 };
  return { sdp: ourSdp(offer?.includes('a=sendonly') ? 'recvonly' : 'sendrecv') };
}

function listen(leg: CallerLeg): void {
  leg.listen({
    onHangUp: (how) => told.push(how.kind),
    onOffer: (offer) => Promise.resolve(answerTo(offer)),
    onAnswer: (answer) => told.push(`answer ${/a=(send\w+)/.exec(answer)?.[1] ?? ''}`),
    onDigit: (digit) => told.push(digit),
  });
}

function ringAndAnswer(leg: CallerLeg): void {
  listen(leg);
  leg.ring();
  answer(leg);
}

function answer(leg: CallerLeg): void {
  void leg.answer(ourSdp('sendrecv')).then(
    (sdp) => told.push(sdp === undefined ? 'answered' : 'answered with SDP in the ACK'),
    () => told.push('gone'),
  );
}

beforeEach(async () => {
  told = [];
  onCall = ringAndAnswer;
  const listening = (['udp', 'tcp'] as const).map((transport) => ({ transport, address: '127.0.0.1', port: 0 }));
  server = await startSipServer({
    listen: listening,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  link = new SipLink({
    server: server.admin,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onBug: (bug) => told.push(`bug ${bug.where} ${String(bug.cause)}`),
    onCall: (leg) => onCall(leg),
  });
  await link.connect({ deadlineMs: 10_000 });
});

afterEach(async () => {
  await link.close();
  await server.close();
});

async function sipp(scenario: string, { transport = 'udp', args = [] as string[] } = {}): Promise<void> {
  const { port } = server.listening.find((at) => at.transport === transport)!;
  const file = scenario === 'uac' ? scenario : `../../signalling/scenarios/${scenario}.xml`;
  const options = {
    target: `127.0.0.1:${port}`,
    args: ['-m', '1', '-t', transport === 'tcp' ? 't1' : 'u1', ...args],
  };
  let { code, output } = await runSipp(file, options);
  // Its port was free for UDP; for TCP it may not have been.
  if (code !== 0 && /address already in use/i.test(output)) ({ code, output } = await runSipp(file, options));
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
}

describe.each(['udp', 'tcp'])('over %s', (transport) => {
  test('a call is answered and hung up by the caller', async () => {
    await sipp('uac', { transport, args: ['-d', '200'] });
    await until(() => told.length === 2, 'the BYE');
    expect(told).toEqual(['answered', 'bye']);
    expect(link.legs).toBe(0);
  });

  test('the answer to a late offer comes in the ACK', async () => {
    await sipp('late-offer', { transport });
    await until(() => told.length === 2, 'the BYE');
    expect(told).toEqual(['answered with SDP in the ACK', 'bye']);
  });

  test('a CANCEL while it rings ends the call', async () => {
    onCall = (leg) => {
      listen(leg);
      leg.ring();
    };
    await sipp('cancel', { transport });
    await until(() => told.length === 1, 'the CANCEL');
    expect(told).toEqual(['cancel']);
  });

  test('hold and resume are answered, a codec we lack is refused, and the call goes on', async () => {
    await sipp('hold', { transport });
    await until(() => told.length === 2, 'the BYE');
    expect(told).toEqual(['answered', 'bye']);
  });

  test('the answer to our offer in a re-INVITE comes in the ACK', async () => {
    await sipp('late-reinvite', { transport });
    await until(() => told.length === 3, 'the BYE');
    expect(told).toEqual(['answered', 'answer sendonly', 'bye']);
  });

  test('keys come by INFO, a REFER is refused, an UPDATE is answered', async () => {
    await sipp('info', { transport });
    await until(() => told.length === 4, 'the BYE');
    expect(told).toEqual(['answered', '5', '#', 'bye']);
  });

  test('a call that we hang up gets one BYE', async () => {
    onCall = (leg) => {
      listen(leg);
      void leg.answer(ourSdp('sendrecv')).then(() => leg.hangUp({ reason: 'done' }));
    };
    await sipp('hung-up-on', { transport });
    expect(told).toEqual([]);
    expect(link.legs).toBe(0);
  });

  test('ringing is reliable where that is required', async () => {
    onCall = (leg) => {
      listen(leg);
      leg.ring();
      // The PRACK comes meanwhile.
      systemClock.setTimer(200, () => answer(leg));
    };
    await sipp('reliable-ringing', { transport });
    await until(() => told.length === 2, 'the BYE');
    expect(told).toEqual(['answered', 'bye']);
  });

  test('a refusal is the end', async () => {
    onCall = (leg) => leg.reject(486);
    await sipp('refused', { transport });
    expect(link.legs).toBe(0);
  });
});

test('two hundred calls at fifty a second leave nothing behind', async () => {
  await sipp('uac', { args: ['-m', '200', '-r', '50', '-d', '300'] });
  await until(() => told.length === 400, 'the last BYE');
  expect(told.filter((what) => what === 'answered')).toHaveLength(200);
  expect(told.filter((what) => what === 'bye')).toHaveLength(200);
  expect(link.legs).toBe(0);
});
