import { z } from 'zod';

import { durationMs } from '../realtime/agent-schema';
import { nameOf } from './destination-schema';

// How an agent conducts a conversation, and what a route promises.

/** What `idle_timeout_ms` of the API may be. */
export const serverIdleMs = { atLeastMs: 5_000, atMostMs: 30_000 } as const;

const words = z.string().min(1).max(2_000);

export const idleSchema = z.strictObject({
  after: durationMs({ atLeastMs: 1_000, atMostMs: 600_000 })
    .optional()
    .describe('How long neither side has spoken, 1s to 10m, counted from when the caller last heard the agent; 6s.'),
  check_ins: z.number().int().min(0).max(10).describe('How often a silent caller is asked.'),
  then: z
    .union([z.enum(['hang_up', 'wait']), nameOf('a destination')])
    .meta({ expected: 'hang_up, wait, or the name of a destination' })
    .describe('What happens after that: a goodbye and the end of the call, nothing, or a transfer.'),
  by: z
    .enum(['server', 'bridge'])
    .optional()
    .describe(
      "Who times the check-ins: the API's idle timeout (server, where server_vad and 5s to 30s allow it), or Ringbridge.",
    ),
  check_in: words
    .optional()
    .describe('What the agent is told for a check-in: the text, or file: and a file in this folder. Needs by: bridge.'),
  goodbye: words
    .optional()
    .describe('What the agent is told for the goodbye: the text, or file: and a file in this folder.'),
});
export type IdleEntry = z.infer<typeof idleSchema>;

export const bargeInSchema = z.strictObject({
  decide_after: durationMs({ atLeastMs: 200, atMostMs: 3_000 })
    .default(700)
    .describe('How long the agent listens before it gives way: a caller who still speaks then is meant, 200ms to 3s.'),
});

export const pushToTalkSchema = z.strictObject({
  key: z
    .enum(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'])
    .default('#')
    .describe("The telephone key that opens the caller's turn, and closes it."),
});

const off = z.literal('off');

export const guaranteesSchema = z.strictObject({
  first_sound: durationMs({ atLeastMs: 500, atMostMs: 30_000 })
    .optional()
    .describe('Something is heard this soon after the answer, 500ms to 30s.'),
  silence: z
    .union([off, durationMs({ atLeastMs: 2_000, atMostMs: 60_000 })])
    .default(10_000)
    .meta({ expected: 'off, or a duration with its unit: 8s' })
    .describe('The longest silence while the caller waits for the agent, 2s to 60s, or off.'),
});
export type GuaranteesEntry = z.infer<typeof guaranteesSchema>;
