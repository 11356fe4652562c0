// Runs drachtio-srf's own test suite against the embedded SIP server, without docker and without privileges: all of
// 127/8 is loopback on Linux, so every container of the suite's network becomes an address 127.29.0.x.
//
//   npm run build && node scripts/srf-suite.mjs [file ...]        (default: all files; needs sipp; takes two minutes)
//
// The suite needs development tools of its own (tape, config ...), which are installed into a temporary folder.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const require = createRequire(import.meta.url);
const { parse } = require('yaml');
const root = path.resolve(import.meta.dirname, '..');
const built = process.env.RINGBRIDGE_DIST ?? path.join(root, 'dist');
const allFiles = ['b2b', 'reinvite-tests', 'uac', 'uas', 'proxy', 'utils', 'refer'];
const fileLimitMs = 180_000;
/** Where the containers live that a test starts by name; callers get an address each. */
const namedAddress = '127.29.0.3';

const folder = mkdtempSync(path.join(tmpdir(), 'srf-suite-'));
const suite = path.join(folder, 'suite');
const children = [];
const servers = [];
let exitCode = 0;

try {
  prepareSuite();
  const addresses = await startTestbed();
  const totals = { passed: 0, failed: [] };
  for (const file of process.argv.length > 2 ? process.argv.slice(2) : allFiles) await runFile(file, totals);
  console.log(
    `\n${totals.passed} of ${totals.passed + totals.failed.length} assertions passed; ${addresses.size} peers`,
  );
  for (const failure of totals.failed) console.log(`  ${failure}`);
  exitCode = totals.failed.length === 0 ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(servers.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(exitCode);

/** A copy of the package with its development tools, addresses on loopback, and three scenarios in well-formed XML. */
function prepareSuite() {
  cpSync(path.dirname(require.resolve('drachtio-srf/package.json')), suite, { recursive: true });
  const { devDependencies } = JSON.parse(readFileSync(path.join(suite, 'package.json'), 'utf8'));
  const wanted = ['tape', 'config'].map((name) => `${name}@${devDependencies[name]}`);
  const install = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', ...wanted], { cwd: suite });
  if (install.status !== 0) throw new Error(`npm install failed: ${install.stderr}`);
  for (const file of textFiles(path.join(suite, 'test'))) {
    const text = readFileSync(file, 'utf8')
      .replaceAll('172.29.0.', '127.29.0.')
      .replaceAll('regexp="<sip:(.*)>"', 'regexp="&lt;sip:(.*)&gt;"');
    writeFileSync(file, text);
  }
  writeShim('docker-compose', 'exit 0');
  writeShim('docker', `exec "${process.execPath}" "${path.join(folder, 'docker.cjs')}" "$@"`);
  writeFileSync(path.join(folder, 'docker.cjs'), dockerShim());
}

function textFiles(from) {
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|xml|yaml)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

function writeShim(name, body) {
  const shims = path.join(folder, 'shims');
  mkdirSync(shims, { recursive: true });
  writeFileSync(path.join(shims, name), `#!/bin/sh\n${body}\n`);
  chmodSync(path.join(shims, name), 0o755);
}

/** `docker run ... drachtio/sipp sipp ARGS` becomes `sipp ARGS` at an address of its own. */
function dockerShim() {
  return `
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
const named = args.includes('--name');
const sippArgs = args.slice(args.indexOf('sipp') + 1)
  .map((arg) => arg.replace('/tmp/scenarios', ${JSON.stringify(path.join(suite, 'test', 'scenarios'))}))
  .map((arg) => (arg === 'drachtio-sut' ? '127.29.0.10' : arg));
const address = named ? '${namedAddress}' : '127.29.' + (1 + ((process.pid >> 8) % 200)) + '.' + (process.pid % 250 + 1);
const mediaPort = 20000 + (process.pid % 10000) * 2;
const child = spawn('sipp', [...sippArgs, '-i', address, '-mp', String(mediaPort), ...(named ? ['-p', '5060'] : [])],
  { stdio: 'inherit', env: { ...process.env, TERM: 'xterm' } });
child.on('close', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => child.kill());
`;
}

/** Both servers, and one sipp for each answering container of the suite's compose file. */
async function startTestbed() {
  const compose = parse(readFileSync(path.join(suite, 'test', 'docker-compose-testbed.yaml'), 'utf8'));
  const addresses = new Map();
  for (const [name, { networks }] of Object.entries(compose.services))
    addresses.set(name, networks.testbed.ipv4_address);
  const { startSipServer } = require(path.join(built, 'sip-server', 'server.js'));
  const { systemClock } = require(path.join(built, 'runtime', 'clock.js'));
  const { systemRandom } = require(path.join(built, 'runtime', 'random.js'));
  const { silentLogger } = require(path.join(built, 'runtime', 'logger.js'));
  const resolve = (host) => Promise.resolve([addresses.get(host) ?? namedAddress]);
  for (const [name, port] of [
    ['drachtio-sut', 9061],
    ['drachtio-uas', 9062],
  ]) {
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
  let mediaPort = 10_000;
  for (const [name, { command }] of Object.entries(compose.services)) {
    const scenario = /-sf \/tmp\/(\S+)/.exec(command)?.[1];
    if (scenario === undefined) continue;
    mediaPort += 10;
    const args = ['-sf', path.join(suite, 'test', 'scenarios', scenario), '-i', addresses.get(name), '-p', '5060'];
    const options = { stdio: 'ignore', cwd: folder, env: { ...process.env, TERM: 'xterm' } };
    children.push(spawn('sipp', [...args, '-mp', String(mediaPort), '-nostdin'], options));
  }
  await new Promise((done) => setTimeout(done, 1_000));
  return addresses;
}

/** One file in a process of its own: a hanging one must not block the rest. */
async function runFile(file, totals) {
  const script = ['docker_start', file, 'docker_stop'].map((name) => `require('./test/${name}');`).join('');
  const env = { ...process.env, NODE_ENV: 'test', PATH: `${path.join(folder, 'shims')}:${process.env.PATH}` };
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
  const passed = lines.filter((line) => /^ok \d/.test(line));
  const failed = lines.filter((line) => /^not ok \d/.test(line));
  totals.passed += passed.length;
  totals.failed.push(...failed.map((line) => `${file}: ${line}`));
  if (code !== 0 && failed.length === 0) totals.failed.push(`${file}: ended with ${code}`);
  console.log(`${file}: ${passed.length} passed, ${failed.length} failed`);
  if (failed.length > 0 || code !== 0 || process.env.SRF_SUITE_VERBOSE) console.log(output);
}
