import type { Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { startSipp, wentWell } from '../support/sipp';
import {
  ackOfRefusal,
  answerInvite,
  byeOfCallee,
  invite,
  pause,
  phoneSdp,
  receive,
  receiveBye,
  receiveInvite,
  receiveRequest,
} from '../support/sipp-scenario';
import { sounds } from '../support/who-heard';
import { describeCluster, targetOf } from './real-servers';
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
} from './transferring';

// Transfers that no agent asks for: the plan says when.

jest.setTimeout(120_000);

const keep: Keep = closedAfterEach();
const routes = [{ name: 'through', when: 'any', bridge: 'sales' }];

/** The discard port: nobody listens. */
const noModel = {
  plan: { routes: [{ name: 'calls', when: 'any', answer: 'tester', unavailable: 'sales' }] },
  agent: { model: 'gpt-realtime' },
  env: { RINGBRIDGE_REALTIME_URL: 'ws://127.0.0.1:9/v1/realtime' },
};

describe.each(shapes)('transfers by the plan, $name,', (shape) => {
  describeCluster(shape.freeswitch ? ['freeswitch'] : [], 'sipp')('to a person at sipp', () => {
    test.each([
      ['bridge: in a route', { plan: { routes } }],
      ['unavailable: in a route, and no model', noModel],
    ])('whom the own phone rings until the answer: %s', async (what, office) => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), pause(3_000), byeOfCallee(2)]);
      const destination = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const bridge = await startOffice(keep, { shape, destination, ...office });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      await joinedInFreeswitch(bridge, shape);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, what, { caller, human, originMs });
      expect([sounds(heard.caller), sounds(heard.human)]).toEqual([['human'], ['caller']]);
      const transfers = [{ destination: 'sales', outcome: 'joined' }];
      await endedWell(bridge, shape, { reason: { kind: 'transfer-ended', destination: 'sales' }, transfers });
    });

    test('who is busy: the caller gets 486', async () => {
      const human = await startHuman(keep, () => [receiveInvite, answerInvite('486 Busy Here'), receiveRequest('ACK')]);
      const destination = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const bridge = await startOffice(keep, { shape, destination, plan: { routes } });
      const refused = [invite(phoneSdp({ port: 9 })), receive(486), ackOfRefusal()];
      const sipp = keep(await startSipp({ target: targetOf(shape.front, bridge), steps: refused }));
      expect(await sipp.finished).toEqual(wentWell);
      await endedWell(bridge, shape, { reason: { kind: 'bridge-failed' }, transfers: [{ outcome: 'busy' }] });
    });

    test('who answers for another who is busy: otherwise', async () => {
      const busy = await startHuman(keep, () => [receiveInvite, answerInvite('486 Busy Here'), receiveRequest('ACK')]);
      const human = await startHuman(keep, (sdp) => [answered(sdp()), pause(3_000), byeOfCallee(2)]);
      const sales = { to: `sip:busy@127.0.0.1:${busy.sipp.port}`, otherwise: { busy: 'desk' } };
      const desk = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const plan = { destinations: { sales, desk } };
      const bridge = await startOffice(keep, { shape, destination: sales, plan });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye] });
      await joinedInFreeswitch(bridge, shape);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await busy.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the first is busy, and another answers: otherwise', {
        caller,
        human,
        originMs,
      });
      expect([sounds(heard.caller), sounds(heard.human)]).toEqual([['agent', 'music', 'human'], ['caller']]);
      await endedWell(bridge, shape, {
        reason: { kind: 'transfer-ended', destination: 'desk' },
        transfers: [
          { destination: 'sales', outcome: 'busy' },
          { destination: 'desk', outcome: 'joined' },
        ],
      });
    });

    test('who gets a caller that says nothing: idle.then', async () => {
      const human = await startHuman(keep, (sdp) => [answered(sdp()), pause(3_000), byeOfCallee(2)]);
      const destination = { to: `sip:human@127.0.0.1:${human.sipp.port}` };
      const hears = { turn_detection: { type: 'server_vad' }, push_to_talk: undefined };
      const agent = { ...hears, idle: { after: '1s', check_ins: 0, then: 'sales' } };
      const bridge = await startOffice(keep, { shape, destination, agent, transfers: false });
      const originMs = performance.now();
      const caller = await startCaller(keep, { bridge, shape, steps: () => [receiveBye], isSilent: true });
      await eventually(() => human.phone.packets.length > 0, 'the answer of the human');
      caller.phone.sayTone(voices.caller, -10);
      await joinedInFreeswitch(bridge, shape);
      expect(await caller.sipp.finished).toEqual(wentWell);
      expect(await human.sipp.finished).toEqual(wentWell);
      const heard = whoHeardWhat(shape, 'the caller says nothing: idle.then', { caller, human, originMs });
      expect([sounds(heard.caller), sounds(heard.human)]).toEqual([['agent', 'music', 'human'], ['caller']]);
      await endedWell(bridge, shape, {
        reason: { kind: 'transfer-ended', destination: 'sales' },
        transfers: [{ outcome: 'joined' }],
      });
    });
  });
});
