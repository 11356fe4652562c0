import { z } from 'zod';

import { durationMs } from '../realtime/agent-schema';
import { guaranteesSchema } from './conversation-schema';
import { nameOf, rejectCode } from './destination-schema';
import { parsePattern, patternExpected } from './pattern';

const listLengthMax = 1_000;

const routeName = z
  .string()
  .regex(/^[^\p{Cc}]{1,100}$/u, 'expected one line of at most 100 characters')
  .meta({ expected: 'a name for people, one line of at most 100 characters' });

/** A pattern whose form is checked here and whose meaning is taken from `parsePattern` later. */
function pattern(form: RegExp, wanted: string) {
  return z.string().check((context) => {
    const text = context.value;
    const parsed = form.test(text) || text.startsWith('/') ? parsePattern(text) : { fault: wanted };
    if ('fault' in parsed) context.issues.push({ code: 'custom', input: text, message: `expected ${parsed.fault}` });
  });
}

const numberPattern = pattern(
  /^[\x21-\x7e]{1,64}$/,
  'a number or SIP user name, its beginning and a *, a range or a /regex/, without spaces',
).meta({ expected: patternExpected });

const headerPattern = pattern(/^[\x20-\x7e]{1,200}$/, 'one line of text').meta({
  expected: 'a text, its beginning and a *, or /regex/',
});

const numberPatterns = z
  .union([numberPattern, z.array(numberPattern).min(1).max(listLengthMax)])
  .meta({ expected: `${patternExpected}; or a list of those` });

const headerPatterns = z
  .union([headerPattern, z.array(headerPattern).min(1).max(listLengthMax)])
  .meta({ expected: 'a text, its beginning and a *, /regex/, or a list of those' });

const headerName = z.string().regex(/^[A-Za-z0-9!%'*+.^_`~-]{1,64}$/, 'expected the name of a SIP header');

function oneOrMore(what: string) {
  return z
    .union([nameOf(what), z.array(nameOf(what)).min(1).max(50)])
    .meta({ expected: `the name of ${what}, or a list of those` });
}

const conditions = z
  .strictObject({
    to: numberPatterns.optional().describe('The number that was dialled: a number, "+331*", "100..199" or /regex/.'),
    from: numberPatterns.optional().describe('The number of the caller, or anonymous when it is withheld.'),
    trunk: oneOrMore('a trunk').optional().describe('The trunk that the call came through.'),
    header: z
      .record(headerName, headerPatterns)
      .refine((map) => Object.keys(map).length > 0, 'expected at least one header')
      .optional()
      .describe('Headers of the INVITE; each one named must be there and match.'),
    during: oneOrMore('a schedule').optional().describe('Schedules of which at least one must be open.'),
    outside: oneOrMore('a schedule').optional().describe('Schedules that must all be closed.'),
    percent: z
      .number()
      .gt(0)
      .lt(100)
      .optional()
      .meta({ expected: 'a number between 0 and 100' })
      .describe('Takes this many of a hundred callers; the same caller is always treated the same.'),
  })
  .refine(
    (when) => Object.keys(when).length > 0,
    'expected at least one of to, from, trunk, header, during, outside and percent',
  );

const money = z
  .string()
  .regex(/^\d{1,6}(?:\.\d{1,4})? USD$/, 'expected an amount such as "0.80 USD"')
  .meta({ expected: 'an amount such as "0.80 USD"' });

export const callLength = durationMs({ atLeastMs: 1_000, atMostMs: 24 * 3_600_000 });
export const callCost = money;

export const routeSchema = z.strictObject({
  name: routeName.describe('What people call this route; it stands on the record of each call.'),
  when: z
    .union([z.literal('any'), conditions])
    .meta({ expected: 'any, or a map with to, from, trunk, header, during, outside or percent' })
    .describe('Which calls the route takes: any, or a map of conditions that must all hold.'),
  answer: nameOf('an agent').optional().describe('The agent that takes the call.'),
  bridge: nameOf('a destination')
    .optional()
    .describe('The destination that the call is joined with, without an agent.'),
  reject: rejectCode.optional().describe('The call is refused with this SIP status, 400 to 699.'),
  redirect: nameOf('a destination')
    .optional()
    .describe('The caller is told to call this destination instead (SIP 302).'),
  limits: z
    .strictObject({
      calls: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .describe('How many calls may be up on this route at once; more are answered 486 Busy Here.'),
      length: callLength.optional().describe('The longest call; the caller is warned before, 1s to 24h.'),
      cost: callCost.optional().describe('The dearest call, such as "0.80 USD".'),
    })
    .optional()
    .describe('What a call on this route may take.'),
  guarantees: guaranteesSchema
    .optional()
    .describe('What the caller is promised; without it, no silence above 10s while they wait for the agent.'),
  unavailable: z
    .union([
      nameOf('a destination'),
      z.strictObject({ reject: rejectCode.describe('The SIP status for the caller, 400 to 699.') }),
    ])
    .default({ reject: 480 })
    .meta({ expected: 'the name of a destination, or a map: { reject: CODE }' })
    .describe('What the caller gets when the model cannot be had: a destination, or { reject: CODE }.'),
});
export type RouteEntry = z.infer<typeof routeSchema>;

/** The keys of which a route has exactly one. */
export const routeExits = ['answer', 'bridge', 'reject', 'redirect'] as const;
