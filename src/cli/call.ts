import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';

import { encodeWav, readWavFile } from '../audio/wav';
import type { PhoneCall } from '../phone/phone-call';
import { samplesSource, silentSource, toneSource, type PhoneSource } from '../phone/phone-source';
import { reportOf } from '../phone/report';
import { systemClock } from '../runtime/clock';
import { parseDurationMs } from '../runtime/duration';
import { messageOf } from '../runtime/errors';
import { hostOfUri } from '../signalling/sip-text';
import type { CommandIo, ExitCode } from './io';
import { openPhone } from './open-phone';

const usage = `usage: ringbridge call SIP-URI [OPTIONS]

Places a call, speaks, listens, and prints what happened when: ringing, answer, first sound, who spoke when, and how
soon the other side was silent when it was interrupted. Ctrl-C hangs up.

  --wav FILE         say this recording (8 or 24 kHz), once
  --say-tone HZ      say a tone instead; without either the phone is silent
  --for DURATION     hang up so long after the answer, default 30s
  --ring DURATION    wait so long for an answer, default 30s
  --from USER        who calls, default ringbridge
  --record FILE      keep both sides as a stereo WAV: caller left, agent right
  --local ADDRESS    this machine's address towards the other side, default 127.0.0.1
  --json             print the timeline as JSON

Exit codes: 0 the call was answered, sound was heard and it ended in order; 1 it was not so; 2 wrong use.
`;

interface CallRequest {
  uri: string;
  source: PhoneSource;
  lengthMs: number;
  ringMs: number;
  from: string;
  record: string | undefined;
  local: string;
  json: boolean;
}

/** The command was given something that cannot work. */
class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

/** `ringbridge call SIP-URI`. */
export async function runCallCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let request: CallRequest | 'help';
  try {
    request = await readArguments(argv);
  } catch (cause) {
    io.stderr(`ringbridge call: ${messageOf(cause)}\n\n${usage}`);
    return 2;
  }
  if (request === 'help') {
    io.stdout(usage);
    return 0;
  }
  try {
    return await placeAndReport(request, io);
  } catch (cause) {
    io.stderr(`ringbridge call: ${messageOf(cause)}\n`);
    return 1;
  }
}

async function placeAndReport(request: CallRequest, io: CommandIo): Promise<ExitCode> {
  const equipment = await openPhone(request.local);
  try {
    const call = await equipment.phone.call(request.uri, {
      source: request.source,
      record: true,
      from: request.from,
      ringMs: request.ringMs,
      onEvent: (event) => {
        if (event.kind === 'answered') io.stderr('answered\n');
        if (event.kind === 'ringing') io.stderr(`ringing (${event.status})\n`);
      },
    });
    await untilOver(call, request.lengthMs);
    return await report(call, request, io);
  } finally {
    await equipment.close();
  }
}

/** Ends the call when its time is over, or at Ctrl-C. */
async function untilOver(call: PhoneCall, lengthMs: number): Promise<void> {
  const hangUp = (): void => call.hangUp();
  const checkMs = 20;
  let timer = systemClock.setTimer(checkMs, check);
  function check(): void {
    if ((call.sinceAnswerMs ?? 0) >= lengthMs) hangUp();
    else timer = systemClock.setTimer(checkMs, check);
  }
  process.once('SIGINT', hangUp);
  try {
    await call.ended;
  } finally {
    timer.cancel();
    process.off('SIGINT', hangUp);
  }
}

async function report(call: PhoneCall, request: CallRequest, io: CommandIo): Promise<ExitCode> {
  const timeline = call.timeline();
  const { recording, stats } = call;
  if (request.record !== undefined && recording !== undefined) {
    await writeFile(request.record, encodeWav([recording.caller, recording.agent], recording.rateHz));
  }
  if (request.json) io.stdout(`${JSON.stringify({ uri: request.uri, ...timeline, media: stats }, undefined, 2)}\n`);
  else io.stdout(reportOf(timeline));
  const well = timeline.firstAudioAfterMs !== undefined && timeline.endedBy !== 'network';
  return well ? 0 : 1;
}

async function readArguments(argv: readonly string[]): Promise<CallRequest | 'help'> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      wav: { type: 'string' },
      'say-tone': { type: 'string' },
      for: { type: 'string', default: '30s' },
      ring: { type: 'string', default: '30s' },
      from: { type: 'string', default: 'ringbridge' },
      record: { type: 'string' },
      local: { type: 'string', default: '127.0.0.1' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.help === true) return 'help';
  const [uri, ...others] = positionals;
  if (uri === undefined || others.length > 0) throw new WrongUse('give one SIP URI, such as sip:100@127.0.0.1:5060');
  checkReachable(uri, values.local);
  if (!/^[\w.!~*'()&=+$,-]+$/.test(values.from)) throw new WrongUse(`--from ${values.from} is no user name`);
  return {
    uri,
    source: await readSource(values.wav, values['say-tone']),
    lengthMs: duration('--for', values.for),
    ringMs: duration('--ring', values.ring),
    from: values.from,
    record: values.record,
    local: values.local,
    json: values.json,
  };
}

function checkReachable(uri: string, local: string): void {
  const host = hostOfUri(uri);
  if (!/^sip:/i.test(uri) || host === '') throw new WrongUse(`${uri} is no SIP URI, such as sip:100@127.0.0.1:5060`);
  if (isIP(local) === 0) throw new WrongUse(`--local ${local} is no IP address`);
  const farAway = isIP(host) === 4 && !host.startsWith('127.');
  if (farAway && local.startsWith('127.')) {
    throw new WrongUse(`${host} cannot be reached from ${local}: give this machine's address with --local`);
  }
}

async function readSource(wav: string | undefined, tone: string | undefined): Promise<PhoneSource> {
  if (wav !== undefined && tone !== undefined) throw new WrongUse('--wav and --say-tone exclude each other');
  if (wav !== undefined) return samplesSource(await readWavFile(wav, 8_000));
  if (tone === undefined) return silentSource;
  const hz = Number(tone);
  if (!(hz >= 50 && hz <= 3_800)) throw new WrongUse('--say-tone takes 50 to 3800 Hz');
  return toneSource({ hz });
}

function duration(option: string, text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined || durationMs === 0) throw new WrongUse(`${option} ${text} is no duration such as 30s`);
  return durationMs;
}
