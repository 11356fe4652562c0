import { runCallsCommand } from '../../src/cli/calls';
import { runSuperviseCommand } from '../../src/cli/supervise';
import type { CommandIo } from '../../src/cli/io';
import type { ModelUnderTap } from './model-under-tap';
import type { RtpPhone } from './rtp-phone';
import { levelDb } from './spectrum';

/** Whoever is heard is known by their tone. */
export const tones = { agent: 610, caller: 1_004, supervisor: 440, human: 730 };

/** Takes every call by itself. */
export const answeringAccount = '<sip:boss@127.0.0.1>;regint=0;answermode=auto';

/** Whose tones are in it, joined by +; empty for silence. Codecs leave each at the level it was said at, within some dB. */
export function voicesIn(samples: Int16Array, rateHz = 8_000): string {
  return Object.entries(tones)
    .filter(([, hz]) => levelDb(samples, rateHz, hz) > -40)
    .map(([who]) => who)
    .join('+');
}

/** What is heard in pieces of 200 ms, each once in a row. */
export function voicesInOrder(samples: Int16Array, rateHz: number): string[] {
  const window = rateHz / 5;
  const heard: string[] = [];
  for (let from = 0; from + window <= samples.length; from += window) {
    const voices = voicesIn(samples.subarray(from, from + window), rateHz);
    if (heard.at(-1) !== voices) heard.push(voices);
  }
  return heard;
}

/** What the phone hears in the second after a moment for what was on its way. */
export async function heardNow(phone: RtpPhone): Promise<string> {
  const from = phone.packets.length + 15;
  await phone.heardPackets(from + 50);
  return voicesIn(phone.audio({ from, to: from + 50 }));
}

/** What the model hears of the line in its last second. */
export function heardByModel(model: ModelUnderTap): string {
  const heard = model.heard();
  return voicesIn(heard.subarray(Math.max(0, heard.length - 24_000)), 24_000);
}

/** What the model was told beside the line: the text, and whose voice follows. */
export function whispersTo(model: ModelUnderTap): { text: string; voices: string }[] {
  return model.events(0, 'bridge', 'conversation.item.create').flatMap(({ item }) => {
    const { content = [] } = item as { content?: { type: string; text?: string; audio?: string }[] };
    const audio = content.find(({ type }) => type === 'input_audio')?.audio;
    if (audio === undefined) return [];
    const bytes = Buffer.from(audio, 'base64');
    const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return [{ text: content[0]?.text ?? '', voices: voicesIn(samples, 24_000) }];
  });
}

/** `ringbridge calls` and `ringbridge supervise`, as typed, against the bridge at `http`. */
export async function type(http: string, line: string): Promise<{ code: number; out: string; err: string }> {
  const [name, ...argv] = line.split(' ');
  let [out, err] = ['', ''];
  const io: CommandIo = {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    env: { RINGBRIDGE_HTTP_LISTEN: http },
  };
  const command = name === 'calls' ? runCallsCommand : runSuperviseCommand;
  return { code: await command(argv, io), out, err };
}

/** The beginnings of the ids of the calls that are up, the oldest first. */
export async function callIds(http: string): Promise<string[]> {
  return (await type(http, 'calls')).out.match(/^[0-9a-f]{8}/gm) ?? [];
}
