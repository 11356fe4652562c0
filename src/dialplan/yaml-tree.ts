import type { PlanPath } from './plan-path';

// What both readers of YAML make, `plain-yaml` and `full-yaml`.

/** What a text says, as plain data that inherits nothing, and where it says it. */
export interface YamlTree {
  readonly root: unknown;
  /** In UTF-16 units: of the key of a map entry when `at` is `key`, else of the value; of the nearest that exists. */
  offsetOf(path: PlanPath, at: 'key' | 'value'): number;
}

/**
 * Inherits nothing, as what `Object.create(null)` makes, which V8 keeps as a hash table: in a plan of ten thousand routes it
 * takes several times as long to make, to walk and to check.
 */
export const BareMap = function () {} as unknown as new () => Record<string, unknown>;
BareMap.prototype = Object.freeze(Object.create(null) as object);

/** No map may have them. */
export const reservedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Under these keys a bare number is what was typed: YAML would drop its plus sign and its leading zeros. */
export const numberTextKeys: ReadonlySet<string> = new Set(['to', 'from', 'caller_id', 'version']);
