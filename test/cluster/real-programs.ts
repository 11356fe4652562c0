import { existsSync } from 'node:fs';

/** The servers that we did not write and that a suite starts itself, by the variable that names the program. */
const variables = { 'drachtio-server': 'CLUSTER_DRACHTIO' } as const;

export type RealProgram = keyof typeof variables;

/** The path of a real server's program; undefined when the environment does not name one. */
export function pathOfReal(program: RealProgram): string | undefined {
  const path = process.env[variables[program]];
  return path === undefined || path === '' ? undefined : path;
}

/** `describe` when each of these servers is there, else `describe.skip` and one line that says why. */
export function describeReal(...programs: RealProgram[]): jest.Describe {
  const problems = programs.flatMap((program) => problemOf(program) ?? []);
  if (problems.length === 0) return describe;
  const suite = expect.getState().testPath?.split('/').at(-1) ?? 'a suite';
  process.stderr.write(`skipped in ${suite}: ${problems.join(', ')}\n`);
  return describe.skip;
}

function problemOf(program: RealProgram): string | undefined {
  const path = pathOfReal(program);
  if (path === undefined) return `${variables[program]} does not name a ${program}`;
  return existsSync(path) ? undefined : `${program} is not at ${path}`;
}
