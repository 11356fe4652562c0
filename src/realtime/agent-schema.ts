import { z } from 'zod';

import { parseDurationMs } from '../runtime/duration';

// In every schema `description` is what an editor shows for the key, and `meta.expected` what an error message asks for
// where the kind of value does not say it.

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
    .meta({ expected: 'a duration with its unit: 500ms, 6s, 20m' });
}

const responseFlags = {
  create_response: z
    .boolean()
    .default(true)
    .describe('Whether the model answers when the caller stops speaking (API create_response).'),
  interrupt_response: z
    .boolean()
    .default(true)
    .describe('Whether the caller may interrupt the model (API interrupt_response).'),
};

const serverVad = z.strictObject({
  type: z.literal('server_vad').describe('Finds the end of a turn by silence.'),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('How loud speech must be, 0 to 1; higher needs louder speech.'),
  prefix: durationMs({ atLeastMs: 0, atMostMs: 5_000 })
    .default(300)
    .describe('How much audio before the detected start of speech is kept (API prefix_padding_ms).'),
  // Live defaults differ from the documented ones, so it is always sent.
  silence: durationMs({ atLeastMs: 0, atMostMs: 10_000 })
    .default(500)
    .describe("The caller's turn ends after this much silence (API silence_duration_ms)."),
  idle_timeout: durationMs({ atLeastMs: 5_000, atMostMs: 30_000 })
    .optional()
    .describe('After this much silence of both, the model asks whether the caller is still there, 5s to 30s.'),
  ...responseFlags,
});

const semanticVad = z.strictObject({
  type: z.literal('semantic_vad').describe('Finds the end of a turn by what the caller said.'),
  eagerness: z
    .enum(['low', 'medium', 'high', 'auto'])
    .default('auto')
    .describe('How soon the model takes its turn: low waits up to 8 s, medium 4 s, high 2 s; auto is medium.'),
  ...responseFlags,
});

const noDetection = z.strictObject({
  type: z.literal('none').describe("Nothing ends the caller's turn by itself."),
});

/** How the end of a turn is found (API `audio.input.turn_detection`); `none` is the API's null. */
export const turnDetectionSchema = z.discriminatedUnion('type', [serverVad, semanticVad, noDetection]);
export type TurnDetection = z.infer<typeof turnDetectionSchema>;

/** True when the server cancels its answer as soon as the caller speaks. */
export function interruptsResponse(detection: TurnDetection): boolean {
  return detection.type !== 'none' && detection.interrupt_response;
}

/** True when the server answers by itself at the end of the caller's turn. */
export function createsResponse(detection: TurnDetection): boolean {
  return detection.type !== 'none' && detection.create_response;
}

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

const languageNames = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });

/** `French` for `fr`; undefined when ISO 639-1 has no such code. */
export function languageName(code: string): string | undefined {
  return /^[a-z]{2}$/.test(code) ? languageNames.of(code) : undefined;
}

const languageCode = z
  .string()
  .refine(
    (code) => languageName(code) !== undefined,
    'expected a two-letter ISO 639-1 code in small letters, such as en',
  )
  .meta({ expected: 'a two-letter language code such as en' });

const efforts = ['minimal', 'low', 'medium', 'high', 'xhigh'] as const;

const transcriptionSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(100)
    .describe('Which model writes down what the caller says, such as gpt-4o-transcribe.'),
  language: languageCode.optional().describe("The language that the caller speaks; without it, the agent's language."),
  languages: z
    .array(languageCode)
    .min(1)
    .max(16)
    .optional()
    .describe('Languages that the caller may speak; gpt-transcribe and gpt-live-transcribe only.'),
  prompt: z.string().max(2_000).optional().describe('Hints about what will be said.'),
  keywords: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(100)
    .optional()
    .describe('Names and terms to listen for; gpt-transcribe and gpt-live-transcribe only.'),
  delay: z
    .enum(efforts)
    .optional()
    .describe('Accuracy against latency of streaming models, gpt-realtime-whisper and gpt-live-transcribe.'),
});

const truncationSchema = z
  .union([
    z.enum(['auto', 'disabled']),
    z.strictObject({
      retention_ratio: z
        .number()
        .min(0)
        .max(1)
        .describe('How much of the conversation is kept when it outgrows the model, 0 to 1.'),
      token_limit: z
        .number()
        .int()
        .min(1)
        .max(128_000)
        .optional()
        .describe('Tokens after the instructions at which the conversation is cut (API post_instructions).'),
    }),
  ])
  .meta({ expected: 'auto, disabled, or a map with retention_ratio and token_limit' });

const noiseFields = ['near_field', 'far_field'] as const;

const noiseReductionSchema = z
  .union([
    z.enum(noiseFields),
    z.strictObject({
      type: z.enum(noiseFields).describe('near_field for a handset, far_field for a loudspeaker phone.'),
      strength: z.number().min(0).max(1).default(1).describe('How much noise is taken away, 0 to 1.'),
    }),
  ])
  .meta({ expected: 'near_field, far_field, or a map with type and strength' });

const tracingSchema = z
  .union([
    z.literal('auto'),
    z.strictObject({
      workflow_name: z.string().min(1).max(200).optional().describe('What the dashboard calls this kind of call.'),
      group_id: z.string().min(1).max(200).optional().describe('Joins traces to a group.'),
      metadata: z.record(z.string().min(1).max(64), z.string().max(512)).optional().describe('Facts to find it by.'),
    }),
  ])
  .meta({ expected: 'auto, or a map with workflow_name, group_id and metadata' });

/** The formats of audio on the way to and from the model, by our short names. */
export const audioFormats = ['pcm', 'pcmu', 'pcma'] as const;
/** 16-bit little-endian PCM at 24 kHz, or G.711 at 8 kHz. */
export type AudioFormat = (typeof audioFormats)[number];

const hostedPromptSchema = z.strictObject({
  id: z
    .string()
    .regex(/^pmpt_[A-Za-z0-9_-]{1,120}$/, 'expected the id of a hosted prompt, pmpt_...')
    .describe('The id of the prompt, pmpt_....'),
  version: z
    .string()
    .regex(/^\d{1,6}$/, 'expected the number of a version')
    .optional()
    .describe('Its version; without it, the current one.'),
  variables: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected letters, digits and _, at most 64'),
      z.string().max(1_000),
    )
    .optional()
    .describe("Values for the prompt's own variables; variables of the call may stand in them."),
});

/** Longest instructions, in characters. The API's own limit is 16,384 tokens together with the tools. */
export const instructionsLengthMax = 60_000;

/** The part of a dialplan's agent that becomes the Realtime session. Keys mean what they mean in the API. */
export const agentSessionSchema = z.strictObject({
  kind: z
    .enum(['agent', 'interpreter', 'transcriber'])
    .default('agent')
    .describe('agent talks with the caller, interpreter translates between two, transcriber only writes down.'),
  instructions: z
    .string()
    .min(1)
    .max(instructionsLengthMax)
    .optional()
    .describe(
      'What the agent is and how it behaves: the text, or file: and the name of a file in this folder. ' +
        'Variables of the call, such as {{caller.number}}, may stand in it.',
    ),
  prompt: hostedPromptSchema.optional().describe('A prompt that is kept at the API, instead of instructions.'),
  model: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Overrides RINGBRIDGE_REALTIME_MODEL; simulator:BEHAVIOUR is the built-in simulator.'),
  voice: z
    .union([z.enum(voices), z.strictObject({ id: z.string().min(1).max(200).describe('The id of a custom voice.') })])
    .default('marin')
    .meta({ expected: `one of ${voices.join(', ')}; or a map: { id: ... }` })
    .describe(`The voice of the agent: ${voices.join(', ')}; or { id: ... } of a custom voice.`),
  speed: z.number().min(0.25).max(1.5).default(1).describe('How fast the agent speaks, 0.25 to 1.5.'),
  language: languageCode
    .optional()
    .describe('The language to speak, two letters. It is told to the model and to the transcription.'),
  greeting: z
    .string()
    .min(1)
    .max(2_000)
    .optional()
    .describe('What the agent says first when it answers, word for word; without it, the caller speaks first.'),
  audio_format: z
    .union([
      z.enum(audioFormats),
      z.strictObject({
        input: z.enum(audioFormats).default('pcm').describe("How the caller's audio travels to the model."),
        output: z.enum(audioFormats).default('pcm').describe("How the model's audio travels back."),
      }),
    ])
    .default('pcm')
    .meta({ expected: 'pcm, pcmu or pcma, or a map with input and output' })
    .describe('How audio travels to and from the model: 24 kHz PCM, or G.711 straight through.'),
  turn_detection: turnDetectionSchema
    .default({
      type: 'server_vad',
      threshold: 0.5,
      prefix: 300,
      silence: 500,
      create_response: true,
      interrupt_response: true,
    })
    .describe("How the end of the caller's turn is found."),
  noise_reduction: noiseReductionSchema
    .optional()
    .describe('near_field for a handset, far_field for a loudspeaker phone; without it, none.'),
  transcription: transcriptionSchema.optional().describe('Writes down what the caller says, with a second model.'),
  truncation: truncationSchema
    .optional()
    .describe('What happens when the conversation outgrows the model: the oldest goes (auto), or the answer fails.'),
  max_output_tokens: z.number().int().min(1).max(4_096).optional().describe('Longest answer, in tokens.'),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.strictObject({ tool: z.string().min(1).max(64).describe('The tool that is called at each turn.') }),
    ])
    .optional()
    .meta({ expected: 'auto, none, required, or a map: { tool: NAME }' })
    .describe('Whether the model calls tools as it sees fit (auto), never, always, or always the one named.'),
  parallel_tool_calls: z.boolean().optional().describe('Whether a reasoning model may call several tools at once.'),
  tracing: tracingSchema
    .optional()
    .describe('Writes a trace of each call to the dashboard of the API; without it, none.'),
  include: z
    .array(z.enum(['item.input_audio_transcription.logprobs']))
    .length(1)
    .optional()
    .meta({ expected: 'a list of item.input_audio_transcription.logprobs' })
    .describe('What the API adds to its events: how sure the transcription is. Ringbridge itself makes nothing of it.'),
  reasoning: z
    .strictObject({ effort: z.enum(efforts).describe('More effort is slower.') })
    .optional()
    .describe('How long a reasoning model thinks before it speaks.'),
});
export type AgentSession = z.infer<typeof agentSessionSchema>;

/** How the caller's audio goes to the model, and how the model's comes back. */
export function formatsOf({ audio_format: format }: AgentSession): { input: AudioFormat; output: AudioFormat } {
  return typeof format === 'string' ? { input: format, output: format } : format;
}
