import { z } from 'zod';

import { agentSessionSchema, durationMs } from '../realtime/agent-schema';
import { builtInTools } from '../tools/tool-schema';

/** The shape of one file. Descriptions become "expected" in messages, and later the hover text of the JSON Schema. */

const nameLengthMax = 64;
const numberLengthMax = 64;
const listLengthMax = 1_000;
const toolsMax = 32;

const agentName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, `expected a letter, then letters, digits, _ and -, at most ${nameLengthMax}`)
  .describe('the name of an agent');

const routeName = z
  .string()
  .regex(/^[^\p{Cc}]{1,100}$/u, 'expected one line of at most 100 characters')
  .describe('a name for people, one line of at most 100 characters');

/** A SIP answer that refuses (RFC 3261 section 21.4 to 21.6). */
const rejectCode = z.number().int().min(400).max(699).describe('a SIP status from 400 to 699');

const numberPattern = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'expected a number or SIP user name, or its beginning and a *, without spaces')
  .max(numberLengthMax)
  .describe('a number such as "+33123456789", or its beginning and a *, such as "+331*"');

const numberPatterns = z
  .union([numberPattern, z.array(numberPattern).min(1).max(listLengthMax)])
  .describe('a number, its beginning and a *, or a list of those');

const whenNumbers = z
  .strictObject({
    /** The number that was dialled. */
    to: numberPatterns.optional(),
    /** The caller's number, or `anonymous`. */
    from: numberPatterns.optional(),
  })
  .refine((when) => when.to !== undefined || when.from !== undefined, 'expected at least one of to and from');

const when = z.union([z.literal('any'), whenNumbers]).describe('any, or a map with to, from or both');

const routeSchema = z.strictObject({
  name: routeName,
  when,
  answer: agentName.optional(),
  reject: rejectCode.optional(),
  limits: z
    .strictObject({
      length: durationMs({ atLeastMs: 1_000, atMostMs: 24 * 3_600_000 }).optional(),
    })
    .optional(),
  /** What the caller gets when the model cannot be had. */
  unavailable: z.strictObject({ reject: rejectCode }).default({ reject: 480 }).describe('a map: { reject: CODE }'),
});
export type RouteEntry = z.infer<typeof routeSchema>;

const agentSchema = agentSessionSchema.extend({
  tools: z
    .array(z.enum(builtInTools))
    .max(toolsMax)
    .refine((tools) => new Set(tools).size === tools.length, 'expected each tool once')
    .default([]),
});
export type AgentEntry = z.infer<typeof agentSchema>;

export const planFileSchema = z.strictObject({
  agents: z.record(agentName, agentSchema).optional(),
  routes: z.array(routeSchema).optional(),
});
export type PlanFileEntry = z.infer<typeof planFileSchema>;
