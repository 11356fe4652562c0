import type { MediaStats } from '../../src/media/media-leg';
import { BridgeUnderTest, type TestPlan } from '../support/bridge';
import { calmTest, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { levelDb } from '../support/spectrum';

jest.setTimeout(120_000);

const [receptionHz, billingHz] = [600, 1_000];
const firstWords = {
  say: 'I hand you over.',
  audio: `tone:${receptionHz}:1500ms`,
  calls: [{ name: 'hand_off', arguments: { agent: 'billing' } }],
};
const nextWords = { say: 'I am billing.', audio: `tone:${billingHz}:1500ms` };

function planOf(models: { reception: string; billing: string }, billing: Record<string, unknown> = {}): TestPlan {
  const common = { instructions: 'Test.', transcription: { model: 'gpt-4o-transcribe' } };
  return {
    agents: {
      reception: { ...common, model: models.reception, greeting: 'Hello.', tools: ['hand_off'], handoffs: ['billing'] },
      billing: { ...common, model: models.billing, ...billing },
    },
    routes: [{ name: 'every number', when: 'any', answer: 'reception' }],
  };
}

describeWith('sipp')('a caller who is handed over', () => {
  calmTest('hears one agent whole, and then the other, in the same session of the model', async (keep) => {
    const script = keep(await ScenarioFile.write({ turns: [firstWords, nextWords, {}] }));
    const plan = planOf({ reception: script.model, billing: script.model });
    const ended = await hearsBoth(plan, keep);
    expect(ended).toMatchObject({
      agent: 'billing',
      handoffs: [{ from: 'reception', to: 'billing', session: 'same' }],
    });
  });

  calmTest('hears one agent whole, and then the other, in a new session because of the voice', async (keep) => {
    // Each session begins the script anew: the words of billing are in a script of their own.
    const script = keep(await ScenarioFile.write({ turns: [firstWords, {}] }));
    const other = keep(await ScenarioFile.write({ turns: [nextWords, {}] }));
    const plan = planOf({ reception: script.model, billing: other.model }, { voice: 'cedar' });
    const ended = await hearsBoth(plan, keep);
    expect(ended).toMatchObject({ agent: 'billing', handoffs: [{ outcome: 'handed-off', session: 'new' }] });
  });
});

/** The packets of each tone, in order and in full; the call's record. */
async function hearsBoth(plan: TestPlan, keep: Keep): Promise<unknown> {
  const bridge = keep(await BridgeUnderTest.start(plan));
  const phone = keep(await RtpPhone.open());
  const sdp = phoneSdp({ port: phone.port });
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] }));
  const heard = (hz: number) => phone.packetsWithSound().filter((packet) => isTone(phone, packet, hz));
  await eventually(() => heard(billingHz).length >= 70, 'the tone of the other agent');
  await phone.heardPackets(phone.packets.length + 25);
  sipp.cue();
  expect(await sipp.finished).toEqual(wentWell);

  const [ended] = await bridge.endedCalls();
  const { media, speechGaps } = ended as unknown as { media: MediaStats; speechGaps: { totalMs: number } };
  // What the caller missed is counted: frames that a late bridge skipped, and pauses where the model was late.
  let missed = media.framesSkipped + speechGaps.totalMs / 20;
  expect(missed).toBeLessThanOrEqual(5);
  const [first, then] = [heard(receptionHz), heard(billingHz)];
  for (const packets of [first, then]) {
    // 1500 ms are 75 packets; the first and the last one may hold less than a whole frame of it.
    expect(packets.length).toBeGreaterThanOrEqual(73 - media.framesSkipped);
    expect(packets.length).toBeLessThanOrEqual(77);
    const absent = packets.at(-1)! - packets[0]! + 1 - packets.length;
    expect(absent).toBeLessThanOrEqual(missed);
    missed -= absent;
  }
  expect(first.at(-1)!).toBeLessThan(then[0]!);
  return ended;
}

function isTone(phone: RtpPhone, packet: number, hz: number): boolean {
  const samples = phone.audio({ from: packet, to: packet + 1 });
  const other = hz === receptionHz ? billingHz : receptionHz;
  return levelDb(samples, 8_000, hz) > levelDb(samples, 8_000, other) + 10;
}
