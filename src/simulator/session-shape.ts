import type { Shape } from './shape';
import {
  aBoolean,
  aNumber,
  anArray,
  anInteger,
  anObject,
  anyValue,
  aPattern,
  aRecord,
  aString,
  aVariant,
  either,
  freeForm,
  isObject,
  nullOr,
  oneOf,
} from './shape';

/** Characters, generously above the documented 16,384 tokens of instructions with tools. */
const instructionsAtMost = 262_144;
const toolsAtMost = 128;

export const metadataShape = nullOr(aRecord(aString({ atMost: 512 }), { entriesAtMost: 16, keyAtMost: 64 }));
export const instructionsShape = aString({ atMost: instructionsAtMost });

/** `audio` and `text` at the same time are refused. */
export const modalitiesShape: Shape = (value) =>
  anArray(oneOf(['audio', 'text']), { atMost: 1 })(value) ??
  (Array.isArray(value) && value.length === 1
    ? undefined
    : { code: 'invalid_value', message: "expected ['audio'] or ['text']", param: '' });

export const formatShape = aVariant({
  'audio/pcm': anObject({ type: anyValue, rate: anInteger({ atLeast: 24_000, atMost: 24_000 }) }),
  // The schema has no rate here, but clients send 8000 and get away with it.
  'audio/pcmu': anObject({ type: anyValue, rate: anInteger({ atLeast: 8_000, atMost: 8_000 }) }),
  'audio/pcma': anObject({ type: anyValue, rate: anInteger({ atLeast: 8_000, atMost: 8_000 }) }),
});

export const voiceShape = either(
  [
    { when: isObject, shape: anObject({ id: aString({ atMost: 200 }) }, { required: ['id'] }) },
    {
      when: () => true,
      shape: oneOf(['alloy', 'ash', 'ballad', 'coral', 'echo', 'sage', 'shimmer', 'verse', 'marin', 'cedar']),
    },
  ],
  'a voice',
);

// A dot or a space in a name has the whole update refused.
const functionName = aPattern(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, underscores and dashes, at most 64');

export const toolsShape = anArray(
  aVariant({
    function: anObject(
      {
        type: anyValue,
        name: functionName,
        description: aString({ atMost: 65_536 }),
        parameters: either([{ when: isObject, shape: freeForm }], 'a JSON Schema object'),
      },
      { required: ['name'] },
    ),
    mcp: anObject(
      {
        type: anyValue,
        server_label: aString({ atMost: 256 }),
        server_url: aString({ atMost: 2_048 }),
        tunnel_id: aString({ atMost: 256 }),
        connector_id: aString({ atMost: 256 }),
        server_description: aString({ atMost: 4_096 }),
        authorization: nullOr(aString({ atMost: 8_192 })),
        headers: freeForm,
        allowed_tools: freeForm,
        require_approval: freeForm,
        allowed_callers: freeForm,
        defer_loading: aBoolean,
      },
      { required: ['server_label'] },
    ),
  }),
  { atMost: toolsAtMost },
);

export const toolChoiceShape = either(
  [
    {
      when: isObject,
      shape: aVariant({
        function: anObject({ type: anyValue, name: functionName }, { required: ['name'] }),
        mcp: anObject(
          { type: anyValue, server_label: aString(), name: nullOr(aString()) },
          { required: ['server_label'] },
        ),
      }),
    },
    { when: () => true, shape: oneOf(['auto', 'none', 'required']) },
  ],
  'a tool choice',
);

export const maxOutputTokensShape = either(
  [
    { when: (value) => typeof value === 'number', shape: anInteger({ atLeast: 1, atMost: 4_096 }) },
    { when: () => true, shape: oneOf(['inf']) },
  ],
  "an integer or 'inf'",
);

export const reasoningShape = anObject({ effort: oneOf(['minimal', 'low', 'medium', 'high', 'xhigh']) });

export const promptShape = nullOr(
  anObject(
    { id: aString({ atMost: 256 }), version: nullOr(aString({ atMost: 64 })), variables: freeForm },
    { required: ['id'] },
  ),
);

const transcriptionShape = nullOr(
  anObject({
    model: nullOr(aString({ atMost: 128 })),
    language: nullOr(aPattern(/^[a-z]{2,3}$/, 'an ISO-639-1 code')),
    languages: anArray(aString({ atMost: 16 }), { atMost: 64 }),
    prompt: nullOr(aString({ atMost: 16_384 })),
    keywords: anArray(aString({ atMost: 256 }), { atMost: 1_024 }),
    delay: oneOf(['minimal', 'low', 'medium', 'high', 'xhigh']),
  }),
);

const serverVadKeys = {
  type: anyValue,
  threshold: aNumber({ atLeast: 0, atMost: 1 }),
  prefix_padding_ms: anInteger({ atLeast: 0, atMost: 10_000 }),
  silence_duration_ms: anInteger({ atLeast: 0, atMost: 10_000 }),
};
const responseFlags = { create_response: aBoolean, interrupt_response: aBoolean };

const noiseReductionShape = nullOr(
  anObject(
    { type: oneOf(['near_field', 'far_field']), strength: aNumber({ atLeast: 0, atMost: 1 }) },
    { required: ['type'] },
  ),
);

const includeShape = nullOr(anArray(oneOf(['item.input_audio_transcription.logprobs']), { atMost: 1 }));

/** The `session` of a `session.update` to a conversation. Read-only keys may come back as they were sent. */
export const conversationShape = anObject(
  {
    type: oneOf(['realtime']),
    // Decided by the URL. agents-js repeats its own idea of it in every update, which the service overlooks.
    model: aString({ atMost: 256 }),
    output_modalities: modalitiesShape,
    instructions: instructionsShape,
    audio: anObject({
      input: anObject({
        format: formatShape,
        noise_reduction: noiseReductionShape,
        transcription: transcriptionShape,
        turn_detection: nullOr(
          aVariant({
            server_vad: anObject({
              ...serverVadKeys,
              ...responseFlags,
              idle_timeout_ms: nullOr(anInteger({ atLeast: 5_000, atMost: 30_000 })),
            }),
            semantic_vad: anObject({
              type: anyValue,
              ...responseFlags,
              eagerness: oneOf(['low', 'medium', 'high', 'auto']),
              // Known to SDK code though not to the documented schema.
              model_version: freeForm,
            }),
          }),
        ),
      }),
      output: anObject({ format: formatShape, voice: voiceShape, speed: aNumber({ atLeast: 0.25, atMost: 1.5 }) }),
    }),
    tools: toolsShape,
    tool_choice: toolChoiceShape,
    parallel_tool_calls: aBoolean,
    max_output_tokens: maxOutputTokensShape,
    truncation: either(
      [
        {
          when: isObject,
          shape: aVariant({
            retention_ratio: anObject(
              { type: anyValue, retention_ratio: aNumber({ atLeast: 0, atMost: 1 }), token_limits: freeForm },
              { required: ['retention_ratio'] },
            ),
          }),
        },
        { when: () => true, shape: oneOf(['auto', 'disabled']) },
      ],
      'a truncation strategy',
    ),
    prompt: promptShape,
    tracing: nullOr(
      either(
        [
          {
            when: isObject,
            shape: anObject({ workflow_name: aString(), group_id: aString(), metadata: freeForm }),
          },
          { when: () => true, shape: oneOf(['auto']) },
        ],
        'a tracing configuration',
      ),
    ),
    include: includeShape,
    reasoning: reasoningShape,
  },
  { required: ['type'] },
);

/** The `session` of a `session.update` to a transcription session. */
export const transcriptionSessionShape = anObject(
  {
    type: oneOf(['transcription']),
    audio: anObject({
      input: anObject({
        format: formatShape,
        noise_reduction: noiseReductionShape,
        transcription: transcriptionShape,
        turn_detection: nullOr(
          aVariant({
            server_vad: anObject(serverVadKeys),
            semantic_vad: anObject({ type: anyValue, eagerness: oneOf(['low', 'medium', 'high', 'auto']) }),
          }),
        ),
      }),
    }),
    include: includeShape,
  },
  { required: ['type'] },
);
