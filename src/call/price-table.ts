/** US dollars for a million tokens; a kind without a price is not sold. */
export interface ModelPrices {
  textIn: number;
  textCached: number;
  textOut: number;
  audioIn: number;
  audioCached: number;
  audioOut: number;
  imageIn: number;
  imageCached: number;
}

/** Of a model that writes down what was said: by the token, or by the minute. */
export type TranscriptionPrices = { in: number; out: number } | { perMinute: number };

export interface PriceTable {
  models: ReadonlyMap<string, ModelPrices>;
  transcription: ReadonlyMap<string, TranscriptionPrices>;
}

const modelKeys = {
  textIn: 'text_in',
  textCached: 'text_cached',
  textOut: 'text_out',
  audioIn: 'audio_in',
  audioCached: 'audio_cached',
  audioOut: 'audio_out',
  imageIn: 'image_in',
  imageCached: 'image_cached',
} as const satisfies Record<keyof ModelPrices, string>;

/** Dearer than this, in dollars, is a slip of the hand. */
const priceMax = 100_000;
const entriesMax = 500;

/** Reads `prices.json`. Never throws: what is wrong is one line for whoever wrote the file. */
export function parsePriceTable(text: string): PriceTable | { fault: string } {
  try {
    const file = mapOf(JSON.parse(text), 'the file');
    const models = new Map(entriesOf(file, 'models').map(([name, entry]) => [name, modelPrices(name, entry)]));
    const transcription = new Map(
      entriesOf(file, 'transcription').map(([name, entry]) => [name, transcriptionPrices(name, entry)]),
    );
    for (const key of Object.keys(file)) {
      if (!['about', 'models', 'transcription'].includes(key)) throw new Fault(`unknown key "${key}"`);
    }
    return { models, transcription };
  } catch (cause) {
    if (cause instanceof Fault) return { fault: cause.message };
    if (cause instanceof SyntaxError) return { fault: `not JSON: ${cause.message}` };
    throw cause;
  }
}

/** The price of a model, also of a dated snapshot of it (`gpt-realtime-2-2026-05-01`). */
export function priceOf<T>(prices: ReadonlyMap<string, T>, model: string): T | undefined {
  return prices.get(model) ?? prices.get(model.replace(/-\d{4}-\d{2}-\d{2}$/, ''));
}

class Fault extends Error {}

type Raw = Readonly<Record<string, unknown>>;

function mapOf(value: unknown, what: string): Raw {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${what} is not a map`);
  return value as Raw;
}

function entriesOf(file: Raw, section: string): [string, Raw][] {
  const entries = Object.entries(mapOf(file[section] ?? {}, `"${section}"`));
  if (entries.length > entriesMax) throw new Fault(`"${section}" has more than ${entriesMax} entries`);
  return entries.map(([name, entry]) => [name, mapOf(entry, `"${section}.${name}"`)]);
}

function modelPrices(name: string, entry: Raw): ModelPrices {
  const keys = Object.values(modelKeys) as string[];
  const stranger = Object.keys(entry).find((key) => !keys.includes(key));
  if (stranger !== undefined) throw new Fault(`unknown key "${stranger}" in "models.${name}"`);
  // Few models read images, and calls have none.
  const priceOfKey = (ours: keyof ModelPrices): number => {
    const key = modelKeys[ours];
    return key.startsWith('image') && entry[key] === undefined ? 0 : priceAt(entry, key, `models.${name}`);
  };
  return {
    textIn: priceOfKey('textIn'),
    textCached: priceOfKey('textCached'),
    textOut: priceOfKey('textOut'),
    audioIn: priceOfKey('audioIn'),
    audioCached: priceOfKey('audioCached'),
    audioOut: priceOfKey('audioOut'),
    imageIn: priceOfKey('imageIn'),
    imageCached: priceOfKey('imageCached'),
  };
}

function transcriptionPrices(name: string, entry: Raw): TranscriptionPrices {
  const place = `transcription.${name}`;
  const keys = Object.keys(entry).sort().join(' ');
  if (keys === 'per_minute') return { perMinute: priceAt(entry, 'per_minute', place) };
  if (keys === 'in out') return { in: priceAt(entry, 'in', place), out: priceAt(entry, 'out', place) };
  throw new Fault(`"${place}" needs either in and out, or per_minute`);
}

function priceAt(entry: Raw, key: string, place: string): number {
  const value = entry[key];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= priceMax) return value;
  throw new Fault(`"${place}.${key}" is not a price in US dollars`);
}
