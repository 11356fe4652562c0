import { loadPlan } from '../../src/dialplan/load-plan';
import type { IncomingCall } from '../../src/dialplan/incoming-call';
import { matchedTextLengthMax, parsePattern } from '../../src/dialplan/pattern';
import type { Plan } from '../../src/dialplan/plan';
import type { PlanReader } from '../../src/dialplan/plan-reader';
import { route } from '../../src/dialplan/route';
import { readAnyYaml, readYaml } from '../../src/dialplan/yaml-document';
import { systemSecrets } from '../../src/dialplan/secret-reader';
import { reportBrokenPlans, reportLargeTexts, reportThreadLoads } from './plan-loads';
import type { Report } from './report';

const routeCount = 10_000;
const callsPerPlan = 20_000;
const loads = 5;
/** A Monday morning in Paris. */
const openAtMs = Date.UTC(2026, 10, 23, 9);

/** What routing a call and loading a plan cost, with ten thousand routes, and what broken plans cost. */
export async function run(report: Report): Promise<void> {
  const exact = planText((index) => `to: "${numberAt(index)}"`);
  await reportRouting(report, 'numbers', exact, (index) => ({ to: numberAt(index) }));
  await reportRouting(
    report,
    'callers of one number',
    planText((index) => `to: "100", from: "${numberAt(index)}"`),
    (index) => {
      return { to: '100', from: numberAt(index) };
    },
  );
  await reportRouting(report, 'mixed, open hours', planText(mixedCondition), (index) => {
    return { to: numberAt(index), from: index % 3 === 0 ? 'anonymous' : '+4930123456' };
  });
  await reportLoading(report, exact);
  reportExpressions(report);
  await reportThreadLoads(report, exact);
  await reportBrokenPlans(report);
  await reportLargeTexts(report, readerOf);
}

async function reportRouting(
  report: Report,
  name: string,
  text: string,
  callAt: (index: number) => Partial<IncomingCall>,
): Promise<void> {
  const plan = await loaded(text);
  const costs: number[] = [];
  for (let count = 0; count < callsPerPlan; count += 1) {
    const call = { ...anyCall, ...callAt((count * 7_919) % routeCount) };
    const before = process.hrtime.bigint();
    route(plan, call, { atMs: openAtMs });
    costs.push(Number(process.hrtime.bigint() - before) / 1_000);
  }
  costs.sort((one, other) => one - other);
  const aside = `p99 ${at(costs, 0.99).toFixed(1)} µs`;
  report.figure({ name: `route a call, ${name}`, value: at(costs, 0.5), unit: 'µs', atMost: 50, aside });
}

async function reportLoading(report: Report, text: string): Promise<void> {
  const whole: number[] = [];
  const parsing: number[] = [];
  const parsingAny: number[] = [];
  for (let count = 0; count < loads; count += 1) {
    whole.push(await cpuMs(() => loaded(text)));
    parsing.push(await cpuMs(() => Promise.resolve(readYaml('plan.yaml', text))));
    parsingAny.push(await cpuMs(() => Promise.resolve(readAnyYaml('plan.yaml', text))));
  }
  const median = (values: number[]) =>
    at(
      values.sort((one, other) => one - other),
      0.5,
    );
  const aside = `of that, YAML ${median(parsing).toFixed(0)} ms; ${Math.round(text.length / 1_000)} kB`;
  report.figure({ name: `load ${routeCount} routes, CPU`, value: median(whole), unit: 'ms', atMost: 1_000, aside });
  // A ratio, for it says the same on every machine.
  const share = (100 * median(parsing)) / median(parsingAny);
  report.figure({ name: 'plain YAML, of what the library takes', value: share, unit: '%', atMost: 25 });
}

/** The slowest expressions known for engines that go back, on the longest text that is matched. */
function reportExpressions(report: Report): void {
  const number = `${'1'.repeat(matchedTextLengthMax - 1)}x`;
  let worst = 0;
  for (const source of [
    '/^(\\+?\\d+)*$/',
    '/^(1|1)*$/',
    '/(.*)(.*)(.*)(.*)(.*)(.*)y$/',
    '/^(\\pL{0,31}){0,31}$/',
    '/(1?){200}y/',
  ]) {
    const pattern = parsePattern(source);
    if ('fault' in pattern || pattern.kind !== 'regex') throw new Error(`${source} does not compile`);
    for (let count = 0; count < 20; count += 1) pattern.regex.test(number);
    const before = process.hrtime.bigint();
    pattern.regex.test(number);
    worst = Math.max(worst, Number(process.hrtime.bigint() - before) / 1e6);
  }
  report.figure({ name: 'worst expression on 256 characters', value: worst, unit: 'ms', atMost: 5 });
}

const anyCall: IncomingCall = {
  to: '1',
  from: '2',
  fromName: '',
  sipCallId: 'call@192.0.2.1',
  sourceAddress: '192.0.2.1',
  header: () => undefined,
};

function planText(condition: (index: number) => string): string {
  const routes = Array.from(
    { length: routeCount - 1 },
    (_, index) => `  - { name: "r${index}", when: { ${condition(index)} }, answer: a }`,
  );
  return `schedules:
  office: { timezone: Europe/Paris, open: "mon-fri 09:00-18:00" }
agents:
  a: { instructions: Answer. }
routes:
${routes.join('\n')}
  - { name: night, when: { outside: office }, reject: 480 }
`;
}

/** Mostly numbers, some prefixes, ranges, hours and headers, and an expression in each five hundred. */
function mixedCondition(index: number): string {
  const number = numberAt(index);
  if (index % 500 === 0) return `to: '/^\\+99${index}\\d+$/'`;
  if (index % 10 === 1) return `to: "${number.slice(0, -2)}x${index}*"`;
  if (index % 10 === 2) return `to: "${number}..${numberAt(index + 5)}", from: anonymous`;
  if (index % 10 === 3) return `to: "${number}", during: office`;
  return `to: "${number}"`;
}

function numberAt(index: number): string {
  return `+331${String(index).padStart(8, '0')}`;
}

async function loaded(text: string): Promise<Plan> {
  const load = await loadPlan(readerOf(text));
  if (load.kind === 'refused') throw new Error(JSON.stringify(load.problems.slice(0, 3)));
  return load.plan;
}

function readerOf(text: string): PlanReader {
  const bytes = Buffer.from(text);
  return {
    list: () => Promise.resolve(['plan.yaml']),
    secrets: systemSecrets({}),
    read: (_name, { bytesMax }) =>
      Promise.resolve(bytes.length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes }),
  };
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function at(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}
