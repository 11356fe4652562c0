import type { PlanRead } from './file-read';
import type { PlanReader } from './plan-reader';
import type { SecretReader } from './secret-reader';

/** Everything that a plan was read from, octet by octet. Plain data: it may go to another process. */
export interface PlanSource {
  readonly names: readonly string[];
  readonly reads: ReadonlyMap<string, PlanRead>;
  /** The variables and files that its secrets stood in. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  readonly secretFiles: ReadonlyMap<string, PlanRead>;
}

/** A reader that keeps what it reads; `source` is whole when the load has ended. */
export function recordReads(reader: PlanReader): { reader: PlanReader; source: PlanSource } {
  const names: string[] = [];
  const reads = new Map<string, PlanRead>();
  const variables = new Map<string, string | undefined>();
  const secretFiles = new Map<string, PlanRead>();
  const recorder: PlanReader = {
    async list() {
      names.push(...(await reader.list()));
      return names;
    },
    async read(name, limit) {
      const read = await reader.read(name, limit);
      reads.set(name, read);
      return read;
    },
    secrets: {
      variable(name) {
        const value = reader.secrets.variable(name);
        variables.set(name, value);
        return value;
      },
      variableNames: () => reader.secrets.variableNames(),
      async file(path, limit) {
        const read = await reader.secrets.file(path, limit);
        secretFiles.set(path, read);
        return read;
      },
    },
  };
  return { reader: recorder, source: { names, reads, variables, secretFiles } };
}

/** Reads what was recorded, and nothing else. */
export function sourceReader({ names, reads, variables, secretFiles }: PlanSource): PlanReader {
  const secrets: SecretReader = {
    variable: (name) => variables.get(name),
    variableNames: () => [...variables.keys()],
    file: (path, { bytesMax }) => Promise.resolve(recorded(secretFiles.get(path), bytesMax)),
  };
  return {
    list: () => Promise.resolve(names),
    read: (name, { bytesMax }) => Promise.resolve(recorded(reads.get(name), bytesMax)),
    secrets,
  };
}

function recorded(read: PlanRead | undefined, bytesMax: number): PlanRead {
  if (read?.kind !== 'read') return read ?? { kind: 'missing' };
  // Octets that come from another process are no Buffer there.
  const { buffer, byteOffset, byteLength } = read.bytes;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes };
}
