import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import type { ReadSecret } from './tools/secrets';
import { SecretMissing } from './tools/secrets';

/** Longer ones are no passwords and no keys, but a file that was named by mistake. */
const secretBytesMax = 4_096;

/**
 * Secrets of tools, read when they are needed, so that one that was replaced needs no restart. `env:NAME` is an
 * environment variable, `file:PATH` a file by its absolute path or inside the dialplan folder.
 */
export function toolSecrets(env: Readonly<Record<string, string | undefined>>, folder: string): ReadSecret {
  return (reference) => {
    const name = reference.replace(/^(?:env|file):/, '');
    const value = reference.startsWith('env:') ? (env[name] ?? '') : readSecretFile(resolve(folder, name), reference);
    // A line end within would let a secret write headers of its own.
    if (value === '' || /\p{Cc}/u.test(value)) throw new SecretMissing(`${reference} is not set, or not one line`);
    return value;
  };
}

function readSecretFile(path: string, reference: string): string {
  try {
    const { size } = statSync(path);
    if (size > secretBytesMax) throw new Error(`more than ${secretBytesMax} bytes`);
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new SecretMissing(`${reference} cannot be read`, { cause });
  }
}
