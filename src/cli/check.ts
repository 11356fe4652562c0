import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import type { PlanLoad } from '../dialplan/assemble-plan';
import { loadPlan } from '../dialplan/load-plan';
import { formatProblems } from '../dialplan/plan-problem';
import { folderReader } from '../dialplan/plan-reader';
import { messageOf } from '../runtime/errors';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge check [FOLDER] [--json]

Reads the dialplans of FOLDER (RINGBRIDGE_DIALPLANS, or dialplans) and prints every problem with its place.

  --json   one JSON object instead of text
  --help   this text

Exit code: 0 the plan is well (there may be warnings), 1 it is not, 2 wrong use.
`;
/** A file of nonsense has a problem in each line; nobody reads more than this. */
const printedMax = 100;

/** `ringbridge check [FOLDER] [--json]`. */
export async function runCheckCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const options = readArguments(argv, io.env);
  if ('fault' in options) {
    io.stderr(`${options.fault}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    io.stdout(usage);
    return 0;
  }
  const load = await loadPlan(folderReader(options.folder, { env: io.env }));
  io.stdout(
    options.json ? `${JSON.stringify(report(options.folder, load), null, 2)}\n` : describeLoad(options.folder, load),
  );
  return load.kind === 'loaded' ? 0 : 1;
}

type CheckOptions = { help: boolean; json: boolean; folder: string } | { fault: string };

function readArguments(argv: readonly string[], env: CommandIo['env']): CheckOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    });
    if (positionals.length > 1) return { fault: 'check takes one folder' };
    // Only this setting: a plan can be checked where nothing else is set up.
    const settings = loadSettings({ RINGBRIDGE_DIALPLANS: env['RINGBRIDGE_DIALPLANS'] });
    const folder = (positionals[0] ?? settings.dialplans).replace(/(?<=.)\/+$/, '');
    return { help: values.help, json: values.json, folder };
  } catch (cause) {
    return { fault: cause instanceof SettingsError ? cause.message : messageOf(cause) };
  }
}

/** What `check` prints: every problem with its place, and one line about the whole. */
export function describeLoad(folder: string, load: PlanLoad): string {
  const problems = load.kind === 'refused' ? [...load.problems, ...load.warnings] : load.warnings;
  const printed = formatProblems(problems, { folder, printedMax });
  return [...(printed === '' ? [] : [printed]), summary(folder, load)].join('\n');
}

function summary(folder: string, load: PlanLoad): string {
  const warnings = load.warnings.length === 0 ? '' : `, ${count(load.warnings.length, 'warning')}`;
  if (load.kind === 'refused') {
    return `${folder}: ${count(load.problems.length, 'problem')}${warnings}; docs/dialplan-problems.md explains each code\n`;
  }
  const { files, agents, routes, hash } = load.plan;
  const parts = [count(files.length, 'file'), count(agents.size, 'agent'), count(routes.length, 'route')];
  return `${folder}: well (${parts.join(', ')}, plan ${hash})${warnings}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function report(folder: string, load: PlanLoad): object {
  if (load.kind === 'refused') {
    return { folder, ok: false, plan: null, problems: load.problems, warnings: load.warnings };
  }
  const { hash, files, agents, routes } = load.plan;
  const plan = { hash, files, agents: [...agents.keys()], routes: routes.map((route) => route.name) };
  return { folder, ok: true, plan, problems: [], warnings: load.warnings };
}
