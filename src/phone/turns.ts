import { levelDbfs } from '../audio/level';
import { frameMs, type PcmFrame } from '../audio/pcm';

/** A stretch of speech, in milliseconds. */
export interface Turn {
  startMs: number;
  endMs: number;
}

/** A frame at this level or above is sound: well above the noise of a telephone line, well below speech. */
export const soundDbfs = -45;

/** A pause shorter than this belongs to the turn: people breathe. */
export const pauseMs = 400;

/** A shorter noise is no turn. */
const turnMinMs = 60;

/** When the speaker spoke. An end is where sound ends, without the pause after it. */
export function findTurns(samples: PcmFrame, rateHz: number): Turn[] {
  const turns: Turn[] = [];
  let open: Turn | undefined;
  const sounds = soundPerFrame(samples, rateHz);
  for (let frame = 0; frame < sounds.length; frame += 1) {
    const startMs = frame * frameMs;
    if (open !== undefined && startMs - open.endMs >= pauseMs) {
      turns.push(open);
      open = undefined;
    }
    if (sounds[frame] !== 1) continue;
    open ??= { startMs, endMs: startMs };
    open.endMs = startMs + frameMs;
  }
  if (open !== undefined) turns.push(open);
  return turns.filter(({ startMs, endMs }) => endMs - startMs >= turnMinMs);
}

/** The first moment from `fromMs` on with `forMs` of silence after it; undefined when the samples end before that. */
export function findSilence(
  samples: PcmFrame,
  rateHz: number,
  at: { fromMs: number; forMs: number },
): number | undefined {
  const sounds = soundPerFrame(samples, rateHz);
  const needed = Math.ceil(at.forMs / frameMs);
  let quiet = 0;
  for (let frame = Math.floor(at.fromMs / frameMs); frame < sounds.length; frame += 1) {
    quiet = sounds[frame] === 1 ? 0 : quiet + 1;
    if (quiet === needed) return Math.max(at.fromMs, (frame - needed + 1) * frameMs);
  }
  return undefined;
}

/** 1 for each whole 20 ms with sound in it. */
function soundPerFrame(samples: PcmFrame, rateHz: number): Uint8Array {
  const frameLength = (rateHz * frameMs) / 1_000;
  const sounds = new Uint8Array(Math.floor(samples.length / frameLength));
  for (let frame = 0; frame < sounds.length; frame += 1) {
    const level = levelDbfs(samples.subarray(frame * frameLength, (frame + 1) * frameLength));
    sounds[frame] = level >= soundDbfs ? 1 : 0;
  }
  return sounds;
}
