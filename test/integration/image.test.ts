import { cpSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { buildIfStale, ServeProcess } from '../support/serve-process';

const projectFolder = resolve(__dirname, '..', '..');
const linesOf = (file: string): string[] => readFileSync(join(projectFolder, file), 'utf8').split('\n');

/** What the last stage of the Dockerfile copies, and from which stage; undefined: from the folder of the project. */
function copied(): { stage: string | undefined; sources: string[]; target: string }[] {
  const dockerfile = linesOf('Dockerfile');
  const lastStage = dockerfile.slice(dockerfile.findLastIndex((line) => line.startsWith('FROM ')));
  return lastStage.flatMap((line) => {
    const [, stage, paths] = /^COPY (?:--from=(\S+) )?(.+)$/.exec(line) ?? [];
    if (paths === undefined) return [];
    const names = paths.split(' ');
    return [{ stage, sources: names.slice(0, -1), target: names.at(-1)! }];
  });
}

/** The folder /app of the image, made of what the Dockerfile copies. The dependencies are those of this folder. */
function appFolder(): string {
  const app = mkdtempSync(join(tmpdir(), 'ringbridge-image-'));
  for (const { sources, target } of copied()) {
    for (const source of sources) {
      const from = join(projectFolder, source.replace(/^\/app\//, ''));
      const to = join(app, target === './' ? source : target);
      if (target === 'node_modules') symlinkSync(from, to);
      else cpSync(from, to, { recursive: true });
    }
  }
  return app;
}

test('Ringbridge starts with the files that are in the image, and no others', async () => {
  buildIfStale();
  const app = appFolder();
  const served = await ServeProcess.startIn(app, { OPENAI_API_KEY: 'sk-test' }, join(app, 'bin', 'ringbridge.js'));
  try {
    expect(await served.status('/ready')).toBe(200);
    expect(served.log).toContainEqual(expect.objectContaining({ msg: 'the dialplans were loaded', agents: 1 }));
  } finally {
    await served.close();
  }
});

test('.dockerignore lets through what the Dockerfile copies', () => {
  const allowed = linesOf('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  const fromContext = copied().flatMap(({ stage, sources }) => (stage === undefined ? sources : []));
  expect(fromContext).toContain('prices.json');
  expect(fromContext.filter((source) => !allowed.includes(source))).toEqual([]);
});
