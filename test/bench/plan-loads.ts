import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadPlan } from '../../src/dialplan/load-plan';
import { folderReader } from '../../src/dialplan/plan-reader';
import type { PlanReader } from '../../src/dialplan/plan-reader';
import { cpuSeconds } from './machine';
import type { PlanLoadFigures } from './plan-load';
import type { Report } from './report';

const processes = 5;
const warmLoads = 4;

/** What a large plan costs a bridge that loads it: through the thread, in processes of their own. */
export async function reportThreadLoads(report: Report, text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ringbridge-bench-plan-'));
  try {
    await writeFile(join(folder, 'plan.yaml'), text);
    const cold: PlanLoadFigures[] = [];
    for (let count = 0; count < processes; count += 1) cold.push(...(await loadsInProcess(folder, 1)));
    const [, ...warm] = await loadsInProcess(folder, 1 + warmLoads);
    report.line(
      '  others share this machine: beside each wall is what a quiet one would make of it, and what was waited',
    );
    reportLoads(report, 'first load through the thread', cold);
    const running = medianOf(cold, ({ ranSinceStartMs }) => ranSinceStartMs);
    const name = 'from the start of the process to its plan';
    const sinceStart = medianOf(cold, ({ sinceStartMs }) => sinceStartMs);
    report.figure({ name: `${name}, wall`, value: sinceStart, unit: 'ms', atMost: 1_000 });
    report.figure({ name: `${name}, of that running`, value: running, unit: 'ms', atMost: 1_000 });
    reportLoads(report, 'next loads through the thread', warm);
    const watched = await loadsInProcess(folder, warmLoads, 'yes');
    const stallMs = Math.max(...watched.map((figures) => figures.stallMs));
    const aside = 'processor time of one turn of the loop, counted in ticks of up to 4 ms';
    report.figure({ name: 'longest stall beside the calls', value: stallMs, unit: 'ms', atMost: 10, aside });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportLoads(report: Report, name: string, loads: readonly PlanLoadFigures[]): void {
  const cpu = Math.round(medianOf(loads, ({ cpuMs }) => cpuMs));
  const waited = Math.round(medianOf(loads, ({ waitedMs }) => waitedMs));
  const aside = `waited ${waited} ms for a processor; CPU ${cpu} ms in all threads`;
  const wall = medianOf(loads, ({ wallMs }) => wallMs);
  const running = medianOf(loads, ({ ranMs }) => ranMs);
  report.figure({ name: `${name}, wall`, value: wall, unit: 'ms', atMost: 1_000, aside });
  report.figure({ name: `${name}, of that running`, value: running, unit: 'ms', atMost: 1_000 });
}

function medianOf(loads: readonly PlanLoadFigures[], of: (figures: PlanLoadFigures) => number): number {
  const sorted = loads.map(of).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function loadsInProcess(folder: string, loads: number, watchStalls = 'no'): Promise<PlanLoadFigures[]> {
  const child = fork(join(__dirname, 'plan-load.js'), [folder, String(loads), watchStalls]);
  const figures: PlanLoadFigures[] = [];
  child.on('message', (message) => void figures.push(message as PlanLoadFigures));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || figures.length !== loads) throw new Error(`loading the plan ended with ${code}`);
  return figures;
}

/** Every fixture of a broken plan, the dearest first. */
export async function reportBrokenPlans(report: Report): Promise<void> {
  const folder = join('test', 'fixtures', 'dialplans', 'broken');
  const names = await readdir(folder);
  const costs = await costsOf(names.map((name) => [name, folderReader(join(folder, name), { env: {} })]));
  report.line(`  ${names.length} broken plans; the dearest of them:`);
  for (const { name, ms } of costs.slice(0, 5)) {
    report.figure({ name: `  ${name}, CPU`, value: ms, unit: 'ms', atMost: 100 });
  }
}

/**
 * As long as a plan may be: the parser's time for that length is the bound. They are refused, or loaded, in a thread of their
 * own, so that calls do not feel them.
 */
export async function reportLargeTexts(report: Report, readerOf: (text: string) => PlanReader): Promise<void> {
  const plans = Object.entries(plansFullOfProblems());
  const looking = await costsOf(plans.map(([what, text]) => [what, readerOf(text)]));
  report.line(`  files of up to a megabyte that look like a plan; the dearest of ${plans.length}:`);
  for (const { name, ms } of looking.slice(0, 5)) report.figure({ name: `  ${name}, CPU`, value: ms, unit: 'ms' });
  const [bomb] = await costsOf(Object.entries(bombs()).map(([what, text]) => [what, readerOf(text)]));
  const { name = '', ms = NaN } = bomb ?? {};
  report.figure({ name: 'dearest of some bombs of a megabyte, CPU', value: ms, unit: 'ms', aside: name });
}

async function costsOf(plans: readonly (readonly [string, PlanReader])[]): Promise<{ name: string; ms: number }[]> {
  const costs: { name: string; ms: number }[] = [];
  for (const [name, reader] of plans) {
    await loadPlan(reader);
    const before = cpuSeconds();
    await loadPlan(reader);
    costs.push({ name, ms: (cpuSeconds() - before) * 1_000 });
  }
  return costs.sort((one, other) => other.ms - one.ms);
}

/** Ten thousand routes, or a megabyte, that hold as many problems as they can. */
function plansFullOfProblems(): Record<string, string> {
  const head = 'agents:\n  a: { instructions: Answer. }\nroutes:\n';
  const routes = (text: (index: number) => string): string => {
    return head + Array.from({ length: 10_000 }, (_, index) => `  - { ${text(index)} }\n`).join('');
  };
  const fill = (text: (index: number) => string): string => {
    const lines: string[] = [];
    for (let length = 0, index = 0; length < 1_000_000; index += 1) {
      const line = text(index);
      length += line.length;
      lines.push(line);
    }
    return lines.join('');
  };
  return {
    'agents that nothing is': routes((index) => `name: "r${index}", when: { to: "+331${index}" }, answer: b${index}`),
    'misspelt keys': routes((index) => `nmae: "r${index}", wehn: { to: "+331${index}" }, anwser: a`),
    'misspelt conditions': routes((index) => `name: "r${index}", when: { too: "+331${index}", form: x }, answer: a`),
    'wrong kinds': routes((index) => `name: ${index}, when: { to: [] }, answer: 3, limits: { calls: x }`),
    'no exits': routes((index) => `name: "r${index}", when: { to: "+331${index}" }`),
    'one name': routes((index) => `name: "r", when: { to: "+331${index}" }, answer: a`),
    'numbers that are none': routes((index) => `name: "r${index}", when: { to: "+3 31${index}" }, answer: a`),
    'secrets in names': routes((index) => `name: "sk-${'a'.repeat(20)}${index}", when: any, answer: a`),
    'one route for all, again and again': routes((index) => `name: "r${index}", when: any, answer: a`),
    'ranges over one another': routes((index) => {
      return `name: "r${index}", when: { to: "1${index % 10}000..9${index % 7}999", from: "${index}*" }, answer: a`;
    }),
    'keys of one route': `${head}  - name: x\n${fill((index) => `    k${index}: 1\n`)}`,
    'lists of numbers':
      head + fill((index) => `  - { name: x${index}, when: { to: ["+3${index}", "+4${index}*"] }, answer: a }\n`),
  };
}

/** Texts of a megabyte that are made to cost time. */
function bombs(): Record<string, string> {
  const size = 1_000_000;
  return {
    'a scalar of a megabyte': `agents: ${'x'.repeat(size)}\n`,
    'open brackets': '['.repeat(size),
    'list signs': '- '.repeat(size / 2),
    indentation: Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    'anchors and aliases': `a: &a [${'x, '.repeat(20)}x]\n${Array.from({ length: 200 }, (_, index) => `k${index}: [${'*a, '.repeat(50)}*a]`).join('\n')}\n`,
    'quotes that never close': `a: "${'\\n'.repeat(size / 2)}`,
    'many keys': Array.from({ length: 60_000 }, (_, index) => `key${index}: !x y`).join('\n'),
  };
}
