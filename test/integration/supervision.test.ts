import { runCallsCommand } from '../../src/cli/calls';
import { runSuperviseCommand } from '../../src/cli/supervise';
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
import { levelDb } from '../support/spectrum';

jest.setTimeout(180_000);

// Whoever is heard is known by their tone.
const tones = { agent: 610, caller: 1_004, supervisor: 440 };

const keep = closedAfterEach();

/** Whose tones are in it; G.711 and a codec of baresip leave each at the level it was said at, within some dB. */
function voicesIn(samples: Int16Array, rateHz = 8_000): string {
  return Object.entries(tones)
    .filter(([, hz]) => levelDb(samples, rateHz, hz) > -40)
    .map(([who]) => who)
    .join('+');
}

/** What is heard in pieces of 200 ms, each once in a row. */
function timeline(samples: Int16Array, rateHz: number): string[] {
  const window = rateHz / 5;
  const heard: string[] = [];
  for (let from = 0; from + window <= samples.length; from += window) {
    const voices = voicesIn(samples.subarray(from, from + window), rateHz);
    if (heard.at(-1) !== voices) heard.push(voices);
  }
  return heard;
}

function decoded(base64: unknown): Int16Array {
  const bytes = Buffer.from(String(base64), 'base64');
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

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

/** What the phone hears in the second after a moment for what was on its way. */
async function heardNow(phone: RtpPhone): Promise<string> {
  const from = phone.packets.length + 15;
  await phone.heardPackets(from + 50);
  return voicesIn(phone.audio({ from, to: from + 50 }));
}

/** `ringbridge calls` and `ringbridge supervise`, as typed. */
async function type(http: string, line: string): Promise<{ code: number; out: string; err: string }> {
  const [name, ...argv] = line.split(' ');
  let [out, err] = ['', ''];
  const env = { RINGBRIDGE_HTTP_LISTEN: http };
  const io = { stdout: (text: string) => void (out += text), stderr: (text: string) => void (err += text), env };
  const command = name === 'calls' ? runCallsCommand : runSuperviseCommand;
  return { code: await command(argv, io), out, err };
}

const bossAccount = '<sip:boss@127.0.0.1>;regint=0;answermode=auto';

describeWith('sipp', 'baresip')('a supervisor at baresip', () => {
  test('listens, whispers and takes over, and who hears whom is told by the spectrum', async () => {
    const boss = keep(await Baresip.start({ codec: 'PCMA', toneHz: tones.supervisor, account: bossAccount }));
    const model = keep(await ModelUnderTap.start(`tone:${tones.agent}`));
    const bridge = keep(await BridgeUnderTest.start(planFor(boss), model.env));
    const { http } = bridge.bridge;
    const { phone, sipp } = await startCaller(bridge.sip());
    const [, id = ''] = /^([0-9a-f]{8})/m.exec((await type(http, 'calls')).out) ?? [];

    expect(await type(http, `supervise ${id} --to desk --mode listen`)).toMatchObject({ code: 1 });
    const begun = await type(http, `supervise ${id} --to boss --mode listen`);
    expect(begun).toMatchObject({ code: 0, out: 'boss listen\n' });
    await boss.eventOf('CALL_ESTABLISHED');
    expect(await heardNow(phone)).toBe('agent');
    const heardSoFar = model.heard();
    expect(voicesIn(heardSoFar.subarray(heardSoFar.length - 24_000), 24_000)).toBe('caller');
    expect(await bridge.metric('ringbridge_supervised_calls')).toBe(1);

    expect(await type(http, `supervise ${id} --mode whisper`)).toMatchObject({ code: 0 });
    expect(await heardNow(phone)).toBe('agent');
    const whispers = (): unknown[][] =>
      model
        .events(0, 'bridge', 'conversation.item.create')
        .map(({ item }) => (item as { content?: { audio?: string }[] }).content ?? [])
        .filter((content) => content.some((part) => part.audio !== undefined));
    await eventually(() => whispers().length > 0, 'a whisper at the model', 30_000);
    const [text, speech] = whispers()[0] as [{ text: string }, { audio: string }];
    expect(text.text).toMatch(/supervisor/);
    expect(voicesIn(decoded(speech.audio), 24_000)).toBe('supervisor');
    const heardSince = model.heard();
    expect(voicesIn(heardSince.subarray(heardSince.length - 24_000), 24_000)).toBe('caller');

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
    const heard = timeline(samples, rateHz);
    process.stdout.write(`the supervisor heard: ${heard.join(' > ')}\n`);
    expect(heard).toContain('agent+caller');
    expect(heard.filter((voices) => voices !== '').at(-1)).toBe('caller');
    expect(heard.some((voices) => voices.includes('supervisor'))).toBe(false);
    expect(await bridge.metric('ringbridge_supervisions_total{outcome="answered"}')).toBe(1);
    expect(await bridge.metric('ringbridge_supervision_refusals_total{cause="not-a-supervisor"}')).toBe(1);
    expect(bridge.errors()).toEqual([]);
  });

  test('who hangs up leaves the call as it was, and so does one who is sent away', async () => {
    const boss = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.supervisor, account: bossAccount }));
    const bridge = keep(await BridgeUnderTest.start(planFor(boss, `simulator:tone:${tones.agent}`)));
    const { http } = bridge.bridge;
    const { phone, sipp } = await startCaller(bridge.sip());
    const [, id = ''] = /^([0-9a-f]{8})/m.exec((await type(http, 'calls')).out) ?? [];
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
    const boss = keep(await Baresip.start({ codec: 'PCMU', toneHz: tones.supervisor, account: bossAccount }));
    const plan = planFor(boss, `simulator:tone:${tones.agent}`);
    const served = keep(await ServeProcess.start(plan, {}, ['--workers', '2']));
    const callers = [await startCaller(served.sip), await startCaller(served.sip)];
    const list = await type(served.http, 'calls');
    const ids = list.out.match(/^[0-9a-f]{8}/gm) ?? [];
    expect(ids).toHaveLength(2);
    const begun = await type(served.http, `supervise ${ids[1]} --to boss --mode take-over`);
    expect(begun).toMatchObject({ code: 0, out: 'boss take-over\n' });
    expect(await Promise.all(callers.map(({ phone }) => heardNow(phone)))).toEqual(['agent', 'supervisor']);
    for (const { sipp } of callers) sipp.cue();
    for (const { sipp } of callers) expect(await sipp.finished).toEqual(wentWell);
  });
});
