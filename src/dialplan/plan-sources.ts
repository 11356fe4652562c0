import { createHash } from 'node:crypto';

import type { PlanReader } from './plan-reader';

/** The octets of every file that was read to make a plan, by its name in the folder. */
export type PlanSources = ReadonlyMap<string, Uint8Array>;

/** Keeps what a reader reads. */
export class RecordingReader implements PlanReader {
  readonly #reader: PlanReader;
  readonly #sources = new Map<string, Uint8Array>();
  /** Names that were asked for and could not be read. */
  readonly #missed = new Set<string>();

  constructor(reader: PlanReader) {
    this.#reader = reader;
  }

  get sources(): PlanSources {
    return this.#sources;
  }

  get missed(): readonly string[] {
    return [...this.#missed];
  }

  list(): Promise<readonly string[]> {
    return this.#reader.list();
  }

  async read(...args: Parameters<PlanReader['read']>): ReturnType<PlanReader['read']> {
    const [name] = args;
    const read = await this.#reader.read(...args);
    // A copy: what was read lies in a buffer of the greatest size that a file may have.
    if (read.kind === 'read') this.#sources.set(name, Uint8Array.from(read.bytes));
    else this.#missed.add(name);
    return read;
  }
}

/** A folder that holds what was read before. */
export function sourcesReader(sources: PlanSources): PlanReader {
  return {
    list: () => Promise.resolve([...sources.keys()].filter((name) => !name.includes('/'))),
    read(name, { bytesMax }) {
      const bytes = sources.get(name);
      if (bytes === undefined) return Promise.resolve({ kind: 'missing' });
      return Promise.resolve(
        bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes: Buffer.from(bytes) },
      );
    },
  };
}

/** Equal for the same octets under the same names, whatever they mean. */
export function sourcesDigest(sources: PlanSources, missed: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([...missed].sort()));
  for (const name of [...sources.keys()].sort()) {
    const bytes = sources.get(name) ?? new Uint8Array();
    hash.update(JSON.stringify([name, bytes.length])).update(bytes);
  }
  return hash.digest('hex');
}
