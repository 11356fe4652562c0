// Runs drachtio-srf's own test suite against the embedded SIP server, without docker and without privileges: all of
// 127/8 is loopback on Linux, so every container of the suite's network becomes an address 127.29.0.x.
//
//   node scripts/srf-suite.mjs [file ...]        (default: all files; needs sipp; takes a minute and a half)
//
// One file's promise chain swallows failures, so that later assertions may be left out without a word. What counts is
// therefore the list of assertions that passed: it must be that of test/fixtures/srf-suite.txt. The suite's own tools
// (tape, config) are installed once, into .cache. Ends with 0 when all is well, with 2 when sipp is missing.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { projectFolder, setUp } from './setup.mjs';

const require = createRequire(import.meta.url);
const { parse } = require('yaml');
/** Another build than that of this checkout. */
const otherBuild = process.env.RINGBRIDGE_DIST;
const built = otherBuild ?? path.join(projectFolder, 'dist');
const expectedFile = path.join(projectFolder, 'test', 'fixtures', 'srf-suite.txt');
/** Files of one row run one after another, rows at once: the second waits for time-outs most of the time. */
const fileRows = [
  ['b2b', 'reinvite-tests', 'uac', 'proxy'],
  ['uas', 'utils', 'refer'],
];
const fileLimitMs = 180_000;
const folder = mkdtempSync(path.join(tmpdir(), 'srf-suite-'));
const children = [];
const servers = [];
let exitCode = 1;

try {
  if (spawnSync('sipp', ['-v']).error === undefined) exitCode = await runSuite();
  else exitCode = sayThatSippIsMissing();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(servers.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(exitCode);

function sayThatSippIsMissing() {
  console.log('skipped: sipp is not installed');
  return 2;
}

async function runSuite() {
  if (otherBuild === undefined) setUp();
  const tools = installTools();
  const named = process.argv.slice(2);
  const rows = named.length > 0 ? [named] : fileRows;
  const files = rows.flat();
  const passed = [];
  const problems = [];
  const runRow = async (row, index) => {
    const testbed = prepareTestbed(index, tools);
    await startTestbed(testbed);
    for (const file of row) {
      const result = await runFile(file, testbed);
      passed.push(...result.passed);
      problems.push(...result.problems);
    }
  };
  await Promise.all(rows.map(runRow));
  const expected = readFileSync(expectedFile, 'utf8')
    .split('\n')
    .filter((line) => files.some((file) => line.startsWith(`${file}: `)));
  problems.push(...without(expected, passed).map((name) => `missing: ${name}`));
  problems.push(...without(passed, expected).map((name) => `not in the list: ${name}`));
  console.log(`\n${expected.length - without(expected, passed).length} of ${expected.length} assertions passed`);
  for (const problem of problems) console.log(`  ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

/** What is in the first list and not, or not as often, in the second. */
function without(names, others) {
  const left = [...others];
  return names.filter((name) => {
    const at = left.indexOf(name);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** The folder with the test runner that the suite is written for, in the versions it asks for. */
function installTools() {
  const { devDependencies } = JSON.parse(readFileSync(require.resolve('drachtio-srf/package.json'), 'utf8'));
  const wanted = ['tape', 'config'].map((name) => `${name}@${devDependencies[name]}`);
  const home = path.join(projectFolder, '.cache', 'srf-suite', wanted.join('_').replace(/[^a-z0-9@._-]/gi, ''));
  const done = path.join(home, 'done');
  if (!existsSync(done)) {
    mkdirSync(home, { recursive: true });
    writeFileSync(path.join(home, 'package.json'), '{}');
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    const { status, stderr } = spawnSync('npm', ['install', ...options, ...wanted], { cwd: home });
    if (status !== 0) throw new Error(`the suite's tools could not be installed: ${stderr}`);
    writeFileSync(done, '');
  }
  return path.join(home, 'node_modules');
}

/**
 * A copy of the package with addresses and ports of its own on loopback, three scenarios in well-formed XML, and commands
 * that stand for docker.
 */
function prepareTestbed(index, tools) {
  const home = path.join(folder, String(index));
  const suite = path.join(home, 'suite');
  const shims = path.join(home, 'shims');
  const network = `127.${29 + index}.0.`;
  const adminPorts = { 'drachtio-sut': 9061 + 10 * index, 'drachtio-uas': 9062 + 10 * index };
  const testbed = { home, suite, shims, network, adminPorts, tools, mediaPort: 10_000 + 4_000 * index };
  cpSync(path.dirname(require.resolve('drachtio-srf/package.json')), suite, { recursive: true });
  for (const file of textFiles(path.join(suite, 'test'))) {
    const text = readFileSync(file, 'utf8')
      .replaceAll('172.29.0.', network)
      .replaceAll('regexp="<sip:(.*)>"', 'regexp="&lt;sip:(.*)&gt;"');
    writeFileSync(file, text);
  }
  mkdirSync(shims);
  const dockerShim = path.join(home, 'docker.cjs');
  writeShim(shims, 'docker-compose', 'exit 0');
  writeShim(shims, 'docker', `exec "${process.execPath}" "${dockerShim}" "$@"`);
  writeFileSync(dockerShim, dockerShimOf(testbed));
  return testbed;
}

/** Where the containers live that a test starts by name; callers get an address each. */
function namedAddressOf({ network }) {
  return `${network}3`;
}

function textFiles(from) {
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|xml|yaml)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

function writeShim(shims, name, body) {
  writeFileSync(path.join(shims, name), `#!/bin/sh\n${body}\n`);
  chmodSync(path.join(shims, name), 0o755);
}

/** `docker run ... drachtio/sipp sipp ARGS` becomes `sipp ARGS` at an address of its own. */
function dockerShimOf({ suite, network }) {
  return `
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
const named = args.includes('--name');
const sippArgs = args.slice(args.indexOf('sipp') + 1)
  .map((arg) => arg.replace('/tmp/scenarios', ${JSON.stringify(path.join(suite, 'test', 'scenarios'))}))
  .map((arg) => (arg === 'drachtio-sut' ? '${network}10' : arg));
const callerNetwork = '${network.replace(/0\.$/, '')}' + (1 + ((process.pid >> 8) % 200)) + '.';
const address = named ? '${namedAddressOf({ network })}' : callerNetwork + (process.pid % 250 + 1);
const mediaPort = 20000 + (process.pid % 10000) * 2;
const child = spawn('sipp', [...sippArgs, '-i', address, '-mp', String(mediaPort), ...(named ? ['-p', '5060'] : [])],
  { stdio: 'inherit', env: { ...process.env, TERM: 'xterm' } });
child.on('close', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => child.kill());
`;
}

/** Both servers, and one sipp for each answering container of the suite's compose file. */
async function startTestbed(testbed) {
  const { home, suite, adminPorts } = testbed;
  const compose = parse(readFileSync(path.join(suite, 'test', 'docker-compose-testbed.yaml'), 'utf8'));
  const addresses = new Map();
  for (const [name, { networks }] of Object.entries(compose.services))
    addresses.set(name, networks.testbed.ipv4_address);
  const { startSipServer } = require(path.join(built, 'sip-server', 'server.js'));
  const { systemClock } = require(path.join(built, 'runtime', 'clock.js'));
  const { systemRandom } = require(path.join(built, 'runtime', 'random.js'));
  const { silentLogger } = require(path.join(built, 'runtime', 'logger.js'));
  const resolve = (host) => Promise.resolve([addresses.get(host) ?? namedAddressOf(testbed)]);
  for (const [name, port] of Object.entries(adminPorts)) {
    const address = addresses.get(name);
    servers.push(
      await startSipServer({
        listen: [
          { transport: 'udp', address, port: 5060 },
          { transport: 'tcp', address, port: 5060 },
        ],
        admin: { address: '127.0.0.1', port },
        secret: 'cymru',
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        resolve,
      }),
    );
  }
  let { mediaPort } = testbed;
  for (const [name, { command }] of Object.entries(compose.services)) {
    const scenario = /-sf \/tmp\/(\S+)/.exec(command)?.[1];
    if (scenario === undefined) continue;
    mediaPort += 10;
    const args = ['-sf', path.join(suite, 'test', 'scenarios', scenario), '-i', addresses.get(name), '-p', '5060'];
    const options = { stdio: 'ignore', cwd: home, env: { ...process.env, TERM: 'xterm' } };
    children.push(spawn('sipp', [...args, '-mp', String(mediaPort), '-nostdin'], options));
  }
  await new Promise((done) => setTimeout(done, 1_000));
}

/** One file in a process of its own: a hanging one must not block the rest. */
async function runFile(file, { suite, shims, tools, adminPorts }) {
  const script = ['docker_start', file, 'docker_stop'].map((name) => `require('./test/${name}');`).join('');
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    NODE_CONFIG: JSON.stringify(Object.fromEntries(Object.entries(adminPorts).map(([name, port]) => [name, { port }]))),
    NODE_PATH: [tools, path.join(projectFolder, 'node_modules')].join(path.delimiter),
    PATH: `${shims}:${process.env.PATH}`,
  };
  const child = spawn(process.execPath, ['-e', script], {
    cwd: suite,
    env,
    timeout: fileLimitMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((done) => child.on('close', done));
  const lines = output.split('\n').filter((line) => !/docker is up/.test(line));
  const named = (start) =>
    lines.filter((line) => start.test(line)).map((line) => `${file}: ${line.replace(start, '')}`);
  const passed = named(/^ok \d+ /);
  const failed = named(/^not ok \d+ /);
  console.log(`${file}: ${passed.length} passed, ${failed.length} failed`);
  if (failed.length > 0 || code !== 0 || process.env.SRF_SUITE_VERBOSE) console.log(output);
  const problems = failed.map((name) => `failed: ${name}`);
  if (code !== 0) problems.push(`${file}: ended with ${code}`);
  return { passed, problems };
}
