import type { PlanRead } from '../../src/dialplan/file-read';
import type { PlanReader } from '../../src/dialplan/plan-reader';

/** A folder of texts, or octets, by name, which a test may change between loads; `env` and `files` are where secrets are. */
export function memoryReader(
  texts: Record<string, string | Buffer>,
  { env = {}, files = {} }: { env?: Record<string, string>; files?: Record<string, string> } = {},
): PlanReader {
  return {
    secrets: {
      variable: (name) => env[name],
      variableNames: () => Object.keys(env),
      file: (path, { bytesMax }) => Promise.resolve(readOf(files[path], bytesMax)),
    },
    list: () => Promise.resolve(Object.keys(texts).filter((name) => !name.includes('/'))),
    read(name, { bytesMax }) {
      return Promise.resolve(readOf(texts[name], bytesMax));
    },
  };
}

function readOf(text: string | Buffer | undefined, bytesMax: number): PlanRead {
  if (text === undefined) return { kind: 'missing' };
  const bytes = Buffer.from(text);
  return bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes };
}
