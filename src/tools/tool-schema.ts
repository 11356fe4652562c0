import { z } from 'zod';

import { parseDurationMs } from '../runtime/duration';
import { builtInTools, type BuiltInTool } from './built-in-tools';

export { builtInTools, type BuiltInTool };

/** True for a name that every plan may use without defining it. */
export function isBuiltInTool(name: string): name is BuiltInTool {
  return (builtInTools as readonly string[]).includes(name);
}

/** Letters, digits, `_` and `-`: with another character the API refuses the whole session. */
export const toolName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'expected a letter, then letters, digits, _ and -, at most 64')
  .meta({ expected: 'the name of a tool' });

/** `env:NAME` or `file:PATH`: secrets never stand in a plan. */
export const secretReference = z
  .string()
  .max(300)
  .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:[^\p{Cc}]{1,200})$/u, 'expected env:NAME or file:PATH')
  .meta({ expected: 'env:NAME or file:PATH', secret: true });

/** A header whose value is a secret, perhaps behind a scheme: `Bearer env:TOKEN`. */
export const secretInHeader = /^(?:([A-Za-z]{1,20}) )?((?:env|file):.{1,250})$/;

const parameterSchema = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean']).describe('What kind of value the model must give.'),
  description: z.string().min(1).max(1_000).optional().describe('What the value means, for the model.'),
  enum: z.array(z.string().min(1).max(200)).min(1).max(100).optional().describe('The only values that are allowed.'),
  required: z.boolean().default(true).describe('Whether the model must give it.'),
});

const serviceUrl = z
  .string()
  .max(2_000)
  .regex(/^https?:\/\/[A-Za-z0-9.[\]:-]+(?:[/?][\x21-\x7e]*)?$/, 'expected an address that begins with https://')
  .meta({ expected: 'an address that begins with https://' });

const timeoutExpected = 'a duration from 100ms to 60s';
const timeout = z
  .string()
  .refine((text) => (parseDurationMs(text) ?? 0) >= 100 && (parseDurationMs(text) ?? 0) <= 60_000, {
    message: `expected ${timeoutExpected}`,
  })
  .meta({ expected: timeoutExpected })
  .default('8s');

const reach = {
  allow_private: z
    .boolean()
    .default(false)
    .describe('Whether the address may lie in a private network; only then may it be http and have any port.'),
  ports: z
    .array(z.number().int().min(1).max(65_535))
    .max(10)
    .default([])
    .describe('Ports besides 443 that the address may have.'),
};

const httpSchema = z.strictObject({
  url: serviceUrl.describe(
    'Where the request goes, without user and password; {{argument}} in its path or query is filled in.',
  ),
  method: z
    .enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .default('POST')
    .describe('The HTTP method. Arguments that do not stand in the address go into the query, or the JSON body.'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'expected the name of a header')
        .regex(
          /^(?!(?:content-length|transfer-encoding|connection|upgrade|expect)$)/i,
          'expected a header that HTTP itself does not write',
        ),
      z.string().max(1_000),
    )
    .optional()
    .describe('Headers of the request; variables of the call may stand in them, secrets only as env: or file:.'),
  bearer: secretReference.optional().describe('Sent as "Authorization: Bearer": env:NAME or file:PATH.'),
  sign: z
    .union([secretReference, z.array(secretReference).min(1).max(2)])
    .optional()
    .meta({ expected: 'env:NAME or file:PATH, or a list of two while a secret is being replaced' })
    .describe('The secret by which requests are signed (HMAC-SHA-256), so that the service knows who asks.'),
  timeout: timeout.describe('How long the tool may take, with all that is tried again.'),
  secure_digits: z
    .array(toolName)
    .max(10)
    .default([])
    .describe('Tools that collected secret keys: these go into the JSON body under their names, past the model.'),
  ...reach,
});

const keyWait = (defaultText: string) =>
  z
    .string()
    .default(defaultText)
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms !== undefined && ms >= 1_000 && ms <= 60_000) return ms;
      context.addIssue({ code: 'custom', message: 'expected a duration from 1s to 60s' });
      return 0;
    })
    .meta({ expected: 'a duration from 1s to 60s' });

const digitsSchema = z.strictObject({
  length: z.number().int().min(1).max(32).default(32).describe('So many keys are all.'),
  end: z
    .enum(['#', '*', 'none'])
    .default('#')
    .describe('The key that ends it before, and that is no part of it; none: a pause does.'),
  first: keyWait('10s').describe('How long the first key may take, from when the caller has heard what to key in.'),
  next: keyWait('5s').describe('How long each further key may take.'),
  secure: z
    .boolean()
    .default(false)
    .describe('The keys are secret: neither model nor records, logs or transcripts get them, and the line is mute.'),
});

const mcpSchema = z.strictObject({
  url: serviceUrl.describe('The address of the MCP server (streamable HTTP).'),
  called_by: z
    .enum(['api', 'bridge'])
    .default('api')
    .describe('Who calls the server: the Realtime API, which must reach it, or this bridge, for one in your network.'),
  authorization: secretReference.optional().describe('The token for the server: env:NAME or file:PATH.'),
  allowed_tools: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(100)
    .optional()
    .describe("Which of the server's tools the agent may use; without it, all."),
  timeout: timeout.describe('How long a tool of the server may take, when this bridge calls it.'),
  ...reach,
});

const afterDefaultMs = 1_000;

const whileWaiting = z
  .union([
    z.string().min(1).max(500),
    z
      .strictObject({
        say: z.string().min(1).max(500).optional().describe('What the agent says.'),
        sound: z.enum(['ticks']).optional().describe('What is heard: ticks, soft and slow, until somebody speaks.'),
        after: z
          .string()
          .default('1s')
          .transform((text, context) => {
            const ms = parseDurationMs(text);
            if (ms !== undefined && ms >= 200 && ms <= 10_000) return ms;
            context.addIssue({ code: 'custom', message: 'expected a duration from 200ms to 10s' });
            return afterDefaultMs;
          })
          .meta({ expected: 'a duration from 200ms to 10s' })
          .describe('After this long without a sound.'),
      })
      .refine(({ say, sound }) => say !== undefined || sound !== undefined, { message: 'expected say, sound or both' }),
  ])
  .meta({ expected: 'a sentence; or a map with say, sound and after' });

/** A tool that the plan defines; exactly one of http, builtin, module and mcp says how it runs. */
export const toolSchema = z.strictObject({
  description: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('What the tool does and when to use it, for the model.'),
  parameters: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected letters, digits and _, at most 64'),
      parameterSchema,
    )
    .optional()
    .describe('What the model must give to an http tool, by name; other tools bring their own.'),
  http: httpSchema.optional().describe('The tool is a request to a web service.'),
  builtin: z
    .enum(builtInTools)
    .optional()
    .describe('The tool is one of Ringbridge, under another name or with another description.'),
  module: z
    .string()
    .regex(/^file:[A-Za-z0-9_-][A-Za-z0-9._/-]{0,200}$/, 'expected file: and a file inside the dialplan folder')
    .optional()
    .describe('The tool is code: file: and a JavaScript file inside the dialplan folder.'),
  digits: digitsSchema.optional().describe('How collect_digits collects, under the name of this tool.'),
  mcp: mcpSchema.optional().describe('The tools of an MCP server.'),
  while_waiting: whileWaiting
    .optional()
    .describe('What the caller hears while the tool runs and nobody speaks: a sentence of the agent, or a sound.'),
});
export type ToolEntry = z.infer<typeof toolSchema>;

/** The keys of which a tool has exactly one. */
export const toolKinds = ['http', 'builtin', 'module', 'mcp'] as const;
