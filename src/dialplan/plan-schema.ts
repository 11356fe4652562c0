import { z } from 'zod';

import { agentSessionSchema } from '../realtime/agent-schema';
import { toolName, toolSchema } from '../tools/tool-schema';
import { bargeInSchema, idleSchema, pushToTalkSchema } from './conversation-schema';
import { destinationSchema, nameOf, trunkSchema, userName, userSchema } from './destination-schema';
import { callCost, callLength, routeSchema } from './route-schema';
import { scheduleSchema } from './schedule-schema';

// The shape of one file. Descriptions are the hover text of the JSON Schema; `expected` stands in error messages.

const toolsMax = 32;

const agentSchema = agentSessionSchema.extend({
  tools: z
    .array(toolName)
    .max(toolsMax)
    .refine((tools) => new Set(tools).size === tools.length, 'expected each tool once')
    .default([])
    .meta({ expected: 'a list of names of tools' })
    .describe('What the agent may do besides talking: built-in tools, and those of the tools section.'),
  transfers: z
    .array(nameOf('a destination'))
    .min(1)
    .max(50)
    .refine((names) => new Set(names).size === names.length, 'expected each destination once')
    .optional()
    .meta({ expected: 'a list of names of destinations' })
    .describe('Where transfer_call may send callers; without it, nowhere.'),
  handoffs: z
    .array(nameOf('an agent'))
    .min(1)
    .max(32)
    .refine((names) => new Set(names).size === names.length, 'expected each agent once')
    .optional()
    .meta({ expected: 'a list of names of agents' })
    .describe('To which agents hand_off may hand the call over; without it, to none.'),
  idle: idleSchema.optional().describe('What happens when nobody speaks.'),
  barge_in: bargeInSchema
    .optional()
    .describe(
      'Reversible barge-in: on speech the agent falls silent at once, and goes on mid-word when it was only a murmur.',
    ),
  push_to_talk: pushToTalkSchema
    .optional()
    .describe('The caller opens and closes each turn by a key; with turn_detection: { type: none }.'),
  limits: z
    .strictObject({
      length: callLength.optional().describe('The longest call with this agent; of two limits the shorter one holds.'),
      cost: callCost.optional().describe('The dearest call with this agent, such as "0.80 USD".'),
    })
    .optional()
    .describe('What a call that this agent answers may take; hand-overs change nothing of it.'),
});
export type AgentEntry = z.infer<typeof agentSchema>;

export const planFileSchema = z.strictObject({
  schedules: z.record(nameOf('a schedule'), scheduleSchema).optional().describe('When somebody is there, by name.'),
  destinations: z
    .record(nameOf('a destination'), destinationSchema)
    .optional()
    .describe('Where calls can be sent, by name.'),
  trunks: z
    .record(nameOf('a trunk'), trunkSchema)
    .optional()
    .describe('Who sends and takes calls, by name. A plan with trunks or users lets nobody else in.'),
  users: z
    .record(userName, userSchema)
    .optional()
    .describe('Phones that may register and call, by the user name that they are set up with.'),
  agents: z.record(nameOf('an agent'), agentSchema).optional().describe('Who answers, by name.'),
  tools: z.record(toolName, toolSchema).optional().describe('What agents may do, by name.'),
  routes: z.array(routeSchema).optional().describe('Tried from top to bottom; the first that matches takes the call.'),
});
export type PlanFileEntry = z.infer<typeof planFileSchema>;

/** The sections that are maps of names. */
export const namedSections = ['schedules', 'destinations', 'trunks', 'users', 'agents', 'tools'] as const;
export type NamedSection = (typeof namedSections)[number];
