import { secretInHeader } from '../tools/tool-schema';
import { visit, visitTexts } from './plan-path';
import type { PlanPath } from './plan-path';

export const secretExpected = 'env:NAME or file:PATH, which is read when the bridge starts';

/** What keys of services look like. The long runs keep words of a prompt out. */
const secretShapes =
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{20,}|\bek_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bxox[bpas]-[A-Za-z0-9-]{20,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.|\bBearer[ ]+[A-Za-z0-9._~+/-]{16,}|-----BEGIN [A-Z ]{0,40}PRIVATE KEY/;
const userInfo = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/@:]{1,100}:[^\s/@]{1,100}@/i;
const secretHeader = /auth|cookie|key|secret|token|password/i;
const reference = secretInHeader;

/** Values that follow keys of these names, also misspelt ones, are not to be printed with a message. */
const afterSecretKey =
  /((?:pass?[a-z]{0,10}|secret|token|api[_-]?key|authorization|bearer)["']?[ \t]*:[ \t]*["']?)(?!env:|file:)([^\s"',}\]]+)/gi;
const everySecretShape = new RegExp(`${secretShapes.source}|${userInfo.source}`, 'gi');

/** Every place of a file where a secret seems to stand in clear text. */
export function literalSecrets(root: unknown): PlanPath[] {
  const paths: PlanPath[] = [];
  visitTexts(root, (text, path) => {
    if (secretShapes.test(text) || userInfo.test(text)) paths.push(path);
  });
  visit(root, ['tools', '*', 'http', 'headers', '*'], (value, path) => {
    const isSecret = secretHeader.test(String(path.at(-1))) && typeof value === 'string' && !reference.test(value);
    if (isSecret && !paths.some((other) => other.join('\n') === path.join('\n'))) paths.push(path);
  });
  return paths;
}

/** What stands in the place of a map with a password, and may be the password. */
export function bareSecrets(root: unknown): string[] {
  const found: string[] = [];
  visit(root, ['users', '*'], (value) => {
    if (typeof value === 'string' || typeof value === 'number') found.push(String(value));
  });
  return found.filter((text) => text !== '' && !reference.test(text));
}

/** A line of a plan as it may be shown: of the same length, with stars for what looks like a secret. */
export function withoutSecrets(line: string): string {
  return line
    .replace(afterSecretKey, (_whole, before: string, secret: string) => before + '*'.repeat(secret.length))
    .replace(everySecretShape, (secret) => '*'.repeat(secret.length));
}
