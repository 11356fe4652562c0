import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import type { PlanLoad } from '../dialplan/assemble-plan';
import { KeptPlans } from '../dialplan/kept-plans';
import { loadPlan } from '../dialplan/load-plan';
import { diffNumbers } from '../dialplan/number-takers';
import { diffSections } from '../dialplan/plan-diff';
import { folderReader } from '../dialplan/plan-reader';
import { messageOf } from '../runtime/errors';
import { describeLoad } from './check';
import { describeDiff } from './diff-report';
import type { PlanDiffReport } from './diff-report';
import type { CommandIo, ExitCode } from './io';
import { replayCalls } from './replay-calls';

const usage = `ringbridge diff OLD NEW [--calls PATH] [--json]

Tells what is different between two dialplans, and which numbers changed hands. OLD and NEW are folders, or hashes of plans
that the bridge keeps ("ringbridge plans") in RINGBRIDGE_DATA.

  --calls PATH   call records, a folder (such as data) or one calls-DATE.jsonl: every call is routed by both plans at the
                 time when it came, and those that would now go elsewhere are listed
  --json         one JSON object instead of text
  --help         this text

A recorded call is not guessed about: where a route asks for what its record does not hold, that is told.

Exit code: 0 the plans say the same, 1 they differ, 2 wrong use or a plan or record that cannot be read.
`;

/** `ringbridge diff OLD NEW`. */
export async function runDiffCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const request = readArguments(argv, io.env);
  if ('fault' in request) {
    io.stderr(`ringbridge diff: ${request.fault}\n\n${usage}`);
    return 2;
  }
  if (request.help) {
    io.stdout(usage);
    return 0;
  }
  try {
    const old = await loadSide(request.old, request, io);
    const next = await loadSide(request.next, request, io);
    if (old === undefined || next === undefined) return 2;
    const report: PlanDiffReport = {
      old: { name: request.old, hash: old.plan.hash },
      new: { name: request.next, hash: next.plan.hash },
      same: old.plan.hash === next.plan.hash,
      sections: diffSections(old.parts, next.parts),
      numbers: diffNumbers(old.plan, next.plan),
      calls:
        request.calls === undefined ? undefined : await replayCalls(request.calls, { old: old.plan, next: next.plan }),
    };
    io.stdout(request.json ? `${JSON.stringify(report, null, 2)}\n` : describeDiff(report));
    return report.same ? 0 : 1;
  } catch (cause) {
    io.stderr(`ringbridge diff: ${messageOf(cause)}\n`);
    return 2;
  }
}

interface DiffRequest {
  help: boolean;
  json: boolean;
  old: string;
  next: string;
  calls: string | undefined;
  kept: KeptPlans;
  /** Where the secrets of kept plans stand that are inside of a dialplan folder. */
  dialplans: string;
}

function readArguments(argv: readonly string[], env: CommandIo['env']): DiffRequest | { fault: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        calls: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [old = '', next = ''] = positionals;
    if (positionals.length !== 2 && !values.help) return { fault: 'give two plans: folders, or hashes of kept plans' };
    const settings = loadSettings({
      RINGBRIDGE_DATA: env['RINGBRIDGE_DATA'],
      RINGBRIDGE_DIALPLANS: env['RINGBRIDGE_DIALPLANS'],
    });
    const kept = new KeptPlans({ folder: join(settings.data, 'plans'), plansMax: 0 });
    return {
      help: values.help,
      json: values.json,
      old,
      next,
      calls: values.calls,
      kept,
      dialplans: settings.dialplans,
    };
  } catch (cause) {
    return { fault: cause instanceof SettingsError ? cause.message : messageOf(cause) };
  }
}

/** Undefined when it cannot be read; that was told. */
async function loadSide(
  name: string,
  { kept, dialplans }: DiffRequest,
  io: CommandIo,
): Promise<Extract<PlanLoad, { kind: 'loaded' }> | undefined> {
  const folder = await folderOf(name, kept);
  if (folder === undefined) {
    io.stderr(`ringbridge diff: ${name} is no folder, and no plan of that hash is kept\n`);
    return undefined;
  }
  const isKept = folder !== name;
  const load = await loadPlan(folderReader(folder, { env: io.env, ...(isKept ? { secretsFolder: dialplans } : {}) }));
  if (load.kind === 'loaded') return load;
  io.stderr(describeLoad(folder, load));
  return undefined;
}

async function folderOf(name: string, kept: KeptPlans): Promise<string | undefined> {
  for (const folder of [name, kept.folderOf(name)]) {
    if (folder === undefined) continue;
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() === true) return folder;
  }
  return undefined;
}
