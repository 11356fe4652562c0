import { builtInTools, reservedTools } from '../tools/tool-schema';
import { visit } from './plan-path';
import type { PlanPath } from './plan-path';

/** Something that the language has a word for and this release cannot do. */
export interface UnbuiltUse {
  readonly path: PlanPath;
  /** Whether the key itself cannot be honoured, or only this value of it. */
  readonly at: 'key' | 'value';
  readonly value: unknown;
  readonly expected: string;
}

export const leaveOut = 'to be left out';

/** Keys that cannot be honoured whatever their value. */
export const unbuiltKeys: readonly PlanPath[] = [['routes', '*', 'bridge']];

interface UnbuiltValues {
  readonly path: PlanPath;
  readonly isUnbuilt: (value: unknown) => boolean;
  readonly expected: string;
}

/** Values that cannot be honoured under a key that can. */
export const unbuiltValues: readonly UnbuiltValues[] = [
  { path: ['agents', '*', 'kind'], isUnbuilt: oneOf('interpreter', 'transcriber'), expected: 'agent' },
  { path: ['agents', '*', 'tools', '*'], isUnbuilt: oneOf(...reservedTools), expected: leaveOut },
  {
    path: ['tools', '*', 'builtin'],
    isUnbuilt: oneOf(...reservedTools),
    expected: `one of ${builtInTools.join(', ')}`,
  },
  {
    path: ['agents', '*', 'idle', 'then'],
    isUnbuilt: (value) => typeof value === 'string' && value !== 'hang_up' && value !== 'wait',
    expected: 'hang_up or wait',
  },
  {
    path: ['routes', '*', 'unavailable'],
    isUnbuilt: (value) => typeof value === 'string',
    expected: 'a map: { reject: CODE }',
  },
];

/** Everything in a file that would be ignored by a call: a plan that holds any of it is refused. */
export function unbuiltUses(root: unknown): UnbuiltUse[] {
  const uses: UnbuiltUse[] = [];
  for (const pattern of unbuiltKeys) {
    visit(root, pattern, (value, path) => uses.push({ path, at: 'key', value, expected: leaveOut }));
  }
  for (const { path: pattern, isUnbuilt, expected } of unbuiltValues) {
    visit(root, pattern, (value, path) => {
      if (isUnbuilt(value)) uses.push({ path, at: 'value', value, expected });
    });
  }
  return uses;
}

function oneOf(...words: readonly string[]): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && words.includes(value);
}
