import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { ModelUnderTap } from '../support/model-under-tap';
import { wentWell } from '../support/sipp';
import { byeOfEither } from '../support/sipp-scenario';
import {
  answeringAccount,
  callIds,
  heardByModel,
  heardNow,
  tones,
  type,
  voicesInOrder,
  whispersTo,
} from '../support/supervision';
import { callUp } from './cluster-call';
import { channelsBecome, clusterEnv, describeCluster, fronts, targetOf } from './real-servers';

jest.setTimeout(120_000);

const keep = closedAfterEach();

const modes = ['listen', 'whisper', 'take-over'];

describe.each(fronts)('a supervisor through FreeSWITCH, with the %s in front', (front) => {
  describeCluster(
    ['freeswitch'],
    'sipp',
    'baresip',
  )('at baresip', () => {
    test('listens, whispers and takes over', async () => {
      const boss = keep(await Baresip.start({ codec: 'PCMA', toneHz: tones.supervisor, account: answeringAccount }));
      const model = keep(await ModelUnderTap.start(`tone:${tones.agent}`));
      const to = `sip:boss@127.0.0.1:${boss.sipPort}`;
      const plan = { ...onePlan(), destinations: { boss: { to, supervisor: modes } } };
      const bridge = keep(await BridgeUnderTest.start(plan, { ...clusterEnv(front), ...model.env }));
      const { http } = bridge.bridge;
      const { phone, sipp } = await callUp(keep, targetOf(front, bridge), [byeOfEither]);
      phone.sayTone(tones.caller, -14);
      const [id = ''] = await callIds(http);
      expect(await type(http, `supervise ${id} --to boss --mode listen`)).toMatchObject({ out: 'boss listen\n' });
      await boss.eventOf('CALL_ESTABLISHED');
      expect(await heardNow(phone)).toBe('agent');
      expect(heardByModel(model)).toBe('caller');

      expect(await type(http, `supervise ${id} --mode whisper`)).toMatchObject({ code: 0 });
      expect(await heardNow(phone)).toBe('agent');
      await eventually(() => whispersTo(model).length > 0, 'a whisper at the model');
      expect(whispersTo(model)[0]).toMatchObject({ voices: 'supervisor' });
      expect(heardByModel(model)).toBe('caller');

      expect(await type(http, `supervise ${id} --mode take-over`)).toMatchObject({ code: 0 });
      expect(await heardNow(phone)).toBe('supervisor');
      boss.hangUp();
      expect(await sipp.finished).toEqual(wentWell);
      const [record] = await bridge.endedCalls();
      expect(record).toMatchObject({
        reason: { kind: 'transfer-ended', destination: 'boss' },
        supervisions: [{ outcome: 'answered', endedBy: 'supervisor', modes: modes.map((mode) => ({ mode })) }],
      });
      const { samples, rateHz } = await boss.heard();
      const heard = voicesInOrder(samples, rateHz);
      process.stderr.write(`    the supervisor heard: ${heard.join(' > ')}\n`);
      expect(heard).toContain('agent+caller');
      expect(heard.filter((voices) => voices !== '').at(-1)).toBe('caller');
      expect(heard.some((voices) => voices.includes('supervisor'))).toBe(false);
      expect(bridge.errors()).toEqual([]);
      await channelsBecome(0);
    });

    test('hears, and is heard by, the person whom FreeSWITCH has joined with the caller', async () => {
      const account = answeringAccount.replace('boss', 'human');
      const human = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.human, account }));
      const boss = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.supervisor, account: answeringAccount }));
      const plan = {
        ...onePlan(),
        destinations: {
          boss: { to: `sip:boss@127.0.0.1:${boss.sipPort}`, supervisor: modes },
          sales: { to: `sip:human@127.0.0.1:${human.sipPort}` },
        },
        routes: [{ name: 'all', when: 'any', bridge: 'sales' }],
      };
      const bridge = keep(await BridgeUnderTest.start(plan, clusterEnv(front)));
      const { http } = bridge.bridge;
      const { phone, sipp } = await callUp(keep, targetOf(front, bridge), [byeOfEither]);
      phone.sayTone(tones.caller, -14);
      expect(await heardNow(phone)).toBe('human');
      const [id = ''] = await callIds(http);
      expect(await type(http, `supervise ${id} --to boss --mode listen`)).toMatchObject({ out: 'boss listen\n' });
      expect(await heardNow(phone)).toBe('human');
      expect(await type(http, `supervise ${id} --mode whisper`)).toMatchObject({ code: 0 });
      expect(await heardNow(phone)).toBe('human');
      boss.hangUp();
      await boss.eventOf('CALL_CLOSED');
      expect(await heardNow(phone)).toBe('human');
      sipp.cue();
      expect(await sipp.finished).toEqual(wentWell);
      await human.eventOf('CALL_CLOSED');
      for (const [who, wanted] of [
        [boss, ['caller+human']],
        [human, ['caller', 'caller+supervisor', 'caller']],
      ] as const) {
        const { samples, rateHz } = await who.heard();
        const heard = voicesInOrder(samples, rateHz);
        process.stderr.write(`    ${who === boss ? 'the supervisor' : 'the person'} heard: ${heard.join(' > ')}\n`);
        const found = heard.filter((voices) => (wanted as readonly string[]).includes(voices));
        expect(found.filter((voices, index) => voices !== found[index - 1])).toEqual(wanted);
        expect(heard.some((voices) => voices.includes(who === boss ? 'supervisor' : 'human'))).toBe(false);
      }
      expect(bridge.errors()).toEqual([]);
      await channelsBecome(0);
    });
  });
});
