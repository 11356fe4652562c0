import type { Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { wentWell } from '../support/sipp';
import {
  answer,
  answerInvite,
  bye,
  byeOfCallee,
  change,
  changeOfCallee,
  inDialog,
  pause,
  phoneSdp,
  receiveBye,
  receiveInvite,
  receiveRequest,
  waitForCue,
  type Step,
} from '../support/sipp-scenario';
import { heardBy, inOrder, sounds } from '../support/who-heard';
import { describeCluster } from './real-servers';
import {
  answered,
  endedWell,
  joinedInFreeswitch,
  shapes,
  startCaller,
  startHuman,
  startOffice,
  voices,
  whoHeardWhat,
  type Party,
} from './transferring';

jest.setTimeout(120_000);

const keep: Keep = closedAfterEach();

const gsmOnly = phoneSdp({ port: 9, formats: { 3: 'GSM/8000' } });

/** Rings for a second and a half. */
const ringing = [receiveInvite, answerInvite('180 Ringing'), pause(1_500)];

describe.each(shapes)('transfers, $name,', (shape) => {
  describeCluster(shape.freeswitch ? ['freeswitch'] : [], 'sipp')('to a person at sipp', () => {
    test('who answers, talks and hangs up', async () => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), pause(4_000), byeOfCallee(2)]);
      const bridge = await startOffice(keep, { shape, destination: { to: `sip:human@127.0.0.1:${human.sipp.port}` } });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      await joinedInFreeswitch(bridge, shape);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the destination answers, talks and hangs up', { caller, human, originMs });
      expect(heard.caller).toEqual([...silenceFirst(heard.caller), 'agent', 'music', 'human']);
      expect(heard.human.at(-1)).toBe('caller');
      const transfers = [{ destination: 'sales', outcome: 'joined' }];
      await endedWell(bridge, shape, { reason: { kind: 'transfer-ended', destination: 'sales' }, transfers });
    });

    test('the caller hangs up while they talk', async () => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), receiveBye]);
      const bridge = await startOffice(keep, { shape, destination: { to: `sip:human@127.0.0.1:${human.sipp.port}` } });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [waitForCue, bye] });
      await joinedInFreeswitch(bridge, shape);
      await eventually(() => human.phone.packetsWithSound().length > 100, 'the caller at the human');
      caller.sipp.cue();
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the caller hangs up while they talk', { caller, human, originMs });
      expect(heard.caller.slice(-3)).toEqual(['agent', 'music', 'human']);
      await endedWell(bridge, shape, { reason: { kind: 'caller-hung-up' }, transfers: [{ outcome: 'joined' }] });
    });

    test('who holds the caller and comes back', async () => {
      const human = await startHuman(keep, (sdp) => [
        ...[answered(sdp()), pause(2_500)],
        ...[changeOfCallee(2, sdp({ direction: 'inactive', version: 2 }), 'a=inactive'), pause(3_000)],
        ...[changeOfCallee(3, sdp({ direction: 'sendrecv', version: 3 })), pause(3_000), byeOfCallee(4)],
      ]);
      const bridge = await startOffice(keep, { shape, destination: { to: `sip:human@127.0.0.1:${human.sipp.port}` } });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      // Its phone says nothing while it holds.
      await eventually(() => bridge.log.some(({ msg }) => msg === 'the destination holds the caller'), 'the hold');
      human.phone.say((frame) => frame.fill(0));
      await eventually(() => bridge.log.some(({ msg }) => msg === 'the destination is back'), 'the return');
      human.phone.sayTone(voices.human, -10);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the destination holds the caller and comes back', { caller, human, originMs });
      expect(heard.caller.slice(-5)).toEqual(['agent', 'music', 'human', 'music', 'human']);
      expect(heard.human.at(-1)).toBe('caller');
      await endedWell(bridge, shape, { reason: { kind: 'transfer-ended' }, transfers: [{ outcome: 'joined' }] });
    });

    test('who is held by the caller', async () => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), receiveBye]);
      const bridge = await startOffice(keep, { shape, destination: { to: `sip:human@127.0.0.1:${human.sipp.port}` } });
      const originMs = performance.now();
      const caller = await startCaller(keep, {
        ...{ bridge, shape },
        steps: (port) => [
          ...[waitForCue, change(phoneSdp({ port, direction: 'inactive', version: 2 }), 'a=inactive'), pause(2_500)],
          ...[change(phoneSdp({ port, direction: 'sendrecv', version: 3 })), pause(2_500), bye],
        ],
      });
      await joinedInFreeswitch(bridge, shape);
      await eventually(() => human.phone.packetsWithSound().length > 100, 'the caller at the human');
      caller.phone.say((frame) => frame.fill(0));
      caller.sipp.cue();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      caller.phone.sayTone(voices.caller, -10);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the caller holds the destination and comes back', { caller, human, originMs });
      expect(heard.human.at(-1)).toBe('caller');
      expect(heard.caller.at(-1)).toBe('human');
      expect(['silence', 'nothing']).toContain(heard.human.at(-2));
      await endedWell(bridge, shape, { reason: { kind: 'caller-hung-up' }, transfers: [{ outcome: 'joined' }] });
    });

    test('whose side announces something before it answers', async () => {
      const human = await startHuman(keep, (sdp) => [
        ...[receiveInvite, answerInvite('180 Ringing'), pause(1_000), answerInvite('183 Session Progress', sdp())],
        ...[pause(2_000), answerInvite('486 Busy Here'), receiveRequest('ACK')],
      ]);
      const bridge = await startOffice(keep, { shape, destination: { to: `sip:human@127.0.0.1:${human.sipp.port}` } });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [waitForCue, bye] });
      await agentIsBack(caller);
      caller.sipp.cue();
      expect(await caller.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'an announcement (the human), then 486', { caller, human, originMs });
      expect(sounds(heard.caller)).toEqual([...['agent', 'music', 'human', 'agent again']]);
      expect(heard.human).not.toContain('caller');
      await endedWell(bridge, shape, { transfers: [{ outcome: 'busy' }] });
    });

    const refusal = (status: string): Step[] => [...ringing, answerInvite(status), receiveRequest('ACK')];
    test.each([
      ['is busy', refusal('486 Busy Here'), 'busy'],
      ['declines', refusal('603 Decline'), 'declined'],
      ['cannot be reached (503)', refusal('503 Service Unavailable'), 'failed'],
      [
        'does not answer',
        [receiveInvite, answerInvite('180 Ringing'), receiveRequest('CANCEL'), answer()],
        'no-answer',
      ],
      [
        'answers without G.711',
        [...ringing, answerInvite('200 OK', gsmOnly), receiveRequest('ACK'), receiveBye],
        'failed',
      ],
    ])('who %s: the agent is told why', async (what, steps, outcome) => {
      const human = await startHuman(keep, () => steps);
      const to = `sip:human@127.0.0.1:${human.sipp.port}`;
      const bridge = await startOffice(keep, { shape, destination: { to, ring: '5s' } });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [waitForCue, bye] });
      await agentIsBack(caller);
      caller.sipp.cue();
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect((await human.sipp.finished).code).toBe(0);
      const heard = whoHeardWhat(shape, `the destination ${what}`, { caller, originMs });
      expect(sounds(heard.caller)).toEqual(['agent', 'music', 'agent again']);
      await endedWell(bridge, shape, { reason: { kind: 'caller-hung-up' }, transfers: [{ outcome }] });
    });
  });

  describeCluster(shape.freeswitch ? ['freeswitch'] : [], 'sipp')('by REFER of a caller at sipp', () => {
    test('is followed by its NOTIFYs, and then the caller gets a BYE', async () => {
      const bridge = await startOffice(keep, { shape, destination: { to: 'sip:human@127.0.0.1:9', method: 'refer' } });
      const originMs = performance.now();
      const caller = await startCaller(keep, {
        ...{ bridge, shape },
        steps: () => [
          ...[receiveRequest('REFER'), answer('202 Accepted'), notify('100 Trying', 'active;expires=60')],
          ...[notify('180 Ringing', 'active;expires=60'), pause(1_500)],
          ...[notify('200 OK', 'terminated;reason=noresource'), receiveBye],
        ],
      });
      expect(await caller.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'REFER, and the destination answers', { caller, originMs });
      expect(sounds(heard.caller)).toEqual(['agent', 'music']);
      await endedWell(bridge, shape, { reason: { kind: 'transferred' }, transfers: [{ outcome: 'referred' }] });
    });

    test('that reaches somebody who is busy comes back to the agent', async () => {
      const bridge = await startOffice(keep, { shape, destination: { to: 'sip:human@127.0.0.1:9', method: 'refer' } });
      const originMs = performance.now();
      const caller = await startCaller(keep, {
        ...{ bridge, shape },
        steps: () => [
          ...[receiveRequest('REFER'), answer('202 Accepted'), notify('100 Trying', 'active;expires=60'), pause(1_500)],
          ...[notify('486 Busy Here', 'terminated;reason=noresource'), waitForCue, bye],
        ],
      });
      await agentIsBack(caller);
      caller.sipp.cue();
      expect(await caller.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'REFER, and the destination is busy', { caller, originMs });
      expect(sounds(heard.caller)).toEqual([...['agent', 'music', 'agent again']]);
      await endedWell(bridge, shape, { transfers: [{ method: 'refer', outcome: 'busy' }] });
    });
  });
});

function notify(status: string, state: string): Step {
  const type = `message/sipfrag\r\nEvent: refer\r\nSubscription-State: ${state}`;
  return [inDialog('NOTIFY', { type, body: `SIP/2.0 ${status}\r\n` }), '<recv response="200"/>'].join('\n');
}

/** Looks at a little and not too often: it is real time for the bridge in this process, too. */
async function agentIsBack({ phone }: Party): Promise<void> {
  for (let looks = 0; looks < 100; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!inOrder(heardBy(phone, voices, performance.now() - 500)).includes('agent again')) continue;
    // Enough of it for a word in the timeline.
    await new Promise((resolve) => setTimeout(resolve, 600));
    return;
  }
  throw new Error('waited in vain for the agent');
}

/** What comes before the agent's first word. */
function silenceFirst(heard: readonly string[]): string[] {
  return heard.slice(0, Math.max(0, heard.indexOf('agent')));
}
