import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadSettings } from '../../src/config/settings';
import type { Bridge } from '../../src/main';
import { startBridge } from '../../src/main';
import { systemClock } from '../../src/runtime/clock';
import { systemRandom } from '../../src/runtime/random';
import { eventually } from './eventually';

/** A dialplan as data: JSON is YAML. */
export interface TestPlan {
  agents: Record<string, { model?: string; greeting?: string; tools?: string[]; [key: string]: unknown }>;
  routes: Record<string, unknown>[];
  trunks?: Record<string, Record<string, unknown>>;
  users?: Record<string, { password: string }>;
  tools?: Record<string, Record<string, unknown>>;
  destinations?: Record<string, Record<string, unknown>>;
}

/** One agent for every number, who talks to `model` (`simulator:tone:610`); undefined: to the model of the settings. */
export function onePlan(model?: string, agent: TestPlan['agents'][string] = {}): TestPlan {
  const named = model === undefined ? {} : { model };
  return {
    agents: { tester: { instructions: 'Test.', greeting: 'Hello.', ...named, ...agent } },
    routes: [{ name: 'every number', when: 'any', answer: 'tester' }],
  };
}

export type LogLine = Record<string, unknown> & { level: string; msg: string };
export type JournalLine = Record<string, unknown> & { type: 'call.start' | 'call.end'; callId: string };

/** Settings of ports that are of the system's choice. */
export const freePorts = {
  RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0',
  RINGBRIDGE_HTTP_LISTEN: '127.0.0.1:0',
  // Below those that sipp takes for its own audio, and those that the system gives to sockets.
  RINGBRIDGE_RTP_PORTS: '10000-16383',
};

/** Folders of a bridge, and the settings that point there; `files` lie beside the plan, by name. */
export async function makeBridgeFolders(
  plan: TestPlan,
  files: Readonly<Record<string, Buffer>> = {},
): Promise<{ folder: string; data: string; env: Record<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ringbridge-test-'));
  const [dialplans, data] = [join(folder, 'dialplans'), join(folder, 'data')];
  await mkdir(dialplans);
  await writeFile(join(dialplans, '10-test.yaml'), JSON.stringify(plan, null, 2));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dialplans, name), bytes);
  return { folder, data, env: { ...freePorts, RINGBRIDGE_DIALPLANS: dialplans, RINGBRIDGE_DATA: data } };
}

/** Every line of the journals in a data folder, in order. */
export async function readJournal(data: string): Promise<JournalLine[]> {
  const names = (await readdir(data)).filter((name) => /^calls-.*\.jsonl$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(data, name), 'utf8')));
  return texts
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);
}

/** A whole Ringbridge in this process, on loopback, with folders of its own. */
export class BridgeUnderTest {
  /** Every log line so far, debug ones included. */
  readonly log: LogLine[] = [];
  /** Told of each of them, as it is written. */
  onLogLine: (line: LogLine) => void = () => undefined;
  #bridge: Bridge | undefined;
  #folder = '';
  #data = '';

  static async start(
    plan: TestPlan,
    env: Record<string, string> = {},
    files: Readonly<Record<string, Buffer>> = {},
  ): Promise<BridgeUnderTest> {
    const test = new BridgeUnderTest();
    const { folder, data, env: ownEnv } = await makeBridgeFolders(plan, files);
    test.#folder = folder;
    test.#data = data;
    try {
      test.#bridge = await startBridge({
        settings: loadSettings({ RINGBRIDGE_LOG_LEVEL: 'debug', ...ownEnv, ...env }),
        clock: systemClock,
        random: systemRandom,
        env,
        cwd: process.cwd(),
        logDestination: { write: (line) => test.#onLog(JSON.parse(line) as LogLine) },
      });
    } catch (cause) {
      await test.close();
      throw cause;
    }
    return test;
  }

  get bridge(): Bridge {
    if (this.#bridge === undefined) throw new Error('the bridge was not started');
    return this.#bridge;
  }

  /** `127.0.0.1:PORT` of the SIP listener. */
  sip(transport: 'udp' | 'tcp' = 'udp'): string {
    const found = this.bridge.sipListening.find((listener) => listener.startsWith(transport));
    return found?.slice(transport.length + 1) ?? '';
  }

  async get(path: '/health' | '/ready' | '/metrics'): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://${this.bridge.http}${path}`, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.text() };
  }

  /** One sample of /metrics, such as `ringbridge_sip_total{event="garbageDropped"}`; 0 when there is none. */
  async metric(sample: string): Promise<number> {
    const { body } = await this.get('/metrics');
    const line = body.split('\n').find((one) => one.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1) ?? 0);
  }

  journal(): Promise<JournalLine[]> {
    return readJournal(this.#data);
  }

  /** The record of each call that has ended, once no call is up any more. */
  async endedCalls(): Promise<JournalLine[]> {
    await eventually(() => this.bridge.activeCalls() === 0, 'the end of every call');
    return (await this.journal()).filter(({ type }) => type === 'call.end');
  }

  /** Log lines of a bug of ours. */
  errors(): LogLine[] {
    return this.log.filter(({ level }) => level === 'error' || level === 'fatal');
  }

  #onLog(line: LogLine): void {
    this.log.push(line);
    this.onLogLine(line);
  }

  async close(): Promise<void> {
    await this.#bridge?.close('well');
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }
}
