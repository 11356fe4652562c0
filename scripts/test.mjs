// `npm test`: sets up what is missing (on Debian as root also the real peers), then runs every suite and states the counts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder, say, setUp } from './setup.mjs';

/** The peers that we did not write: command, Debian package, what is not tested without it. */
const peers = [
  { command: 'sipp', debianPackage: 'sip-tester', suites: 'calls by sipp' },
  { command: 'baresip', debianPackage: 'baresip-core', suites: 'calls by baresip' },
  { command: 'tshark', debianPackage: 'tshark', suites: 'captures read by tshark' },
];

setUp();
installPeers();
runJest();

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

function runJest() {
  const jest = join(projectFolder, 'node_modules', 'jest', 'bin', 'jest.js');
  const { status } = spawnSync(process.execPath, [jest, ...process.argv.slice(2)], {
    cwd: projectFolder,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}
