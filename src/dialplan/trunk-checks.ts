import { addressOfHost, hostName } from './destination-schema';
import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { visit } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import { isMap, type RawMap } from './raw-map';

/** Keys that are about calls through a trunk, which need somewhere to go. */
const hostKeys = ['transport', 'digest', 'register', 'caller_id', 'codecs'] as const;

/** Trunks that cannot do what is asked of them, and routes that wait for calls that nobody could tell are theirs. */
export function trunkProblems(files: readonly PlanFile[]): PlanProblem[] {
  return [
    ...files.flatMap((file) => rawTrunks(file).flatMap((trunk) => keyProblems(file, trunk))),
    ...unknowable(files),
    ...undiallable(files),
    ...accountsTwice(files),
  ];
}

interface RawTrunk {
  readonly name: string;
  readonly keys: RawMap;
}

function rawTrunks(file: PlanFile): RawTrunk[] {
  return rawEntries(file, 'trunks').flatMap(([name, keys]) => (isMap(keys) ? [{ name, keys }] : []));
}

function keyProblems(file: PlanFile, { name, keys }: RawTrunk): PlanProblem[] {
  const missing = (key: string, expected: string, at: string[] = []): PlanProblem => {
    const message = `missing key "${key}" in trunk "${name}"`;
    const problem = { code: problemCodes.missingKey, message, expected };
    return problemAt(file, ['trunks', name, ...at], problem, at.length === 0 ? 'value' : 'key');
  };
  const needsHost = hostKeys.find((key) => key in keys);
  if (!('host' in keys) && needsHost !== undefined) {
    return [missing('host', `where calls through the trunk are sent, which "${needsHost}" is about`, [needsHost])];
  }
  if (!('host' in keys) && !('addresses' in keys)) {
    return [missing('addresses', 'the addresses that calls come from, or a host that they are sent to')];
  }
  if ('register' in keys && !('digest' in keys)) {
    return [missing('digest', 'the user that registers, and its password', ['register'])];
  }
  if (!('register' in keys) || isKnowable(keys)) return [];
  const message = `trunk "${name}" registers to get calls, and nothing says from which addresses these come`;
  return [problemAt(file, ['trunks', name, 'register'], { ...unknowableProblem, message }, 'key')];
}

const unknowableProblem = {
  code: problemCodes.trunkUnknowable,
  expected: '"addresses" beside the host, as a name is not enough to know a caller by',
} as const;

function unknowable(files: readonly PlanFile[]): PlanProblem[] {
  const outboundOnly = new Set(
    files.flatMap((file) => rawTrunks(file).flatMap(({ name, keys }) => (isKnowable(keys) ? [] : [name]))),
  );
  const problems: PlanProblem[] = [];
  for (const file of files) {
    for (const place of [
      ['routes', '*', 'when', 'trunk'],
      ['routes', '*', 'when', 'trunk', '*'],
    ]) {
      visit(file.document?.root, place, (name, path) => {
        if (typeof name !== 'string' || !outboundOnly.has(name)) return;
        const message = `no call is known to be of trunk "${name}", which has no addresses`;
        problems.push(problemAt(file, path, { ...unknowableProblem, message }));
      });
    }
  }
  return problems;
}

/** A trunk without a host takes no calls of ours. */
function undiallable(files: readonly PlanFile[]): PlanProblem[] {
  const inboundOnly = new Set(
    files.flatMap((file) => rawTrunks(file).flatMap(({ name, keys }) => ('host' in keys ? [] : [name]))),
  );
  const problems: PlanProblem[] = [];
  for (const file of files) {
    visit(file.document?.root, ['destinations', '*', 'trunk'], (name, path) => {
      if (typeof name !== 'string' || !inboundOnly.has(name)) return;
      const message = `trunk "${name}" has no host that calls could be sent to`;
      problems.push(problemAt(file, path, { code: problemCodes.missingKey, message, expected: '"host" in the trunk' }));
    });
  }
  return problems;
}

/** The SIP server answers a challenge with the account that it has for the host: there can be one. */
function accountsTwice(files: readonly PlanFile[]): PlanProblem[] {
  const firstOf = new Map<string, { name: string; account: string }>();
  const problems: PlanProblem[] = [];
  for (const file of files) {
    for (const { name, keys } of rawTrunks(file)) {
      const { host, digest } = keys;
      if (typeof host !== 'string' || digest === undefined) continue;
      const key = hostName(host).toLowerCase();
      const account = JSON.stringify(digest);
      const first = firstOf.get(key);
      firstOf.set(key, first ?? { name, account });
      if (first === undefined || first.account === account) continue;
      const message = `trunks "${first.name}" and "${name}" are two accounts at the same host`;
      const problem = {
        code: problemCodes.accountTwice,
        message,
        expected: 'another name of the host, or one account',
      };
      problems.push(problemAt(file, ['trunks', name, 'digest'], problem, 'key'));
    }
  }
  return problems;
}

/** Whether calls can be told to be a trunk's. */
function isKnowable({ addresses, host }: RawTrunk['keys']): boolean {
  return addresses !== undefined || (typeof host === 'string' && addressOfHost(host) !== undefined);
}
