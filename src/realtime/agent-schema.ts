import { z } from 'zod';

import { parseDurationMs } from '../runtime/duration';

/** A duration with its unit (`500ms`, `6s`, `20m`), as milliseconds. */
export function durationMs({ atLeastMs, atMostMs }: { atLeastMs: number; atMostMs: number }) {
  return z
    .string()
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms === undefined) {
        context.addIssue({ code: 'custom', message: 'expected a duration with its unit, such as 500ms, 6s or 20m' });
        return z.NEVER;
      }
      if (ms < atLeastMs || ms > atMostMs) {
        context.addIssue({ code: 'custom', message: `expected a duration from ${atLeastMs}ms to ${atMostMs}ms` });
        return z.NEVER;
      }
      return ms;
    })
    .describe('a duration with its unit: 500ms, 6s, 20m');
}

const responseFlags = {
  /** API `create_response`: the server answers when the caller stops speaking. */
  create_response: z.boolean().default(true),
  /** API `interrupt_response`: the server cancels its answer when the caller speaks. */
  interrupt_response: z.boolean().default(true),
};

const serverVad = z.strictObject({
  type: z.literal('server_vad'),
  /** API `threshold`, 0 to 1: higher needs louder speech. */
  threshold: z.number().min(0).max(1).default(0.5),
  /** API `prefix_padding_ms`. */
  prefix: durationMs({ atLeastMs: 0, atMostMs: 5_000 }).default(300),
  /** API `silence_duration_ms`; live defaults differ from the documented ones, so it is always sent. */
  silence: durationMs({ atLeastMs: 0, atMostMs: 10_000 }).default(500),
  /** API `idle_timeout_ms`. */
  idle_timeout: durationMs({ atLeastMs: 5_000, atMostMs: 30_000 }).optional(),
  ...responseFlags,
});

const semanticVad = z.strictObject({
  type: z.literal('semantic_vad'),
  eagerness: z.enum(['low', 'medium', 'high', 'auto']).default('auto'),
  ...responseFlags,
});

/** How the server finds the end of a turn (API `audio.input.turn_detection`). */
export const turnDetectionSchema = z.discriminatedUnion('type', [serverVad, semanticVad]);
export type TurnDetection = z.infer<typeof turnDetectionSchema>;

/** The voices of the API; a custom voice is an id. */
export const voices = [
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
] as const;

/** The part of a dialplan's agent that becomes the Realtime session. Keys mean what they mean in the API. */
export const agentSessionSchema = z.strictObject({
  kind: z.literal('agent').default('agent'),
  /** At most 16,384 tokens with the tools; the cap here is on characters. */
  instructions: z.string().min(1).max(60_000),
  /** Overrides RINGBRIDGE_REALTIME_MODEL; `simulator:BEHAVIOUR` chooses the built-in simulator. */
  model: z.string().min(1).max(200).optional(),
  voice: z.enum(voices).default('marin'),
  speed: z.number().min(0.25).max(1.5).default(1),
  /** What the model is told to say first; absent: the caller speaks first. */
  greeting: z.string().min(1).max(2_000).optional(),
  /** How audio travels to and from the model: 24 kHz PCM, or G.711 straight through. */
  audio_format: z.enum(['pcm', 'pcmu', 'pcma']).default('pcm'),
  turn_detection: turnDetectionSchema.default({
    type: 'server_vad',
    threshold: 0.5,
    prefix: 300,
    silence: 500,
    create_response: true,
    interrupt_response: true,
  }),
  noise_reduction: z.enum(['near_field', 'far_field']).optional(),
  transcription: z
    .strictObject({
      model: z.string().min(1).max(100),
      /** ISO 639-1. */
      language: z
        .string()
        .regex(/^[a-z]{2}$/, 'expected a two-letter ISO 639-1 code, such as en')
        .optional(),
      prompt: z.string().max(2_000).optional(),
    })
    .optional(),
  max_output_tokens: z.number().int().min(1).max(4_096).optional(),
});
export type AgentSession = z.infer<typeof agentSessionSchema>;
