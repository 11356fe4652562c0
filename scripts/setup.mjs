// Makes a checkout ready to run: installs packages and builds, but only what is missing or stale. Uses nothing but Node.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

const nodeMajorMin = 20;

/** Installs and builds as needed; ends the process with a clear line when that fails. */
export function setUp() {
  requireNode();
  installPackages();
  build();
}

function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < nodeMajorMin) fail(`Ringbridge needs Node ${nodeMajorMin} or later; this is ${process.versions.node}.`);
}

function installPackages() {
  const stamp = join(projectFolder, 'node_modules', '.ringbridge-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(projectFolder, 'package.json')))
    .update(readFileSync(join(projectFolder, 'package-lock.json')))
    .update(process.versions.modules)
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing packages (once; about half a minute) ...');
  const hadOpus = opusProblem() === undefined;
  // No package that must be there needs an install script, so none is run.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  // What somebody has built is not lost by an update.
  const problem = hadOpus ? buildOpus() : undefined;
  if (problem !== undefined) say(`there is no Opus any more: ${problem}.`);
  writeFileSync(stamp, wanted);
}

/**
 * Compiles the optional codec, from source even where a binary could be had. Returns why callers will have no Opus, or
 * undefined when they will.
 */
export function buildOpus() {
  say('building Opus (a minute or more) ...');
  const env = { ...process.env, npm_config_build_from_source: 'true' };
  // Its many lines are shown when it fails; npm warns of the variable, which is not its own.
  const { status } = spawn('npm', ['rebuild', opusPackage, '--loglevel=error'], { env });
  return status === 0 ? opusProblem() : 'it could not be compiled; that takes make, a C++ compiler and Python';
}

const opusPackage = '@discordjs/opus';

/** In a process of its own: a module that is not there now is remembered as missing. */
function opusProblem() {
  const script = `new (require('${opusPackage}').OpusEncoder)(24000, 1).encode(Buffer.alloc(960))`;
  const { status } = spawnSync(process.execPath, ['-e', script], { cwd: projectFolder, stdio: 'ignore' });
  return status === 0 ? undefined : 'it cannot be loaded';
}

function build() {
  const built = join(projectFolder, 'dist', '.built');
  const sources = newestChange(join(projectFolder, 'src'));
  const settings = Math.max(
    ...['tsconfig.json', 'tsconfig.build.json'].map((name) => changeOf(join(projectFolder, name))),
  );
  if (existsSync(built) && changeOf(built) > Math.max(sources, settings)) return;
  say('building ...');
  run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']);
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, '');
}

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(path) : changeOf(path));
  }
  return newest;
}

function changeOf(path) {
  return statSync(path).mtimeMs;
}

function spawn(command, args, options = {}) {
  const onWindows = process.platform === 'win32' && command === 'npm';
  const stdio = ['ignore', 'inherit', 'inherit'];
  return spawnSync(command, args, { cwd: projectFolder, stdio, shell: onWindows, ...options });
}

function run(command, args) {
  const { status, error } = spawn(command, args);
  if (error !== undefined) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(' ')} failed.`);
}

export function say(line) {
  process.stderr.write(`ringbridge: ${line}\n`);
}

export function fail(line) {
  say(line);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
