import type { PlanPath } from './yaml-document';

/** `*` stands for any one key or index. */
const unbuiltKeys: readonly PlanPath[] = [
  ['schedules'],
  ['destinations'],
  ['trunks'],
  ['tools'],
  ['agents', '*', 'idle'],
  ['routes', '*', 'when', 'during'],
  ['routes', '*', 'when', 'trunk'],
  ['routes', '*', 'limits', 'calls'],
  ['routes', '*', 'limits', 'cost'],
];

const unbuiltWords: readonly { path: PlanPath; words: readonly string[] }[] = [
  { path: ['agents', '*', 'kind'], words: ['interpreter', 'transcriber'] },
  { path: ['agents', '*', 'tools', '*'], words: ['transfer_call', 'send_digits'] },
];

/** True for a key that the dialplan language has a place for, but this release cannot honour: never ignored. */
export function isUnbuiltKey(path: PlanPath): boolean {
  return unbuiltKeys.some((pattern) => matches(pattern, path));
}

/** The same for a value: the kind of an agent, the name of a tool, a destination for when the model is unavailable. */
export function isUnbuiltValue(path: PlanPath, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (matches(['routes', '*', 'unavailable'], path)) return true;
  return unbuiltWords.some((one) => one.words.includes(value) && matches(one.path, path));
}

function matches(pattern: PlanPath, path: PlanPath): boolean {
  return (
    pattern.length === path.length && pattern.every((segment, index) => segment === '*' || segment === path[index])
  );
}
