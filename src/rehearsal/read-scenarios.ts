import { parseCallTime, callTimeExpected } from '../dialplan/call-time';
import type { PlanProblem } from '../dialplan/plan-problem';
import { problemCodes } from '../dialplan/plan-problem';
import type { PlanReader } from '../dialplan/plan-reader';
import { decodeText, readFault } from '../dialplan/named-files';
import { schemaProblems } from '../dialplan/schema-problems';
import { readYaml } from '../dialplan/yaml-document';
import type { CallScenario } from './scenario-schema';
import { scenarioFileSchema } from './scenario-schema';

/** A file's scenarios, or every problem with its place. */
export type ScenarioRead =
  { kind: 'read'; scenarios: readonly CallScenario[] } | { kind: 'refused'; problems: readonly PlanProblem[] };

const scenarioBytesMax = 1_048_576;

/** Reads one file of call scenarios. Never rejects. */
export async function readScenarios(reader: PlanReader, file: string): Promise<ScenarioRead> {
  const read = await reader.read(file, { bytesMax: scenarioBytesMax });
  const text = read.kind === 'read' ? decodeText(read.bytes) : undefined;
  if (text !== undefined) return parseScenarios(file, text);
  const code = read.kind === 'too-large' ? problemCodes.fileTooLarge : problemCodes.fileUnreadable;
  const problem: PlanProblem = {
    code: read.kind === 'read' ? problemCodes.notText : code,
    severity: 'error',
    file,
    position: undefined,
    message: readFault(read),
    expected: 'a text file in UTF-8 of at most 1 MiB',
    nearest: undefined,
  };
  return { kind: 'refused', problems: [problem] };
}

/** The same for a text. */
export function parseScenarios(file: string, text: string): ScenarioRead {
  const { document, problems } = readYaml(file, text);
  if (document === undefined || problems.length > 0) return { kind: 'refused', problems };
  const parsed = scenarioFileSchema.safeParse(document.root ?? {});
  if (!parsed.success) {
    const { issues } = parsed.error;
    return { kind: 'refused', problems: schemaProblems({ file, document, schema: scenarioFileSchema, issues }) };
  }
  const { scenarios } = parsed.data;
  const found = scenarios.flatMap(({ call: { at } }, index): PlanProblem[] => {
    if (parseCallTime(at, { nowMs: 0 }) !== undefined) return [];
    const position = document.locate(['scenarios', index, 'call', 'at'], 'value');
    const message = `value not understood for "at": ${JSON.stringify(at)}`;
    const wanted = { expected: callTimeExpected, nearest: undefined };
    return [{ code: problemCodes.badForm, severity: 'error', file, position, message, ...wanted }];
  });
  return found.length > 0 ? { kind: 'refused', problems: found } : { kind: 'read', scenarios };
}
