import { BridgeUnderTest, onePlan } from '../support/bridge';
import { Baresip } from '../support/baresip';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import type { SippRun } from '../support/sipp';
import { startSipp, wentWell } from '../support/sipp';
import type { Step } from '../support/sipp-scenario';
import {
  answer,
  bye,
  call,
  inDialog,
  phoneSdp,
  receiveBye,
  receiveRequest,
  waitForCue,
} from '../support/sipp-scenario';
import { dominantHz } from '../support/spectrum';

jest.setTimeout(120_000);

// Whoever is heard is known by their tone. The music is chords: it is none of these.
const agentHz = 610;
const agentAgainHz = 730;
const callerHz = 1_004;
const humanHz = 440;

const toClose: { close(): Promise<void> | void }[] = [];
function keep<T extends { close(): Promise<void> | void }>(one: T): T {
  toClose.push(one);
  return one;
}
afterEach(async () => {
  for (const one of toClose.splice(0).reverse()) await one.close();
});

/** A bridge whose agent says a second of its tone, transfers the caller, and has another tone when the caller is back. */
async function startOffice(destination: Record<string, unknown>): Promise<BridgeUnderTest> {
  const scenario = keep(
    await ScenarioFile.write({
      turns: [
        {
          say: 'One moment.',
          audio: `tone:${agentHz}:1s`,
          calls: [{ name: 'transfer_call', arguments: { destination: 'sales' } }],
        },
        { say: 'Nobody is there.', audio: `tone:${agentAgainHz}:2s` },
      ],
    }),
  );
  // The caller's tone never ends: it must not be taken for a turn.
  const agent = {
    tools: ['transfer_call'],
    transfers: ['sales'],
    turn_detection: { type: 'none' },
    push_to_talk: { key: '#' },
  };
  const plan = { ...onePlan(scenario.model, agent), destinations: { sales: destination } };
  return keep(await BridgeUnderTest.start(plan));
}

async function startCaller(
  bridge: BridgeUnderTest,
  steps: readonly Step[],
): Promise<{ phone: RtpPhone; sipp: SippRun }> {
  const phone = keep(await RtpPhone.open('pcmu'));
  phone.sayTone(callerHz, -10);
  const sdp = phoneSdp({ port: phone.port });
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), ...steps] }));
  return { phone, sipp };
}

/** What is heard, in order, each once: silence, a tone in hertz, or another sound. */
function timeline(samples: Int16Array): (number | 'silence' | 'music')[] {
  const window = 1_600;
  const heard: (number | 'silence' | 'music')[] = [];
  const tones = [agentHz, agentAgainHz, callerHz, humanHz];
  for (let from = 0; from + window <= samples.length; from += window) {
    const piece = samples.subarray(from, from + window);
    const loudest = piece.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    const hz = loudest < 100 ? 0 : dominantHz(piece, 8_000);
    const tone = tones.find((one) => Math.abs(one - hz) < 4);
    const what = loudest < 100 ? 'silence' : (tone ?? 'music');
    if (heard.at(-1) !== what) heard.push(what);
  }
  return heard;
}

/** Without the pieces in which one sound passes into another. */
function inOrder(found: readonly unknown[], wanted: readonly unknown[]): unknown[] {
  let at = 0;
  return found.filter((one) => (one === wanted[at] ? ((at += 1), true) : false));
}

function answerWith(status: string, sdp?: string): Step {
  const body =
    sdp === undefined ? ['Content-Length: 0', ''] : ['Content-Type: application/sdp', 'Content-Length: [len]', '', sdp];
  return `<send><![CDATA[${[
    `SIP/2.0 ${status}`,
    '[last_Via:]',
    '[last_From:]',
    '[last_To:];tag=human',
    '[last_Call-ID:]',
    '[last_CSeq:]',
    'Contact: <sip:human@[local_ip]:[local_port]>',
    ...body,
  ].join('\r\n')}\r\n]]></send>`;
}

describeWith('sipp', 'baresip')('a transfer by bridging', () => {
  test('joins the caller with a person at baresip: each hears the other, and before that never silence', async () => {
    const account = '<sip:human@127.0.0.1>;regint=0;answermode=auto';
    const human = keep(await Baresip.start({ codec: 'PCMU', toneHz: humanHz, account }));
    const bridge = await startOffice({ to: `sip:human@127.0.0.1:${human.sipPort}` });
    const { phone, sipp } = await startCaller(bridge, [waitForCue, bye]);
    await human.eventOf('CALL_ESTABLISHED');
    const before = phone.packets.length;
    await phone.heardPackets(before + 150);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    await human.eventOf('CALL_CLOSED');
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({
      reason: { kind: 'caller-hung-up' },
      transfers: [{ destination: 'sales', method: 'bridge', outcome: 'joined' }],
    });
    const heard = timeline(phone.audio({ from: phone.packetsWithSound()[0]! }));
    process.stdout.write(`the caller heard: ${heard.join(' > ')}\n`);
    expect(inOrder(heard, [agentHz, humanHz])).toEqual([agentHz, humanHz]);
    const { samples, rateHz } = await human.heard();
    const last = samples.subarray(samples.length - rateHz * 2, samples.length - rateHz);
    expect(Math.abs(dominantHz(last, rateHz) - callerHz)).toBeLessThan(4);
    expect(bridge.errors()).toEqual([]);
  });
});

describeWith('sipp')('a transfer by bridging to a person at sipp', () => {
  const ringing = [receiveRequest('INVITE'), answerWith('180 Ringing')];
  const refusal = (status: string): Step[] => [
    ...ringing,
    '<pause milliseconds="1200"/>',
    answerWith(status),
    receiveRequest('ACK'),
  ];
  const cancelled = [...ringing, receiveRequest('CANCEL'), answer()];

  test.each([
    ['486 Busy Here', refusal('486 Busy Here'), 'busy'],
    ['603 Decline', refusal('603 Decline'), 'declined'],
    ['503 Service Unavailable', refusal('503 Service Unavailable'), 'failed'],
    ['nobody answers', cancelled, 'no-answer'],
  ])('that ends with %s comes back to the agent', async (_what, steps, outcome) => {
    const human = keep(await startSipp({ target: '127.0.0.1:9', steps }));
    const bridge = await startOffice({ to: `sip:human@127.0.0.1:${human.port}`, ring: '5s' });
    const { phone, sipp } = await startCaller(bridge, [waitForCue, bye]);
    const isBack = (): boolean =>
      timeline(phone.audio({ from: phone.packetsWithSound()[0] ?? 0 })).includes(agentAgainHz);
    await eventually(isBack, 'the agent');
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    expect((await human.finished).code).toBe(0);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ transfers: [{ destination: 'sales', outcome }] });
    const heard = timeline(phone.audio({ from: phone.packetsWithSound()[0]! }));
    process.stdout.write(`${outcome}: the caller heard ${heard.join(' > ')}\n`);
    expect(inOrder(heard, [agentHz, 'music', agentAgainHz])).toEqual([agentHz, 'music', agentAgainHz]);
    expect(bridge.errors()).toEqual([]);
  });
});

describeWith('sipp')('a transfer by REFER of a caller at sipp', () => {
  const notify = (status: string, state: string): Step =>
    [
      inDialog('NOTIFY', {
        type: `message/sipfrag\r\nEvent: refer\r\nSubscription-State: ${state}`,
        body: `SIP/2.0 ${status}\r\n`,
      }),
      '<recv response="200"/>',
    ].join('\n');

  test('is followed by its NOTIFYs, and then the caller gets a BYE', async () => {
    const bridge = await startOffice({ to: 'sip:human@127.0.0.1:9', method: 'refer' });
    const { sipp } = await startCaller(bridge, [
      receiveRequest('REFER'),
      answer('202 Accepted'),
      notify('100 Trying', 'active;expires=60'),
      notify('180 Ringing', 'active;expires=60'),
      notify('200 OK', 'terminated;reason=noresource'),
      receiveBye,
    ]);
    expect(await sipp.finished).toEqual(wentWell);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ reason: { kind: 'transferred' }, transfers: [{ outcome: 'referred' }] });
    expect(bridge.errors()).toEqual([]);
  });

  test.each([
    ['is refused with 405', [answer('405 Method Not Allowed')], 'failed'],
    [
      'reaches somebody who is busy',
      [
        answer('202 Accepted'),
        notify('100 Trying', 'active;expires=60'),
        notify('486 Busy Here', 'terminated;reason=noresource'),
      ],
      'busy',
    ],
  ])('that %s comes back to the agent', async (_what, steps, outcome) => {
    const bridge = await startOffice({ to: 'sip:human@127.0.0.1:9', method: 'refer' });
    const { phone, sipp } = await startCaller(bridge, [receiveRequest('REFER'), ...steps, waitForCue, bye]);
    const isBack = (): boolean =>
      timeline(phone.audio({ from: phone.packetsWithSound()[0] ?? 0 })).includes(agentAgainHz);
    await eventually(isBack, 'the agent');
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ transfers: [{ method: 'refer', outcome }] });
  });
});
