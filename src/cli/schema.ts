import { parseArgs } from 'node:util';

import { editorSchema } from '../dialplan/plan-json-schema';
import { planReference } from '../dialplan/plan-reference';
import { messageOf } from '../runtime/errors';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge schema [--reference]

Prints the JSON Schema of dialplan files, by which an editor completes and explains their keys.

  --reference   the same as a page for people: docs/dialplan-reference.md
  --help        this text

Exit code: 0 well, 2 wrong use.
`;

/** `ringbridge schema`. */
export function runSchemaCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return Promise.resolve(printSchema(argv, io));
}

/** The text of dialplans/schema.json. */
export function schemaFileText(): string {
  return `${JSON.stringify(editorSchema(), null, 2)}\n`;
}

function printSchema(argv: readonly string[], io: CommandIo): ExitCode {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { reference: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    });
    io.stdout(values.help ? usage : values.reference ? planReference() : schemaFileText());
    return 0;
  } catch (cause) {
    io.stderr(`ringbridge schema: ${messageOf(cause)}\n\n${usage}`);
    return 2;
  }
}
