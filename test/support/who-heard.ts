import { appendFileSync } from 'node:fs';

import { soundIn, type Voice } from './hearing';
import type { RtpPhone } from './rtp-phone';

/** Whom a tone stands for. */
export type Voices = Readonly<Record<string, number>>;

/** What somebody heard for a while: a voice, `music` (any other sound), `silence`, or `nothing` (no packet came). */
export interface Stretch {
  what: string;
  fromMs: number;
  toMs: number;
}

const windowMs = 200;
/** Of what came through a real server, perhaps in another codec. */
const asVoice = { share: 0.8 };

/** What a phone heard from `originMs` on, by the time at which its packets came. */
export function heardBy(phone: Pick<RtpPhone, 'packets' | 'audio'>, voices: Voices, originMs: number): Stretch[] {
  const known = Object.entries(voices).map(([name, hz]) => ({ name, hz }));
  const stretches: Stretch[] = [];
  const lastMs = phone.packets.at(-1)?.atMs ?? originMs;
  let at = phone.packets.findIndex(({ atMs }) => atMs >= originMs);
  for (let fromMs = originMs; fromMs < lastMs && at >= 0; fromMs += windowMs) {
    const first = at;
    while (at < phone.packets.length && phone.packets[at]!.atMs < fromMs + windowMs) at += 1;
    const what = soundOf(phone.audio({ from: first, to: at }), known);
    const stretch = { what, fromMs: fromMs - originMs, toMs: fromMs + windowMs - originMs };
    const before = stretches.at(-1);
    if (before?.what === what) before.toMs = stretch.toMs;
    else stretches.push(stretch);
  }
  return withoutSeams(stretches);
}

/** The same as one word after the other. */
export function inOrder(stretches: readonly Stretch[]): string[] {
  return stretches.map(({ what }) => what);
}

/** Without pauses: who was heard after whom, each once in a row. */
export function sounds(stretches: readonly string[]): string[] {
  const heard = stretches.filter((what) => what !== 'silence' && what !== 'nothing');
  return heard.filter((what, at) => what !== heard[at - 1]);
}

/** A line for people: `agent 0.0-1.2, music 1.2-2.8, human 2.8-6.0`. */
export function lineOf(stretches: readonly Stretch[]): string {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  return stretches.map(({ what, fromMs, toMs }) => `${what} ${seconds(fromMs)}-${seconds(toMs)}`).join(', ');
}

/** Prints who heard what in a test; with RINGBRIDGE_TEST_TIMELINES=FILE a row of a Markdown table is written there, too. */
export function report(shape: string, what: string, heard: Readonly<Record<string, readonly Stretch[]>>): void {
  const lines = Object.entries(heard).map(([who, stretches]) => `${who} hears: ${lineOf(stretches)}`);
  process.stderr.write(`${shape}, ${what}\n  ${lines.join('\n  ')}\n`);
  const file = process.env.RINGBRIDGE_TEST_TIMELINES ?? '';
  if (file !== '') appendFileSync(file, `| ${shape} | ${what} | ${lines.join('<br>')} |\n`);
}

function soundOf(samples: Int16Array, voices: readonly Voice[]): string {
  return samples.length < 4 * 160 ? 'nothing' : soundIn(samples, voices, asVoice);
}

/**
 * The window in which one sound passes into another belongs to neither. Where a pause is between the two, one window ends
 * and the next begins in the middle: both have no pure tone, and would pass for music.
 */
function withoutSeams(stretches: readonly Stretch[]): Stretch[] {
  const kept: Stretch[] = [];
  for (const stretch of stretches) {
    const before = kept.at(-1);
    const seamMs = stretch.what === 'music' ? 2 * windowMs : windowMs;
    if (stretch.toMs - stretch.fromMs <= seamMs && before !== undefined) before.toMs = stretch.toMs;
    else if (before?.what === stretch.what) before.toMs = stretch.toMs;
    else kept.push({ ...stretch });
  }
  return kept;
}
