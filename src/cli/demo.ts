import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { encodeWav, readWavFile } from '../audio/wav';
import { loadSettings } from '../config/settings';
import { startBridge } from '../main';
import type { Bridge } from '../main';
import { renderCallPicture } from '../phone/picture';
import { reportOf } from '../phone/report';
import type { ScriptStep } from '../phone/script-source';
import { ScriptSource } from '../phone/script-source';
import type { CallRecording, CallTimeline } from '../phone/timeline';
import { systemClock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { systemRandom } from '../runtime/random';
import type { CommandIo, ExitCode } from './io';
import { openPhone } from './open-phone';

const usage = `usage: ringbridge demo [--out FOLDER]

Starts a bridge with the simulated receptionist on free ports of this machine, calls it with recorded speech, speaks over
its answer, and leaves call.wav (caller left, agent right) and call.svg (both sides over time) in FOLDER, default demo-output.

Exit codes: 0 greeting, question, answer and barge-in were all heard; 1 something was missing; 2 wrong use.
`;

/** Where the shipped recordings are, from the build as from the sources. */
const audioFolder = join(__dirname, '..', '..', 'audio');
const shippedDialplans = join(__dirname, '..', '..', 'dialplans');

/** A call that hangs is a failed demo. */
const callLengthMaxMs = 60_000;

/** `ringbridge demo`. */
export async function runDemoCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let folder: string;
  try {
    const options = { out: { type: 'string', default: 'demo-output' }, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...argv], options });
    if (values.help === true) {
      io.stdout(usage);
      return 0;
    }
    folder = values.out;
  } catch (cause) {
    io.stderr(`ringbridge demo: ${messageOf(cause)}\n\n${usage}`);
    return 2;
  }
  await mkdir(folder, { recursive: true });
  const bridge = await startDemoBridge(folder);
  try {
    io.stderr('calling the simulated receptionist; this takes about 20 seconds ...\n');
    return await callAndReport(bridge, { folder, io });
  } finally {
    await bridge.drain();
  }
}

function startDemoBridge(folder: string): Promise<Bridge> {
  const settings = loadSettings({
    RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:0',
    RINGBRIDGE_HTTP_LISTEN: '127.0.0.1:0',
    RINGBRIDGE_REALTIME_URL: 'simulator',
    RINGBRIDGE_SIMULATOR: 'receptionist',
    RINGBRIDGE_DIALPLANS: shippedDialplans,
    RINGBRIDGE_DATA: join(folder, 'data'),
    RINGBRIDGE_LOG_LEVEL: 'warn',
  });
  return startBridge({ settings, clock: systemClock, random: systemRandom, env: {}, cwd: process.cwd() });
}

async function callAndReport(bridge: Bridge, { folder, io }: { folder: string; io: CommandIo }): Promise<ExitCode> {
  const [listener = ''] = bridge.sipListening;
  const equipment = await openPhone('127.0.0.1');
  try {
    const call = await equipment.phone.call(`sip:100@${listener.replace(/^udp:/, '')}`, {
      source: new ScriptSource(await script()),
      record: true,
      from: 'demo',
    });
    const timer = systemClock.setTimer(callLengthMaxMs, () => call.hangUp());
    await call.ended;
    timer.cancel();
    const timeline = call.timeline();
    io.stdout(reportOf(timeline));
    if (call.recording !== undefined) await keep(call.recording, { timeline, folder, io });
    const missing = whatIsMissing(timeline);
    for (const line of missing) io.stderr(`ringbridge demo: ${line}\n`);
    return missing.length === 0 ? 0 : 1;
  } finally {
    await equipment.close();
  }
}

/** The caller asks, is answered, interrupts, is answered again, thanks and hangs up. */
async function script(): Promise<ScriptStep[]> {
  const recorded = (name: string): Promise<Int16Array> => readWavFile(join(audioFolder, `${name}-8khz.wav`), 8_000);
  return [
    { agentQuietMs: 600, play: await recorded('caller-question') },
    { agentSpeakingMs: 2_000, play: await recorded('caller-interruption') },
    { agentQuietMs: 800, play: await recorded('caller-thanks') },
    { afterPreviousMs: 300, hangUp: true },
  ];
}

async function keep(
  recording: CallRecording,
  { timeline, folder, io }: { timeline: CallTimeline; folder: string; io: CommandIo },
): Promise<void> {
  const wav = join(folder, 'call.wav');
  const picture = join(folder, 'call.svg');
  const { rateHz, caller, agent } = recording;
  await writeFile(wav, encodeWav([caller, agent], rateHz));
  const { callerTurns, agentTurns, interruptions } = timeline;
  const title = 'One call: greeting, question, answer, barge-in';
  await writeFile(picture, renderCallPicture({ title, rateHz, caller, agent, callerTurns, agentTurns, interruptions }));
  io.stdout(
    `\nrecording         ${relative('', wav)} (caller left, agent right)\npicture           ${relative('', picture)}\n`,
  );
}

function whatIsMissing({ answeredAfterMs, callerTurns, agentTurns, interruptions, endedBy }: CallTimeline): string[] {
  const missing: string[] = [];
  if (answeredAfterMs === undefined) return ['the call was not answered'];
  const [greeting] = agentTurns;
  const [question] = callerTurns;
  if (greeting === undefined || question === undefined || greeting.startMs > question.startMs) {
    missing.push('no greeting was heard before the question');
  }
  if (question === undefined || !agentTurns.some(({ startMs }) => startMs > question.endMs)) {
    missing.push('no answer was heard after the question');
  }
  if (!interruptions.some(({ agentSilentAfterMs }) => agentSilentAfterMs !== undefined)) {
    missing.push('the agent did not stop when it was interrupted');
  }
  if (endedBy !== 'caller') missing.push('the caller did not get to hang up');
  return missing;
}
