import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { settingDefinitions } from '../../src/config/setting-definitions';
import { loadSettings } from '../../src/config/settings';
import { describeWith } from '../support/installed';

const folder = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

interface Service {
  image: string;
  environment: Record<string, string>;
}

const text = read('docker-compose.yml');
const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
const ringbridge = services.ringbridge!.environment;

/** What an admin fills in. */
const filledIn: Record<string, string> = {
  HOST_ADDRESS: '192.0.2.10',
  PUBLIC_ADDRESS: '198.51.100.10',
  DRACHTIO_SECRET: '3b1f2c',
  FREESWITCH_SECRET: '9d8e7f',
  OPENAI_API_KEY: 'sk-example',
  MAX_CALLS: '50',
};

const withValues = (value: string): string =>
  value.replace(/\$\{([A-Z_]+)[^}]*\}/g, (_all, name: string) => filledIn[name]!);

test('each variable that Ringbridge gets is one of its settings', () => {
  const settings = Object.values(settingDefinitions).map(({ env }) => env);
  expect(Object.keys(ringbridge).filter((name) => !settings.includes(name))).toEqual([]);
});

test('the settings are accepted once the example is filled in', () => {
  const env = Object.fromEntries(Object.entries(ringbridge).map(([name, value]) => [name, withValues(value)]));
  const settings = loadSettings(env);
  expect(settings.drachtio).toEqual([{ host: '127.0.0.1', port: 9_022, tls: false }]);
  expect(settings.maxCalls).toBe(50);
});

test('.env.example names exactly the variables that the file takes', () => {
  const used = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name));
  const named = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual([...used].sort());
});

test('no secret has a default, in the file or in the example', () => {
  for (const name of ['DRACHTIO_SECRET', 'FREESWITCH_SECRET', 'OPENAI_API_KEY']) {
    expect(text).toContain(`\${${name}:?`);
    expect(text).not.toContain(`\${${name}:-`);
    expect(read('.env.example')).toMatch(new RegExp(`^${name}=$`, 'm'));
  }
  expect(text).not.toMatch(/cymru|ClueCon|JambonzR0ck/);
});

test('images are pinned to a release', () => {
  for (const { image } of Object.values(services)) expect(image).toMatch(/:\d+\.\d+\.\d+$/);
});

test("FreeSWITCH sends a call's audio only where its SDP says, and its event socket is for this machine", () => {
  expect(read('deploy/freeswitch/mrf.xml')).toContain('<param name="disable-rtp-auto-adjust" value="true"/>');
  const eventSocket = read('deploy/freeswitch/event_socket.conf.xml');
  expect(eventSocket).toContain('<param name="listen-ip" value="127.0.0.1"/>');
  expect(eventSocket).toContain('<param name="password" value="$${esl_password}"/>');
});

test('no channel of FreeSWITCH ends because its caller is silent, or loses a packet to a marker bit', () => {
  const profile = read('deploy/freeswitch/mrf.xml');
  expect(profile).not.toContain('timeout-sec');
  expect(profile).toContain('<param name="manual-rtp-bugs" value="IGNORE_MARK_BIT"/>');
});

test('the profile of the documentation says nothing that the one of the first cluster does not', () => {
  const params = (text: string): string[] => {
    return [...text.matchAll(/<param name="([^"]+)" value="([^"$]+)"/g)].map(([, name, value]) => `${name}=${value}`);
  };
  const documented =
    /<profile name="drachtio_mrf">[^]*?<\/profile>/.exec(read('docs/cluster-freeswitch.md'))?.[0] ?? '';
  expect(params(documented).length).toBeGreaterThan(10);
  expect(params(read('deploy/freeswitch/mrf.xml'))).toEqual(expect.arrayContaining(params(documented)));
});

test('the image runs as a user without rights, and says when it is well', () => {
  const dockerfile = read('Dockerfile');
  expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);
});

describeWith('docker-compose')('docker-compose', () => {
  const config = (env: Record<string, string>) => {
    const options = { cwd: folder, env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' } as const;
    return spawnSync('docker-compose', ['--env-file', '.env.example', '-f', 'docker-compose.yml', 'config'], options);
  };

  test('accepts the file', () => {
    const { status, stderr } = config(filledIn);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test.each(['HOST_ADDRESS', 'PUBLIC_ADDRESS', 'DRACHTIO_SECRET', 'FREESWITCH_SECRET', 'OPENAI_API_KEY'])(
    'stops without %s',
    (name) => {
      const { status, stderr } = config({ ...filledIn, [name]: '' });
      expect(status).not.toBe(0);
      expect(stderr).toContain('Missing mandatory value');
    },
  );
});
