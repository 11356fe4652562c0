import { loadOpus, type CreateOpus } from './audio/opus';
import type { Settings } from './config/settings';
import type { AudioCodec } from './media/negotiation';
import type { Plan } from './dialplan/plan';
import { defaultCodecs } from './dialplan/trunk';
import { StartRefused } from './start-refused';

/** What our own RTP may speak. */
export interface VoiceCodecs {
  codecs: readonly AudioCodec[];
  /** Undefined when Opus is not among them. */
  opus: CreateOpus | undefined;
  /** For the banner. */
  description: string;
}

const names: Readonly<Record<AudioCodec, string>> = { opus: 'Opus', pcmu: 'PCMU', pcma: 'PCMA' };
const all: readonly AudioCodec[] = ['opus', 'pcmu', 'pcma'];
const howToBuild = '`npm run opus` builds it, see docs/opus.md';

/** Throws `StartRefused` when Opus is asked for by name and is not there; unasked, its absence is only told. */
export function voiceCodecs({ codecs: wanted, freeswitch }: Settings): VoiceCodecs {
  if (freeswitch !== undefined) {
    return {
      codecs: g711Of(all),
      opus: undefined,
      description: 'PCMU, PCMA to FreeSWITCH, which negotiates with callers',
    };
  }
  const codecs = wanted ?? all;
  if (!codecs.includes('opus')) return { codecs, opus: undefined, description: listOf(codecs) };
  const opus = loadOpus();
  if (typeof opus !== 'string') return { codecs, opus, description: listOf(codecs) };
  if (wanted !== undefined) throw new StartRefused(`RINGBRIDGE_CODECS: there is no Opus (${opus}); ${howToBuild}`);
  const left = g711Of(codecs);
  return { codecs: left, opus: undefined, description: `${listOf(left)}; no Opus: ${howToBuild}` };
}

/** Trunks of a plan that nobody here could speak through, one line each: it must not come into force. */
export function codecRefusals(plan: Plan, settings: Settings): string[] {
  // FreeSWITCH is told all codecs, and knows what it has.
  if (settings.freeswitch !== undefined) return [];
  const { codecs: spoken, description } = voiceCodecs(settings);
  return [...plan.trunks.values()].flatMap(({ name, outbound }) => {
    // Without words of its own a trunk may be there only for the calls that it sends.
    if (outbound === undefined || outbound.codecs === defaultCodecs) return [];
    if (outbound.codecs.some((codec) => spoken.some((one) => one === codec))) return [];
    const offered = outbound.codecs.join(', ');
    return [`trunk "${name}" offers only ${offered}; without FreeSWITCH our RTP speaks ${description}`];
  });
}

function g711Of(codecs: readonly AudioCodec[]): AudioCodec[] {
  return codecs.filter((codec) => codec !== 'opus');
}

function listOf(codecs: readonly AudioCodec[]): string {
  return codecs.map((codec) => names[codec]).join(', ');
}
