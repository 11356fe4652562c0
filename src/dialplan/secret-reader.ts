import { readThroughLinks } from './file-read';
import type { PlanRead } from './file-read';

/** Where secrets stand that a plan only names. */
export interface SecretReader {
  /** An environment variable; undefined when it is not set. */
  variable(name: string): string | undefined;
  /** What is set, for suggestions. */
  variableNames(): readonly string[];
  /** A file anywhere on the machine, by its absolute path; links are followed. Never rejects. */
  file(path: string, limit: { bytesMax: number }): Promise<PlanRead>;
}

/** The environment and the disk: `/run/secrets/NAME` is a chain of links under Kubernetes. */
export function systemSecrets(env: Readonly<Record<string, string | undefined>>): SecretReader {
  return {
    variable: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    variableNames: () => Object.keys(env),
    file: (path, limit) => readThroughLinks(path, limit),
  };
}
