import type { Recording } from '../audio/recording';

/** What the bridge itself says: recordings, never speech by the model that may just have failed. */
export type PromptName = 'apology' | 'please-wait' | 'goodbye' | 'session-warning' | 'session-goodbye';

export const promptNames: readonly PromptName[] = [
  'apology',
  'please-wait',
  'goodbye',
  'session-warning',
  'session-goodbye',
];

/** What callers hear who wait for a destination, over and over. */
export type WaitingSound = 'hold-music' | 'ringing';

export const waitingSounds: readonly WaitingSound[] = ['hold-music', 'ringing'];

/** The recordings at both rates, read once at start and shared by all calls: nobody writes to them. */
export type Prompts = Readonly<Record<PromptName | WaitingSound, Recording>>;
