import type { PlanRead, PlanReader } from './plan-reader';

/** Everything that a plan was read from, octet by octet. Plain data: it may go to another process. */
export interface PlanSource {
  readonly names: readonly string[];
  readonly reads: ReadonlyMap<string, PlanRead>;
}

/** A reader that keeps what it reads; `source` is whole when the load has ended. */
export function recordReads(reader: PlanReader): { reader: PlanReader; source: PlanSource } {
  const names: string[] = [];
  const reads = new Map<string, PlanRead>();
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
  };
  return { reader: recorder, source: { names, reads } };
}

/** Reads what was recorded, and nothing else. */
export function sourceReader({ names, reads }: PlanSource): PlanReader {
  return {
    list: () => Promise.resolve(names),
    read(name, { bytesMax }) {
      const read = reads.get(name) ?? { kind: 'missing' };
      if (read.kind !== 'read') return Promise.resolve(read);
      // Octets that come from another process are no Buffer there.
      const { buffer, byteOffset, byteLength } = read.bytes;
      const bytes = Buffer.from(buffer, byteOffset, byteLength);
      return Promise.resolve(bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes });
    },
  };
}
