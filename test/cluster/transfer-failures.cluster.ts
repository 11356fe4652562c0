import { Baresip } from '../support/baresip';
import type { Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { wentWell } from '../support/sipp';
import {
  answer,
  answerInvite,
  bye,
  pause,
  receiveBye,
  receiveInvite,
  receiveRequest,
  waitForCue,
} from '../support/sipp-scenario';
import { dominantHz } from '../support/spectrum';
import { heardBy, inOrder, report } from '../support/who-heard';
import { channelsBecome, control, describeCluster, freeswitchAddresses, freeswitchApi } from './real-servers';
import {
  answered,
  joinedInFreeswitch,
  startCaller,
  startHuman,
  startOffice,
  throughFreeswitch,
  voices,
} from './transferring';

jest.setTimeout(120_000);

const keep: Keep = closedAfterEach();
const servers = { freeswitch: freeswitchAddresses().slice(0, 1) };

describe.each(throughFreeswitch)('transfers, $name,', (shape) => {
  describeCluster(['freeswitch', 'control'], 'sipp')('when FreeSWITCH dies', () => {
    test('while the two talk: BYE to both, and one record', async () => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), receiveBye]);
      const destination = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const bridge = await startOffice(keep, { shape, destination, servers });
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      await joinedInFreeswitch(bridge, shape);
      await control('kill', 'fs1');
      try {
        expect(await caller.sipp.finished).toEqual(wentWell);
        expect(await human.sipp.finished).toEqual(wentWell);
        const ended = await bridge.endedCalls();
        expect(ended).toMatchObject([{ reason: { kind: 'media-failed' }, transfers: [{ outcome: 'joined' }] }]);
      } finally {
        await control('start', 'fs1');
      }
    });

    test('while the destination rings: CANCEL there, BYE to the caller, and one record', async () => {
      const steps = [receiveInvite, answerInvite('180 Ringing'), receiveRequest('CANCEL'), answer()];
      const human = await startHuman(keep, () => steps);
      const destination = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const bridge = await startOffice(keep, { shape, destination, servers });
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      // The caller's pair of channels, and the destination's.
      const pairs = (): number => bridge.log.filter(({ msg }) => msg === 'FreeSWITCH bridged').length;
      await eventually(() => pairs() === 2, 'the channels of the destination');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await control('kill', 'fs1');
      try {
        expect(await caller.sipp.finished).toEqual(wentWell);
        const ended = await bridge.endedCalls();
        expect(ended).toMatchObject([{ reason: { kind: 'media-failed' }, transfers: [{ outcome: 'cancelled' }] }]);
        expect((await human.sipp.finished).code).toBe(0);
      } finally {
        await control('start', 'fs1');
      }
    });
  });

  describeCluster(['freeswitch'], 'sipp')('when FreeSWITCH is full', () => {
    test('the agent is told, and the caller hears it again', async () => {
      const [address = ''] = servers.freeswitch;
      const bridge = await startOffice(keep, { shape, destination: { to: 'sip:human@127.0.0.1:9' }, servers });
      await freeswitchApi('fsctl max_sessions 3', address);
      try {
        // Until the heartbeat has told us.
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        const originMs = performance.now();
        const caller = await startCaller(keep, { bridge, shape, steps: () => [pause(6_000), bye] });
        expect(await caller.sipp.finished).toEqual(wentWell);
        const heard = heardBy(caller.phone, voices, originMs);
        report(shape.name, 'FreeSWITCH is full', { 'the caller': heard });
        expect(inOrder(heard)).toEqual(expect.arrayContaining(['agent', 'agent again']));
        const [ended] = await bridge.endedCalls();
        expect(ended).toMatchObject({
          transfers: [{ outcome: 'failed', detail: 'no FreeSWITCH takes calls' }],
        });
      } finally {
        await freeswitchApi('fsctl max_sessions 1000', address);
      }
      await channelsBecome(0);
    });
  });

  describeCluster(
    ['freeswitch'],
    'sipp',
    'baresip',
  )('to a person at baresip', () => {
    test('in the codec that the trunk prefers, and each hears the other', async () => {
      const account = '<sip:human@127.0.0.1>;regint=0;answermode=auto';
      const human = keep(await Baresip.start({ codec: 'G722', toneHz: voices.human, account }));
      const to = `sip:human@127.0.0.1:${human.sipPort}`;
      const trunks = { wide: { host: `127.0.0.1:${human.sipPort}`, codecs: ['g722', 'pcmu'] } };
      const bridge = await startOffice(keep, { shape, destination: { to, trunk: 'wide' }, plan: { trunks }, servers });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [waitForCue, bye] });
      await joinedInFreeswitch(bridge, shape);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      caller.sipp.cue();
      expect(await caller.sipp.finished).toEqual(wentWell);
      await human.eventOf('CALL_CLOSED');
      const atCaller = heardBy(caller.phone, voices, originMs);
      report(shape.name, 'a destination at baresip in G.722', { 'the caller': atCaller });
      expect(inOrder(atCaller).at(-1)).toBe('human');
      const { samples, rateHz } = await human.heard();
      expect(rateHz).toBe(16_000);
      const last = samples.subarray(samples.length - rateHz * 2, samples.length - rateHz);
      expect(Math.abs(dominantHz(last, rateHz) - voices.caller)).toBeLessThan(4);
      await bridge.endedCalls();
      await channelsBecome(0);
    });
  });
});
