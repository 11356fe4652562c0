import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import { startingPlan } from '../dialplan/starting-plan';
import { machineTimeZone } from '../runtime/civil-time';
import { messageOf } from '../runtime/errors';
import type { CommandIo, ExitCode } from './io';
import { schemaFileText } from './schema';

const usage = `ringbridge init [FOLDER]

Writes a dialplan to begin with, with comments, its prompts and the schema for editors, into FOLDER (RINGBRIDGE_DIALPLANS,
or dialplans). Nothing that is there is overwritten: a folder that holds a dialplan stays as it is.

  --help   this text

Exit code: 0 well, 1 something is there already or cannot be written, 2 wrong use.
`;

/** `ringbridge init`. */
export async function runInitCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const options = readArguments(argv, io.env);
  if ('fault' in options) {
    io.stderr(`ringbridge init: ${options.fault}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    io.stdout(usage);
    return 0;
  }
  const { folder } = options;
  const files = new Map([...startingPlan({ timeZone: machineTimeZone() }), ['schema.json', schemaFileText()]]);
  try {
    const inTheWay = await filesInTheWay(folder, files);
    if (inTheWay.length > 0) {
      io.stderr(`ringbridge init: nothing was written: ${folder} holds ${inTheWay.join(', ')} already\n`);
      return 1;
    }
    for (const [name, text] of files) await writeNew(join(folder, name), text);
  } catch (cause) {
    io.stderr(`ringbridge init: ${messageOf(cause)}\n`);
    return 1;
  }
  io.stdout(report(folder, [...files.keys()]));
  return 0;
}

function readArguments(
  argv: readonly string[],
  env: CommandIo['env'],
): { help: boolean; folder: string } | { fault: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { help: { type: 'boolean', default: false } },
    });
    if (positionals.length > 1) return { fault: 'init takes one folder' };
    const settings = loadSettings({ RINGBRIDGE_DIALPLANS: env['RINGBRIDGE_DIALPLANS'] });
    return { help: values.help, folder: positionals[0] ?? settings.dialplans };
  } catch (cause) {
    return { fault: cause instanceof SettingsError ? cause.message : messageOf(cause) };
  }
}

/** Files that would be overwritten, and any dialplan: two of them would be merged into one. */
async function filesInTheWay(folder: string, files: ReadonlyMap<string, string>): Promise<string[]> {
  const inTheWay = new Set<string>();
  for (const part of new Set([...files.keys()].map((name) => dirname(name)))) {
    for (const found of await namesIn(join(folder, part))) {
      const name = join(part, found);
      if (files.has(name) || (part === '.' && /\.ya?ml$/.test(name))) inTheWay.add(name);
    }
  }
  return [...inTheWay].sort();
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // A file that has come since we looked is not overwritten either.
  await writeFile(path, text, { flag: 'wx' });
}

function report(folder: string, names: readonly string[]): string {
  const argument = /^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  return [
    ...names.map((name) => `wrote ${join(folder, name)}`),
    '',
    'Change the greeting in 10-plan.yaml, then',
    '',
    `  ringbridge check ${argument}`,
    `  ringbridge explain ${argument} --to 100`,
    `  RINGBRIDGE_DIALPLANS=${argument} ringbridge serve`,
    '',
    'A bridge that is running loads what you save by itself, and says so; a plan with a mistake changes nothing.',
    'Callers hear your words with OPENAI_API_KEY set. Without it the simulator answers, with recordings of its own.',
    '',
  ].join('\n');
}
