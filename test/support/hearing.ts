/** Whoever is heard by a tone of their own. */
export interface Voice {
  name: string;
  hz: number;
}

/** A stretch of one sound: a voice by its name, `silence`, or what else it is called. */
export interface HeardSound {
  name: string;
  ms: number;
}

const rateHz = 8_000;
const windowMs = 100;
const quietLevel = 100;

/**
 * What a listener at 8 kHz heard, in order. Sounds that are no voice are `another`. Of what is shorter than `shortestMs`,
 * nothing is told: where one sound passes into the next the two are a third one. A pause shorter than `pauseMs` is none.
 */
export function heardIn(
  samples: Int16Array,
  voices: readonly Voice[],
  { another = 'music', shortestMs = 300, pauseMs = 3_000 } = {},
): HeardSound[] {
  const found: HeardSound[] = [];
  const window = (rateHz * windowMs) / 1_000;
  for (let from = 0; from + window <= samples.length; from += window) {
    append(found, { name: soundIn(samples.subarray(from, from + window), voices, { another }), ms: windowMs });
  }
  const isVoice = ({ name }: HeardSound): boolean => voices.some((voice) => voice.name === name);
  // A click in a voice does not make two of it, and a click is no voice.
  const whole = joined(
    found,
    (sound) => isVoice(sound) || sound.ms >= (sound.name === 'silence' ? pauseMs : shortestMs),
  );
  return joined(whole, ({ ms }) => ms >= shortestMs);
}

/** Those that are kept; what then follows upon itself is one. */
function joined(sounds: readonly HeardSound[], isKept: (sound: HeardSound) => boolean): HeardSound[] {
  const kept: HeardSound[] = [];
  for (const sound of sounds) if (isKept(sound)) append(kept, { ...sound });
  return kept;
}

function append(sounds: HeardSound[], { name, ms }: HeardSound): void {
  const last = sounds.at(-1);
  if (last?.name === name) last.ms += ms;
  else sounds.push({ name, ms });
}

/**
 * The one sound of a moment at 8 kHz: `silence`, a voice by its name, or `another`. More than `share` of the power must be
 * the voice's own. It is asked over and over beside calls that run in real time, so it costs next to nothing.
 */
export function soundIn(
  samples: Int16Array,
  voices: readonly Voice[],
  { another = 'music', share = 0.5 } = {},
): string {
  if (samples.every((sample) => Math.abs(sample) < quietLevel)) return 'silence';
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0);
  return voices.find(({ hz }) => powerOf(samples, hz) > power * share)?.name ?? another;
}

/** Of the part that is a sine of `hz`, by Goertzel: comparable with the sum of all squares. */
function powerOf(samples: Int16Array, hz: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / rateHz);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + turn * last - before, last];
  return (2 * (last * last + before * before - turn * last * before)) / samples.length;
}

/** One whose audio is kept packet by packet. */
export interface Listener {
  readonly packets: readonly unknown[];
  audio(range: { from: number; to?: number | undefined }): Int16Array;
}

/**
 * Who hears what from one moment to the next. A moment is told while it happens, in the process in which the packets
 * arrive: the sounds that it brings about come later, so that nothing here depends on how long anything takes.
 */
export class HearingTable {
  readonly #listeners: readonly { name: string; ear: Listener; voices: readonly Voice[] }[];
  readonly #moments: { text: string; packets: readonly number[] }[] = [];

  constructor(listeners: readonly { name: string; ear: Listener; voices: readonly Voice[] }[]) {
    this.#listeners = listeners;
  }

  moment(text: string): void {
    this.#moments.push({ text, packets: this.#listeners.map(({ ear }) => ear.packets.length) });
  }

  /** What that listener has heard last since the last moment, if anything for long enough to be told. */
  lastHeard(listener: string): HeardSound | undefined {
    const column = this.#listeners.findIndex(({ name }) => name === listener);
    const { ear, voices } = this.#listeners[column]!;
    return heardIn(ear.audio({ from: this.#moments.at(-1)?.packets[column] ?? 0 }), voices).at(-1);
  }

  /** A Markdown table. A cell tells what is new since the row before. */
  render(): string {
    const before = this.#listeners.map(() => 'silence');
    const rows = this.#moments.map(({ text, packets }, row) => {
      const cells = this.#listeners.map(({ ear, voices }, column) => {
        const from = packets[column] ?? 0;
        const sounds = heardIn(ear.audio({ from, to: this.#moments[row + 1]?.packets[column] }), voices);
        const names = sounds.map(({ name }) => name);
        // What was on its way in this moment was there before.
        if (names[0] === before[column]) names.shift();
        before[column] = names.at(-1) ?? before[column]!;
        return names.join(', then ');
      });
      return [text, ...cells];
    });
    const head = ['moment', ...this.#listeners.map(({ name }) => `${name} hears`)];
    return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  }
}
