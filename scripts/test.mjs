// `npm test`: sets up what is missing (on Debian as root also the real peers), then runs every suite; the last line states
// the counts. What follows `npm test --` goes to jest as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { projectFolder, say, setUp } from './setup.mjs';

/** The peers that we did not write: command, Debian package, what is not tested without it. */
const peers = [
  { command: 'sipp', debianPackage: 'sip-tester', suites: 'calls by sipp' },
  { command: 'baresip', debianPackage: 'baresip-core', suites: 'calls by baresip' },
  { command: 'tshark', debianPackage: 'tshark', suites: 'captures read by tshark' },
];

const integration = 'test/integration';
/** That many tests of real time may need a second try (test/support/second-try.ts); more are a fault, of whomever. */
const secondTriesMax = 3;

setUp();
installPeers();
runSuites();

function installPeers() {
  const missing = peers.filter((peer) => !isInstalled(peer.command));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version') && isInstalled('apt-get')) {
    const packages = missing.map((peer) => peer.debianPackage);
    say(`installing ${packages.join(', ')} for the integration suites ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { stdio: 'ignore', env });
  }
  for (const peer of missing) {
    if (!isInstalled(peer.command))
      say(`skipping ${peer.suites}: ${peer.command} is not installed (${peer.debianPackage})`);
  }
}

function isInstalled(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, command)));
}

/** Real-time suites run by themselves, one after another: a busy machine would be heard in their audio. */
function runSuites() {
  const named = process.argv.slice(2);
  const stages =
    named.length > 0
      ? [named]
      : [
          ['--testPathIgnorePatterns', integration],
          ['-w', '1', integration],
        ];
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-test-'));
  const counts = { passed: 0, failed: 0, skipped: 0, secondTries: [] };
  for (const [index, args] of stages.entries()) runJest(args, join(folder, `${index}.json`), counts);
  rmSync(folder, { recursive: true });
  for (const name of counts.secondTries) say(`passed only when tried again: ${name}`);
  if (counts.secondTries.length > secondTriesMax) {
    say(
      `${counts.secondTries.length} tests needed a second try: more than ${secondTriesMax}, which counts as a failure`,
    );
    counts.failed += 1;
  }
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exit(counts.failed === 0 ? 0 : 1);
}

function runJest(args, outputFile, counts) {
  const jest = join(projectFolder, 'node_modules', 'jest', 'bin', 'jest.js');
  const json = ['--json', `--outputFile=${outputFile}`];
  // jest prints the JSON on standard output as well; what is for people goes to standard error.
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status } = spawnSync(process.execPath, [jest, ...args, ...json], { cwd: projectFolder, stdio });
  const results = existsSync(outputFile) ? JSON.parse(readFileSync(outputFile, 'utf8')) : undefined;
  if (results === undefined) {
    say(`jest did not finish (${status ?? 'killed'})`);
    counts.failed += 1;
    return;
  }
  counts.passed += results.numPassedTests;
  // A file that could not even start, or that left something open, counts as a failure too.
  const failedFiles = results.testResults.filter((file) => file.status === 'failed');
  counts.failed += Math.max(results.numFailedTests, failedFiles.length);
  for (const { assertionResults } of results.testResults) {
    for (const { status, invocations, fullName } of assertionResults) {
      if (status === 'passed' && invocations > 1) counts.secondTries.push(fullName);
    }
  }
  counts.skipped += results.numPendingTests + results.numTodoTests;
}
