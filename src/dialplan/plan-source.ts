import type { PlanRead } from './file-read';
import type { PlanReader } from './plan-reader';

/**
 * Everything that a plan was read from, octet by octet. Plain data: it may go to another process. Its secrets stand in clear
 * in it: never log or keep it.
 */
export interface PlanSource {
  readonly names: readonly string[];
  readonly reads: ReadonlyMap<string, PlanRead>;
  /** Those of `reads` that hold a secret. */
  readonly secretNames: ReadonlySet<string>;
  /** Environment variables that the plan names, as far as they were set. */
  readonly variables: ReadonlyMap<string, string>;
  /** Files outside of the folder that hold secrets. */
  readonly secretFiles: ReadonlyMap<string, PlanRead>;
}

/** A reader that keeps what it reads; `source` is whole when the load has ended. */
export function recordReads(reader: PlanReader): { reader: PlanReader; source: PlanSource } {
  const names: string[] = [];
  const reads = new Map<string, PlanRead>();
  const secretNames = new Set<string>();
  const variables = new Map<string, string>();
  const secretFiles = new Map<string, PlanRead>();
  const { secrets } = reader;
  const recorder: PlanReader = {
    async list() {
      names.push(...(await reader.list()));
      return names;
    },
    async read(name, options) {
      const read = await reader.read(name, options);
      reads.set(name, read);
      if (options.isSecret === true) secretNames.add(name);
      return read;
    },
    secrets: {
      variable(name) {
        const value = secrets.variable(name);
        if (value !== undefined) variables.set(name, value);
        return value;
      },
      variableNames: () => secrets.variableNames(),
      async file(path, limit) {
        const read = await secrets.file(path, limit);
        secretFiles.set(path, read);
        return read;
      },
    },
  };
  return { reader: recorder, source: { names, reads, secretNames, variables, secretFiles } };
}

/** Reads what was recorded, and nothing else. */
export function sourceReader({ names, reads, variables, secretFiles }: PlanSource): PlanReader {
  return {
    list: () => Promise.resolve(names),
    read: (name, { bytesMax }) => Promise.resolve(recorded(reads.get(name), bytesMax)),
    secrets: {
      variable: (name) => variables.get(name),
      variableNames: () => [...variables.keys()],
      file: (path, { bytesMax }) => Promise.resolve(recorded(secretFiles.get(path), bytesMax)),
    },
  };
}

function recorded(read: PlanRead = { kind: 'missing' }, bytesMax: number): PlanRead {
  if (read.kind !== 'read') return read;
  // Octets that come from another process are no Buffer there.
  const { buffer, byteOffset, byteLength } = read.bytes;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes };
}
