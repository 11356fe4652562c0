import { nearestWord } from '../runtime/nearest-word';
import { builtInTools } from '../tools/tool-schema';
import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { valueAt, visit } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import { namedSections } from './plan-schema';
import { handoffProblems } from './handoff-checks';
import { toolChoiceProblems } from './tool-choice-checks';
import { transferProblems } from './transfer-checks';
import { trunkProblems } from './trunk-checks';
import type { NamedSection } from './plan-schema';
import { sipAddressForm, userPrefix } from './destination-schema';

/** A place that holds the name of something in another section. */
interface ReferencePlace {
  readonly from: PlanPath;
  readonly to: NamedSection;
  /** What stands before the name; a text without it is no name. */
  readonly prefix?: string;
  /** Words that are no names. */
  readonly not?: readonly string[];
}

/** Where a place holds one name or a list, both stand here. */
export const referencePlaces: readonly ReferencePlace[] = [
  { from: ['routes', '*', 'answer'], to: 'agents' },
  { from: ['routes', '*', 'bridge'], to: 'destinations' },
  { from: ['routes', '*', 'redirect'], to: 'destinations' },
  { from: ['routes', '*', 'unavailable'], to: 'destinations' },
  { from: ['agents', '*', 'transfers', '*'], to: 'destinations' },
  { from: ['agents', '*', 'handoffs', '*'], to: 'agents' },
  { from: ['agents', '*', 'idle', 'then'], to: 'destinations', not: ['hang_up', 'wait'] },
  { from: ['routes', '*', 'when', 'trunk'], to: 'trunks' },
  { from: ['routes', '*', 'when', 'trunk', '*'], to: 'trunks' },
  { from: ['routes', '*', 'when', 'during'], to: 'schedules' },
  { from: ['routes', '*', 'when', 'during', '*'], to: 'schedules' },
  { from: ['routes', '*', 'when', 'outside'], to: 'schedules' },
  { from: ['routes', '*', 'when', 'outside', '*'], to: 'schedules' },
  { from: ['destinations', '*', 'to'], to: 'users', prefix: userPrefix },
  { from: ['destinations', '*', 'trunk'], to: 'trunks' },
  { from: ['destinations', '*', 'otherwise'], to: 'destinations' },
  { from: ['destinations', '*', 'otherwise', '*'], to: 'destinations' },
  { from: ['agents', '*', 'tools', '*'], to: 'tools' },
  { from: ['tools', '*', 'http', 'secure_digits', '*'], to: 'tools' },
];

// Walking ten thousand routes for each place takes a while.
const placesBetweenDestinations = referencePlaces.filter(({ from: [section], to }) => {
  return section === 'destinations' && to === 'destinations';
});
const placesBeforeAnswers = referencePlaces.filter(({ from: [section, , key] }) => {
  return section === 'routes' && (key === 'bridge' || key === 'unavailable');
});
const placesOfSecureDigits = referencePlaces.filter(({ from }) => from.includes('secure_digits'));
const placesOfRedirects = referencePlaces.filter(({ from }) => from.at(-1) === 'redirect');

const unknownCodes: Record<NamedSection, ProblemCode> = {
  schedules: problemCodes.unknownSchedule,
  destinations: problemCodes.unknownDestination,
  trunks: problemCodes.unknownTrunk,
  users: problemCodes.unknownUser,
  agents: problemCodes.unknownAgent,
  tools: problemCodes.unknownTool,
};

const nouns: Record<NamedSection, string> = {
  schedules: 'schedule',
  destinations: 'destination',
  trunks: 'trunk',
  users: 'user',
  agents: 'agent',
  tools: 'tool',
};

/** Names that nothing has, names that two things have, and destinations that go round in a circle. */
export function referenceProblems(files: readonly PlanFile[]): PlanProblem[] {
  return [
    ...namesTwice(files),
    ...routesTwice(files),
    ...unknownNames(files),
    ...destinationCycles(files),
    ...redirectsToNumbers(files),
    ...refersTooEarly(files),
    ...unsecuredDigits(files),
    ...trunkProblems(files),
    ...transferProblems(files),
    ...handoffProblems(files),
    ...toolChoiceProblems(files),
  ];
}

/** Calls `found` for every name that stands where a name of a section belongs. */
export function eachReference(
  files: readonly PlanFile[],
  found: (reference: { file: PlanFile; path: PlanPath; to: NamedSection; name: string }) => void,
  places = referencePlaces,
): void {
  for (const file of files) {
    for (const { from, to, prefix = '', not = [] } of places) {
      visit(file.document?.root, from, (name, path) => {
        if (typeof name !== 'string' || !name.startsWith(prefix) || not.includes(name)) return;
        found({ file, path, to, name: name.slice(prefix.length) });
      });
    }
  }
}

function namesTwice(files: readonly PlanFile[]): PlanProblem[] {
  return namedSections.flatMap((section) => {
    const firstIn = new Map<string, string>();
    const builtIn = section === 'tools' ? builtInTools : [];
    for (const name of builtIn) firstIn.set(name, 'by Ringbridge itself');
    return files.flatMap((file) =>
      rawEntries(file, section).flatMap(([name]) => {
        const first = firstIn.get(name);
        firstIn.set(name, first ?? `in ${file.file}`);
        if (first === undefined) return [];
        const message = `${nouns[section]} "${name}" is already defined ${first}`;
        const problem = { code: problemCodes.nameTwice, message, expected: 'another name' };
        return [problemAt(file, [section, name], problem, 'key')];
      }),
    );
  });
}

function routesTwice(files: readonly PlanFile[]): PlanProblem[] {
  const seen = new Set<string>();
  const problems: PlanProblem[] = [];
  for (const file of files) {
    visit(file.document?.root, ['routes', '*', 'name'], (name, path) => {
      if (typeof name !== 'string') return;
      if (seen.has(name) && problems.length < problemsPerFileMax) {
        const message = `a route is already called "${name}"`;
        problems.push(problemAt(file, path, { code: problemCodes.routeTwice, message, expected: 'another name' }));
      }
      seen.add(name);
    });
  }
  return problems;
}

function unknownNames(files: readonly PlanFile[]): PlanProblem[] {
  // A file that cannot be read may hold the name.
  if (files.some((file) => file.document === undefined)) return [];
  const known = Object.fromEntries(
    namedSections.map((section) => [section, new Set(files.flatMap((file) => rawEntries(file, section).map(firstOf)))]),
  ) as Record<NamedSection, Set<string>>;
  for (const name of builtInTools) known.tools.add(name);
  const problems: PlanProblem[] = [];
  eachReference(files, ({ file, path, to, name }) => {
    if (known[to].has(name) || problems.length >= problemsPerFileMax) return;
    // A tool of the future is told as not built, and is nothing to suggest.
    const names = [...known[to]];
    problems.push(
      problemAt(file, path, {
        code: unknownCodes[to],
        message: `no ${nouns[to]} is called "${name}"`,
        expected:
          names.length === 0
            ? `${nouns[to] === 'agent' ? 'an' : 'a'} ${nouns[to]}, but none is defined`
            : `one of ${listed(names)}`,
        nearest: nearestWord(name, names),
      }),
    );
  });
  return problems;
}

/** A call that finds nobody must not be sent in a circle. */
function destinationCycles(files: readonly PlanFile[]): PlanProblem[] {
  const next = new Map<string, { file: PlanFile; path: PlanPath; name: string }[]>();
  const note = ({ file, path, name }: { file: PlanFile; path: PlanPath; name: string }): void => {
    const from = String(path[1]);
    next.set(from, [...(next.get(from) ?? []), { file, path, name }]);
  };
  eachReference(files, note, placesBetweenDestinations);
  const problems: PlanProblem[] = [];
  const done = new Set<string>();
  for (const start of next.keys()) {
    // A stack of its own: chains may be long.
    const way: { name: string; at: number }[] = done.has(start) ? [] : [{ name: start, at: 0 }];
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const step = next.get(here.name)?.[here.at];
      here.at += 1;
      if (step === undefined) {
        done.add(here.name);
        way.pop();
        continue;
      }
      const from = way.findIndex(({ name }) => name === step.name);
      if (from >= 0 && problems.length < problemsPerFileMax) {
        const circle = [...way.slice(from).map(({ name }) => name), step.name].join(' -> ');
        const message = `destinations go round in a circle: ${circle}`;
        const problem = { code: problemCodes.destinationCycle, message, expected: 'a destination that ends it' };
        problems.push(problemAt(step.file, step.path, problem));
      } else if (from < 0 && !done.has(step.name)) {
        way.push({ name: step.name, at: 0 });
      }
    }
  }
  return problems;
}

/** A caller can be sent to an address, not through one of our trunks, nor to a phone that only we can reach. */
function redirectsToNumbers(files: readonly PlanFile[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const look = ({ file, path, name }: { file: PlanFile; path: PlanPath; name: string }): void => {
    const address = files
      .map((one) => valueAt(one.document?.root, ['destinations', name, 'to']))
      .find((one) => typeof one === 'string');
    if (address === undefined || sipAddressForm.test(address)) return;
    const message = `a caller cannot be sent to destination "${name}", which is no SIP address`;
    const expected = 'a destination with a SIP address';
    problems.push(problemAt(file, path, { code: problemCodes.redirectNeedsAddress, message, expected }));
  };
  eachReference(files, look, placesOfRedirects);
  return problems;
}

/** A REFER needs a call that is up (RFC 3515), and these callers are not answered yet, whoever of a chain is tried. */
function refersTooEarly(files: readonly PlanFile[]): PlanProblem[] {
  const refers = nearestRefers(files);
  const problems: PlanProblem[] = [];
  const look = ({ file, path, name }: { file: PlanFile; path: PlanPath; name: string }): void => {
    const refer = refers.get(name);
    if (refer === undefined || problems.length >= problemsPerFileMax) return;
    const which = refer === name ? `destination "${name}"` : `destination "${name}" leads to "${refer}", which`;
    const message = `${which} has method: refer, and the caller is not answered yet`;
    const expected = refer === name ? 'a destination with method: bridge' : 'only destinations with method: bridge';
    problems.push(problemAt(file, path, { code: problemCodes.contradiction, message, expected }));
  };
  eachReference(files, look, placesBeforeAnswers);
  return problems;
}

/** For each destination, which of those that may be tried for it is called by REFER: itself, or the nearest by `otherwise`. */
function nearestRefers(files: readonly PlanFile[]): ReadonlyMap<string, string> {
  const leadHere = new Map<string, string[]>();
  const note = ({ path, name }: { path: PlanPath; name: string }): void => {
    const before = leadHere.get(name);
    if (before === undefined) leadHere.set(name, [String(path[1])]);
    else before.push(String(path[1]));
  };
  eachReference(files, note, placesBetweenDestinations);
  const nearest = new Map<string, string>();
  for (const file of files) {
    for (const [name, entry] of rawEntries(file, 'destinations')) {
      if (valueAt(entry, ['method']) === 'refer') nearest.set(name, name);
    }
  }
  // A map goes on with what is added meanwhile: the nearest come first.
  for (const [name, refer] of nearest) {
    for (const before of leadHere.get(name) ?? []) if (!nearest.has(before)) nearest.set(before, refer);
  }
  return nearest;
}

/** Keys that are no secret go to the model, and none would be left for the request, which needs them. */
function unsecuredDigits(files: readonly PlanFile[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const look = ({ file, path, name }: { file: PlanFile; path: PlanPath; name: string }): void => {
    const [tool] = files
      .map(({ document }) => valueAt(document?.root, ['tools', name]))
      .filter((one) => one !== undefined);
    const isPlain = tool === undefined && builtInTools.some((builtIn) => builtIn === name);
    if (tool === undefined && !isPlain) return;
    if (valueAt(tool, ['builtin']) === 'collect_digits' && valueAt(tool, ['digits', 'secure']) === true) return;
    const message = `tool "${name}" collects no secret keys`;
    const expected = 'a tool with "builtin: collect_digits" and "digits: { secure: true }"';
    problems.push(problemAt(file, path, { code: problemCodes.contradiction, message, expected }));
  };
  eachReference(files, look, placesOfSecureDigits);
  return problems;
}

/** Long lists help nobody. */
function listed(names: readonly string[]): string {
  const shownMax = 20;
  const more = names.length > shownMax ? `, and ${names.length - shownMax} more` : '';
  return `${names.slice(0, shownMax).join(', ')}${more}`;
}

function firstOf([name]: readonly [string, unknown]): string {
  return name;
}
