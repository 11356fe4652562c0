import { z } from 'zod';

/** The tools that every plan may name without defining them. */
export const builtInTools = ['hang_up'] as const;
export type BuiltInTool = (typeof builtInTools)[number];

/** True for a name that every plan may use without defining it. */
export function isBuiltInTool(name: string): name is BuiltInTool {
  return (builtInTools as readonly string[]).includes(name);
}

/** Names that the language keeps for tools that this release cannot run. */
export const reservedTools = ['transfer_call', 'send_digits'] as const;

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

const parameterSchema = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean']).describe('What kind of value the model must give.'),
  description: z.string().min(1).max(1_000).optional().describe('What the value means, for the model.'),
  enum: z.array(z.string().min(1).max(200)).min(1).max(100).optional().describe('The only values that are allowed.'),
  required: z.boolean().default(true).describe('Whether the model must give it.'),
});

const secureUrl = z
  .string()
  .max(2_000)
  .regex(/^https:\/\/[A-Za-z0-9.[\]:-]+(?:[/?][\x21-\x7e]*)?$/, 'expected an address that begins with https://')
  .meta({ expected: 'an address that begins with https://' });

const httpSchema = z.strictObject({
  url: secureUrl.describe('Where the request goes; https only, without user and password.'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST').describe('The HTTP method.'),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'expected the name of a header'),
      z.string().max(1_000),
    )
    .optional()
    .describe('Headers of the request; variables of the call may stand in them, secrets only as env: or file:.'),
  bearer: secretReference.optional().describe('Sent as "Authorization: Bearer": env:NAME or file:PATH.'),
  timeout: z
    .string()
    .regex(/^\d{1,5}(?:ms|s)$/, 'expected a duration with its unit, such as 500ms or 8s')
    .default('8s')
    .describe('How long the answer may take.'),
});

const mcpSchema = z.strictObject({
  url: secureUrl.describe('The address of the MCP server.'),
  authorization: secretReference.optional().describe('The token for the server: env:NAME or file:PATH.'),
  allowed_tools: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(100)
    .optional()
    .describe("Which of the server's tools the agent may use; without it, all."),
});

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
    .describe('What the model must give to the tool, by name.'),
  http: httpSchema.optional().describe('The tool is a request to a web service.'),
  builtin: z
    .enum([...builtInTools, ...reservedTools])
    .optional()
    .describe('The tool is one of Ringbridge, under another name or with another description.'),
  module: z
    .string()
    .regex(/^file:[A-Za-z0-9_-][A-Za-z0-9._/-]{0,200}$/, 'expected file: and a file inside the dialplan folder')
    .optional()
    .describe('The tool is code: file: and a file inside the dialplan folder.'),
  mcp: mcpSchema.optional().describe('The tools of an MCP server.'),
  while_waiting: z.string().min(1).max(500).optional().describe('What the agent says while the tool runs.'),
});
export type ToolEntry = z.infer<typeof toolSchema>;

/** The keys of which a tool has exactly one. */
export const toolKinds = ['http', 'builtin', 'module', 'mcp'] as const;
