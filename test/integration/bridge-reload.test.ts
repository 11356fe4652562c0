import type { TestPlan } from '../support/bridge';
import { onCalmMachine, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { flawsOf, RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ServeProcess } from '../support/serve-process';
import { startSipp, wentWell, type SippRun } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { dominantHz, toneGaps } from '../support/spectrum';

jest.setTimeout(300_000);

beforeAll(() => buildIfStale());

/** The agents of no two plans in a row sound alike. */
const toneHz = (version: number): number => 510 + 110 * (version % 7);

/** Numbers that begin with 1 have a phone that listens; the others only take part in the signalling. */
function planOf(version: number): TestPlan {
  const instructions = `Version ${version}.`;
  return {
    agents: {
      heard: { instructions, greeting: 'Hello.', model: `simulator:tone:${toneHz(version)}:240` },
      unheard: { instructions, model: 'simulator:tone:400:1' },
    },
    routes: [
      { name: `heard ${version}`, when: { to: '1*' }, answer: 'heard' },
      { name: `unheard ${version}`, when: 'any', answer: 'unheard' },
    ],
  };
}

/** Each is refused for a reason of its own. */
const badPlans: readonly ((version: number) => string)[] = [
  (version) => JSON.stringify(planOf(version)).slice(0, -1),
  (version) => JSON.stringify(planOf(version)).replaceAll('"answer":"heard"', '"answer":"nobody"'),
  (version) => JSON.stringify({ ...planOf(version), routes: [] }),
  (version) => JSON.stringify(planOf(version)).replaceAll('"greeting"', '"greetings"'),
  () => '\u0000',
  () => `routes: ${'['.repeat(1_000)}`,
];

interface Wave {
  /** The plan that was in force when its calls came. */
  version: number;
  hash: string;
  sipp: SippRun;
  phones: RtpPhone[];
  numbers: string[];
}

/** A bridge whose plan changes under its calls. */
class Reloads {
  readonly #served: ServeProcess;
  readonly #keep: Keep;
  #version = 0;
  #hash = '';
  #bad = 0;
  readonly waves: Wave[] = [];
  readonly hashes = new Set<string>();

  static async start(workers: number, keep: Keep): Promise<{ served: ServeProcess; reloads: Reloads }> {
    const env = { RINGBRIDGE_DIALPLAN_WATCH: 'no', RINGBRIDGE_FIRST_MEDIA_TIMEOUT: '10m' };
    const served = keep(await ServeProcess.start(planOf(0), env, ['--workers', String(workers)]));
    const reloads = new Reloads(served, keep);
    await reloads.good();
    return { served, reloads };
  }

  private constructor(served: ServeProcess, keep: Keep) {
    this.#served = served;
    this.#keep = keep;
  }

  async good(): Promise<void> {
    this.#version += 1;
    await this.#served.writeDialplan(JSON.stringify(planOf(this.#version)));
    const { status, hash } = await this.#served.reload();
    expect({ status, isNew: !this.hashes.has(hash) }).toEqual({ status: 200, isNew: true });
    this.#hash = hash;
    this.hashes.add(hash);
  }

  async bad(): Promise<void> {
    await this.#served.writeDialplan(badPlans[this.#bad % badPlans.length]!(this.#version));
    this.#bad += 1;
    expect(await this.#served.reload()).toEqual({ status: 422, hash: this.#hash });
  }

  /** Calls that stay up, some of them with a phone that listens. */
  async call({ heard, unheard }: { heard: number; unheard: number }): Promise<void> {
    const wave = this.waves.length;
    const phones: RtpPhone[] = [];
    for (let index = 0; index < heard; index += 1) phones.push(this.#keep(await RtpPhone.open()));
    const listening = phones.map(({ port }, index) => [`1${wave}${index}`, port] as const);
    const deaf = Array.from({ length: unheard }, (_, index) => [`9${wave}${index}`, 40_000] as const);
    const calls = [...listening, ...deaf];
    const steps = [call(phoneSdp({ port: '[field1]' })), waitForCue, bye];
    const sipp = this.#keep(await startSipp({ target: this.#served.sip, steps, calls }));
    const numbers = calls.map(([number]) => number);
    this.waves.push({ version: this.#version, hash: this.#hash, sipp, phones, numbers });
    const wanted = this.waves.reduce((sum, one) => sum + one.numbers.length, 0);
    const ready = (): boolean => this.#served.log.filter(({ msg }) => msg === 'model is ready').length >= wanted;
    await eventually(ready, `call ${wanted}`, 60_000);
    await Promise.all(phones.map((phone) => phone.heardPackets(5)));
  }

  /** Every caller hangs up, and nobody had before. */
  async hangUp(): Promise<void> {
    for (const { sipp, numbers } of this.waves) for (const index of numbers.keys()) sipp.cue(index + 1);
    const ends = await Promise.all(this.waves.map(({ sipp }) => sipp.finished));
    expect(ends).toEqual(this.waves.map(() => wentWell));
  }
}

const activeSample = 'ringbridge_calls_active{state="active",model_kind="simulator"}';

async function underLoad(options: {
  workers: number;
  waves: number;
  reloadsPerWave: number;
  calls: { heard: number; unheard: number };
}): Promise<void> {
  const { workers, waves, reloadsPerWave, calls } = options;
  const callsInAll = waves * (calls.heard + calls.unheard);
  await onCalmMachine(async (keep) => {
    const { served, reloads } = await Reloads.start(workers, keep);
    for (let wave = 0; wave < waves; wave += 1) {
      await reloads.call(calls);
      for (let count = 0; count < reloadsPerWave; count += 2) {
        await reloads.bad();
        await reloads.good();
      }
    }
    const active = await served.metric(activeSample);
    const loads = {
      loaded: await served.metric('ringbridge_plan_loads_total{outcome="loaded"}'),
      refused: await served.metric('ringbridge_plan_loads_total{outcome="refused"}'),
    };
    const heard = reloads.waves.map(({ phones }) => phones.map(({ packets }) => packets.length));
    await reloads.hangUp();

    const half = (waves * reloadsPerWave) / 2;
    // Two more: the one at the start, and the first that makes another plan of it.
    expect({ active, loads }).toEqual({ active: callsInAll, loads: { loaded: half + 2, refused: half } });
    expect(reloads.hashes.size).toBe(half + 1);
    // A record waits for what an answer that was cut off cost.
    await eventually(async () => (await served.journal()).length >= 2 * callsInAll, 'every record');
    const journal = await served.journal();
    expect(journal).toHaveLength(2 * callsInAll);
    for (const { version, hash, numbers } of reloads.waves) {
      for (const number of numbers) {
        const lines = journal.filter(({ to }) => to === number);
        const name = number.startsWith('1') ? 'heard' : 'unheard';
        const kept = { planHash: hash, route: `${name} ${version}`, agent: name };
        expect(lines).toMatchObject([
          { type: 'call.start', ...kept },
          { type: 'call.end', ...kept, reason: { kind: 'caller-hung-up' } },
        ]);
      }
    }
    for (const [index, { version, phones }] of reloads.waves.entries()) {
      for (const [at, phone] of phones.entries()) {
        const packets = phone.packets.slice(0, heard[index]![at]);
        expect(flawsOf(packets, 0)).toEqual([]);
        const audio = phone.audio({ from: phone.packetsWithSound()[0]!, to: packets.length });
        expect(dominantHz(audio.subarray(0, 8_000), 8_000)).toBeCloseTo(toneHz(version), 0);
        expect(dominantHz(audio.subarray(-8_000), 8_000)).toBeCloseTo(toneHz(version), 0);
        expect(toneGaps(audio, 8_000, toneHz(version))).toEqual([]);
      }
    }
  });
}

describeWith('sipp')('a dialplan that changes under its calls', () => {
  test('200 reloads, half of them bad, with 100 calls up: no call changes plan, none is lost', async () => {
    await underLoad({ workers: 1, waves: 5, reloadsPerWave: 40, calls: { heard: 1, unheard: 19 } });
  });

  test('40 reloads, half of them bad, with 20 calls up in two workers: no call changes plan, none is lost', async () => {
    await underLoad({ workers: 2, waves: 4, reloadsPerWave: 10, calls: { heard: 1, unheard: 4 } });
  });
});
