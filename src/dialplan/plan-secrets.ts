import { nearestWord } from '../runtime/nearest-word';
import { Secret } from '../runtime/secret';
import { problemAt } from './plan-file';
import type { PlanFile } from './plan-file';
import { visit } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { PlanReader } from './plan-reader';
import { secretReferenceIn } from './secret-reference';
import type { PlanSecrets } from './secret-reference';
import { decodeText, filePrefix, isNameWithin, readFault } from './named-files';

/** Where a reference may stand. A value there that is none is a text as it is. */
export const secretPlaces: readonly PlanPath[] = [
  ['users', '*', 'password'],
  ['trunks', '*', 'digest', 'user'],
  ['trunks', '*', 'digest', 'password'],
  ['tools', '*', 'http', 'bearer'],
  ['tools', '*', 'http', 'sign'],
  ['tools', '*', 'http', 'sign', '*'],
  ['tools', '*', 'http', 'headers', '*'],
  ['tools', '*', 'mcp', 'authorization'],
];

/** Longer ones are no passwords and no keys, but a file that was named by mistake. */
const secretBytesMax = 4_096;
const variablePrefix = 'env:';

/** Resolves every reference of a plan, each once. Values never stand in a problem. */
export async function readPlanSecrets(
  reader: PlanReader,
  files: readonly PlanFile[],
): Promise<{ secrets: PlanSecrets; problems: PlanProblem[] }> {
  const secrets = new Map<string, Secret>();
  const problems: PlanProblem[] = [];
  for (const { file, path, reference } of referencesOf(files)) {
    const found = await resolve(reader, reference);
    if (found instanceof Secret) secrets.set(reference, found);
    else problems.push(problemAt(file, path, found));
  }
  return { secrets, problems };
}

interface ReferencePlace {
  readonly file: PlanFile;
  readonly path: PlanPath;
  readonly reference: string;
}

/** The first place of each. */
function referencesOf(files: readonly PlanFile[]): ReferencePlace[] {
  const places = new Map<string, ReferencePlace>();
  for (const file of files) {
    for (const place of secretPlaces) {
      visit(file.document?.root, place, (value, path) => {
        const reference = typeof value === 'string' ? secretReferenceIn(value)?.reference : undefined;
        if (reference !== undefined && !places.has(reference)) places.set(reference, { file, path, reference });
      });
    }
  }
  return [...places.values()];
}

type SecretFault = Omit<Parameters<typeof problemAt>[2], 'severity'>;

function resolve(reader: PlanReader, reference: string): Secret | SecretFault | Promise<Secret | SecretFault> {
  return reference.startsWith(variablePrefix)
    ? fromVariable(reader, reference.slice(variablePrefix.length))
    : fromFile(reader, reference.slice(filePrefix.length));
}

function fromVariable({ secrets }: PlanReader, name: string): Secret | SecretFault {
  const code = problemCodes.secretVariable;
  const value = secrets.variable(name) ?? '';
  if (value === '') {
    // An empty value counts as unset, as with settings.
    const set = secrets.variableNames().filter((one) => (secrets.variable(one) ?? '') !== '');
    const near = nearestWord(name, set);
    const message = `the environment variable ${name} is not set`;
    const nearest = near === undefined ? undefined : variablePrefix + near;
    return { code, message, expected: 'a variable that is set where the bridge is started', nearest };
  }
  const fault = faultOf(value);
  return fault === undefined ? new Secret(value) : { code, message: `${name} ${fault}`, expected: oneLine };
}

const oneLine = `one line of at most ${secretBytesMax} bytes`;

async function fromFile(reader: PlanReader, path: string): Promise<Secret | SecretFault> {
  const code = problemCodes.secretFile;
  const expected = 'a file by its absolute path, or inside the dialplan folder';
  const isAbsolute = path.startsWith('/');
  if (!isAbsolute && !isNameWithin(path)) {
    return { code, message: 'a path that leads out of the folder or has odd characters', expected };
  }
  const limit = { bytesMax: secretBytesMax };
  const read = isAbsolute
    ? await reader.secrets.file(path, limit)
    : await reader.read(path, { ...limit, isSecret: true });
  if (read.kind === 'too-large') return { code, message: `${path}: ${readFault(read)}`, expected: oneLine };
  const text = read.kind === 'read' ? decodeText(read.bytes) : undefined;
  if (text === undefined) return { code, message: `${path}: ${readFault(read)}`, expected };
  // Editors and `echo` end a file with a newline that is no part of the secret.
  const value = text.replace(/\r?\n$/, '');
  const fault = faultOf(value);
  return fault === undefined ? new Secret(value) : { code, message: `${path} ${fault}`, expected: oneLine };
}

/** A line end within would let a secret write headers of its own. */
function faultOf(value: string): string | undefined {
  if (value === '') return 'is empty';
  if (Buffer.byteLength(value) > secretBytesMax) return 'is too large';
  return /\p{Cc}/u.test(value) ? 'has more than one line, or control characters' : undefined;
}
