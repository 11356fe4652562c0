import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan, type TestPlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ServeProcess } from '../support/serve-process';
import { startSipp, wentWell, type SippRun } from '../support/sipp';
import { byeOfEither, call, phoneSdp } from '../support/sipp-scenario';
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

jest.setTimeout(180_000);

const keep = closedAfterEach();

/** An agent who says its tone without end, and a supervisor at baresip. */
function planFor(supervisor: Baresip, model?: string): TestPlan {
  return {
    ...onePlan(model),
    destinations: {
      boss: { to: `sip:boss@127.0.0.1:${supervisor.sipPort}`, supervisor: ['listen', 'whisper', 'take-over'] },
      desk: { to: `sip:boss@127.0.0.1:${supervisor.sipPort}` },
    },
  };
}

async function startCaller(target: string): Promise<{ phone: RtpPhone; sipp: SippRun }> {
  const phone = keep(await RtpPhone.open('pcmu'));
  phone.sayTone(tones.caller, -14);
  const sipp = keep(await startSipp({ target, steps: [call(phoneSdp({ port: phone.port })), byeOfEither] }));
  await phone.heardPackets(25);
  return { phone, sipp };
}

describeWith('sipp', 'baresip')('a supervisor at baresip', () => {
  test('listens, whispers and takes over, and who hears whom is told by the spectrum', async () => {
    const boss = keep(await Baresip.start({ codec: 'PCMA', toneHz: tones.supervisor, account: answeringAccount }));
    const model = keep(await ModelUnderTap.start(`tone:${tones.agent}`));
    const bridge = keep(await BridgeUnderTest.start(planFor(boss), model.env));
    const { http } = bridge.bridge;
    const { phone, sipp } = await startCaller(bridge.sip());
    const [id = ''] = await callIds(http);

    expect(await type(http, `supervise ${id} --to desk --mode listen`)).toMatchObject({ code: 1 });
    const begun = await type(http, `supervise ${id} --to boss --mode listen`);
    expect(begun).toMatchObject({ code: 0, out: 'boss listen\n' });
    await boss.eventOf('CALL_ESTABLISHED');
    expect(await heardNow(phone)).toBe('agent');
    expect(heardByModel(model)).toBe('caller');
    expect(await bridge.metric('ringbridge_supervised_calls')).toBe(1);

    expect(await type(http, `supervise ${id} --mode whisper`)).toMatchObject({ code: 0 });
    expect(await heardNow(phone)).toBe('agent');
    await eventually(() => whispersTo(model).length > 0, 'a whisper at the model');
    expect(whispersTo(model)[0]).toEqual({ text: expect.stringMatching(/supervisor/), voices: 'supervisor' });
    expect(heardByModel(model)).toBe('caller');

    expect(await type(http, `supervise ${id} --mode take-over`)).toMatchObject({ code: 0 });
    expect(await heardNow(phone)).toBe('supervisor');
    await eventually(() => model.open === 0, 'the end of the session');
    boss.hangUp();
    expect(await sipp.finished).toEqual(wentWell);
    await boss.eventOf('CALL_CLOSED');

    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({
      reason: { kind: 'transfer-ended', destination: 'boss' },
      supervisions: [
        {
          destination: 'boss',
          outcome: 'answered',
          endedBy: 'supervisor',
          modes: [{ mode: 'listen' }, { mode: 'whisper' }, { mode: 'take-over' }],
        },
      ],
    });
    const { samples, rateHz } = await boss.heard();
    const heard = voicesInOrder(samples, rateHz);
    process.stdout.write(`the supervisor heard: ${heard.join(' > ')}\n`);
    expect(heard).toContain('agent+caller');
    expect(heard.filter((voices) => voices !== '').at(-1)).toBe('caller');
    expect(heard.some((voices) => voices.includes('supervisor'))).toBe(false);
    expect(await bridge.metric('ringbridge_supervisions_total{outcome="answered"}')).toBe(1);
    expect(await bridge.metric('ringbridge_supervision_refusals_total{cause="not-a-supervisor"}')).toBe(1);
    expect(bridge.errors()).toEqual([]);
  });

  test('who hangs up leaves the call as it was, and so does one who is sent away', async () => {
    const boss = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.supervisor, account: answeringAccount }));
    const bridge = keep(await BridgeUnderTest.start(planFor(boss, `simulator:tone:${tones.agent}`)));
    const { http } = bridge.bridge;
    const { phone, sipp } = await startCaller(bridge.sip());
    const [id = ''] = await callIds(http);
    expect(await type(http, `supervise ${id} --to boss --mode whisper`)).toMatchObject({ code: 0 });
    await boss.eventOf('CALL_ESTABLISHED');
    boss.hangUp();
    await boss.eventOf('CALL_CLOSED');
    expect(await heardNow(phone)).toBe('agent');
    expect(await type(http, `supervise ${id} --to boss --mode listen`)).toMatchObject({ code: 0 });
    expect(await type(http, `supervise ${id} --end`)).toMatchObject({ code: 0 });
    expect(await heardNow(phone)).toBe('agent');
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({
      reason: { kind: 'caller-hung-up' },
      supervisions: [{ endedBy: 'supervisor' }, { endedBy: 'request' }],
    });
    expect(bridge.errors()).toEqual([]);
  });

  test('is let into a call that another process has', async () => {
    buildIfStale();
    const boss = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.supervisor, account: answeringAccount }));
    const plan = planFor(boss, `simulator:tone:${tones.agent}`);
    const served = keep(await ServeProcess.start(plan, {}, ['--workers', '2']));
    const callers = [await startCaller(served.sip), await startCaller(served.sip)];
    const ids = await callIds(served.http);
    expect(ids).toHaveLength(2);
    const begun = await type(served.http, `supervise ${ids[1]} --to boss --mode take-over`);
    expect(begun).toMatchObject({ code: 0, out: 'boss take-over\n' });
    expect(await Promise.all(callers.map(({ phone }) => heardNow(phone)))).toEqual(['agent', 'supervisor']);
    for (const { sipp } of callers) sipp.cue();
    for (const { sipp } of callers) expect(await sipp.finished).toEqual(wentWell);
  });
});
