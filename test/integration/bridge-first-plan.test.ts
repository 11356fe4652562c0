import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { invariant } from '../../src/runtime/invariant';
import type { Behaviour, ResponseRequest } from '../../src/simulator/behaviour';
import { SteadyTone } from '../../src/simulator/steady-tone';
import { onCalmMachine, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ringbridgeProgram, ServeProcess } from '../support/serve-process';
import { startSipp, wentWell, type SippRun } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { dominantHz } from '../support/spectrum';

// What a new admin does, in the words of README.md and docs/dialplan-reload.md, and what callers hear of it.

jest.setTimeout(300_000);

beforeAll(() => buildIfStale());

/** A model that sings every greeting that it is asked for in a tone of its own, for as long as anybody listens. */
class SingingModel implements Behaviour {
  readonly name = 'singing';
  /** By the words, in the order in which they were first asked for. */
  readonly tones = new Map<string, SteadyTone>();

  open() {
    return {
      listens: false,
      faults: [],
      hear: () => ({ transcript: '' }),
      respond: (request: ResponseRequest) => {
        const words = wordsIn(request.instructions);
        const tone = this.tones.get(words) ?? new SteadyTone(510 + 110 * this.tones.size);
        this.tones.set(words, tone);
        const speech = tone.speech({ startMs: 0, lengthMs: 240_000 });
        return { outputs: [{ kind: 'message' as const, text: words, speech }] };
      },
      done: () => undefined,
    };
  }

  hzOf(words: string): number {
    return this.tones.get(words)?.frequencyHz ?? NaN;
  }
}

/** The bridge quotes what is to be said word for word. */
function wordsIn(instructions: string | undefined): string {
  const [quoted = '""'] = /"(?:[^"\\]|\\.)*"/.exec(instructions ?? '') ?? [];
  return JSON.parse(quoted) as string;
}

/** The command line of somebody who stands in a folder. */
function ringbridge(cwd: string, ...argv: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ringbridgeProgram, ...argv], {
    cwd,
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

/** As an editor saves: beside the file, then in its place. */
async function save(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

class Caller {
  readonly phone: RtpPhone;
  readonly sipp: SippRun;

  static async calls(served: ServeProcess, keep: Keep): Promise<Caller> {
    const phone = keep(await RtpPhone.open());
    const steps = [call(phoneSdp({ port: phone.port })), waitForCue, bye];
    const sipp = keep(await startSipp({ target: served.sip, steps, calls: [['100', phone.port]] }));
    const caller = new Caller(phone, sipp);
    await eventually(() => phone.packetsWithSound().length >= 50, 'a second of greeting', 90_000);
    return caller;
  }

  private constructor(phone: RtpPhone, sipp: SippRun) {
    this.phone = phone;
    this.sipp = sipp;
  }

  /** Frequency of what it heard from one packet with sound to another. */
  heardHz(from: number, to: number): number {
    const sounding = this.phone.packetsWithSound();
    const [first, last] = [sounding.at(from), sounding.at(to)];
    invariant(first !== undefined && last !== undefined, 'that much was heard');
    return dominantHz(this.phone.audio({ from: first, to: last }), 8_000);
  }

  /** Until another second of sound has come. */
  async hearsOn(): Promise<void> {
    const enough = this.phone.packetsWithSound().length + 50;
    await eventually(() => this.phone.packetsWithSound().length >= enough, 'a second more', 90_000);
  }

  async hangsUp(): Promise<void> {
    this.sipp.cue();
    expect(await this.sipp.finished).toEqual(wentWell);
  }
}

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-new-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describeWith('sipp')('a new admin', () => {
  test('begins with `init`, changes the greeting of a bridge with a call up, and callers hear it', async () => {
    await onCalmMachine(async (keep) => {
      const begun = ringbridge(folder, 'init');
      expect(begun).toMatchObject({ status: 0, said: expect.stringContaining('Change the greeting in 10-plan.yaml') });
      expect(ringbridge(folder, 'check')).toMatchObject({ status: 0, said: expect.stringContaining(': well (') });

      const singing = new SingingModel();
      const model = keep(await ModelUnderTap.start('echo', { behaviour: singing }));
      const served = keep(await ServeProcess.startIn(folder, { ...model.env, OPENAI_API_KEY: 'sk-test' }));
      const first = await Caller.calls(served, keep);
      const [oldWords = ''] = singing.tones.keys();

      // Whether the office is open or closed now, one of the two greetings is heard.
      const file = join(folder, 'dialplans', '10-plan.yaml');
      const plan = await readFile(file, 'utf8');
      expect(plan).toContain(`greeting: ${oldWords}\n`);
      const newWords = 'Good day, this is "Bell & Sons". What can I do for you?';
      const changed = plan.replaceAll(/greeting: .*/g, `greeting: '${newWords}'`);
      await save(file, changed);
      await served.tells('the dialplans in dialplans were loaded');

      const second = await Caller.calls(served, keep);
      expect([...singing.tones.keys()]).toEqual([oldWords, newWords]);
      expect(singing.hzOf(newWords)).not.toBe(singing.hzOf(oldWords));

      await save(file, changed.replace('answer: reception', 'answer: receptoin'));
      await served.tells('did you mean: reception');
      const third = await Caller.calls(served, keep);

      await first.hearsOn();
      expect(first.heardHz(0, 50)).toBeCloseTo(singing.hzOf(oldWords), -1);
      expect(first.heardHz(-50, -1)).toBeCloseTo(singing.hzOf(oldWords), -1);
      expect(second.heardHz(0, 50)).toBeCloseTo(singing.hzOf(newWords), -1);
      expect(third.heardHz(0, 50)).toBeCloseTo(singing.hzOf(newWords), -1);

      for (const caller of [first, second, third]) await caller.hangsUp();
      await eventually(async () => (await served.journal()).length === 6, 'the records of three calls');
      const hashes = (await served.journal()).filter(({ type }) => type === 'call.start').map((line) => line.planHash);
      expect(new Set(hashes).size).toBe(2);
      expect(hashes[1]).toBe(hashes[2]);
    });
  });
});
