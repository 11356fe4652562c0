import { z } from 'zod';

import { durationMs } from '../realtime/agent-schema';

// The shape of a file of call scenarios. Descriptions are the hover text of editors; `expected` stands in messages.

const sentence = z.string().min(1).max(2_000);
const speechLength = durationMs({ atLeastMs: 100, atMostMs: 300_000 });
const wait = durationMs({ atLeastMs: 20, atMostMs: 3_600_000 });
const name = z.string().min(1).max(100);

const toolCall = z.strictObject({
  tool: name.describe('The tool that the model calls.'),
  arguments: z.record(z.string(), z.unknown()).default({}).describe('What the model gives to the tool.'),
});

const agentLine = z.strictObject({
  says: sentence.optional().describe('What the model says; the first that is heard is the greeting.'),
  for: speechLength.optional().describe('How long it takes; without it, as long as the words take.'),
  calls: z.array(toolCall).min(1).max(16).optional().describe('The tools that it calls after that.'),
  fails: name.optional().describe('The response ends failed with this error code of the API.'),
});

const callerLine = z.strictObject({
  says: sentence.describe('What the transcription makes of the caller; the model hears a sound of that length.'),
  for: speechLength.optional().describe('How long it takes; without it, as long as the words take.'),
  interrupts: wait.optional().describe('The caller does not wait: begins this long after the agent began to speak.'),
});

const stepSchema = z
  .strictObject({
    agent: z
      .union([sentence, agentLine])
      .optional()
      .meta({ expected: 'what the model says, or a map with says, for, calls and fails' })
      .describe('The next answer of the model. The scenario goes on when the caller has heard it.'),
    caller: z
      .union([sentence, callerLine])
      .optional()
      .meta({ expected: 'what the caller says, or a map with says, for and interrupts' })
      .describe('The caller speaks.'),
    keys: z
      .string()
      .regex(/^[0-9*#A-D]{1,64}$/, 'expected telephone keys: 0-9, *, #, A-D')
      .meta({ expected: 'telephone keys in quotes, such as "12#"' })
      .optional()
      .describe('The caller presses keys.'),
    silence: wait.optional().describe('Nobody is made to speak for this long.'),
    hangs_up: z.literal('caller').optional().describe('The caller hangs up.'),
  })
  .refine((step) => Object.keys(step).length === 1, 'expected one of agent, caller, keys, silence and hangs_up')
  .meta({ expected: 'a map with one of agent, caller, keys, silence and hangs_up' });
export type ScenarioStep = z.infer<typeof stepSchema>;

const callSchema = z.strictObject({
  to: z.string().min(1).max(64).describe('The number that is dialled.'),
  from: z.string().min(1).max(64).default('anonymous').describe("The caller's number; without it, it is withheld."),
  at: z
    .string()
    .max(40)
    .default('2026-01-05 10:00')
    .describe('When: "mon 10:00", "2026-12-25 13:00" or with an offset from UTC "2026-12-25T13:00+01:00".'),
  source: z.string().max(64).default('').describe('The IP address that the call comes from: it decides the trunk.'),
  headers: z.record(z.string(), z.string().max(1_000)).default({}).describe('Headers of the INVITE.'),
});

const expectSchema = z.strictObject({
  route: name.optional().describe('The route that takes the call.'),
  agent: name.optional().describe('The agent that the call ends with.'),
  rejected: z.number().int().min(400).max(699).optional().describe('The SIP status that the caller is refused with.'),
  redirected: z.string().max(300).optional().describe('The SIP address that the caller is sent to.'),
  tools: z
    .array(
      z.union([name, z.strictObject({ tool: name, outcome: z.enum(['done', 'failed']) })]).meta({
        expected: 'the name of a tool, or a map with tool and outcome',
      }),
    )
    .optional()
    .describe('The tools that ran, in the order in which they ended.'),
  transferred_to: name.optional().describe('The destination that the caller was joined with, or sent to.'),
  handoffs: z.array(name).optional().describe('The agents that the call was handed over to, in order; [] for none.'),
  never_told: z
    .array(z.string().min(2).max(64))
    .optional()
    .describe('Texts, such as secret keys, that must stand in nothing that the model was told or observers saw.'),
  check_ins: z.number().int().min(0).optional().describe('How often a silent caller was asked.'),
  promises_broken: z
    .array(z.enum(['first-sound', 'silence', 'answer', 'length', 'cost']))
    .optional()
    .describe('The guarantees of the route that were not kept, in order.'),
  interruptions: z.number().int().min(0).optional().describe('How often the caller interrupted the agent.'),
  ends: name.optional().describe('Why the call ended, as it stands on its record: agent-hung-up, caller-hung-up ...'),
  lasts: z
    .strictObject({ at_least: wait.optional(), at_most: wait.optional() })
    .optional()
    .describe('How long the call was up.'),
});
export type ScenarioExpectation = z.infer<typeof expectSchema>;

/** What a tool that reaches outside answers in a rehearsal. */
const toolStandIn = z
  .strictObject({
    result: z.unknown().optional().describe('What the service answers.'),
    fails: z
      .enum(['unreachable', 'service-failed', 'service-refused', 'unusable-answer', 'timed-out'])
      .optional()
      .describe('Why it does not answer.'),
    after: durationMs({ atLeastMs: 0, atMostMs: 120_000 }).default(0).describe('How long it takes.'),
  })
  .meta({ expected: 'a map with result or fails, and after' });
export type ToolStandIn = z.infer<typeof toolStandIn>;

/** What a destination does when it is called. */
export const calleeBehaviours = ['answers', 'busy', 'declines', 'no-answer', 'fails'] as const;

const scenarioSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[^\p{Cc}]{1,120}$/u, 'expected one line of at most 120 characters')
    .describe('What the scenario shows, as a sentence.'),
  call: callSchema.describe('The call that comes in.'),
  tools: z
    .record(name, toolStandIn)
    .default({})
    .describe('What tools that reach outside answer, by name; one that is not named answers at once.'),
  destinations: z
    .record(name, z.enum(calleeBehaviours))
    .default({})
    .describe('What destinations do when they are called, by name; one that is not named answers.'),
  steps: z.array(stepSchema).max(200).default([]).describe('What happens, in order.'),
  expect: expectSchema
    .refine((expectation) => Object.keys(expectation).length > 0, 'expected at least one expectation')
    .describe('What must have come of it.'),
});
export type CallScenario = z.infer<typeof scenarioSchema>;

/** One file of scenarios. */
export const scenarioFileSchema = z.strictObject({
  scenarios: z.array(scenarioSchema).min(1).max(500).describe('Calls that are played, each by itself.'),
});
