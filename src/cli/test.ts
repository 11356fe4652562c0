import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import { loadPlan } from '../dialplan/load-plan';
import type { Plan } from '../dialplan/plan';
import { formatProblem } from '../dialplan/plan-problem';
import { folderReader } from '../dialplan/plan-reader';
import { systemClock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { seededRandom } from '../runtime/random';
import { readPrompts } from '../prompt-files';
import { readScenarios } from '../rehearsal/read-scenarios';
import type { Rehearsal } from '../rehearsal/rehearse';
import { rehearse } from '../rehearsal/rehearse';
import { describeLoad } from './check';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge test [FOLDER] [--only TEXT] [--timeline] [--json]

Plays the call scenarios of FOLDER/scenarios/*.yaml against the dialplan in FOLDER (RINGBRIDGE_DIALPLANS, or dialplans):
without a network and in virtual time, with a model that says what the scenario says. It proves plan and bridge, not
the model. docs/scenarios.md explains the files.

  --only TEXT   only scenarios whose name holds TEXT
  --timeline    what happened in each call, not only in those that failed
  --json        one JSON object instead of text
  --help        this text

Exit code: 0 every scenario went as it says, 1 one did not or the plan is not well, 2 wrong use.
`;
const scenarioFolder = 'scenarios';

/** `ringbridge test [FOLDER]`. */
export async function runTestCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const options = readArguments(argv, io.env);
  if ('fault' in options) {
    io.stderr(`ringbridge test: ${options.fault}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    io.stdout(usage);
    return 0;
  }
  const { folder } = options;
  const load = await loadPlan(folderReader(folder, { env: io.env }));
  if (load.kind === 'refused') {
    io.stderr(describeLoad(folder, load));
    return 1;
  }
  const files = await scenarioFiles(folder);
  if (files.length === 0) {
    io.stderr(`ringbridge test: there are no scenarios: ${join(folder, scenarioFolder)}/*.yaml\n`);
    return 1;
  }
  const played: PlayedFile[] = [];
  for (const file of files) played.push(await playFile(file, load.plan, options));
  const ran = played.reduce((sum, { rehearsals }) => sum + rehearsals.length, 0);
  if (ran === 0 && options.only !== undefined && played.every(({ problems }) => problems.length === 0)) {
    io.stderr(`ringbridge test: no scenario has a name with ${JSON.stringify(options.only)}\n`);
    return 2;
  }
  io.stdout(
    options.json
      ? `${JSON.stringify({ folder, plan: load.plan.hash, files: played }, null, 2)}\n`
      : describe(played, options),
  );
  return played.every(isWell) ? 0 : 1;
}

interface TestOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly timeline: boolean;
  readonly only: string | undefined;
  readonly folder: string;
}

interface PlayedFile {
  readonly file: string;
  /** Of the file itself, as text. */
  readonly problems: readonly string[];
  readonly rehearsals: readonly Rehearsal[];
}

function readArguments(argv: readonly string[], env: CommandIo['env']): TestOptions | { fault: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        timeline: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 1) return { fault: 'test takes one folder' };
    // Only this setting: a plan can be tested where nothing else is set up.
    const settings = loadSettings({ RINGBRIDGE_DIALPLANS: env['RINGBRIDGE_DIALPLANS'] });
    const folder = (positionals[0] ?? settings.dialplans).replace(/(?<=.)\/+$/, '');
    const { help, json, timeline, only } = values;
    return { help, json, timeline, only, folder };
  } catch (cause) {
    return { fault: cause instanceof SettingsError ? cause.message : messageOf(cause) };
  }
}

async function scenarioFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(folder, scenarioFolder));
    return names
      .filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
      .sort()
      .map((name) => `${scenarioFolder}/${name}`);
  } catch {
    return [];
  }
}

async function playFile(file: string, plan: Plan, { folder, only = '' }: TestOptions): Promise<PlayedFile> {
  const read = await readScenarios(folderReader(folder, { env: {} }), file);
  if (read.kind === 'refused') {
    return { file, problems: read.problems.map((problem) => formatProblem(problem, { folder })), rehearsals: [] };
  }
  const prompts = await readPrompts();
  const rehearsals: Rehearsal[] = [];
  for (const scenario of read.scenarios.filter(({ name }) => name.includes(only))) {
    const random = seededRandom(1);
    rehearsals.push(await rehearse(scenario, { plan, prompts, random, nowMs: systemClock.wallTimeMs() }));
  }
  return { file, problems: [], rehearsals };
}

function isWell({ problems, rehearsals }: PlayedFile): boolean {
  return problems.length === 0 && rehearsals.every(({ failures }) => failures.length === 0);
}

function describe(played: readonly PlayedFile[], { timeline }: TestOptions): string {
  const lines: string[] = [];
  for (const { file, problems, rehearsals } of played) {
    lines.push(file, ...problems);
    for (const rehearsal of rehearsals) {
      const failed = rehearsal.failures.length > 0;
      lines.push(`  ${failed ? 'FAILED' : 'ok    '}  ${rehearsal.name}`);
      lines.push(...rehearsal.failures.map((failure) => `          ${failure}`));
      if (failed || timeline) lines.push(...rehearsal.timeline.map(entryText));
    }
  }
  const all = played.flatMap(({ rehearsals }) => rehearsals);
  const failed = all.filter(({ failures }) => failures.length > 0).length;
  const unread = played.filter(({ problems }) => problems.length > 0).length;
  const files = unread === 0 ? '' : `, ${unread} files not understood`;
  lines.push('', `${all.length - failed} scenarios went as they say, ${failed} did not${files}`, '');
  return lines.join('\n');
}

function entryText({ atMs, text }: Rehearsal['timeline'][number]): string {
  return `          ${(atMs / 1_000).toFixed(2).padStart(8)} s  ${text}`;
}
