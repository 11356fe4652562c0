import type { PlanReader } from '../../src/dialplan/plan-reader';

/** A folder of texts by name, which a test may change between loads. */
export function memoryReader(texts: Record<string, string>): PlanReader {
  return {
    list: () => Promise.resolve(Object.keys(texts).filter((name) => !name.includes('/'))),
    read(name, { bytesMax }) {
      const text = texts[name];
      if (text === undefined) return Promise.resolve({ kind: 'missing' });
      const bytes = Buffer.from(text);
      return Promise.resolve(bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes });
    },
  };
}
