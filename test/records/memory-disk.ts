import type { JournalDisk } from '../../src/records/journal-disk';

/** Folders of files in memory. Faults are set by a test and stay until it clears them. */
export class MemoryDisk implements JournalDisk {
  readonly files = new Map<string, Buffer>();
  readonly openFiles = new Map<number, string>();
  readonly synced: string[] = [];
  /** Octets that still fit; writes beyond are short, as on a full disk (reliability facts, F8). */
  freeBytes = Number.POSITIVE_INFINITY;
  /** At most this many octets are taken at once. */
  writeBytesMax = Number.POSITIVE_INFINITY;
  writeError: Error | undefined;
  openError: Error | undefined;
  syncError: Error | undefined;
  /** While it is set, syncs wait for it. */
  syncGate: Promise<void> | undefined;
  #nextFile = 3;

  makeFolder(): void {
    if (this.openError !== undefined) throw this.openError;
  }

  list(): string[] {
    return [...this.files.keys()];
  }

  open(_folder: string, name: string): { file: number; torn: boolean } {
    const content = this.files.get(name) ?? Buffer.alloc(0);
    this.files.set(name, content);
    const file = this.#nextFile++;
    this.openFiles.set(file, name);
    return { file, torn: content.length > 0 && content.at(-1) !== 0x0a };
  }

  write(file: number, bytes: Buffer, offset: number): number {
    if (this.writeError !== undefined) throw this.writeError;
    const name = this.#nameOf(file);
    const count = Math.min(bytes.length - offset, this.freeBytes, this.writeBytesMax);
    this.freeBytes -= count;
    this.files.set(
      name,
      Buffer.concat([this.files.get(name) ?? Buffer.alloc(0), bytes.subarray(offset, offset + count)]),
    );
    return count;
  }

  async sync(file: number): Promise<void> {
    const name = this.#nameOf(file);
    await this.syncGate;
    if (this.syncError !== undefined) throw this.syncError;
    this.synced.push(name);
  }

  close(file: number): void {
    this.#nameOf(file);
    this.openFiles.delete(file);
  }

  async *read(_folder: string, name: string): AsyncGenerator<Buffer> {
    await Promise.resolve();
    const content = this.files.get(name) ?? Buffer.alloc(0);
    // Small pieces, so that lines lie across them.
    for (let start = 0; start < content.length; start += 7) yield content.subarray(start, start + 7);
  }

  text(name: string): string {
    return this.files.get(name)?.toString('utf8') ?? '';
  }

  /** The lines that a reader can use. */
  records(name: string): unknown[] {
    return this.text(name)
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as unknown];
        } catch {
          return [];
        }
      });
  }

  #nameOf(file: number): string {
    const name = this.openFiles.get(file);
    if (name === undefined) throw new Error('EBADF');
    return name;
  }
}
