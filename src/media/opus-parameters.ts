import type { OpusLimits } from '../audio/opus';

/**
 * What we say of ourselves wherever Opus is agreed on (`a=fmtp`, RFC 7587 section 6.1). The binding has no way to ask the
 * decoder for the copy of a lost frame that the next packet may hold: the far side had better spend its bits on the frame.
 */
export const ourOpusParameters = 'maxplaybackrate=24000;sprop-maxcapturerate=24000;stereo=0;useinbandfec=0';

const playbackHzRange = { least: 8_000, most: 48_000 };
const bitrateRange = { least: 6_000, most: 510_000 };

/** Reads what the far side says of its decoder. Never throws: what is no number, or not there, is as the RFC has it. */
export function readOpusParameters(text = ''): OpusLimits {
  const values = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) values.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return {
    playbackHzMax: within(values.get('maxplaybackrate'), playbackHzRange),
    bitrateMax: within(values.get('maxaveragebitrate'), bitrateRange),
    canUseFec: values.get('useinbandfec') === '1',
    constantBitrate: values.get('cbr') === '1',
  };
}

function within(text: string | undefined, { least, most }: { least: number; most: number }): number {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return most;
  return Math.min(Math.max(Number(text), least), most);
}
